"""Answers of language models, recorded under a hash of all that they answer to: prompt, model and both captions.

A server's answer cannot be computed again, so it is an artefact like a photograph: `data/<scale>/merges.jsonl` holds
all answers, sorted, one JSON object a line. It is no output of a stage (DVC removes those before a run) and no
dependency (a run adds to it); as an answer is never changed once it is there, the same captions give the same bytes
wherever the file is. It goes into git, or with `dvc add` into the remote. New answers are appended to a file of this
machine as they arrive, so a killed run asks nothing twice.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import atomic_file
from padstal.curation.captions.prompt import PAPER, SYSTEM, Pair

FIELDS = ("key", "model", "original", "generated", "answer")
LONGEST_ANSWER = 4000
"""Characters of an answer that are kept; no caption is that long, so a longer one is refused anyway."""


def key_of(pair: Pair, model: str) -> str:
    """SHA-256 of the prompt, the model's name and both captions."""
    asked = json.dumps([SYSTEM, PAPER, model, pair.original, pair.generated], ensure_ascii=True)
    return hashlib.sha256(asked.encode()).hexdigest()


class Answers:
    """All recorded answers of one scale.

    Args:
        record: The file of the repository; missing is empty.
        journal: A file of this machine for answers as they arrive; missing is empty.
    """

    def __init__(self, record: Path, journal: Path):
        self._record, self._journal = record, journal
        self._rows: dict[str, Mapping[str, str]] = {}
        for file in (journal, record):  # the record wins
            self._rows.update({row["key"]: row for row in _read(file)})

    def get(self, pair: Pair, model: str) -> str | None:
        """The recorded answer of `model`; `None` if there is none."""
        row = self._rows.get(key_of(pair, model))
        return None if row is None else row["answer"]

    def add(self, pair: Pair, model: str, answer: str) -> None:
        """Record an answer, at once on this machine; one that is there already stays."""
        key = key_of(pair, model)
        if key in self._rows:
            return
        values = (key, model, pair.original, pair.generated, answer[:LONGEST_ANSWER])
        self._rows[key] = dict(zip(FIELDS, values, strict=True))
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._journal.open("a", encoding="utf-8") as file:
            file.write("\n" + _line(self._rows[key]))  # a line torn by a kill ends here

    def save(self) -> int:
        """Bring new answers into the record, sorted; returns how many were new. The journal is gone."""
        known = {row["key"] for row in _read(self._record)}
        new = len(self._rows.keys() - known)
        if new:
            with atomic_file(self._record) as temporary:
                temporary.write_text("".join(_line(self._rows[key]) + "\n" for key in sorted(self._rows)), "utf-8")
        self._journal.unlink(missing_ok=True)
        return new


def _read(file: Path) -> list[dict[str, str]]:
    """Rows of a file; lines that are torn, foreign or whose key is not theirs are left out."""
    if not file.is_file():
        return []
    return [row for line in file.read_text("utf-8", errors="replace").splitlines() if (row := _row(line)) is not None]


def _row(line: str) -> dict[str, str] | None:
    try:
        row: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or set(row) != set(FIELDS) or not all(isinstance(row[name], str) for name in FIELDS):
        return None
    return row if row["key"] == key_of(Pair(row["original"], row["generated"]), row["model"]) else None


def _line(row: Mapping[str, str]) -> str:
    return json.dumps(row, ensure_ascii=True, sort_keys=True)
