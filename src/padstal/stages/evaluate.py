"""Stage `evaluate`: alignment, diversity and quality of all samples, and the comparison at matched CLAP-f (PADS-TAL 3)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.evaluation import audit
from padstal.evaluation.clap_score import clap_score
from padstal.evaluation.clips import Clips, subset
from padstal.evaluation.compare import Choices, compare
from padstal.evaluation.grid import check_prompts
from padstal.evaluation.hear import Ears, Heard, hear
from padstal.evaluation.spaces import SpaceRow, compare_spaces
from padstal.manifest import ClipAudio, read_table, write_table
from padstal.params.evaluate import EvaluateParams
from padstal.paths import Paths
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.storage.atomic import atomic_folder, read_json
from padstal.tracking.run import track


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
    with track(
        stage.label,
        p.model_dump(),
        mode=stage.tracking.mode,
        project=stage.tracking.project,
        entity=stage.tracking.entity,
    ) as record:
        record.table("per_setting", write(stage, ears))
        record.output_artifact("evaluate", paths.evaluate)


def write(stage: Stage[EvaluateParams], ears: Ears) -> pd.DataFrame:
    """Evaluate and write outs and metrics; gives the table of settings."""
    metrics, tables, features = evaluate(stage, ears)
    with atomic_folder(stage.paths.evaluate) as folder:
        for name, table in tables.items():
            write_table(table, folder / f"{name}.parquet")
        for name, array in features.items():
            np.save(folder / f"{name}.npy", array)
    stage.write_metrics(metrics)
    return tables["per_setting"]


def evaluate(stage: Stage[EvaluateParams], ears: Ears) -> tuple[dict[str, Any], dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """Metrics of `evaluate.json`, tables, and CLAP and tagger features of the samples (float16, row by row as `per_sample`)."""
    p, paths = stage.params, stage.paths
    generator = np.random.default_rng(p.seed)
    rate = sample_rate(paths, p.vaes)
    dataset, manifest = read_table(paths.curate / "dataset.parquet"), read_table(paths.ingest / "manifest.parquet")
    truth = read_table(paths.truth)
    prompts = check_prompts({model: read_table(paths.samples(model) / "prompts.parquet") for model in p.models})
    samples, read = load_samples(paths, p.models)
    heard = hear(read, len(samples), rate, ears, p.batch_clips, stage.progress)

    reference_ids = subset(dataset.loc[dataset["split"] == "test", "clip_id"].tolist(), p.reference_clips, generator)
    with_truth = audit.with_truth(dataset, truth) if len(truth) else dataset.iloc[:0]
    rebuilt = {vae: read_table(paths.latents(vae) / "reconstructions.parquet") for vae in p.vaes}
    wanted = {*reference_ids, *prompts["clip_id"], *audit.one_a_track(with_truth)}
    wanted |= {clip_id for table in rebuilt.values() for clip_id in table["clip_id"]}
    clips = listen(stage, ears, dataset[dataset["clip_id"].isin(wanted)].reset_index(drop=True), rate)

    compared = compare(
        samples,
        heard,
        prompts,
        clips,
        reference_ids,
        clap=ears.clap,
        genres=ears.tagger.genres,
        choices=Choices(**{name: getattr(p, name) for name in Choices.__dataclass_fields__}),
        generator=generator,
        progress=stage.progress,
    )
    labels = audit.genre_labels(dataset, truth)
    genre = labels if labels is not None else heard_genres(stage, ears, dataset, rate)
    found = compare_spaces(
        {vae: paths.latents(vae) for vae in p.vaes},
        genre,
        dict(zip(dataset["clip_id"], dataset["track_id"], strict=True)),
        k=p.latent_neighbours,
        most=p.latent_clips,
        draws=p.draws,
        level=p.confidence,
        seed=p.seed,
    )
    spaces = [space_row(row) for row in found]
    metrics = {
        **compared.metrics,
        "latent_space": {"k": p.latent_neighbours, "labels": "truth" if labels is not None else "tagger", "spaces": spaces},
        "foundation": {
            **audit.foundation(
                truth,
                manifest,
                read_table(paths.score / "scores.parquet"),
                clips,
                audit.one_a_track(with_truth),
                ears.clap,
                ears.tagger.genres,
            ),
            "origin": {role: origin(paths.foundation(role)) for role in ("clap", "pmos", "tagger")},
        },
        "truth": audit.curation(
            truth,
            manifest,
            read_table(paths.ingest / "quarantine.parquet"),
            read_table(paths.caption / "captions.parquet"),
            dataset,
            read_table(paths.curate / "removed.parquet"),
        ),
        "reconstruction": {vae: reconstruction(stage, ears, vae, rebuilt[vae], clips, rate) for vae in p.vaes},
    }
    tables = {
        "per_setting": compared.per_setting,
        "per_prompt": compared.per_prompt,
        "per_sample": per_sample(samples, prompts, heard, ears),
        "latent_space": pd.DataFrame(
            [{**row, "low": (row["interval"] or [None])[0], "high": (row["interval"] or [None])[-1]} for row in spaces]
        ).drop(columns="interval", errors="ignore"),
    }
    features = {"clap": heard.clap_NWD.astype(np.float16), "tagger": heard.features_NF.astype(np.float16)}
    return metrics, tables, features


def load_samples(paths: Paths, models: tuple[str, ...]) -> tuple[pd.DataFrame, Callable[[int, int], np.ndarray]]:
    """All models' samples one after the other, and a reader of their audio [n, S, C]."""
    tables, audio = [], []
    for model in models:
        table = read_table(paths.samples(model) / "samples.parquet").sort_values("row").reset_index(drop=True)
        pcm = np.load(paths.samples(model) / "audio.npy", mmap_mode="r")
        if len(pcm) != len(table) or table["row"].tolist() != list(range(len(table))):
            raise StageError(f"samples of {model}: {len(table)} rows for {len(pcm)} sounds, expected one each")
        tables.append(table.assign(model=model))
        audio.append(pcm)
    starts = np.cumsum([0, *(len(pcm) for pcm in audio)])

    def read(start: int, stop: int) -> np.ndarray:
        parts = [
            pcm[max(start - first, 0) : max(stop - first, 0)] for pcm, first in zip(audio, starts[:-1], strict=True)
        ]
        return np.concatenate([np.asarray(part) for part in parts if len(part)])

    return pd.concat(tables, ignore_index=True), read


