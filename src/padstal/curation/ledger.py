"""The ledger: nothing vanishes. What comes in is kept, quarantined, a duplicate, or filtered, and the counts add up."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from padstal.ingest.rejection import DUPLICATE, NO_FILE_REASONS


class LedgerError(ValueError):
    """Counts that do not add up; the message says which and by how much."""


@dataclass(frozen=True)
class Entry:
    """What became of `came` things.

    Attributes:
        of: Stage and thing, e.g. "ingest, files".
        came: Counted where they come in, not from the parts.
        kept: Go on.
        quarantined: Cannot be used.
        duplicates: Are there already.
        filtered: Could be used, but are not wanted.
    """

    of: str
    came: int
    kept: int
    quarantined: int = 0
    duplicates: int = 0
    filtered: int = 0

    def checked(self) -> "Entry":
        """Itself.

        Raises:
            LedgerError: The parts do not make up the whole.
        """
        parts = self.kept + self.quarantined + self.duplicates + self.filtered
        if parts != self.came:
            raise LedgerError(
                f"{self.of}: {self.came} came in, but {self.kept} kept + {self.quarantined} quarantined + "
                f"{self.duplicates} duplicates + {self.filtered} filtered = {parts}"
            )
        return self

    def then(self, later: "Entry", of: str) -> "Entry":
        """This and the next stage, which takes in what this one kept, as one."""
        return Entry(
            of,
            self.came,
            later.kept,
            self.quarantined + later.quarantined,
            self.duplicates + later.duplicates,
            self.filtered + later.filtered,
        ).checked()

    def as_json(self) -> dict[str, int]:
        """Counts by name, `came` as "in"."""
        counts = {name: value for name, value in asdict(self).items() if name not in ("of", "came")}
        return {"in": self.came, **counts}


def account(
    came: Mapping[str, int], quarantine: pd.DataFrame, dataset: pd.DataFrame, removed: pd.DataFrame
) -> dict[str, Entry]:
    """What became of every file and clip since ingest, from the tables, against what ingest counted coming in.

    Args:
        came: Ingest's own counts, of which `files` and `clips` are asked.
        quarantine: Files and rows that ingest refused.
        dataset, removed: Clips that stay, and those that leave, with `reason`.

    Raises:
        LedgerError: Something vanished or was counted twice.
    """
    refused = quarantine.loc[~quarantine["reason"].isin(NO_FILE_REASONS), "reason"]
    copies = int((refused == DUPLICATE).sum())
    tracks = len({*dataset["track_id"], *removed["track_id"]})
    ingested = Entry("ingest, files", came["files"], tracks, len(refused) - copies, copies).checked()

    gone = removed[~removed["track_id"].isin(dataset["track_id"])].drop_duplicates("track_id", keep="last")
    curated = _left("curate, files", tracks, int(dataset["track_id"].nunique()), gone["reason"])
    return {
        "ingest_files": ingested,
        "curate_files": curated,
        "all_files": ingested.then(curated, "all, files"),
        "curate_clips": _left("curate, clips", came["clips"], len(dataset), removed["reason"]),
    }


def _left(of: str, came: int, kept: int, reason: pd.Series) -> Entry:
    """The entry of things that stay or leave for a reason."""
    near = int((reason == "near_duplicate").sum())
    return Entry(of, came, kept, duplicates=near, filtered=len(reason) - near).checked()
