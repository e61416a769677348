"""A data set put to its suite and held against its reference: what was found, as files and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import write_json
from padstal.curation.expectations import checkpoint, drift
from padstal.curation.expectations.config import DriftLimits
from padstal.curation.expectations.expectation import DataSet, Outcome, verdict


@dataclass(frozen=True)
class Validation:
    """What was found.

    Attributes:
        outcomes: Of every expectation, those on drift last.
        shifts: How far each feature lies from the reference; none without one.
        counts: Of the data set.
    """

    outcomes: tuple[Outcome, ...]
    shifts: tuple[drift.Shift, ...]
    counts: Mapping[str, Any]

    @property
    def broken(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.success]

    def metrics(self) -> dict[str, Any]:
        """Counts of expectations, features and clips."""
        severities = [outcome.expectation.severity for outcome in self.broken]
        return {
            "expectations": len(self.outcomes),
            "broken_critical": severities.count("critical"),
            "broken_warning": severities.count("warning"),
            "features_compared": len(self.shifts),
            "features_drifted": sum(shift.distance > shift.limit for shift in self.shifts),
            "distance_of_feature": {shift.feature: shift.distance for shift in self.shifts},
            **self.counts,
        }


def validate(data: DataSet, reference: Mapping[str, Any], limits: DriftLimits, folder: Path) -> Validation:
    """Put `data` to the test; fills `folder` with `verdict.json`, `profile.json`, `drift.json` and `data_docs/`."""
    profile = drift.profile(data.clips, data.gaussian)
    shifts = drift.compare(reference, profile, limits)
    suite, tables = data.suite, dict(data.tables)
    if shifts:
        suite, tables["drift"] = (*suite, *drift.suite(shifts, limits.severity)), drift.table(shifts)
    outcomes = checkpoint.run(suite, tables, folder / "data_docs")
    write_json(folder / "verdict.json", verdict(outcomes))
    write_json(folder / "profile.json", profile)
    write_json(folder / "drift.json", drift.as_json(shifts))
    return Validation(outcomes, shifts, data.counts)
