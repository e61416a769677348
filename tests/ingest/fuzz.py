"""Seeded mutants of good files: flipped bits, cuts, splices, absurd lengths, bytes put in or taken out."""

import numpy as np

EXTREMES = (0, 1, 2, 3, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF)
HEADER_BYTES = 2048
"""Most of what a decoder believes lies in the first and the last of these."""


def mutant(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """`content` after one to four mutations."""
    for _ in range(rng.integers(1, 5)):
        content = _MUTATIONS[rng.integers(len(_MUTATIONS))](content, others, rng)
    return content


def _place(content: bytes, rng: np.random.Generator) -> int:
    """A byte, most often near an end."""
    near = min(HEADER_BYTES, len(content))
    match rng.integers(4):
        case 0:
            return int(rng.integers(max(1, len(content))))
        case 1:
            return max(0, len(content) - 1 - int(rng.integers(max(1, near))))
    return int(rng.integers(max(1, min(near, 256 if rng.integers(2) else near))))


def _flip_bits(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        if changed:
            changed[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _splice(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    other = others[rng.integers(len(others))]
    at = int(rng.integers(1, HEADER_BYTES))
    return other[:at] + content[at:]


def _length(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """An absurd number where one of 1, 2, 4 or 8 bytes may stand."""
    width, at = int(rng.choice([1, 2, 4, 8])), _place(content, rng)
    number = EXTREMES[rng.integers(len(EXTREMES))] if rng.integers(2) else int(rng.integers(2**62))
    order = "big" if rng.integers(2) else "little"
    return content[:at] + (number % 256**width).to_bytes(width, order) + content[at + width :]


def _insert(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 400))) + content[at:]


def _remove(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    at = _place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 400)) :]


def _repeat(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    start = _place(content, rng)
    stretch = content[start : start + int(rng.integers(1, 4000))]
    return content[:start] + stretch * int(rng.integers(2, 5)) + content[start:]


_MUTATIONS = (_flip_bits, _flip_bits, _cut, _splice, _length, _length, _insert, _remove, _repeat)
