"""`validate`: puts manifest and audio statistics to Great Expectations; writes the verdict, always succeeds."""

import shutil

from padstal.audio.licence_policy import Policy
from padstal.manifest import read_table
from padstal.params.ingest import Licences
from padstal.params.load import check, read_yaml
from padstal.params.validate import ValidateParams
from padstal.quality import checkpoint, expectations, licences
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.storage.atomic import atomic_folder, write_json


def main(stage: Stage[ValidateParams]) -> None:
    """Check, write `verdict.json`, and draw data docs (which carry dates, so they are no output)."""
    manifest = read_table(stage.paths.ingest / "manifest.parquet")
    quarantine = read_table(stage.paths.ingest / "quarantine.parquet")
    tables = {
        "clips": licences.with_verdicts(expectations.clips_table(manifest), _policy(stage)),
        "tracks": expectations.tracks_table(manifest, quarantine),
    }
    suite = (*expectations.suite(**stage.params.model_dump()), *licences.licence_expectations())
    shutil.rmtree(stage.paths.data_docs, ignore_errors=True)
    stage.say(f"{len(suite)} expectations of {len(manifest)} clips and {len(tables['tracks'])} tracks")
    outcomes = checkpoint.run(suite, tables, stage.paths.data_docs)
    verdict = expectations.verdict(outcomes)
    with atomic_folder(stage.paths.validate) as folder:
        write_json(folder / "verdict.json", verdict)

    for outcome in outcomes:
        if not outcome.success:
            stage.say(f"{outcome.expectation.severity}: {outcome.expectation.name}: {outcome.observed}")
    stage.write_metrics(
        {
            "expectations": len(outcomes),
            "broken_critical": _broken(outcomes, "critical"),
            "broken_warning": _broken(outcomes, "warning"),
            "clips": len(manifest),
            "tracks": len(tables["tracks"]),
            "quarantined": len(quarantine),
            "quarantined_because": quarantine["reason"].value_counts().to_dict(),
            "clips_of_licence": manifest["licence"].value_counts().to_dict(),
            "clips_of_split": manifest["split"].value_counts().to_dict(),
        }
    )


def _policy(stage: Stage[ValidateParams]) -> Policy:
    """Ingest's policy, read again from params: what went around ingest is caught here."""
    at = f"scales.{stage.scale}.ingest.licences"
    ingest = read_yaml(stage.paths.params)["scales"][stage.scale].get("ingest") or {}
    asked = check(Licences, ingest.get("licences"), at)
    try:
        return Policy(**asked.model_dump())
    except ValueError as error:
        raise StageError(f"{at}: {error}") from error


def _broken(outcomes: tuple[expectations.Outcome, ...], severity: str) -> int:
    return sum(not outcome.success and outcome.expectation.severity == severity for outcome in outcomes)


if __name__ == "__main__":
    run_stage("validate", ValidateParams, main)
