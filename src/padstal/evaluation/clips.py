"""Held-out real clips: what the models hear in them, and the genre that a clip or a prompt stands for.

A clip's genre is the one that the tagger hears in it, so that generated and real clips are judged by the same ear and
corpora without labels work too. A prompt's genre is the word that it says, if that is one of the tagger's; else what
its clip sounds like, or for want of a clip the word that CLAP finds nearest.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.data.manifest import ClipAudio
from padstal.core.protocols import AudioTextEmbedder
from padstal.evaluation.clap_score import flattened
from padstal.evaluation.generated import Reader
from padstal.evaluation.hear import Ears, FeatureTagger, Heard, Progress, hear
from padstal.evaluation.judged import Prompts, Reference
from padstal.evaluation.truth import genre_named
from padstal.evaluation.windows import mono_at


@dataclass(frozen=True)
class Clips:
    """Real clips (manifest rows) and what the models hear in them, row by row."""

    table: pd.DataFrame
    heard: Heard

    def rows(self, clip_ids: list[str]) -> np.ndarray:
        """Positions of clips.

        Raises:
            ValueError: A clip is missing; it is named.
        """
        place = {clip_id: position for position, clip_id in enumerate(self.table["clip_id"])}
        missing = [clip_id for clip_id in clip_ids if clip_id not in place]
        if missing:
            raise ValueError(f"clip {missing[0]} is not among the {len(place)} clips that were heard")
        return np.array([place[clip_id] for clip_id in clip_ids], dtype=np.int64)

    def reference(self, clip_ids: list[str], training_ids: list[str] | None = None) -> Reference:
        """The clips `clip_ids` as the set that generated clips are compared with; training clips must not be copied."""
        heard = self.heard.take(self.rows(clip_ids))
        training_KF = flattened(self.heard.clap_NWD[self.rows(training_ids)]) if training_ids else None
        return Reference(heard, heard.genre_NG.argmax(axis=1), training_KF)

    def prompts(self, prompts: pd.DataFrame, clap: AudioTextEmbedder, genres: tuple[str, ...]) -> Prompts:
        """Prompts (`prompt`, `clip_id`) as `measure` needs them."""
        texts = prompts["prompt"].tolist()
        own = self.of_prompts(prompts)
        named = genre_named(texts, genres)
        text_PD = clap.embed_text(texts)
        genre_P = (text_PD @ clap.embed_text(list(genres)).T).argmax(axis=1)
        has_clip_P = (prompts["clip_id"] != "").to_numpy()
        genre_P[has_clip_P] = own.genre_NG.argmax(axis=1)
        is_named_P = np.array([bool(word) for word in named])
        genre_P[is_named_P] = [genres.index(word) for word in named if word]
        return Prompts(text_PD, genre_P, own.posterior("kl") if has_clip_P.all() else None)

    def of_prompts(self, prompts: pd.DataFrame) -> Heard:
        """The own clips of those prompts that have one."""
        return self.heard.take(self.rows([clip_id for clip_id in prompts["clip_id"] if clip_id]))


def listen(
    ingest_folder: Path, table: pd.DataFrame, sample_rate: int, ears: Ears, batch: int, progress: Progress = iter
) -> Clips:
    """What the models hear in the clips of a manifest's rows `table`."""
    return Clips(table, hear(_reader(ingest_folder, table), len(table), sample_rate, ears, batch, progress))


def heard_genres(
    ingest_folder: Path,
    table: pd.DataFrame,
    sample_rate: int,
    tagger: FeatureTagger,
    batch: int,
    progress: Progress = iter,
) -> dict[str, str]:
    """Clip → the genre that the tagger hears, for corpora without labels."""
    read = _reader(ingest_folder, table)
    genres: list[str] = []
    for start in progress(range(0, len(table), batch)):
        audio_BS = mono_at(read(start, min(start + batch, len(table))), sample_rate, tagger.sample_rate)
        genres += [
            tagger.genres[best] for best in tagger.tag_features(tagger.features(audio_BS)).genre_BG.argmax(axis=1)
        ]
    return dict(zip(table["clip_id"], genres, strict=True))


def _reader(ingest_folder: Path, table: pd.DataFrame) -> Reader:
    audio = ClipAudio(ingest_folder)
    places = [(int(shard), int(row)) for shard, row in zip(table["shard"], table["row"], strict=True)]
    return lambda start, stop: np.stack([audio.pcm(shard, row) for shard, row in places[start:stop]])


def subset(clip_ids: list[str], most: int, generator: np.random.Generator) -> list[str]:
    """At most `most` clips, drawn without replacement, in their order."""
    if len(clip_ids) <= most:
        return clip_ids
    return [clip_ids[place] for place in np.sort(generator.choice(len(clip_ids), most, replace=False))]
