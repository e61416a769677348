"""The denoising objective: how far the network's output lies from its target at uniformly drawn t (PADS-TAL 2.3).

Shape legend: B batch, D latent channels; [B, D, …] latents of any shape; P patches.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from padstal.core.kinds import Kinds
from padstal.core.protocols import Conditioning, Draw, Hidden, Objective
from padstal.core.section import Section, value
from padstal.diffusion.prediction import noised
from padstal.training.distributed_shard import WHOLE, DistributedShard

if TYPE_CHECKING:
    import torch

    from padstal.diffusion.denoiser import Denoiser


class MeanSquaredError(Section):
    """‖output − target‖², the mean (Stable Audio Open, QA-MDT)."""

    kind: Literal["mse"] = "mse"

    def __call__(
        self,
        network: "Callable[..., torch.Tensor]",
        target_BD: "torch.Tensor",
        snr_B: "torch.Tensor",
        draw: Draw | None,
    ) -> "torch.Tensor":
        from torch.nn import functional

        return functional.mse_loss(network(), target_BD)


class MeanAbsoluteError(Section):
    """|output − target|, the mean (DiscoDiff)."""

    kind: Literal["l1"] = "l1"

    def __call__(
        self,
        network: "Callable[..., torch.Tensor]",
        target_BD: "torch.Tensor",
        snr_B: "torch.Tensor",
        draw: Draw | None,
    ) -> "torch.Tensor":
        from torch.nn import functional

        return functional.l1_loss(network(), target_BD)


class Masked(Section):
    """Squared error on all patches of a pass with some patches hidden, and of one with all visible (QA-MDT eq. 7).

    Masked training of the diffusion transformer sums both passes (Gao et al. 2023); QA-MDT's released code makes the
    first alone (`full_weight: 0`), and weighs by min(SNR, 5) / SNR, which its paper does not (`min_snr: 5`).
    """

    kind: Literal["masked"] = "masked"
    low: float = value("least share of a sample's patches that is hidden", ge=0, lt=1)
    high: float = value(
        "largest share; each sample draws its own. 0 leaves the pass with all visible alone", ge=0, lt=1
    )
    full_weight: float = value("weight of the pass with all patches visible", ge=0)
    min_snr: float | None = value("γ of the weight min(SNR, γ) / SNR of ε (Hang et al. 2023); null weighs all alike")

    @model_validator(mode="after")
    def _in_order(self) -> Any:
        if self.low > self.high:
            raise ValueError(f"low = {self.low} must not be above high = {self.high}")
        return self

    def __call__(
        self,
        network: "Callable[..., torch.Tensor]",
        target_BD: "torch.Tensor",
        snr_B: "torch.Tensor",
        draw: Draw | None,
    ) -> "torch.Tensor":
        if draw is None or not self.high:
            return self._error(network(), target_BD, snr_B)
        batch = len(target_BD)

        def hide(patches: int) -> Hidden:
            """⌊γ P⌋ patches of each sample."""
            fewest, most = (math.floor(share * patches) for share in (self.low, self.high))
            share_B = self.low + (self.high - self.low) * draw(batch)
            place_BP = draw(batch, patches).argsort(dim=1).argsort(dim=1)
            return Hidden(place_BP < (share_B * patches).floor().clamp(fewest, most).unsqueeze(1), fewest, most)

        loss = self._error(network(hide=hide), target_BD, snr_B)
        return loss + self.full_weight * self._error(network(), target_BD, snr_B) if self.full_weight else loss

    def _error(self, output_BD: "torch.Tensor", target_BD: "torch.Tensor", snr_B: "torch.Tensor") -> "torch.Tensor":
        error_B = (output_BD - target_BD).square().flatten(1).mean(1)
        weight_B = 1.0 if self.min_snr is None else snr_B.clamp(max=self.min_snr) / snr_B
        return (weight_B * error_B).mean()


OBJECTIVES = Kinds("objective", MeanSquaredError, MeanAbsoluteError, Masked)


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
    code_of: "Callable[[int], torch.Tensor] | None" = None,
    training: bool = True,
) -> "torch.Tensor":
    """The objective of a batch, a scalar.

    Args:
        denoiser: The model.
        x0_BD: Standardised latents, sampled from their posteriors.
        conditioning: Of the same clips; diversity methods never perturb it in training.
        dropout: Probability of the null condition, per sample.
        generator: Draws t, ε and the dropout (on the CPU, so that all devices draw the same).
        shard: Which clips of the step's batch `x0_BD` holds.
        objective: Distance of output and target.
        code_of: From the width of embedded rows to the clips' padding codes [B, R, C]; None where there are none.
        training: False for the distance that sampling meets, with nothing hidden.
    """
    t_B = shard.of(uniform_times(shard.world * len(x0_BD), generator)).to(x0_BD.device)
    noise_BD = shard.randn(x0_BD.shape, generator).to(x0_BD.device)
    alpha, sigma = denoiser.schedule.alpha_sigma(t_B.view(-1, *[1] * (x0_BD.ndim - 1)))
    kept_B = (shard.rand((len(x0_BD),), generator) >= dropout).to(x0_BD.device)
    told = conditioning.where(kept_B, denoiser.null(conditioning))
    x_t_BD, embedded = noised(x0_BD, noise_BD, alpha, sigma), denoiser.embed(told)
    if code_of and denoiser.form.padding_codes:
        code_BRC = code_of(embedded.text_BLC.shape[-1]).to(x0_BD.device)
        embedded = denoiser.form.padding_codes.on(embedded, code_BRC * kept_B.view(-1, 1, 1))

    def network(**options: Any) -> "torch.Tensor":
        return denoiser(x_t_BD, t_B, embedded, **options)

    def draw(*shape: int) -> "torch.Tensor":
        return shard.rand(shape, generator).to(x0_BD.device)

    snr_B = (alpha / sigma).square().flatten()
    target_BD = denoiser.prediction.target(x0_BD, noise_BD, alpha, sigma)
    return objective(network, target_BD, snr_B, draw if training else None)
