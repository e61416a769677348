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
from padstal.ingest.rejection import LICENCE
from padstal.rights.terms import most_restrictive

_TABLES = """
CREATE TABLE candidates (
    rank INTEGER, path TEXT, source TEXT, full TEXT, sha256 TEXT, stamp TEXT, row TEXT, licence TEXT,
    note TEXT, first INTEGER DEFAULT 0
);
CREATE TABLE forbidden (sha256 TEXT, source TEXT, path TEXT, why TEXT);
CREATE TABLE outcomes (sha256 TEXT PRIMARY KEY, artist TEXT, reason TEXT, detail TEXT) WITHOUT ROWID;
CREATE TABLE refused (source TEXT, path TEXT, sha256 TEXT, reason TEXT, detail TEXT);
"""
_FIELDS = "c.source, c.path, c.full, c.sha256, c.stamp, c.row, c.licence, c.note"
STRICTER = "stricter licence of an exact copy taken over"
"""Note on a candidate."""


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
        note: How its row was found, and whose licence it has, if that is not its own; "" where nothing is to be said.
    """

    source: str
    path: str
    full: Path
    sha256: str
    stamp: Stamp
    row: Row
    licence: str
    note: str = ""

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
        values = (rank, c.path, c.source, str(c.full), c.sha256, stamp, row, c.licence, c.note)
        self._database.execute("INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", values)

    def forbid(self, sha256: str, source: str, path: str, why: str) -> None:
        """Note that a file is refused for its licence: then its exact copies are too, whatever licence they have."""
        self._database.execute("INSERT INTO forbidden VALUES (?, ?, ?, ?)", (sha256, source, path, why))

    def refuse(self, refusal: Refusal) -> None:
        values = [text.encode("utf-8", "backslashreplace").decode() for text in astuple(refusal)]
        self._database.execute("INSERT INTO refused VALUES (?, ?, ?, ?, ?)", values)

    def settle(self) -> int:
        """Of candidates with equal bytes, pick the first by source and then by name; how many are left.

        It has the most restrictive of their licences; where a copy is forbidden, none of them stays.
        """
        self._database.execute("CREATE INDEX by_content ON candidates (sha256, rank, path)")
        self._refuse_copies_of_forbidden()
        self._database.executescript(
            "UPDATE candidates SET first = 1 WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, ROW_NUMBER() OVER "
            "(PARTITION BY sha256 ORDER BY rank, path) AS place FROM candidates) WHERE place = 1);"
        )
        self._take_strictest()
        return int(self._database.execute("SELECT COUNT(*) FROM candidates WHERE first").fetchone()[0])

    def _refuse_copies_of_forbidden(self) -> None:
        query = (
            "SELECT c.source, c.path, c.sha256, f.source, f.path, f.why FROM candidates c JOIN forbidden f "
            "ON f.rowid = (SELECT MIN(rowid) FROM forbidden WHERE sha256 = c.sha256)"
        )
        for source, path, sha256, other, there, why in self._database.execute(query).fetchall():
            place = there if other == source else f"{other}: {there}"
            self.refuse(Refusal(source, path, sha256, LICENCE, f"same bytes as {place}, which is refused: {why}"))
        self._database.execute("DELETE FROM candidates WHERE sha256 IN (SELECT sha256 FROM forbidden)")

    def _take_strictest(self) -> None:
        query = "SELECT sha256 FROM candidates GROUP BY sha256 HAVING COUNT(DISTINCT licence) > 1"
        for (sha256,) in self._database.execute(query).fetchall():
            licences = self._database.execute("SELECT DISTINCT licence FROM candidates WHERE sha256 = ?", (sha256,))
            strictest = most_restrictive(licence for (licence,) in licences)
            self._database.execute(
                "UPDATE candidates SET licence = ?, note = TRIM(note || '; ' || ?, '; ') "
                "WHERE first AND sha256 = ? AND licence != ?",
                (strictest, STRICTER, sha256, strictest),
            )

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
            yield _candidate(row[:8]), _candidate(row[8:16]), row[16], row[17]

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
    source, path, full, sha256, stamp, text, licence, note = row
    stamped, said = Stamp(*json.loads(stamp)), Row(**json.loads(text))
    return Candidate(source, path, Path(full), sha256, stamped, said, licence, note)
