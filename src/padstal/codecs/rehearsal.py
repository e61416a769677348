"""The training of an autoencoder without clips: a fresh task, and a batch of noise for each of its kinds of step.

For what depends on shapes alone: memory, operations, time.
"""

from typing import Any

import torch

from padstal.codecs.clips import ClipBatch, Texts
from padstal.codecs.config import AudioVaeParams, CropForm, TalVaeParams
from padstal.codecs.recipes import recipe_of
from padstal.codecs.task import AutoencoderTask
from padstal.core.protocols import TextStates


def rehearsal(
    params: AudioVaeParams | TalVaeParams, form: CropForm, batch: int
) -> tuple[AutoencoderTask, list[ClipBatch]]:
    """The task, a step of its discriminator, and one of its generator against it; of `batch` clips each."""
    model = params.codec.build(form)
    about: dict[str, int] = {"channels": form.channels, "sample_rate": form.sample_rate}
    no_clips: Any = None
    task = AutoencoderTask(
        model, params.discriminator.network.build(**about), recipe_of(params, **about), no_clips, no_clips, params
    )
    audio_BCS = torch.randn(batch, form.channels, form.frames * params.codec.ratio)
    texts = None
    if form.text is not None:
        L = form.text.max_length
        states = TextStates(torch.randn(batch, L, form.text.width), torch.ones(batch, L, dtype=torch.bool))
        texts = Texts(states, torch.zeros(batch, L, dtype=torch.int64))
    ids, start = [str(number) for number in range(batch)], params.discriminator.start
    return task, [ClipBatch(step, ids, audio_BCS, texts) for step in (start, start + 1)]
