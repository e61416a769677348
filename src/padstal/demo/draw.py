"""A draw of labelled clips from the composer: what the small foundation models learn from.

It has a seed of its own, so no piece of the corpus is among them, and reads no truth file.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from padstal.core.file_lock import file_lock
from padstal.demo.config import Draw
from padstal.demo.degrade import true_mos
from padstal.demo.draw_chunk import CLIPS, Chunk, Labels, keep, key
from padstal.ingest.worker_pool import Workers, ordered_map


@dataclass(frozen=True)
class LabelledClips:
    """Clips with their true labels; B clips, S samples.

    Attributes:
        audio_BS: float32 mono.
        captions: True captions, tag lists and sentences of 2 to 8 attributes.
        genre, mood, key: Words of `vocabulary`.
        instruments: Those that sound.
        tempo_B: Beats per minute.
        degradation: A kind of `degrade`, or "".
        severity_B: 0 to 1.
        mos_B: True quality, 1 to 5.
    """

    audio_BS: np.ndarray
    captions: list[str]
    genre: list[str]
    instruments: list[tuple[str, ...]]
    mood: list[str]
    tempo_B: np.ndarray
    key: list[str]
    degradation: list[str]
    severity_B: np.ndarray
    mos_B: np.ndarray


def labelled_clips(
    count: int,
    draw: Draw,
    *,
    store: Path,
    workers: int = 1,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> LabelledClips:
    """`count` clips, genres in equal shares; the same for any number of workers, and whatever the store holds.

    Args:
        count: Clips; clip i depends on (seed, i) alone, so a longer draw begins with a shorter one.
        draw: Which clips.
        store: Folder of clips rendered before (`draw_chunk`), of which only those of this draw and this code stay.
            Who finds it in use waits.
        workers: Processes.
        progress: Wraps the iterable of chunks to render; is told their `total` and `unit`.

    Raises:
        OSError: The disk does not give back what was written.
    """
    show = progress or (lambda items, **_: items)
    audio_BS = np.empty((count, round(draw.clip_seconds * draw.sample_rate)), np.float32)
    labels: list[Labels] = [{}] * count

    def take(chunk: Chunk) -> bool:
        kept = chunk.read()
        if kept is not None:
            rows = slice(chunk.first, min(chunk.first + CLIPS, count))
            audio_BS[rows], labels[rows] = (part[: rows.stop - rows.start] for part in kept)
        return kept is not None

    with file_lock(store / ".lock"):
        folder = store / key(draw)
        for other in store.iterdir():
            if other.is_dir() and other != folder:
                shutil.rmtree(other)
        chunks = [Chunk(draw, first, folder / f"{first:06d}.clips") for first in range(0, count, CLIPS)]
        missing = [chunk for chunk in chunks if not take(chunk)]
        rendered = ordered_map(keep, missing, workers=Workers(workers))
        for chunk, _ in zip(missing, show(rendered, total=len(missing), unit="chunk"), strict=True):
            if not take(chunk):
                raise OSError(f"{chunk.path}: holds something else than was written to it just now")
    return LabelledClips(
        audio_BS=audio_BS,
        captions=[clip["caption"] for clip in labels],
        genre=[clip["genre"] for clip in labels],
        instruments=[tuple(clip["instruments"]) for clip in labels],
        mood=[clip["mood"] for clip in labels],
        tempo_B=np.array([clip["tempo_bpm"] for clip in labels], dtype=np.float32),
        key=[clip["key"] for clip in labels],
        degradation=[clip["degradation"] for clip in labels],
        severity_B=np.array([clip["severity"] for clip in labels], dtype=np.float32),
        mos_B=np.array([true_mos(clip["degradation"], clip["severity"]) for clip in labels], dtype=np.float32),
    )
