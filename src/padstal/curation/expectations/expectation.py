"""What is expected of data: an expectation of a table, what became of it, and the verdict on all of them.

The suites lie in `ingested.yaml` (manifest and audio statistics), `curated.yaml` (captions, quality, splits) and
`drift.py`; `checkpoint.py` puts them to Great Expectations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

Severity = Literal["warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("warning", "critical")
"""From least to most."""

KINDS = {
    "between": "ExpectColumnValuesToBeBetween",
    "matches": "ExpectColumnValuesToMatchRegex",
    "within": "ExpectColumnValuesToBeInSet",
    "present": "ExpectColumnValuesToNotBeNull",
    "unique": "ExpectColumnValuesToBeUnique",
    "contains": "ExpectColumnDistinctValuesToContainSet",
    "rows": "ExpectTableRowCountToBeBetween",
    "value": "ExpectColumnMaxToBeBetween",
}
"""Classes of Great Expectations; "value" is of a table with one row: the value itself is what was observed."""
SAMPLE_IDS = 3
"""Offending ids that a verdict names."""


@dataclass(frozen=True)
class Expectation:
    """One thing that is expected of a table.

    Attributes:
        name: What is expected, in words; unique in a suite.
        table: Name of the table.
        kind: Class name of the expectation in Great Expectations.
        column: Column it looks at; "" for the whole table.
        severity: How bad it is if broken.
        limits: Arguments of the class besides column and severity.
        mostly: Share of rows that must comply; `None` where the kind has no such share.
        advice: What to do if it is broken, where its name does not say it.
    """

    name: str
    table: str
    kind: str
    column: str
    severity: Severity
    limits: Mapping[str, Any] = field(default_factory=dict)
    mostly: float | None = None
    advice: str = ""


@dataclass(frozen=True)
class DataSet:
    """What is put to the test.

    Attributes:
        suite: What is expected.
        tables: Name → the tables that it looks at.
        clips: The clips whose distributions are compared with the reference.
        counts: What metrics say about it.
        gaussian: Mean and covariance [1 + D, D] of its CLAP embeddings; `None` where there are none.
    """

    suite: tuple[Expectation, ...]
    tables: Mapping[str, pd.DataFrame]
    clips: pd.DataFrame
    counts: Mapping[str, Any]
    gaussian: np.ndarray | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of an expectation.

    Attributes:
        expectation: The expectation.
        success: Whether it holds.
        unexpected: Rows that do not comply; 0 for expectations on a whole table.
        offenders: Up to `SAMPLE_IDS` ids of such rows, in the table's order (clip ids, or paths of tracks).
        observed: What was found, in words.
    """

    expectation: Expectation
    success: bool
    unexpected: int
    offenders: tuple[str, ...]
    observed: str

    def as_json(self) -> dict[str, Any]:
        """The outcome as `verdict.json` has it."""
        asked = self.expectation
        expected = ", ".join(f"{key} {short(value)}" for key, value in sorted(asked.limits.items()))
        if asked.mostly is not None:
            expected = f"{expected}{', ' if expected else ''}at least {asked.mostly:.4g} of rows"
        return {
            "name": asked.name,
            "table": asked.table,
            "column": asked.column,
            "kind": asked.kind,
            "severity": asked.severity,
            "success": self.success,
            "unexpected": self.unexpected,
            "offenders": list(self.offenders),
            "observed": self.observed,
            "expected": expected or "every row",
            "advice": asked.advice,
        }


def short(value: Any) -> str:
    """A value as a verdict says it: floats with 6 significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def verdict(outcomes: tuple[Outcome, ...]) -> dict[str, Any]:
    """The outcomes as `verdict.json` has them."""
    broken = [outcome.expectation.severity for outcome in outcomes if not outcome.success]
    return {
        "success": not broken,
        "worst": max(broken, key=SEVERITIES.index) if broken else None,
        "expectations": [outcome.as_json() for outcome in outcomes],
    }


def stopping(verdict: Mapping[str, Any], stop_at: Severity) -> list[str]:
    """One line for each broken expectation of a verdict at or above `stop_at`."""
    severe = SEVERITIES[SEVERITIES.index(stop_at) :]
    return [
        _explain(entry) for entry in verdict["expectations"] if not entry["success"] and entry["severity"] in severe
    ]


def _explain(entry: Mapping[str, Any]) -> str:
    """Severity, column, count, what was expected, three ids, advice."""
    where = f"column {entry['column']}" if entry["column"] else "table"
    count = f"{entry['unexpected']} rows" if entry["unexpected"] else entry["observed"]
    named = f"; for example {', '.join(entry['offenders'])}" if entry["offenders"] else ""
    advice = f" ({entry['advice']})" if entry["advice"] else ""
    return (
        f"- {entry['severity']}: {entry['name']}: {where} of {entry['table']}: "
        f"{count}, expected {entry['expected']}{named}{advice}"
    )
