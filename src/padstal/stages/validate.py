"""`validate`: puts a data set to Great Expectations; writes verdict, data docs and profile, always succeeds."""

import numpy as np

from padstal.core.data.atomic import atomic_folder, read_json
from padstal.core.data.manifest import read_table
from padstal.core.params import check, read_yaml
from padstal.curation.expectations import curated, ingested
from padstal.curation.expectations.config import ValidateParams
from padstal.curation.expectations.expectation import DataSet
from padstal.curation.expectations.validation import validate
from padstal.rights.policy import Policy
from padstal.stages.harness import Stage, run_stage

ITEMS = ("ingest", "curate")
"""Stages whose data set is checked."""


def main(stage: Stage[ValidateParams]) -> None:
    """Check, and write `verdict.json`, `profile.json`, `drift.json` and `data_docs/`."""
    data = ingest(stage) if stage.item == "ingest" else curate(stage)
    reference = read_json(stage.paths.reference(stage.item))
    with atomic_folder(stage.paths.validate(stage.item)) as folder:
        found = validate(data, reference, stage.params.drift, folder)
    if not found.shifts:
        stage.say("there is no reference, so drift is not checked; `padstal profile` makes one of the current data")
    stage.say(f"{len(found.outcomes)} expectations of {len(data.clips)} clips")
    for outcome in found.broken:
        stage.say(f"{outcome.expectation.severity}: {outcome.expectation.name}: {outcome.observed}")
    stage.write_metrics(found.metrics())


def ingest(stage: Stage[ValidateParams]) -> DataSet:
    """What ingest wrote, and its policy, read again from params: what went around ingest is caught here."""
    folder, at = stage.paths.ingest, f"scales.{stage.scale}.ingest"
    params = read_yaml(stage.paths.params)["scales"][stage.scale].get("ingest") or {}
    return ingested.data_set(
        read_table(folder / "manifest.parquet"),
        read_table(folder / "quarantine.parquet"),
        stage.params.ingest,
        check(Policy, params.get("licences"), f"{at}.licences"),
    )


def curate(stage: Stage[ValidateParams]) -> DataSet:
    """What curate wrote."""
    folder = stage.paths.curate
    found = curated.Curated(
        dataset=read_table(folder / "dataset.parquet"),
        removed=read_table(folder / "removed.parquet"),
        origin=read_json(folder / "origin.json"),
    )
    gaussian = folder / "gaussian.npy"
    moments = np.load(gaussian, allow_pickle=False) if gaussian.exists() else None
    return curated.data_set(found, stage.params.curate, moments)


if __name__ == "__main__":
    run_stage("validate", ValidateParams, main, items=ITEMS)
