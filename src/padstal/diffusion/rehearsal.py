"""The training of a denoiser without clips: a fresh task and a batch of noise.

For what depends on shapes alone: memory, operations, time.
"""

from typing import Any

import torch

from padstal.core.protocols import TextStates
from padstal.diffusion.clips import ATTRIBUTES, ClipBatch
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask

LEVEL = 3.0
"""What all attributes are: seconds, and the middle quality level."""


def rehearsal(
    params: DenoiserParams, latent: tuple[int, ...], text: tuple[int, int], batch: int, first: int | None = None
) -> tuple[DenoiserTask, list[ClipBatch]]:
    """The task, and a step of `batch` clips whose texts fill half of their rows.

    Args:
        params: Of the denoiser.
        latent: Shape of the codec's latent, channels first.
        text: Rows of a text, and features of a row.
        batch: Clips.
        first: Channels of the latent's first group; None where there is but one.

    Raises:
        ValueError: The denoiser cannot take such latents.
    """
    rows, width = text
    no_clips: Any = None
    task = DenoiserTask(Denoiser(params.form, latent, width, first_channels=first), no_clips, None, params)
    real_BL = (torch.arange(rows) < max(rows // 2, 1)).expand(batch, rows)
    clips = ClipBatch(
        step=0,
        clip_ids=[str(number) for number in range(batch)],
        latent_BD=torch.randn(batch, *latent),
        text=TextStates(torch.randn(batch, rows, width), real_BL),
        attributes={name: torch.full((batch,), LEVEL) for name in ATTRIBUTES},
    )
    return task, [clips]
