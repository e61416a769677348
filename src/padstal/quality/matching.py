"""Which fingerprints are of one recording: candidates from an index of words, then the share of bits that agree.

Two recordings are compared at every shift of at most `max_shift` frames; strangers agree on half of their bits. Only
pairs that share several words (runs of a frame's 32 bits) at one shift are compared. The more frames there are, the
longer the words, so that an entry of the index has a bounded number of chance neighbours: time and memory grow as
n log n with the number of recordings n, not as n².

Shape suffixes: T frames, E entries of the index.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from padstal.quality.fingerprint import BANDS, HOP_SECONDS, Fingerprint

WORDS_BITS = (16, 20, 24, 28)
"""Lengths that a word may have."""
CHANCE_NEIGHBOURS = 0.5
"""Entries by chance that one entry may be compared with, before words grow; were all words equally common, that is:
words of real music have 4 times (16 bits) to 10 times (24 bits) as many."""
MAX_NEIGHBOURS = 64
"""Entries of one word, within the largest shift, that an entry is compared with; a commoner word says too little."""
PART_ENTRIES = 4_000_000
"""Entries of the index that are held at once."""
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
    index = _Index.of(fingerprints)
    bits = word_bits or suitable_word_bits(len(index.code_E), len(fingerprints), reach)
    ballots = [votes for part in index.parts(bits) for votes in _votes(*part, len(fingerprints), reach)]
    if not ballots:
        return []
    ballot, cast = np.unique(np.concatenate(ballots), return_counts=True)
    pairs = np.unique(ballot[cast >= MIN_VOTES] // (2 * reach + 1))
    return [(int(pair) // len(fingerprints), int(pair) % len(fingerprints)) for pair in pairs]


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


@dataclass(frozen=True)
class _Index:
    """Valid frames of all recordings: their code, whose they are and where."""

    code_E: np.ndarray
    owner_E: np.ndarray
    frame_E: np.ndarray

    @classmethod
    def of(cls, fingerprints: Sequence[Fingerprint]) -> "_Index":
        at = [np.flatnonzero(one.valid_T).astype(np.int32) for one in fingerprints]
        owners = np.repeat(np.arange(len(at), dtype=np.int32), [len(one) for one in at])
        none = np.zeros(0, np.uint32)
        codes = [none, *(one.code_T[frames] for one, frames in zip(fingerprints, at, strict=True))]
        return cls(np.concatenate(codes), owners, np.concatenate([np.zeros(0, np.int32), *at]))

    def parts(self, bits: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """(word, owner, frame), sorted by word, frame and owner, for the lowest and the highest `bits` bits in turn.

        Cut so that the entries of one word are in one part, and about `PART_ENTRIES` in each.
        """
        count = -(-len(self.code_E) // PART_ENTRIES)
        for shift in (0, BANDS - 1 - bits):
            word_E = self.code_E >> np.uint32(shift) & np.uint32(2**bits - 1)
            for part in range(count):
                chosen = np.flatnonzero(word_E % np.uint32(count) == part)
                word, owner, frame = word_E[chosen], self.owner_E[chosen], self.frame_E[chosen]
                order = np.lexsort((owner, frame, word))
                yield word[order], owner[order], frame[order]


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
