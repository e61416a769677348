"""The denoising objective: how far the network's output lies from its target at uniformly drawn t (PADS-TAL 2.3).

Shape legend: B batch, D latent channels; [B, D, …] latents of any shape.
"""

from typing import TYPE_CHECKING, Literal

from padstal.core.kinds import Kinds
from padstal.core.protocols import Conditioning, Objective
from padstal.core.section import Section
from padstal.diffusion.prediction import noised
from padstal.training.distributed_shard import WHOLE, DistributedShard

if TYPE_CHECKING:
    import torch

    from padstal.diffusion.denoiser import Denoiser


class MeanSquaredError(Section):
    """‖output − target‖², the mean (Stable Audio Open, QA-MDT)."""

    kind: Literal["mse"] = "mse"

    def __call__(self, output_BD: "torch.Tensor", target_BD: "torch.Tensor") -> "torch.Tensor":
        from torch.nn import functional

        return functional.mse_loss(output_BD, target_BD)


class MeanAbsoluteError(Section):
    """|output − target|, the mean (DiscoDiff)."""

    kind: Literal["l1"] = "l1"

    def __call__(self, output_BD: "torch.Tensor", target_BD: "torch.Tensor") -> "torch.Tensor":
        from torch.nn import functional

        return functional.l1_loss(output_BD, target_BD)


OBJECTIVES = Kinds("objective", MeanSquaredError, MeanAbsoluteError)


def uniform_times(batch: int, generator: "torch.Generator") -> "torch.Tensor":
    """`batch` times, each uniform on [0, 1), one in every interval of length 1/batch, in random order.

    The even spread (Stable Audio Open draws a Sobol sequence) leaves each t uniform and lowers the loss's variance.
    """
    import torch

    offsets_B = torch.rand(batch, generator=generator)
    return (torch.randperm(batch, generator=generator) + offsets_B) / batch


def denoising_loss(
    denoiser: "Denoiser",
    x0_BD: "torch.Tensor",
    conditioning: Conditioning,
    *,
    dropout: float,
    generator: "torch.Generator",
    shard: DistributedShard = WHOLE,
    objective: Objective = MeanSquaredError(),  # noqa: B008 (frozen)
) -> "torch.Tensor":
    """The objective of a batch, a scalar.

    Args:
        denoiser: The model.
        x0_BD: Standardised latents, sampled from their posteriors.
        conditioning: Of the same clips; never perturbed in training.
        dropout: Probability of the null condition, per sample.
        generator: Draws t, ε and the dropout (on the CPU, so that all devices draw the same).
        shard: Which clips of the step's batch `x0_BD` holds.
        objective: Distance of output and target.
    """
    t_B = shard.of(uniform_times(shard.world * len(x0_BD), generator)).to(x0_BD.device)
    noise_BD = shard.randn(x0_BD.shape, generator).to(x0_BD.device)
    alpha, sigma = denoiser.schedule.alpha_sigma(t_B.view(-1, *[1] * (x0_BD.ndim - 1)))
    kept_B = (shard.rand(len(x0_BD), generator) >= dropout).to(x0_BD.device)
    told = conditioning.where(kept_B, denoiser.null(conditioning))
    output_BD = denoiser(noised(x0_BD, noise_BD, alpha, sigma), t_B, denoiser.embed(told))
    return objective(output_BD, denoiser.prediction.target(x0_BD, noise_BD, alpha, sigma))
