"""`validate`: puts a data set to Great Expectations; writes verdict, data docs and profile, always succeeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder, read_json, write_json
from padstal.core.data.manifest import read_table
from padstal.core.params import check, read_yaml
from padstal.curation.expectations import checkpoint, curated, drift, ingested, licences
from padstal.curation.expectations import expectation as expectations
from padstal.curation.expectations.config import ValidateParams
from padstal.rights.policy import Policy
from padstal.stages.harness import Stage, run_stage

ITEMS = ("ingest", "curate")
"""Stages whose data set is checked."""


@dataclass(frozen=True)
class Checked:
    """What is put to the test.

    Attributes:
        suite: What is expected.
        tables: Name → the tables that it looks at.
        clips: The clips whose distributions are compared with the reference.
        gaussian: Gaussian of the CLAP embeddings; `None` where there is none.
        counts: What the metrics say about it.
    """

    suite: tuple[expectations.Expectation, ...]
    tables: dict[str, pd.DataFrame]
    clips: pd.DataFrame
    gaussian: np.ndarray | None
    counts: Mapping[str, Any]


def main(stage: Stage[ValidateParams]) -> None:
    """Check, and write `verdict.json`, `profile.json`, `drift.json` and `data_docs/`."""
    checked = ingest(stage) if stage.item == "ingest" else curate(stage)
    profile = drift.profile(checked.clips, checked.gaussian)
    limits = stage.params.drift
    shifts = drift.compare(
        read_json(stage.paths.reference(stage.item)),
        profile,
        drift.Limits(limits.categorical, limits.numeric, limits.embedding, limits.false_alarm),
    )
    suite, tables = checked.suite, checked.tables
    if shifts:
        suite = (*suite, *drift.suite(shifts, limits.severity))
        tables = {**tables, "drift": drift.table(shifts)}
    else:
        stage.say("there is no reference, so drift is not checked; `padstal profile` makes one of the current data")
    stage.say(f"{len(suite)} expectations of {len(checked.clips)} clips")
    with atomic_folder(stage.paths.validate(stage.item)) as folder:
        outcomes = checkpoint.run(suite, tables, folder / "data_docs")
        write_json(folder / "verdict.json", expectations.verdict(outcomes))
        write_json(folder / "profile.json", profile)
        write_json(folder / "drift.json", drift.as_json(shifts))

    for outcome in outcomes:
        if not outcome.success:
            stage.say(f"{outcome.expectation.severity}: {outcome.expectation.name}: {outcome.observed}")
    stage.write_metrics(
        {
            "expectations": len(outcomes),
            "broken_critical": _broken(outcomes, "critical"),
            "broken_warning": _broken(outcomes, "warning"),
            "features_compared": len(shifts),
            "features_drifted": sum(shift.distance > shift.limit for shift in shifts),
            "distance_of_feature": {shift.feature: shift.distance for shift in shifts},
            **checked.counts,
        }
    )


def _policy(stage: Stage[ValidateParams]) -> Policy:
    """Ingest's policy, read again from params: what went around ingest is caught here."""
    at = f"scales.{stage.scale}.ingest.licences"
    ingest = read_yaml(stage.paths.params)["scales"][stage.scale].get("ingest") or {}
    return check(Policy, ingest.get("licences"), at)


def ingest(stage: Stage[ValidateParams]) -> Checked:
    """Manifest, audio statistics, and what went into quarantine."""
    manifest = read_table(stage.paths.ingest / "manifest.parquet")
    quarantine = read_table(stage.paths.ingest / "quarantine.parquet")
    tables = ingested.tables(manifest, quarantine)
    tables["clips"] = licences.with_verdicts(tables["clips"], _policy(stage))
    suite = (*ingested.suite(**stage.params.ingest.model_dump()), *licences.licence_expectations())
    counts = {
        "clips": len(manifest),
        "tracks": len(tables["tracks"]),
        "quarantined": len(quarantine),
        "quarantined_because": quarantine["reason"].value_counts().to_dict(),
        "clips_of_licence": manifest["licence"].value_counts().to_dict(),
        "clips_of_split": manifest["split"].value_counts().to_dict(),
    }
    return Checked(suite, tables, manifest, None, counts)


def curate(stage: Stage[ValidateParams]) -> Checked:
    """Captions, quality, splits and counts of the data set that models train on."""
    folder = stage.paths.curate
    found = curated.Curated(
        dataset=read_table(folder / "dataset.parquet"),
        removed=read_table(folder / "removed.parquet"),
        origin=read_json(folder / "origin.json"),
    )
    gaussian = folder / "gaussian.npy"
    counts = {
        "clips": len(found.dataset),
        "removed": len(found.removed),
        "clips_of_decision": found.dataset["decision"].value_counts().to_dict(),
        "clips_of_split": found.dataset["split"].value_counts().to_dict(),
    }
    return Checked(
        curated.suite(**stage.params.curate.model_dump()),
        curated.tables(found, stage.params.curate.common_tag_tracks),
        found.dataset,
        np.load(gaussian, allow_pickle=False) if gaussian.exists() else None,
        counts,
    )


def _broken(outcomes: tuple[expectations.Outcome, ...], severity: str) -> int:
    return sum(not outcome.success and outcome.expectation.severity == severity for outcome in outcomes)


if __name__ == "__main__":
    run_stage("validate", ValidateParams, main, items=ITEMS)
