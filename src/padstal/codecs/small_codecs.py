"""The small codecs, one a role: trained on the composer's work, saved, and tested on what is new to them."""

from functools import partial
from pathlib import Path
from typing import Any

import torch

from padstal.codecs import dac, mel_codec, train_dac, train_mel_codec
from padstal.demo.config import Draw, TrainedDac, TrainedMelCodec
from padstal.demo.fit import Progress
from padstal.demo.small_models import course, draw_clips
from padstal.foundation.dac import config_of
from padstal.foundation.mel_codec import small_config
from padstal.foundation.store import save


def make(
    section: TrainedMelCodec | TrainedDac,
    draw: Draw,
    folder: Path,
    *,
    store: Path,
    device: torch.device,
    workers: int,
    progress: Progress,
) -> dict[str, Any]:
    """Fill a model folder with the small codec of `section`; how well it gives back clips that it did not learn from.

    Args:
        section: What to make.
        draw: The composer's clips that it learns from.
        folder: Exists and is empty.
        store: Of the clips that were rendered before (`demo.draw.labelled_clips`).
        device: Where to train.
        workers: Processes that render clips.
        progress: Shows how far drawing and training are.
    """
    clips, test = draw_clips(draw, section.clips, store, workers, progress)
    sounds = (clips.audio_BS, test.audio_BS)
    how: dict[str, Any] = {
        "sample_rate": draw.sample_rate,
        "device": device,
        "progress": partial(progress, unit="step"),
    }
    origin = {"origin": f"trained on the composer's draw: {section.clips} clips, seed {draw.seed}"}
    match section:
        case TrainedMelCodec():
            model, losses = train_mel_codec.train(clips.audio_BS, section, **how)
            save(folder, model, small_config(section, draw.sample_rate, draw.clip_seconds) | origin)
            return course(losses) | train_mel_codec.held_out(mel_codec.load(folder, device), *sounds, device)
        case TrainedDac():
            model, losses = train_dac.train(clips.audio_BS, section, **how)
            save(folder, model, config_of(section, section, draw.sample_rate, draw.clip_seconds) | origin)
            return course(losses) | train_dac.held_out(dac.load(folder, device), *sounds, device)
