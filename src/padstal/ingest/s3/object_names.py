"""Keys of a bucket as names in a folder: what cannot be one, or would hide another, is named and never written."""

import unicodedata
from collections.abc import Iterable

LONGEST_NAME_BYTES = 255
"""Of common file systems; a whole key has at most 1,024."""


def place(keys: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Keys that can be relative paths below a folder, in order, and the others with why.

    Of names that differ only by case or by Unicode's composition the first in the order of bytes is kept; of a file
    and a folder of one name, the folder. The outcome depends on the set of keys alone.
    """
    refused: dict[str, str] = {}
    usable: list[str] = []
    for key in sorted(set(keys), key=str.encode):
        why = _unusable(key)
        if why:
            refused[key] = why
        else:
            usable.append(key)
    folders = {_folded(parent) for key in usable for parent in _parents(key)}
    kept: list[str] = []
    first: dict[str, str] = {}
    for key in usable:
        folded = _folded(key)
        if folded in folders:
            refused[key] = "a name that is also a folder's"
        elif first.setdefault(folded, key) != key:
            refused[key] = f"differs only by case or composition from {first[folded]!r}"
        else:
            kept.append(key)
    return kept, refused


def _unusable(key: str) -> str:
    parts = key.split("/")
    if "\0" in key or {"", ".", ".."} & set(parts):
        return "no path below a folder: a part of it is empty, '.' or '..', or has a NUL byte"
    longest = max(len(part.encode()) for part in parts)
    return f"a part of {longest} bytes: expected at most {LONGEST_NAME_BYTES}" if longest > LONGEST_NAME_BYTES else ""


def _parents(key: str) -> Iterable[str]:
    parts = key.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).lower())
