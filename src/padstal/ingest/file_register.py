"""All files of a run, and what becomes of them: who is taken in for several with equal bytes, and who is refused."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from padstal.core.data.content import ADDRESS_DIGITS
from padstal.ingest.captions_table import Row
from padstal.ingest.digests import Stamp
from padstal.ingest.outcome import Rejection, Track
from padstal.ingest.rejection import DUPLICATE, LICENCE
from padstal.rights.terms import most_restrictive

STRICTER = "stricter licence of an exact copy taken over"
"""Note on a candidate."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may become a track.

    Attributes:
        source, path: As the manifest has them.
        root: Of the source's files.
        sha256: Of its bytes.
        stamp: What it looked like when they were hashed.
        row: What the captions table says.
        licence: Normalised.
        note: How its row was found, and whose licence it has, if that is not its own; "" where nothing is to be said.
    """

    source: str
    path: str
    root: Path
    sha256: str
    stamp: Stamp
    row: Row
    licence: str
    note: str = ""

    @property
    def full(self) -> Path:
        """Where it lies."""
        return self.root / self.path

    @property
    def track_id(self) -> str:
        return self.sha256[:ADDRESS_DIGITS]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of the quarantine: a file, or a row of a captions table, that is not used."""

    source: str
    path: str
    sha256: str
    reason: str
    detail: str


class FileRegister:
    """Candidates, in groups of equal bytes, and refusals of one run."""

    def __init__(self) -> None:
        self._groups: defaultdict[str, list[tuple[int, Candidate]]] = defaultdict(list)
        self._forbidden: dict[str, tuple[str, str, str]] = {}
        self._refused: list[Refusal] = []

    def add(self, rank: int, candidate: Candidate) -> None:
        """Note a file of the source that is `rank` in the order of sources."""
        self._groups[candidate.sha256].append((rank, candidate))

    def forbid(self, sha256: str, source: str, path: str, why: str) -> None:
        """Note that a file is refused for its licence: then its exact copies are too, whatever licence they have."""
        self._forbidden.setdefault(sha256, (source, path, why))

    def refuse(self, refusal: Refusal) -> None:
        """Put a row into quarantine."""
        self._refused.append(Refusal(*(text.encode("utf-8", "backslashreplace").decode() for text in astuple(refusal))))

    def settle(self) -> list[Candidate]:
        """Of candidates with equal bytes the first by source and then by name; all of these, by sha256.

        It has the most restrictive of their licences; where a copy is forbidden, none of them stays.
        """
        for sha256, (other, there, why) in self._forbidden.items():
            for _, one in self._groups.pop(sha256, ()):
                place = there if other == one.source else f"{other}: {there}"
                detail = f"same bytes as {place}, which is refused: {why}"
                self.refuse(Refusal(one.source, one.path, sha256, LICENCE, detail))
        firsts = []
        for _, group in sorted(self._groups.items()):
            group.sort(key=lambda ranked: (ranked[0], ranked[1].path))
            rank, first = group[0]
            strictest = most_restrictive(one.licence for _, one in group)
            if first.licence != strictest and any(one.licence != first.licence for _, one in group):
                first = replace(first, licence=strictest, note="; ".join(filter(None, [first.note, STRICTER])))
                group[0] = rank, first
            firsts.append(first)
        return firsts

    def has(self, sha256: str) -> bool:
        """Whether a candidate has this content."""
        return sha256 in self._groups

    def conclude(self, first: Candidate, outcome: Track | Rejection) -> None:
        """Note what came of a candidate that `settle` picked: refuse its copies, and it too where it was rejected."""
        rejected = outcome if isinstance(outcome, Rejection) else None
        if rejected:
            self.refuse(Refusal(first.source, first.path, first.sha256, rejected.reason, rejected.detail))
        for _, copy in self._groups[first.sha256][1:]:
            place = first.path if first.source == copy.source else f"{first.source}: {first.path}"
            if copy.licence != first.licence:
                place += f", which is kept under the stricter licence {first.licence}; here it is {copy.licence}"
            why = (rejected.reason, f"same bytes as {place}: {rejected.detail}") if rejected else (DUPLICATE, place)
            self.refuse(Refusal(copy.source, copy.path, copy.sha256, *why))

    def refusals(self) -> Iterator[Refusal]:
        """All, by source, path and reason."""
        yield from sorted(self._refused, key=lambda one: (one.source, one.path, one.reason))

    def reasons(self) -> Counter[str]:
        """How many refusals have each reason."""
        return Counter(one.reason for one in self._refused)
