"""The denoising objective: ‖v̂(x_t, t, c) − v‖² at uniformly drawn t (PADS-TAL 2.3; v-objective of Stable Audio Open).

Shape legend: B batch, D channels, T frames.
"""

import torch
from torch.nn import functional

from padstal.diffusion.conditioning import Conditioning, drop
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.prediction import noised, velocity
from padstal.diffusion.schedule import alpha_sigma
from padstal.training.distributed_shard import WHOLE, Share


def uniform_times(batch: int, generator: torch.Generator) -> torch.Tensor:
    """`batch` times, each uniform on [0, 1), one in every interval of length 1/batch, in random order.

    The even spread (Stable Audio Open draws a Sobol sequence) leaves each t uniform and lowers the loss's variance.
    """
    offsets_B = torch.rand(batch, generator=generator)
    return (torch.randperm(batch, generator=generator) + offsets_B) / batch


def denoising_loss(
    denoiser: Denoiser,
    x0_BDT: torch.Tensor,
    conditioning: Conditioning,
    *,
    dropout: float,
    generator: torch.Generator,
    share: Share = WHOLE,
) -> torch.Tensor:
    """Mean squared error of v̂, a scalar.

    Args:
        denoiser: The model.
        x0_BDT: Standardised latents, sampled from their posteriors.
        conditioning: Of the same clips; never perturbed in training.
        dropout: Probability of the null condition, per sample.
        generator: Draws t, ε and the dropout (on the CPU, so that all devices draw the same).
        share: Which clips of the step's batch `x0_BDT` holds.
    """
    t_B = share.of(uniform_times(share.world * len(x0_BDT), generator)).to(x0_BDT.device)
    noise_BDT = share.randn(x0_BDT.shape, generator).to(x0_BDT.device)
    alpha, sigma = alpha_sigma(t_B[:, None, None])
    dropped = Conditioning(drop(conditioning.cross_BRC, dropout, generator, share), conditioning.global_BG)
    v_BDT = denoiser(noised(x0_BDT, noise_BDT, alpha, sigma), t_B, dropped)
    return functional.mse_loss(v_BDT, velocity(x0_BDT, noise_BDT, alpha, sigma))
