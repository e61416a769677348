"""Which fingerprints are of one recording: candidates from an index of words, then the share of bits that agree.

Two recordings are compared at every shift of at most `max_shift` frames; strangers agree on half of their bits. Only
pairs that share several words (runs of a frame's 32 bits) at one shift are compared. The more frames there are, the
longer the words, so that an entry of the index has a bounded number of chance neighbours: time grows as n log n with
the number of recordings n, not as n². The index and the votes lie on disk, sorted into parts; memory holds one part,
besides the fingerprints (5 bytes a frame, 160 a second of music).

Shape suffixes: T frames, E entries of the index, V votes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from padstal.core.progress import Progress, silent
from padstal.curation.disk_buckets import Spill
from padstal.curation.fingerprint import BANDS, HOP_SECONDS, Fingerprint

WORDS_BITS = (16, 20, 24, 28)
"""Lengths that a word may have."""
CHANCE_NEIGHBOURS = 0.5
"""Entries by chance that one entry may be compared with, before words grow; were all words equally common, that is:
words of real music have 4 times (16 bits) to 10 times (24 bits) as many."""
MAX_NEIGHBOURS = 64
"""Entries of one word, within the largest shift, that an entry is compared with; a commoner word says too little."""
PART_ENTRIES = 1_000_000
"""Entries of the index, or votes, that are held at once: 70 MB of memory, for 10⁵ recordings of 20 s as for 10⁴."""
VOTES_AN_ENTRY = 8
"""That an entry gives, about; so many parts more do the votes have."""
MIN_VOTES = 3
MIN_OVERLAP_SECONDS = 3.0
ONES = np.unpackbits(np.arange(2**16, dtype=np.uint16).view(np.uint8).reshape(-1, 2), axis=1).sum(1, dtype=np.uint8)
"""How many bits are set in each number of 16 bits."""


@dataclass(frozen=True)
class Match:
    """Two recordings (positions in the list given) and the share of agreeing bits at their best shift."""

    first: int
    second: int
    similarity: float


def similarity(a: Fingerprint, b: Fingerprint, *, max_shift_seconds: float) -> float:
    """Largest share of agreeing bits over shifts of at most `max_shift_seconds`; 0 where too little overlaps."""
    best = 0.0
    for shift in range(-_frames(max_shift_seconds), _frames(max_shift_seconds) + 1):
        length = min(len(a.valid_T) - max(shift, 0), len(b.valid_T) - max(-shift, 0))
        if length < _frames(MIN_OVERLAP_SECONDS):
            continue
        of_a, of_b = slice(max(shift, 0), max(shift, 0) + length), slice(max(-shift, 0), max(-shift, 0) + length)
        both_T = a.valid_T[of_a] & b.valid_T[of_b]
        frames = int(both_T.sum())
        if frames >= _frames(MIN_OVERLAP_SECONDS):
            differ_T = (a.code_T[of_a] ^ b.code_T[of_b])[both_T]
            differing = int(ONES[differ_T.view(np.uint16)].sum(dtype=np.int64))
            best = max(best, 1 - differing / (frames * (BANDS - 1)))
    return best


def candidates(
    fingerprints: Sequence[Fingerprint], *, max_shift_seconds: float, word_bits: int | None = None
) -> list[tuple[int, int]]:
    """Pairs (i < j) that share at least `MIN_VOTES` words at one shift; sorted.

    Args:
        fingerprints: Of all recordings.
        max_shift_seconds: Largest difference of their starts.
        word_bits: Length of a word; by default what `suitable_word_bits` says.
    """
    reach = _frames(max_shift_seconds)
    entries = sum(int(np.count_nonzero(one.valid_T)) for one in fingerprints)
    bits = word_bits or suitable_word_bits(entries, len(fingerprints), reach)
    parts = -(-entries // PART_ENTRIES)
    shifts = 2 * reach + 1
    with Spill(VOTES_AN_ENTRY * parts, 1, np.int64) as ballots:
        for low in (0, BANDS - 1 - bits):
            with Spill(parts, 3, np.uint32) as index:
                for entry_E3 in _entries(fingerprints, low, bits):
                    index.add(entry_E3[:, 0] % np.uint32(index.buckets), entry_E3)
                for part in range(index.buckets):
                    for ballot_V in _votes(*_sorted(index.read(part)), len(fingerprints), reach):
                        ballots.add(_scattered(ballot_V) % np.uint64(ballots.buckets), ballot_V[:, None])
        pairs = [_elected(ballots.read(part)[:, 0], shifts) for part in range(ballots.buckets)]
    found = np.unique(np.concatenate(pairs))
    return [(int(pair) // len(fingerprints), int(pair) % len(fingerprints)) for pair in found]


def suitable_word_bits(entries: int, recordings: int, reach: int) -> int:
    """The shortest word whose entries have few neighbours by chance within `reach` frames before and after."""
    mean_frames = entries / max(recordings, 1)
    near = entries * min(1.0, (2 * reach + 1) / max(mean_frames, 1.0))
    return next((bits for bits in WORDS_BITS if near / 2**bits <= CHANCE_NEIGHBOURS), WORDS_BITS[-1])


def matches(
    fingerprints: Sequence[Fingerprint],
    *,
    least: float,
    max_shift_seconds: float,
    progress: Progress = silent,
) -> list[Match]:
    """All candidate pairs whose similarity is at least `least`."""
    pairs: Iterable[tuple[int, int]] = candidates(fingerprints, max_shift_seconds=max_shift_seconds)
    found = []
    for i, j in progress(pairs, unit="pair"):
        share = similarity(fingerprints[i], fingerprints[j], max_shift_seconds=max_shift_seconds)
        if share >= least:
            found.append(Match(i, j, share))
    return found


def _entries(fingerprints: Sequence[Fingerprint], low: int, bits: int) -> Iterator[np.ndarray]:
    """(word, owner, frame) of every valid frame, uint32 [E, 3], some `PART_ENTRIES` at a time; the word is the `bits`
    bits from bit `low` on."""
    mask, rows, held = np.uint32(2**bits - 1), [], 0
    for owner, one in enumerate(fingerprints):
        frame_T = np.flatnonzero(one.valid_T).astype(np.uint32)
        word_T = one.code_T[frame_T] >> np.uint32(low) & mask
        rows.append(np.stack([word_T, np.full(len(word_T), owner, np.uint32), frame_T], axis=1))
        held += len(frame_T)
        if held >= PART_ENTRIES:
            yield np.concatenate(rows)
            rows, held = [], 0
    if rows:
        yield np.concatenate(rows)


def _sorted(entry_E3: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words, owners and frames in the order of word, frame and owner."""
    word_E, owner_E, frame_E = entry_E3.T
    order = np.lexsort((owner_E, frame_E, word_E))
    return word_E[order], owner_E[order].astype(np.int32), frame_E[order].astype(np.int32)


