"""The whole evaluation: samples against held-out music, latent spaces, foundation models and stages against truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import read_json
from padstal.core.data.manifest import read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation import audit
from padstal.evaluation.clips import heard_genres, listen, subset
from padstal.evaluation.coarse_to_fine import coarse_to_fine
from padstal.evaluation.compare import compare
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.generated import Generated
from padstal.evaluation.hear import Ears, HeardOnDisk, Progress, hear_parts
from padstal.evaluation.planted import with_truth
from padstal.evaluation.reconstruction import reconstruction
from padstal.evaluation.spaces import as_table, compare_spaces


@dataclass(frozen=True)
class Corpus:
    """What the stages before training made of the music; `truth` is the composer's, perhaps empty."""

    ingest: Path
    truth: pd.DataFrame
    manifest: pd.DataFrame
    quarantine: pd.DataFrame
    scores: pd.DataFrame
    captions: pd.DataFrame
    dataset: pd.DataFrame
    removed: pd.DataFrame


@dataclass(frozen=True)
class Evaluation:
    """`metrics` for `evaluate.json`, and tables."""

    metrics: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def evaluate(
    generated: Generated,
    corpus: Corpus,
    latents: Mapping[str, Path],
    refined: Mapping[str, Path],
    ears: Ears,
    params: EvaluateParams,
    folder: Path,
    progress: Progress = iter,
) -> Evaluation:
    """Measure all that there is to measure, and write features of the samples: `clap.npy` and `tagger.npy`, float16,
    row by row as table `per_sample`.

    Args:
        generated: The samples of all systems.
        corpus: What they were made from.
        latents: Codec → folder of its latents.
        refined: System of two denoisers → folder of its samples, with held-out clips that it refined.
        ears: The models that judge.
        params: How.
        folder: Gets the features.
        progress: Wraps loops.

    Raises:
        ValueError: Inputs do not belong together, e.g. cells with different numbers of samples.
    """
    rate, count = sample_rate(latents), len(generated.samples)
    with TemporaryDirectory(dir=folder) as scratch:
        parts = hear_parts(generated.read, count, rate, ears, params.batch_clips, progress)
        heard = HeardOnDisk.write(Path(scratch), parts, count)
        for name, feature in {"clap": "clap_NWD", "tagger": "features_NF"}.items():
            kept = RowFile.create(folder / f"{name}.npy", heard.files[feature].shape, np.float16)
            for start in range(0, count, params.batch_clips):
                kept[start : start + params.batch_clips] = heard.files[feature][start : start + params.batch_clips]
        return _measured(generated, heard, corpus, latents, refined, ears, params, progress)


def _measured(
    generated: Generated,
    heard: HeardOnDisk,
    corpus: Corpus,
    latents: Mapping[str, Path],
    refined: Mapping[str, Path],
    ears: Ears,
    params: EvaluateParams,
    progress: Progress,
) -> Evaluation:
    generator = np.random.default_rng(params.seed)
    rate, batch, dataset, truth = sample_rate(latents), params.batch_clips, corpus.dataset, corpus.truth
    test = dataset.loc[dataset["split"] == "test", "clip_id"].tolist()
    reference_ids = subset(test, params.reference_clips, generator)
    train = dataset.loc[dataset["split"] == "train", "clip_id"].tolist()
    training_ids = subset(train, params.training_clips, np.random.default_rng(params.seed))
    track_ids = audit.one_a_track(with_truth(dataset, truth))
    wanted = {*reference_ids, *training_ids, *generated.prompts["clip_id"], *track_ids}
    for folder in latents.values():
        wanted |= set(read_table(folder / "reconstructions.parquet")["clip_id"])
    for folder in refined.values():
        wanted |= set(read_table(folder / "refined.parquet")["clip_id"])
    real = dataset[dataset["clip_id"].isin(wanted)].reset_index(drop=True)
    clips = listen(corpus.ingest, real, rate, ears, batch, progress)

    compared = compare(
        generated,
        heard,
        clips,
        reference_ids,
        training_ids,
        params,
        clap=ears.clap,
        genres=ears.tagger.genres,
        generator=generator,
        progress=progress,
    )
    labels = audit.genre_labels(dataset, truth)
    spaces = compare_spaces(
        latents,
        labels or heard_genres(corpus.ingest, dataset, rate, ears.tagger, batch, progress),
        dict(zip(dataset["clip_id"], dataset["track_id"], strict=True)),
        k=params.latent_neighbours,
        most=params.latent_clips,
        draws=params.draws,
        level=params.confidence,
        seed=params.seed,
    )
    latent_space = {
        "k": params.latent_neighbours,
        "labels": "truth" if labels else "tagger",
        "spaces": [row.as_json() for row in spaces],
    }
    metrics = {
        **compared.metrics,
        "latent_space": latent_space,
        "foundation": audit.foundation(
            truth, corpus.manifest, corpus.scores, clips, track_ids, ears.clap, ears.tagger.genres
        ),
        "truth": audit.stages(
            truth,
            corpus.manifest,
            corpus.quarantine,
            corpus.scores,
            corpus.captions,
            dataset,
            corpus.removed,
        ),
        "reconstruction": {
            codec: reconstruction(folder, clips, ears, rate, batch) for codec, folder in latents.items()
        },
        "coarse_to_fine": {
            system: coarse_to_fine(folder, corpus.ingest, clips, clips.reference(reference_ids), ears, rate, params)
            for system, folder in refined.items()
        },
    }
    return Evaluation(metrics, {**compared.tables, "latent_space": as_table(spaces)})


def sample_rate(latents: Mapping[str, Path]) -> int:
    """Sample rate of the clips in Hz, as the latents record it; all that codecs decode is written at it.

    Raises:
        ValueError: Codecs learnt from clips of different rates.
    """
    rates = {codec: read_json(folder / "config.json")["clip_rate"] for codec, folder in latents.items()}
    if len(set(rates.values())) != 1:
        raise ValueError(f"latents were made of clips at {rates} Hz: expected one rate")
    return int(next(iter(rates.values())))
