"""An acoustic fingerprint that survives gain, re-encoding and a trimmed start (after Haitsma and Kalker, ISMIR 2002).

The log energy E of 33 bands is taken every 32 ms over windows of a quarter of a second. Each frame has 32 bits, the
signs of

    F(t, m) = [E(t, m) − E(t, m+1)] − [E(t−Δ, m) − E(t−Δ, m+1)]                     (1)

which do not depend on gain or a fixed equaliser. Two recordings are compared at every shift of at most `max_shift`
frames by the share of bits that agree, 0.5 for strangers; likely pairs come from an index of 16-bit words, so that not
all pairs are compared.

Shape suffixes: T frames, M bands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from padstal.manifest import ClipAudio

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

WORD_BITS = 16
MAX_NEIGHBOURS = 400
"""Entries of one word, within the largest shift, that an entry is compared with."""
MIN_VOTES = 3
MIN_OVERLAP_SECONDS = 3.0


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint of one recording.

    Attributes:
        bits_TM: Signs of (1), bool [T, 32].
        valid_T: False at frames too quiet, or of which no clip holds the sound.
    """

    bits_TM: np.ndarray
    valid_T: np.ndarray


@dataclass(frozen=True)
class Match:
    """Two recordings (positions in the list given) and the share of agreeing bits at their best shift."""

    first: int
    second: int
    similarity: float


def fingerprint(audio_S: np.ndarray, sample_rate: int, heard_S: np.ndarray | None = None) -> Fingerprint:
    """Fingerprint of mono audio.

    Args:
        audio_S: Samples in [−1, 1].
        sample_rate: Hz.
        heard_S: False where the samples are unknown; `None` if all are known.
    """
    hop, window = round(HOP_SECONDS * sample_rate), round(WINDOW_SECONDS * sample_rate)
    if len(audio_S) < window + hop * LAG_FRAMES:
        return Fingerprint(np.zeros((0, BANDS - 1), bool), np.zeros(0, bool))
    energy_TM = _band_energies(audio_S, sample_rate, hop, window)
    log_TM = np.log(energy_TM + QUIET * energy_TM.mean() + np.finfo(np.float64).tiny)
    slope_TM = log_TM[:, :-1] - log_TM[:, 1:]
    change_TM = slope_TM[LAG_FRAMES:] - slope_TM[:-LAG_FRAMES]  # (1)
    loud_T = energy_TM.sum(axis=1) > FLOOR
    if heard_S is not None:
        known_TW = np.lib.stride_tricks.sliding_window_view(heard_S, window)[::hop]
        loud_T &= known_TW.all(axis=1)
    return Fingerprint(change_TM > 0, loud_T[LAG_FRAMES:] & loud_T[:-LAG_FRAMES])


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


def similarity(a: Fingerprint, b: Fingerprint, *, max_shift_seconds: float) -> float:
    """Largest share of agreeing bits over shifts of at most `max_shift_seconds`; 0 where too little overlaps."""
    best = 0.0
    for shift in range(-_frames(max_shift_seconds), _frames(max_shift_seconds) + 1):
        length = min(len(a.valid_T) - max(shift, 0), len(b.valid_T) - max(-shift, 0))
        if length < _frames(MIN_OVERLAP_SECONDS):
            continue
        of_a, of_b = slice(max(shift, 0), max(shift, 0) + length), slice(max(-shift, 0), max(-shift, 0) + length)
        both_T = a.valid_T[of_a] & b.valid_T[of_b]
        if both_T.sum() >= _frames(MIN_OVERLAP_SECONDS):
            agree_TM = a.bits_TM[of_a] == b.bits_TM[of_b]
            best = max(best, float(agree_TM[both_T].mean()))
    return best


def candidates(fingerprints: list[Fingerprint], *, max_shift_seconds: float) -> list[tuple[int, int]]:
    """Pairs (i < j) that share at least `MIN_VOTES` words at one shift; sorted.

    The index holds a word (half of a frame's bits) with recording and frame, sorted by word and frame. Each entry is
    compared with the next ones of its word that lie within the largest shift, at most `MAX_NEIGHBOURS`; a word that
    more share says too little.
    """
    word, owner, frame = _entries(fingerprints)
    order = np.lexsort((owner, frame, word))
    word, owner, frame = word[order], owner[order], frame[order]
    reach = _frames(max_shift_seconds)
    shifts, count = 2 * reach + 1, len(fingerprints)
    votes: list[np.ndarray] = []
    entry = np.arange(len(word))
    for distance in range(1, MAX_NEIGHBOURS + 1):
        entry = entry[entry + distance < len(word)]
        other = entry + distance
        near = (word[other] == word[entry]) & (frame[other] - frame[entry] <= reach)
        entry, other = entry[near], other[near]
        if not len(entry):
            break
        first, second = np.minimum(owner[entry], owner[other]), np.maximum(owner[entry], owner[other])
        shift = (frame[entry] - frame[other]) * np.where(owner[entry] == first, 1, -1) + reach
        votes.append(((first * count + second) * shifts + shift)[first != second])
    if not votes:
        return []
    ballot, cast = np.unique(np.concatenate(votes), return_counts=True)
    pairs = np.unique(ballot[cast >= MIN_VOTES] // shifts)
    return [(int(pair) // count, int(pair) % count) for pair in pairs]


def matches(
    fingerprints: list[Fingerprint],
    *,
    least: float,
    max_shift_seconds: float,
    progress: Callable[[Iterable[tuple[int, int]]], Iterable[tuple[int, int]]] | None = None,
) -> list[Match]:
    """All candidate pairs whose similarity is at least `least`."""
    pairs: Iterable[tuple[int, int]] = candidates(fingerprints, max_shift_seconds=max_shift_seconds)
    found = []
    for i, j in progress(pairs) if progress else pairs:
        share = similarity(fingerprints[i], fingerprints[j], max_shift_seconds=max_shift_seconds)
        if share >= least:
            found.append(Match(i, j, share))
    return found


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
        spectrum = np.fft.rfft(frames_TW[start : start + 256] * taper_W, axis=1)[:, low:high]
        power = (spectrum.real**2 + spectrum.imag**2) / window**2
        energies.append(np.add.reduceat(power, bin_edges[:-1] - low, axis=1) / np.diff(bin_edges))
    return np.concatenate(energies)


def _entries(fingerprints: list[Fingerprint]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, their recordings and frames, of all valid frames."""
    weights = 1 << np.arange(WORD_BITS)
    none = np.zeros(0, dtype=np.int64)
    words, owners, frames = [none], [none], [none]
    for number, recording in enumerate(fingerprints):
        at = np.flatnonzero(recording.valid_T)
        for half in range((BANDS - 1) // WORD_BITS):
            bits = recording.bits_TM[at, half * WORD_BITS : (half + 1) * WORD_BITS]
            words.append((bits @ weights) + (half << WORD_BITS))
            owners.append(np.full(len(at), number))
            frames.append(at)
    return np.concatenate(words), np.concatenate(owners), np.concatenate(frames)


def _frames(seconds: float) -> int:
    return round(seconds / HOP_SECONDS)