def _scattered(ballot_V: np.ndarray) -> np.ndarray:
    """Numbers uint64 that spread ballots evenly; equal ones stay together (Knuth's multiplicative hash)."""
    return ballot_V.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)


def _elected(ballot_V: np.ndarray, shifts: int) -> np.ndarray:
    """Pairs that have enough votes at one shift, as numbers."""
    ballot, cast = np.unique(ballot_V, return_counts=True)
    return np.unique(ballot[cast >= MIN_VOTES] // shifts)


def _votes(word: np.ndarray, owner: np.ndarray, frame: np.ndarray, recordings: int, reach: int) -> Iterator[np.ndarray]:
    """A number for every two entries of one word within `reach` frames that says which recordings at which shift.

    Each entry is compared with the next ones of its word, at most `MAX_NEIGHBOURS`.
    """
    shifts = 2 * reach + 1
    entry = np.arange(len(word))
    for distance in range(1, MAX_NEIGHBOURS + 1):
        entry = entry[: np.searchsorted(entry, len(word) - distance)]
        other = entry + distance
        near = (word[other] == word[entry]) & (frame[other] - frame[entry] <= reach)
        entry, other = entry[near], other[near]
        if not len(entry):
            return
        one, two = owner[entry].astype(np.int64), owner[other].astype(np.int64)
        shift = (frame[entry] - frame[other]) * np.where(one < two, 1, -1) + reach
        yield ((np.minimum(one, two) * recordings + np.maximum(one, two)) * shifts + shift)[one != two]


def _frames(seconds: float) -> int:
    return round(seconds / HOP_SECONDS)
