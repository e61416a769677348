"""An acoustic fingerprint that survives gain, re-encoding and a trimmed start (after Haitsma and Kalker, ISMIR 2002).

The log energy E of 33 bands is taken every 32 ms over windows of a quarter of a second. Each frame has 32 bits, the
signs of

    F(t, m) = [E(t, m) − E(t, m+1)] − [E(t−Δ, m) − E(t−Δ, m+1)]                     (1)

which do not depend on gain or a fixed equaliser. `matching` compares fingerprints and finds the pairs worth comparing.

Shape suffixes: T frames, M bands.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.fft import rfft

from padstal.core.data.manifest import ClipAudio

HOP_SECONDS = 0.032
WINDOW_SECONDS = 0.256
BANDS = 33
LOWEST_HERTZ, HIGHEST_HERTZ = 150.0, 3_500.0
LAG_FRAMES = 3
"""Δ of (1)."""
FLOOR = 1e-9
"""Energy of the least sound that counts, relative to full scale; quieter frames have no fingerprint."""
QUIET = 1e-4
"""Energy, relative to the recording's mean, below which bands count as equal; coding noise lives there."""


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint of one recording.

    Attributes:
        code_T: Signs of (1), bit m of the lowest bands first, uint32 [T].
        valid_T: False at frames too quiet, or of which no clip holds the sound.
    """

    code_T: np.ndarray
    valid_T: np.ndarray


def fingerprint(audio_S: np.ndarray, sample_rate: int, heard_S: np.ndarray | None = None) -> Fingerprint:
    """Fingerprint of mono audio.

    Args:
        audio_S: Samples in [−1, 1].
        sample_rate: Hz.
        heard_S: False where the samples are unknown; `None` if all are known.
    """
    hop, window = round(HOP_SECONDS * sample_rate), round(WINDOW_SECONDS * sample_rate)
    if len(audio_S) < window + hop * LAG_FRAMES:
        return Fingerprint(np.zeros(0, np.uint32), np.zeros(0, bool))
    energy_TM = _band_energies(audio_S, sample_rate, hop, window)
    log_TM = np.log(energy_TM + QUIET * energy_TM.mean() + np.finfo(np.float64).tiny)
    slope_TM = log_TM[:, :-1] - log_TM[:, 1:]
    change_TM = slope_TM[LAG_FRAMES:] - slope_TM[:-LAG_FRAMES]  # (1)
    loud_T = energy_TM.sum(axis=1) > FLOOR
    if heard_S is not None:
        known_TW = np.lib.stride_tricks.sliding_window_view(heard_S, window)[::hop]
        loud_T &= known_TW.all(axis=1)
    code_T = np.packbits(change_TM > 0, axis=1, bitorder="little").view("<u4")[:, 0]
    return Fingerprint(code_T, loud_T[LAG_FRAMES:] & loud_T[:-LAG_FRAMES])


def track_fingerprint(audio: ClipAudio, clips: pd.DataFrame, sample_rate: int) -> Fingerprint:
    """Fingerprint of a track, put together again from its clips (manifest rows); gaps between them stay unknown."""
    starts = (clips["offset_seconds"].to_numpy() * sample_rate).round().astype(int)
    mono_BS = audio.mono_BS(clips)
    audio_S = np.zeros(starts.max() + mono_BS.shape[1], dtype=np.float32)
    heard_S = np.zeros(len(audio_S), dtype=bool)
    for start, clip_S in zip(starts, mono_BS, strict=True):
        audio_S[start : start + len(clip_S)] = clip_S
        heard_S[start : start + len(clip_S)] = True
    return fingerprint(audio_S, sample_rate, heard_S)


def _band_energies(audio_S: np.ndarray, sample_rate: int, hop: int, window: int) -> np.ndarray:
    """Mean energy [T, M] in bands of equal width in log frequency."""
    frames_TW = np.lib.stride_tricks.sliding_window_view(audio_S.astype(np.float32), window)[::hop]
    taper_W = np.hanning(window).astype(np.float32)
    frequency_K = np.fft.rfftfreq(window, 1 / sample_rate)
    edges = np.geomspace(LOWEST_HERTZ, min(HIGHEST_HERTZ, 0.45 * sample_rate), BANDS + 1)
    bin_edges = np.searchsorted(frequency_K, edges)
    bin_edges = np.maximum.accumulate(np.maximum(bin_edges, bin_edges[0] + np.arange(BANDS + 1)))
    low, high = int(bin_edges[0]), int(bin_edges[-1])
    energies = []
    for start in range(0, len(frames_TW), 256):
        spectrum = rfft(frames_TW[start : start + 256] * taper_W, axis=1)[:, low:high]  # single precision
        power = (spectrum.real**2 + spectrum.imag**2) / window**2
        energies.append(np.add.reduceat(power, bin_edges[:-1] - low, axis=1, dtype=np.float64) / np.diff(bin_edges))
    return np.concatenate(energies)