def listen(stage: Stage[EvaluateParams], ears: Ears, table: pd.DataFrame, rate: int) -> Clips:
    """What the models hear in clips of the data set."""
    audio = ClipAudio(stage.paths.ingest)
    return Clips(table, hear(pcm_reader(audio, table), len(table), rate, ears, stage.params.batch_clips, stage.progress))


def heard_genres(stage: Stage[EvaluateParams], ears: Ears, table: pd.DataFrame, rate: int) -> dict[str, str]:
    """Clip → genre by the tagger, where there is no truth."""
    from padstal.evaluation.windows import mono_at

    read, batch = pcm_reader(ClipAudio(stage.paths.ingest), table), stage.params.batch_clips
    genres = []
    for start in stage.progress(range(0, len(table), batch)):
        audio_BS = mono_at(read(start, min(start + batch, len(table))), rate, ears.tagger.sample_rate)
        genres += [ears.tagger.genres[best] for best in ears.tagger.tag(audio_BS).genre_BG.argmax(axis=1)]
    return dict(zip(table["clip_id"], genres, strict=True))


def pcm_reader(audio: ClipAudio, table: pd.DataFrame) -> Callable[[int, int], np.ndarray]:
    places = list(zip(table["shard"], table["row"], strict=True))
    return lambda start, stop: np.stack([audio.pcm(int(shard), int(row)) for shard, row in places[start:stop]])


def reconstruction(
    stage: Stage[EvaluateParams], ears: Ears, vae: str, table: pd.DataFrame, clips: Clips, rate: int
) -> dict[str, Any]:
    """p-MOS and CLAP-f of an autoencoder's reconstructions beside those of the clips themselves."""
    pcm = np.load(stage.paths.latents(vae) / "reconstructions.npy", mmap_mode="r")
    rebuilt = hear(lambda start, stop: pcm[start:stop], len(pcm), rate, ears, stage.params.batch_clips)
    rows = clips.rows(table.sort_values("row")["clip_id"].tolist())
    texts, real = clips.table["caption"].iloc[rows].tolist(), clips.heard.take(rows)
    spoken = np.array([bool(text) for text in texts])

    def fit(heard: Heard) -> float | None:
        if not spoken.any():
            return None
        return float(clap_score(heard.clap_NWD[spoken], ears.clap.embed_text([t for t in texts if t])).mean())

    return {
        "clap_f": fit(rebuilt),
        "clap_f_of_originals": fit(real),
        "pmos": float(rebuilt.pmos_N.mean(dtype=np.float64)),
        "pmos_of_originals": float(real.pmos_N.mean(dtype=np.float64)),
        "n": len(rebuilt),
    }


def per_sample(samples: pd.DataFrame, prompts: pd.DataFrame, heard: Heard, ears: Ears) -> pd.DataFrame:
    """One row a sample: what it is, its CLAP-f, its p-MOS and the genre that the tagger hears."""
    columns = ["model", "row", "perturbation", "strength", "guidance", "prompt_id", "seed", "index"]
    text_PD = ears.clap.embed_text(prompts["prompt"].tolist())
    place = samples["prompt_id"].map({prompt_id: row for row, prompt_id in enumerate(prompts["prompt_id"])})
    genre = [ears.tagger.genres[best] for best in heard.genre_NG.argmax(axis=1)]
    clap_f = clap_score(heard.clap_NWD, text_PD[place.to_numpy()])
    return samples[columns].assign(clap_f=clap_f, pmos=heard.pmos_N, genre=genre)


def space_row(row: SpaceRow) -> dict[str, Any]:
    found = row.found
    bounds = found.interval and list(found.interval)
    return {
        "space": row.space,
        "pooling": row.pooling,
        "precision": found.precision,
        "interval": bounds,
        "chance": found.chance,
        "queries": found.queries,
    }


def sample_rate(paths: Paths, vaes: tuple[str, ...]) -> int:
    """Sample rate of all audio, as the latents record it."""
    rates = {read_json(paths.latents(vae) / "config.json")["sample_rate"] for vae in vaes}
    if len(rates) != 1:
        raise StageError(f"autoencoders work at {sorted(rates)} Hz: expected one rate")
    return int(rates.pop())


def origin(folder: Path) -> str:
    return str(read_json(folder / "config.json").get("origin", "unknown"))


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)
