"""Alignment, diversity and quality of all samples, and the comparison at matched CLAP-f (PADS-TAL 3)."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder, read_json
from padstal.core.data.manifest import read_table, write_table
from padstal.core.paths import Paths
from padstal.evaluation import audit
from padstal.evaluation.clips import heard_genres, listen, subset
from padstal.evaluation.compare import Choices, compare
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.generated import load_samples
from padstal.evaluation.grid import check_prompts
from padstal.evaluation.hear import Ears, hear
from padstal.evaluation.planted import with_truth
from padstal.evaluation.reconstruction import reconstruction
from padstal.evaluation.spaces import as_table, compare_spaces
from padstal.operations.tracking.run import track
from padstal.stages.harness import Stage, StageError, run_stage


def main(stage: Stage[EvaluateParams]) -> None:
    from padstal.foundation import clap, pmos, tagger

    p, paths, device = stage.params, stage.paths, stage.device()
    stage.seed(p.seed)
    ears = Ears(
        clap.load(paths.foundation("clap"), device),
        tagger.load(paths.foundation("tagger"), device),
        pmos.load(paths.foundation("pmos"), device),
        p.windows,
        p.window_grid_seconds,
    )
    tracking = stage.tracking
    with track(
        stage.label,
        p.model_dump(),
        mode=tracking.mode,
        project=tracking.project,
        entity=tracking.entity,
        folder=paths.root / "wandb",
    ) as record:
        for model in p.models:
            record.input_artifact(f"samples-{model}", paths.samples(model))
        record.table("per_setting", write(stage, ears))
        record.output_artifact("evaluate", paths.evaluate)


def write(stage: Stage[EvaluateParams], ears: Ears) -> pd.DataFrame:
    """Evaluate with the models `ears`, write outs and metrics; gives the table of settings.

    Raises:
        StageError: Inputs do not belong together, e.g. settings with different numbers of samples.
    """
    try:
        metrics, tables, features = evaluate(stage, ears)
    except ValueError as error:
        raise StageError(str(error)) from error
    with atomic_folder(stage.paths.evaluate) as folder:
        for name, table in tables.items():
            write_table(table, folder / f"{name}.parquet")
        for name, array in features.items():
            np.save(folder / f"{name}.npy", array)
    stage.write_metrics(metrics)
    return tables["per_setting"]


def evaluate(
    stage: Stage[EvaluateParams], ears: Ears
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Metrics of `evaluate.json`, tables, and the samples' features (float16, row by row as table `per_sample`)."""
    p, paths, generator = stage.params, stage.paths, np.random.default_rng(stage.params.seed)
    latents = {vae: paths.latents(vae) for vae in p.vaes}
    rate = sample_rate(latents)
    dataset, manifest = read_table(paths.curate / "dataset.parquet"), read_table(paths.ingest / "manifest.parquet")
    truth = read_table(paths.truth)
    prompts = check_prompts({model: read_table(paths.samples(model) / "prompts.parquet") for model in p.models})

    samples, read = load_samples({model: paths.samples(model) for model in p.models})
    stage.say(f"listening to {len(samples)} samples of {', '.join(p.models)}")
    heard = hear(read, len(samples), rate, ears, p.batch_clips, stage.progress)

    reference_ids = subset(dataset.loc[dataset["split"] == "test", "clip_id"].tolist(), p.reference_clips, generator)
    track_ids = audit.one_a_track(with_truth(dataset, truth))
    wanted = {*reference_ids, *prompts["clip_id"], *track_ids}
    for folder in latents.values():
        wanted |= set(read_table(folder / "reconstructions.parquet")["clip_id"])
    real = dataset[dataset["clip_id"].isin(wanted)].reset_index(drop=True)
    clips = listen(paths.ingest, real, rate, ears, p.batch_clips, stage.progress)

    compared = compare(
        samples,
        heard,
        prompts,
        clips,
        reference_ids,
        clap=ears.clap,
        genres=ears.tagger.genres,
        choices=Choices(**{field.name: getattr(p, field.name) for field in fields(Choices)}),
        generator=generator,
        progress=stage.progress,
    )
    labels = audit.genre_labels(dataset, truth)
    spaces = compare_spaces(
        latents,
        labels or heard_genres(paths.ingest, dataset, rate, ears.tagger, p.batch_clips, stage.progress),
        dict(zip(dataset["clip_id"], dataset["track_id"], strict=True)),
        k=p.latent_neighbours,
        most=p.latent_clips,
        draws=p.draws,
        level=p.confidence,
        seed=p.seed,
    )
    scores = read_table(paths.score / "scores.parquet")
    models = audit.foundation(truth, manifest, scores, clips, track_ids, ears.clap, ears.tagger.genres)
    metrics = {
        **compared.metrics,
        "latent_space": {
            "k": p.latent_neighbours,
            "labels": "truth" if labels else "tagger",
            "spaces": [row.as_json() for row in spaces],
        },
        "foundation": {**models, "origin": {role: origin(paths, role) for role in ("clap", "pmos", "tagger")}},
        "truth": audit.stages(
            truth,
            manifest,
            read_table(paths.ingest / "quarantine.parquet"),
            scores,
            read_table(paths.caption / "captions.parquet"),
            dataset,
            read_table(paths.curate / "removed.parquet"),
        ),
        "reconstruction": {
            vae: reconstruction(folder, clips, ears, rate, p.batch_clips) for vae, folder in latents.items()
        },
    }
    features = {"clap": heard.clap_NWD.astype(np.float16), "tagger": heard.features_NF.astype(np.float16)}
    return metrics, {**compared.tables, "latent_space": as_table(spaces)}, features


def sample_rate(latents: dict[str, Path]) -> int:
    """Sample rate of all audio in Hz, as the latents record it."""
    rates = {vae: read_json(folder / "config.json")["sample_rate"] for vae, folder in latents.items()}
    if len(set(rates.values())) != 1:
        raise StageError(f"autoencoders work at {rates} Hz: expected one rate")
    return int(next(iter(rates.values())))


def origin(paths: Paths, role: str) -> str:
    """Where the weights of a foundation model come from."""
    return str(read_json(paths.foundation(role) / "config.json").get("origin", "unknown"))


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)
