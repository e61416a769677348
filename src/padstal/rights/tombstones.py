"""Tombstones: tracks that must never come back, by the SHA-256 of their files; one JSON object a line, in git.

`padstal forget` writes them and ingestion obeys them, at every scale. A line holds no title, no name and no path:

    {"sha256": "…", "date": "2026-11-21", "reason": "withdrawn by the artist", "requested_by": ""}
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from padstal.core.data.atomic import atomic_file
from padstal.core.data.content import address

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Tombstone:
    """One forgotten file.

    Attributes:
        sha256: Of its bytes.
        date: When it was asked for, ISO 8601.
        reason: For the record; "" if none was given.
        requested_by: Who asked; "" if that is not to be kept.
    """

    sha256: str
    date: str
    reason: str = ""
    requested_by: str = ""


def read_tombstones(path: Path) -> dict[str, Tombstone]:
    """Tombstones by SHA-256; none where there is no file.

    Raises:
        ValueError: A line is no tombstone; one that cannot be read must not be passed over.
    """
    found = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            tombstone = Tombstone(**json.loads(line))
            good = all(isinstance(value, str) for value in asdict(tombstone).values())
        except (ValueError, TypeError):
            good = False
        if not good or not _SHA256.fullmatch(tombstone.sha256):
            raise ValueError(f"{path}, line {number}: no tombstone; expected an object with sha256 and date: {line!r}")
        found[tombstone.sha256] = tombstone
    return found


def add_tombstones(path: Path, new: Iterable[Tombstone]) -> int:
    """Put those that are not there yet at the end of the file, atomically; how many those were.

    Raises:
        ValueError: As of `read_tombstones`.
    """
    there = read_tombstones(path)
    added = {tombstone.sha256: tombstone for tombstone in new if tombstone.sha256 not in there}
    if added or not path.exists():
        lines = [json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in [*there.values(), *added.values()]]
        with atomic_file(path) as temporary:
            temporary.write_text("".join(lines), encoding="utf-8")
    return len(added)


def veil(*parts: str) -> str:
    """A name for a forgotten thing that tells nothing of it, and is another for every other thing."""
    return f"forgotten-{address(chr(0).join(('padstal', *parts)).encode())}"
