"""Keys of a bucket as names in a folder: what cannot be one, or would hide another, is named and never written."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

LONGEST_NAME_BYTES = 255
LONGEST_PATH_BYTES = 4095
"""Of common file systems and of Linux."""


def place(keys: Iterable[str], folder: Path) -> tuple[list[str], dict[str, str]]:
    """Keys that can be relative paths below `folder`, in order, and the others with why.

    Of names that differ only by case or by Unicode's composition the first in the order of bytes is kept; of a file
    and a folder of one name, the folder. The outcome depends on the set of keys alone.
    """
    refused: dict[str, str] = {}
    usable: list[str] = []
    room = LONGEST_PATH_BYTES - len(os.fsencode(folder.absolute())) - 1
    for key in sorted(set(keys), key=_octets):
        why = _unusable(key, room)
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


def _unusable(key: str, room: int) -> str:
    parts = key.split("/")
    if "\0" in key:
        return "a name with a NUL byte"
    if key.startswith("/"):
        return "an absolute name: expected one relative to the prefix"
    if ".." in parts:
        return "a name that leads out of the folder"
    if "" in parts or "." in parts:
        return "a name with an empty part or '.': no file can have it"
    try:
        octets = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "a name that is not Unicode"
    if max(octets) > LONGEST_NAME_BYTES:
        return f"a part of {max(octets)} bytes: expected at most {LONGEST_NAME_BYTES}"
    if sum(octets) + len(octets) - 1 > room:
        return f"a name of {sum(octets) + len(octets) - 1} bytes: expected at most {room} below this folder"
    return ""


def _parents(key: str) -> Iterable[str]:
    parts = key.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", key).lower())


def _octets(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
