"""A draw of labelled clips from the composer: what the small foundation models learn from.

It has a seed of its own, so no piece of the corpus is among them, and reads no truth file.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from padstal.demo.brief import Brief, draw_brief
from padstal.demo.composer import compose
from padstal.demo.degrade import degrade, true_mos
from padstal.demo.grammar import caption
from padstal.demo.renderer import RENDER_RATE, render
from padstal.demo.vocabulary import DEGRADATIONS, GENRES
from padstal.ingest.loudness import gain_to, integrated_loudness
from padstal.ingest.resample import resample

DRAW_STREAM = 0xD2A
"""Keeps the draw's random streams apart from the corpus', should both have the same seed."""
MIN_SEVERITY = 0.15
LEAD_SECONDS = 4.0
"""A clip starts up to this long into its piece."""


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


@dataclass(frozen=True)
class _Clip:
    audio_S: np.ndarray
    brief: Brief
    caption: str
    degradation: str
    severity: float


@dataclass(frozen=True)
class _Order:
    index: int
    seed: int
    clip_seconds: float
    sample_rate: int
    degraded_share: float
    loudness_lufs: float | None


def labelled_clips(
    count: int,
    *,
    seed: int,
    clip_seconds: float,
    sample_rate: int,
    degraded_share: float,
    loudness_lufs: float | None = -20.0,
    workers: int = 1,
    progress: Callable[[Iterable[Any]], Iterable[Any]] | None = None,
) -> LabelledClips:
    """`count` clips, genres in equal shares; the same for any number of workers.

    Args:
        count: Clips.
        seed: Of the draw; clip i depends on (seed, i) alone, so a longer draw begins with a shorter one.
        clip_seconds: Length of a clip, s.
        sample_rate: Hz.
        degraded_share: Share of clips with a degradation of random kind and severity.
        loudness_lufs: Integrated loudness of the clips, as ingest has it; None leaves what the renderer gives.
        workers: Processes.
        progress: Wraps the iterable of results, to show progress.
    """
    orders = [_Order(i, seed, clip_seconds, sample_rate, degraded_share, loudness_lufs) for i in range(count)]
    show = progress or (lambda items: items)
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            clips = list(show(pool.map(_clip, orders, chunksize=16)))
    else:
        clips = list(show(map(_clip, orders)))
    return LabelledClips(
        audio_BS=np.stack([clip.audio_S for clip in clips]) if clips else np.zeros((0, 0), np.float32),
        captions=[clip.caption for clip in clips],
        genre=[clip.brief.genre for clip in clips],
        instruments=[clip.brief.instruments for clip in clips],
        mood=[clip.brief.mood for clip in clips],
        tempo_B=np.array([clip.brief.tempo_bpm for clip in clips], dtype=np.float32),
        key=[clip.brief.key for clip in clips],
        degradation=[clip.degradation for clip in clips],
        severity_B=np.array([clip.severity for clip in clips], dtype=np.float32),
        mos_B=np.array([true_mos(clip.degradation, clip.severity) for clip in clips], dtype=np.float32),
    )


def _clip(order: _Order) -> _Clip:
    rng = np.random.default_rng([DRAW_STREAM, order.seed, order.index])
    brief = draw_brief(rng, genre=GENRES[order.index % len(GENRES)])
    text = caption(brief, rng)
    start = rng.uniform(0, LEAD_SECONDS)
    seconds = start + order.clip_seconds
    audio_SC = render(compose(brief, seconds=seconds + 0.5, rng=rng), seconds=seconds + 0.5)
    degraded = rng.random() < order.degraded_share
    kind = str(rng.choice(DEGRADATIONS)) if degraded else ""
    severity = float(rng.uniform(MIN_SEVERITY, 1)) if degraded else 0.0
    # degraded as a file would be, before it is cut to a clip: resampling rounds off what a fault leaves behind
    audio_SC = degrade(audio_SC[round(start * RENDER_RATE) :], kind, severity, sample_rate=RENDER_RATE, rng=rng)
    audio_S = resample(audio_SC.mean(axis=1), RENDER_RATE, order.sample_rate)
    audio_S = audio_S[: round(order.clip_seconds * order.sample_rate)]
    if order.loudness_lufs is not None:
        loudness = integrated_loudness(audio_S[:, None], order.sample_rate)
        audio_S = audio_S * np.float32(gain_to(order.loudness_lufs, loudness, float(np.abs(audio_S).max())))
    return _Clip(audio_S.astype(np.float32), brief, text, kind, severity)
