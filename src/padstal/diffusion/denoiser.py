"""What is trained and kept: conditioner and backbone as one module, with their schedule and prediction."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from padstal.core.protocols import Attributes, Conditioning, TextStates
from padstal.diffusion.form import DenoiserForm


class Denoiser(nn.Module):
    """A network's output for noised latents and what it is told, and D(x, σ) of that output."""

    def __init__(
        self, form: DenoiserForm, codec_shape: tuple[int, ...], text_width: int, *, first_channels: int | None = None
    ):
        """Fresh weights from torch's global generator.

        Args:
            form: Its parts.
            codec_shape: Of one latent of the codec, (D, …), of which it generates what `form.generates` says.
            text_width: Features of a text state.
            first_channels: Of the latent's first channel group; None where there is but one.

        Raises:
            ValueError: It is to generate the rest of one group, or latents that its backbone cannot take.
        """
        super().__init__()
        channels, *others = codec_shape
        first = first_channels or channels
        start, stop = {"whole": (0, channels), "first": (0, first), "rest": (first, channels)}[form.generates]
        if start == stop:
            raise ValueError(f"generates = {form.generates}: latents of shape {codec_shape} have one channel group")
        self.form, self.first_channel, self._stop = form, start, stop
        self.latent_shape = (stop - start, *others)
        self.schedule, self.prediction = form.schedule, form.prediction
        self.conditioner = form.conditioner.build(text_width)
        lower = {"lower_channels": start} if start else {}
        self.backbone = form.backbone.build(self.latent_shape, self.conditioner, **lower)

    def own_of(self, latent_BD: torch.Tensor) -> torch.Tensor:
        """What it generates, of the codec's latents."""
        return latent_BD[:, self.first_channel : self._stop]

    def lower_of(self, latent_BD: torch.Tensor) -> torch.Tensor | None:
        """What it is told, of the codec's latents or their first channels; None if nothing."""
        return latent_BD[:, : self.first_channel] if self.first_channel else None

    def condition(self, text: TextStates, attributes: Attributes, lower_BE: torch.Tensor | None = None) -> Conditioning:
        """What the backbone is told, before `embed`; the lower latent [B, E, …] is that of `lower_of`."""
        told: Conditioning = self.conditioner(text, attributes)
        return told if lower_BE is None else replace(told, others={**told.others, "lower": lower_BE})

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
