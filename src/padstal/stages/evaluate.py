"""Alignment, diversity and quality of all samples, and the comparison at matched CLAP-f (PADS-TAL 3)."""

import pandas as pd

from padstal.core.data.atomic import atomic_folder, read_json
from padstal.core.data.manifest import read_table, write_table
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.evaluate import Corpus, evaluate
from padstal.evaluation.generated import load_generated
from padstal.evaluation.hear import JUDGES, Ears, load_ears
from padstal.foundation.fetch import FetchError
from padstal.operations.tracking.run import track
from padstal.stages.harness import Stage, StageError, run_stage, stage_errors


def main(stage: Stage[EvaluateParams]) -> None:
    paths, tracking = stage.paths, stage.tracking
    stage.seed(stage.params.seed)
    with stage_errors(FetchError, doing="evaluate.embedders"):
        ears = load_ears(paths.foundation, stage.params, stage.device())
    with track(
        stage.label,
        stage.params.model_dump(),
        mode=tracking.mode,
        project=tracking.project,
        entity=tracking.entity,
        folder=paths.root / "wandb",
    ) as record:
        for system in read_yaml(paths.params)["systems"]:
            record.input_artifact(f"samples-{system}", paths.samples(system))
        record.table("per_setting", write(stage, ears))
        record.output_artifact("evaluate", paths.evaluate)


def write(stage: Stage[EvaluateParams], ears: Ears) -> pd.DataFrame:
    """Evaluate with the models `ears`, write outs and metrics; gives the table of settings.

    Raises:
        StageError: Inputs do not belong together, e.g. settings with different numbers of samples.
    """
    paths, runs = stage.paths, read_yaml(stage.paths.params)  # of which the names alone: models stay unopened
    latents = {codec: paths.latents(codec) for codec in runs["codecs"]}
    samples = {system: paths.samples(system) for system in runs["systems"]}
    refined = {system: own for system, own in samples.items() if (own / "refined.parquet").is_file()}
    with atomic_folder(paths.evaluate) as folder:
        try:
            generated = load_generated(samples)
            stage.say(f"listening to {len(generated.samples)} samples of {', '.join(runs['systems'])}")
            found = evaluate(generated, corpus(paths), latents, refined, ears, stage.params, folder, stage.progress)
        except ValueError as error:
            raise StageError(str(error)) from error
        for name, table in found.tables.items():
            write_table(table, folder / f"{name}.parquet")
    origin = {role: read_json(paths.foundation(role) / "config.json").get("origin", "unknown") for role in JUDGES}
    origin |= {metric: f"{one.kind} of {one.weights.origin}" for metric, one in stage.params.embedders.items()}
    stage.write_metrics(found.metrics | {"foundation": {**found.metrics["foundation"], "origin": origin}})
    return found.tables["per_setting"]


def corpus(paths: Paths) -> Corpus:
    """What the stages before training made."""
    return Corpus(
        ingest=paths.ingest,
        truth=read_table(paths.truth),
        manifest=read_table(paths.ingest / "manifest.parquet"),
        quarantine=read_table(paths.ingest / "quarantine.parquet"),
        scores=read_table(paths.score / "scores.parquet"),
        captions=read_table(paths.caption / "captions.parquet"),
        dataset=read_table(paths.curate / "dataset.parquet"),
        removed=read_table(paths.curate / "removed.parquet"),
    )


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)
