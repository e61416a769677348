"""A small training of a denoiser, by any number of processes."""

from collections.abc import Callable
from pathlib import Path

import torch
from tests.diffusion.fakes import SHAPE
from tests.diffusion.test_training import PLAN, clips

from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.training import train
from padstal.latents.processes import Processes

ENDS_AT = 13


def run(
    folder: Path, processes: Processes, before_step: Callable[[int], None] = lambda step: None
) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
    """Averaged weights and curves."""

    def ticking(steps):
        for step in steps:
            before_step(step)
            yield step

    torch.manual_seed(0)
    training, validation = clips(folder.parent / f"latents_{processes.share().rank}")
    trained = train(
        Denoiser(SHAPE),
        training,
        validation,
        PLAN,
        device=torch.device("cpu"),
        state_folder=folder,
        processes=processes,
        progress=ticking,
    )
    return trained.denoiser.state_dict(), trained.curves
