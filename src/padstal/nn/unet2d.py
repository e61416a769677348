"""The U-Net that QA-MDT is compared with (QA-MDT 6.1): AudioLDM 2's form, from diffusers' `UNet2DConditionModel`.

The first level is convolutions alone; the others and the middle attend to themselves and to the text rows. Time and the
quality's vector, added, enter every residual block. Halved sizes that do not come out even are taken up again from the
way down, so a latent may have any length.

Shape legend: B batch, D latent channels, L frames, F bands, R text rows, C features of a row.
"""

from typing import Any

import torch
from torch import nn

from padstal.core.protocols import Conditioning
from padstal.nn.quality_embedding import QualityEmbedding
from padstal.nn.time_features import TIME_SCALE

TIME_WIDTHS = 4
"""diffusers' time embedding has so many times the first level's channels."""


class UNet2d(nn.Module):
    """Output of x_t, t and conditioning; a `protocols.Backbone`."""

    def __init__(
        self,
        *,
        latent_channels: int,
        width: int,
        multiples: tuple[int, ...],
        blocks: int,
        groups: int,
        head_features: int,
        cond_width: int,
        quality: bool,
        padding: str,
    ):
        """Fresh weights.

        Args:
            latent_channels: D.
            width: Channels of the first level.
            multiples: Channels of each level, in units of `width`.
            blocks: Residual blocks of a level on the way down; one more on the way up.
            groups: Of group normalisation; divides the width.
            head_features: Features of an attention head; divides the width.
            cond_width: C.
            quality: Whether it is told the quality's level.
            padding: Rows of padding in cross-attention: "masked" or "visible".
        """
        from diffusers import UNet2DConditionModel

        super().__init__()
        self.padding = padding
        channels = tuple(width * multiple for multiple in multiples)
        attending = len(multiples) - 1
        network: Any = UNet2DConditionModel  # its decorators hide its types
        self.network = network(
            in_channels=latent_channels,
            out_channels=latent_channels,
            block_out_channels=channels,
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * attending),
            up_block_types=(*["CrossAttnUpBlock2D"] * attending, "UpBlock2D"),
            layers_per_block=blocks,
            norm_num_groups=groups,
            cross_attention_dim=cond_width,
            attention_head_dim=tuple(own // head_features for own in channels),  # it means the number of heads
            class_embed_type="identity" if quality else None,
        )
        self.quality = QualityEmbedding(TIME_WIDTHS * width) if quality else None

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """Text rows as they are, which CADS and PADS act on; and the quality's vector."""
        if self.quality is None:
            return conditioning
        vector = self.quality(conditioning.others["quality"])
        return Conditioning(
            conditioning.text_BLC, conditioning.mask_BL, {**conditioning.others, "quality_vector": vector}
        )

    def forward(self, x_BDLF: torch.Tensor, t_B: torch.Tensor, embedded: Conditioning) -> torch.Tensor:
        """Output [B, D, L, F], float32.

        Args:
            x_BDLF: Noised latents.
            t_B: Diffusion time in [0, 1].
            embedded: From `embed`.
        """
        output: torch.Tensor = self.network(
            x_BDLF,
            TIME_SCALE * t_B,
            encoder_hidden_states=embedded.text_BLC,
            encoder_attention_mask=embedded.mask_BL if self.padding == "masked" else None,
            class_labels=embedded.others.get("quality_vector"),
        ).sample
        return output.float()
