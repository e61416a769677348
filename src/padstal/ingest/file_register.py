"""All files of a run and what became of them, in a database on disk: memory does not grow with their number."""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from padstal.core.data.content import ADDRESS_DIGITS
from padstal.core.data.leftovers import temporary_prefix
from padstal.ingest.captions_table import Row
from padstal.ingest.digests import Stamp

_TABLES = """
CREATE TABLE candidates (
    rank INTEGER, path TEXT, source TEXT, full TEXT, sha256 TEXT, stamp TEXT, row TEXT, licence TEXT,
    first INTEGER DEFAULT 0
);
CREATE TABLE outcomes (sha256 TEXT PRIMARY KEY, artist TEXT, reason TEXT, detail TEXT) WITHOUT ROWID;
CREATE TABLE refused (source TEXT, path TEXT, sha256 TEXT, reason TEXT, detail TEXT);
"""
_FIELDS = "c.source, c.path, c.full, c.sha256, c.stamp, c.row, c.licence"


@dataclass(frozen=True)
class Candidate:
    """A file that may become a track.

    Attributes:
        source, path: As the manifest has them.
        full: Where it lies.
        sha256: Of its bytes.
        stamp: What it looked like when they were hashed.
        row: What the captions table says.
        licence: Normalised.
    """

    source: str
    path: str
    full: Path
    sha256: str
    stamp: Stamp
    row: Row
    licence: str

    @property
    def track_id(self) -> str:
        return self.sha256[:ADDRESS_DIGITS]


@dataclass(frozen=True)
class Refusal:
    """A row of the quarantine: a file, or a row of a captions table, that is not used."""

    source: str
    path: str
    sha256: str
    reason: str
    detail: str


class FileRegister:
    """Candidates, outcomes and refusals of one run; the database goes with it."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=temporary_prefix("register"))  # noqa: SIM115
        self._database = sqlite3.connect(self._file.name)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}")

    def close(self) -> None:
        self._database.close()
        self._file.close()

    def add(self, rank: int, candidate: Candidate) -> None:
        """Note a file of the source that is `rank` in the order of sources."""
        c = candidate
        row, stamp = json.dumps(vars(c.row)), json.dumps([*vars(c.stamp).values()])
        values = (rank, c.path, c.source, str(c.full), c.sha256, stamp, row, c.licence)
        self._database.execute("INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", values)

    def refuse(self, refusal: Refusal) -> None:
        values = [text.encode("utf-8", "backslashreplace").decode() for text in astuple(refusal)]
        self._database.execute("INSERT INTO refused VALUES (?, ?, ?, ?, ?)", values)

    def settle(self) -> int:
        """Of candidates with equal bytes, pick the first by source and then by name; how many are left."""
        self._database.executescript(
            "CREATE INDEX by_content ON candidates (sha256, rank, path);"
            "UPDATE candidates SET first = 1 WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, ROW_NUMBER() OVER "
            "(PARTITION BY sha256 ORDER BY rank, path) AS place FROM candidates) WHERE place = 1);"
        )
        return int(self._database.execute("SELECT COUNT(*) FROM candidates WHERE first").fetchone()[0])

    def firsts(self) -> Iterator[Candidate]:
        """Those that `settle` picked, in the order of sha256."""
        query = f"SELECT {_FIELDS} FROM candidates c WHERE c.first ORDER BY c.sha256"
        for row in self._database.execute(query):
            yield _candidate(row)

    def has(self, sha256: str) -> bool:
        """Whether a candidate has this content."""
        query = "SELECT 1 FROM candidates WHERE sha256 = ? LIMIT 1"
        return self._database.execute(query, (sha256,)).fetchone() is not None

    def kept(self, candidate: Candidate) -> None:
        """This candidate gave clips."""
        values = (candidate.sha256, candidate.row.artist.casefold())
        self._database.execute("INSERT INTO outcomes VALUES (?, ?, '', '')", values)

    def rejected(self, candidate: Candidate, reason: str, detail: str) -> None:
        """This candidate gave none."""
        self._database.execute("INSERT INTO outcomes VALUES (?, '', ?, ?)", (candidate.sha256, reason, detail))
        self.refuse(Refusal(candidate.source, candidate.path, candidate.sha256, reason, detail))

    def copies(self) -> Iterator[tuple[Candidate, Candidate, str, str]]:
        """Those that `settle` did not pick: the copy, the one picked, and why that one was rejected, if it was."""
        first = _FIELDS.replace("c.", "f.")
        query = (
            f"SELECT {_FIELDS}, {first}, o.reason, o.detail FROM candidates c JOIN candidates f ON f.sha256 = c.sha256 "
            "AND f.first JOIN outcomes o ON o.sha256 = c.sha256 WHERE NOT c.first ORDER BY c.rank, c.path"
        )
        for row in self._database.execute(query):
            yield _candidate(row[:7]), _candidate(row[7:14]), row[14], row[15]

    def refusals(self) -> Iterator[Refusal]:
        """All, by source, path and reason."""
        query = "SELECT source, path, sha256, reason, detail FROM refused ORDER BY source, path, reason, rowid"
        for row in self._database.execute(query):
            yield Refusal(*row)

    def reasons(self) -> Counter[str]:
        """How many refusals have each reason."""
        return Counter(dict(self._database.execute("SELECT reason, COUNT(*) FROM refused GROUP BY reason")))

    def artists(self) -> int:
        """Artists of tracks that gave clips, whatever their case."""
        query = "SELECT COUNT(DISTINCT artist) FROM outcomes WHERE artist != ''"
        return int(self._database.execute(query).fetchone()[0])


def _candidate(row: tuple[str, ...]) -> Candidate:
    source, path, full, sha256, stamp, text, licence = row
    return Candidate(source, path, Path(full), sha256, Stamp(*json.loads(stamp)), Row(**json.loads(text)), licence)
