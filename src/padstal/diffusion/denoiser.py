"""What is trained and kept: conditioner and backbone as one module, with their schedule and prediction."""

from typing import Any

import torch
from torch import nn

from padstal.core.protocols import Attributes, Conditioning, TextStates
from padstal.diffusion.form import DenoiserForm


class Denoiser(nn.Module):
    """A network's output for noised latents and what it is told, and D(x, σ) of that output."""

    def __init__(self, form: DenoiserForm, latent_shape: tuple[int, ...], text_width: int):
        """Fresh weights from torch's global generator.

        Args:
            form: Its parts.
            latent_shape: Of one latent, (D, …).
            text_width: Features of a text state.
        """
        super().__init__()
        self.form, self.latent_shape = form, latent_shape
        self.schedule, self.prediction = form.schedule, form.prediction
        self.conditioner = form.conditioner.build(text_width)
        self.backbone = form.backbone.build(latent_shape, self.conditioner)

    def condition(self, text: TextStates, attributes: Attributes) -> Conditioning:
        """What the backbone is told, before `embed`."""
        told: Conditioning = self.conditioner(text, attributes)
        return told

    def null(self, conditioning: Conditioning) -> Conditioning:
        """The same samples without their text."""
        told: Conditioning = self.conditioner.null(conditioning)
        return told

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """As the backbone reads it; diversity methods act between this and `forward`."""
        embedded: Conditioning = self.backbone.embed(conditioning)
        return embedded

    def forward(self, x_t_BD: torch.Tensor, t_B: torch.Tensor, embedded: Conditioning, **options: Any) -> torch.Tensor:
        """The output [B, D, …], what `form.prediction` asks for; `options` are the backbone's."""
        output: torch.Tensor = self.backbone(x_t_BD, t_B, embedded, **options)
        return output
