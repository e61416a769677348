"""The small foundation models, one a role: trained on the composer's work, saved, and tested on what is new to them."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from padstal.demo import held_out, lessons, train_clap, train_pmos, train_tagger, train_text_encoder
from padstal.demo.config import ComposedCaptioner, Draw, TrainedClap, TrainedPmos, TrainedTagger, TrainedTextEncoder
from padstal.demo.draw import LabelledClips, labelled_clips
from padstal.demo.fit import Progress
from padstal.foundation import captioner, clap, pmos, tagger
from padstal.foundation.store import save

Metrics = dict[str, Any]


def make(
    section: TrainedClap | TrainedPmos | TrainedTagger | TrainedTextEncoder | ComposedCaptioner,
    draw: Draw,
    folder: Path,
    *,
    store: Path,
    device: torch.device,
    workers: int,
    progress: Progress,
) -> Metrics:
    """Fill a model folder with the small model of `section`; how good it is on what it did not learn from.

    Args:
        section: What to make.
        draw: The composer's clips that it learns from.
        folder: Exists and is empty.
        store: Of the clips that were rendered before (`draw.labelled_clips`).
        device: Where to train.
        workers: Processes that render clips.
        progress: Shows how far drawing and training are.
    """
    if isinstance(section, ComposedCaptioner):
        captioner.compose(folder)
        return {}
    steps = partial(progress, unit="step")
    if isinstance(section, TrainedTextEncoder):
        return _text_encoder(section, draw.seed, folder, device, steps)
    clips, test = draw_clips(draw, section.clips, store, workers, progress)
    how: dict[str, Any] = {"sample_rate": draw.sample_rate, "device": device, "progress": steps}
    origin = {"origin": f"trained on the composer's draw: {section.clips} clips, seed {draw.seed}"}
    match section:
        case TrainedClap():
            model, losses = train_clap.train(clips.audio_BS, lessons.fresh_captions(clips), section, **how)
            save(folder, model.model, model.config | origin)
            return course(losses) | held_out.clap_report(clap.load(folder, device), test)
        case TrainedPmos():
            scorer, losses = train_pmos.train(clips.audio_BS, clips.mos_B, section, **how)
            save(folder, scorer.model, scorer.config | origin)
            return course(losses) | held_out.pmos_report(pmos.load(folder, device), test)
        case TrainedTagger():
            words, losses = train_tagger.train(
                clips.audio_BS, lessons.labels(clips), lessons.VOCABULARY, section, **how
            )
            save(folder, words.model, words.config | origin)
            return course(losses) | held_out.tagger_report(tagger.load(folder, device), test)


def _text_encoder(
    section: TrainedTextEncoder, seed: int, folder: Path, device: torch.device, steps: Progress
) -> Metrics:
    texts = lessons.captions(section.captions + section.held_out_captions, seed)
    tested, config, losses = train_text_encoder.train(
        texts[: section.captions], texts[section.captions :], section, device=device, progress=steps
    )
    origin = f"trained on {section.captions} captions of the composer, seed {seed}"
    save(folder, tested.model, config | {"origin": origin})
    return course(losses) | {"held_out_loss": tested.held_out_loss, "held_out_chance": tested.chance}


def draw_clips(
    draw: Draw, count: int, store: Path, workers: int, progress: Progress
) -> tuple[LabelledClips, LabelledClips]:
    """`count` clips to learn from, and those to test on."""
    clips = labelled_clips(count + draw.held_out, draw, store=store, workers=workers, progress=progress)
    return lessons.split(clips, draw.held_out)


def course(losses: list[float]) -> Metrics:
    """How a training went: the first loss, and the mean of the last tenth."""
    last = losses[-max(1, len(losses) // 10) :]
    return {"steps": len(losses), "loss_first": losses[0], "loss_last": sum(last) / len(last)}
