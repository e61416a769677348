"""Quality without a model: how far up a sound's spectrum reaches, how loud its floor is, how far its peaks stand out.

p-MOS is learnt, and a generator may please it without sounding better. What the composer plants moves these: a band
limit the bandwidth, noise the floor, clipping the crest factor. None is good or bad by itself: a soft pad has little
above 4 kHz and no peaks.

Shape suffixes: B clips, S samples, N frames, P samples of a frame, F frequencies, M measures.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from padstal.ingest.bandwidth import bandwidth, every_of, stretches, window

if TYPE_CHECKING:
    from padstal.evaluation.judged import Judged

MEASURES = ("bandwidth", "noise_floor", "crest_factor")
FRAME_SECONDS = 0.064
MOST_FRAMES = 256
"""Of a clip, evenly spread over it, half of each also in the next where none is left out."""
QUIET, LOW_BINS = 0.1, 0.25
"""The share of frames that a frequency's floor lies above, and that of frequencies that the clip's floor does."""
LEAST = 1e-12
"""Power of the mean below which nothing is told apart: −120 dB."""


def measure(audio_BS: np.ndarray, sample_rate: int) -> np.ndarray:
    """`MEASURES` [B, M] of mono float32 audio: kHz, dB, dB."""
    return np.array([_measures(audio_S, sample_rate) for audio_S in audio_BS], dtype=np.float32)


def _measures(audio_S: np.ndarray, sample_rate: int) -> tuple[float, float, float]:
    parts_NP = stretches(audio_S[:, None])[..., 0]
    reach = bandwidth(parts_NP * window(parts_NP.shape[1]), sample_rate)
    return reach / 1000, noise_floor(audio_S, sample_rate), crest_factor(audio_S)


def noise_floor(audio_S: np.ndarray, sample_rate: int) -> float:
    """Power (dB, of the mean over frequencies) that is always there between the partials; −120 for silence.

    Of each frequency below a quarter of the rate, the power that 90 % of its frames exceed; of those, the one that 75 %
    of the frequencies exceed. White noise alone has about −10 dB.
    """
    from scipy.fft import rfft

    points = min(round(FRAME_SECONDS * sample_rate), len(audio_S))
    frames_NP = np.lib.stride_tricks.sliding_window_view(audio_S, points)[:: max(points // 2, 1)]
    chosen_NP = frames_NP[:: every_of(len(frames_NP), MOST_FRAMES)] * window(points)
    power_NF = np.square(np.abs(rfft(chosen_NP, axis=1)))
    mean = float(power_NF.mean())
    always_F = np.quantile(power_NF[:, 1 : max(points // 4, 2)], QUIET, axis=0)
    return float(10 * np.log10(max(np.quantile(always_F, LOW_BINS) / mean, LEAST))) if mean > 0 else -120.0


def crest_factor(audio_S: np.ndarray) -> float:
    """The size that 0.1 % of the samples exceed over the root of the mean square, in dB; 0 for silence."""
    rms = float(np.sqrt(np.square(audio_S, dtype=np.float64).mean()))
    return float(20 * np.log10(np.quantile(np.abs(audio_S), 0.999) / rms)) if rms > 0 else 0.0


def _of_prompts(judged: "Judged", name: str) -> np.ndarray:
    """Mean of one of `MEASURES` [P] over each prompt's samples."""
    means_P: np.ndarray = judged.heard.signal_NM[..., MEASURES.index(name)].mean(axis=1, dtype=np.float64)
    return means_P


bandwidth_of_prompts = partial(_of_prompts, name="bandwidth")
noise_floor_of_prompts = partial(_of_prompts, name="noise_floor")
crest_factor_of_prompts = partial(_of_prompts, name="crest_factor")
