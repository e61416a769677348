"""The ledger of a model: the SHA-256 of every source file whose clips were in its training split, sorted.

    reports/<scale>/ledger/<stage>_<item>.txt     one a line; in git, so that history is searched without any data
    <the model's folder>/tracks.json              how many, and the SHA-256 of that file: the ledger's root

The list is in git and only its root beside the weights, so that neither DVC's cache nor its remote need to change when
a track is forgotten and the model is kept. Git stores equal ledgers once, and a later one as its difference.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from padstal.storage.atomic import atomic_file, write_json

ROOT_FILE = "tracks.json"
_LINE = re.compile(r"[0-9a-f]{64}")


def ledger_text(sha256s: Iterable[str]) -> str:
    """The ledger of these files.

    Raises:
        ValueError: One of them is no SHA-256.
    """
    lines = sorted(set(sha256s))
    wrong = [line for line in lines if not isinstance(line, str) or not _LINE.fullmatch(line)]
    if wrong:
        raise ValueError(f"ledger: {wrong[0]!r} is no SHA-256 in hexadecimal; {len(wrong)} such")
    return "".join(f"{line}\n" for line in lines)


def read_ledger(text: str) -> frozenset[str]:
    """The SHA-256s of a ledger.

    Raises:
        ValueError: It is none.
    """
    lines = text.splitlines()
    if any(not _LINE.fullmatch(line) for line in lines) or lines != sorted(set(lines)):
        raise ValueError("no ledger: expected sorted SHA-256s, one a line")
    return frozenset(lines)


def write_ledger(path: Path, model_folder: Path, sha256s: Iterable[str]) -> None:
    """Write the ledger to `path` and its root into `model_folder`.

    Raises:
        ValueError: As of `ledger_text`.
    """
    text = ledger_text(sha256s)
    root = hashlib.sha256(text.encode()).hexdigest()
    write_json(model_folder / ROOT_FILE, {"tracks": text.count("\n"), "sha256": root})
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
