"""What the judges hear: the clips of frozen prompts, the held-out clips, and both models' samples."""

from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.data.atomic import read_json
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.paths import Paths
from padstal.evaluation.clips import Clips, listen, subset
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import Ears, FeatureTagger, Heard, Progress, hear
from padstal.evaluation.judged import Prompts
from padstal.evaluation.truth import genre_named
from padstal.evaluation.windows import mono_at
from padstal.operations.promotion.frozen import FrozenPrompts, Prompt


def freeze(
    paths: Paths,
    dataset: pd.DataFrame,
    prompts: pd.DataFrame,
    tagger: FeatureTagger,
    rate: int,
    batch: int,
    seeds: tuple[int, ...],
    samples_per_seed: int,
) -> FrozenPrompts:
    """Frozen prompts of rows of `choose_prompts`, with what the tagger hears in their clips.

    A prompt's genre is the word that it says if that is one of the tagger's, else what its clip sounds like.
    """
    table = dataset.set_index("clip_id").loc[prompts["clip_id"]].reset_index()
    audio = ClipAudio(paths.ingest)
    parts = []
    for start in range(0, len(table), batch):
        rows = table.iloc[start : start + batch]
        pcm_BSC = np.stack(
            [audio.pcm(int(shard), int(row)) for shard, row in zip(rows["shard"], rows["row"], strict=True)]
        )
        audio_BS = mono_at(pcm_BSC, rate, tagger.sample_rate)
        parts.append(tagger.tag_features(tagger.features(audio_BS)).genre_BG)
    posterior_PG = np.concatenate(parts)
    named = genre_named(prompts["prompt"].tolist(), tagger.genres)
    genre_P = [
        tagger.genres.index(word) if word else int(heard_G.argmax())
        for word, heard_G in zip(named, posterior_PG, strict=True)
    ]
    chosen = tuple(
        Prompt(
            prompt_id=row.prompt_id,
            prompt=row.prompt,
            clip_id=row.clip_id,
            genre=tagger.genres[genre],
            posterior=tuple(posterior_G.tolist()),
            seconds_start=float(row.seconds_start),
            seconds_total=float(row.seconds_total),
        )
        for row, genre, posterior_G in zip(prompts.itertuples(), genre_P, posterior_PG, strict=True)
    )
    return FrozenPrompts(paths.scale, tuple(tagger.genres), seeds, samples_per_seed, chosen)


def prompts_of(frozen: FrozenPrompts, ears: Ears) -> Prompts:
    """The frozen prompts as metrics need them.

    Raises:
        ValueError: The tagger knows other words than they were frozen with.
    """
    genres = tuple(ears.tagger.genres)
    posterior_PG = frozen.posteriors(genres)
    return Prompts(ears.clap.embed_text(frozen.texts), frozen.genre_of(genres), posterior_PG)


def held_out(paths: Paths, ears: Ears, rate: int, evaluate: EvaluateParams, progress: Progress = iter) -> Clips:
    """At most `evaluate.reference_clips` clips of the test split.

    Raises:
        ValueError: There are none.
    """
    dataset = read_table(paths.curate / "dataset.parquet")
    test = dataset.loc[dataset["split"] == "test", "clip_id"].tolist()
    if not test:
        raise ValueError(f"{paths.curate / 'dataset.parquet'}: no clips in the test split to compare with")
    wanted = set(subset(test, evaluate.reference_clips, np.random.default_rng(evaluate.seed)))
    table = dataset[dataset["clip_id"].isin(wanted)].reset_index(drop=True)
    return listen(paths.ingest, table, rate, ears, evaluate.batch_clips, progress)


def samples(folder: Path, frozen: FrozenPrompts, ears: Ears, batch: int, progress: Progress = iter) -> Heard:
    """What the judges hear in the samples that `generate_frozen` wrote to `folder`; arrays start with [P, I].

    Raises:
        ValueError: There are more or fewer than the frozen prompts ask for, or one is not finite.
    """
    pcm = np.load(folder / "audio.npy", mmap_mode="r", allow_pickle=False)
    expected = len(frozen.prompts) * frozen.samples
    if len(pcm) != expected:
        raise ValueError(f"{folder / 'audio.npy'}: {len(pcm)} samples, expected {expected}")
    heard = hear(
        lambda start, stop: pcm[start:stop],
        expected,
        int(read_json(folder / "record.json")["sample_rate"]),
        ears,
        batch,
        progress,
    )
    return heard.take(np.arange(expected).reshape(len(frozen.prompts), frozen.samples))
