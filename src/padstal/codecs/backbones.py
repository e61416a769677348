"""The backbones of autoencoders: encoder and decoder networks between audio and features at frame rate."""

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import model_validator

from padstal.core.kinds import Kinds
from padstal.core.section import Count, Section, value

if TYPE_CHECKING:
    from torch import nn


class Backbone(Protocol):
    """The form of an encoder and of the decoder that mirrors it."""

    width: int

    @property
    def ratio(self) -> int:
        """Samples of one latent frame."""
        ...

    def encoder(self, channels: int, outputs: int) -> "nn.Module":
        """Audio [B, channels, S] → features [B, outputs, S / ratio], fresh."""
        ...

    def decoder(self, channels: int, inputs: int) -> "nn.Module":
        """Latent [B, inputs, T] → audio [B, channels, T · ratio], fresh."""
        ...

    def model_copy(self, *, update: dict[str, Any]) -> Any:
        """The same with other values (pydantic's)."""
        ...


class Oobleck(Section):
    """Stable Audio Open's convolutional backbone."""

    kind: Literal["oobleck"] = "oobleck"
    width: int = value("channels at full rate", "channels", ge=4)
    multiples: tuple[Count, ...] = value("channels of each level, in units of the width", min_length=1)
    strides: tuple[Count, ...] = value("downsampling between levels; their product is the ratio", min_length=1)
    last_bias: bool = value("whether the decoder's last layer has a bias; Stable Audio Open's has none", default=True)

    @model_validator(mode="after")
    def _one_stride_a_level(self) -> "Oobleck":
        if len(self.multiples) != len(self.strides):
            raise ValueError(f"{len(self.multiples)} multiples {self.multiples} for {len(self.strides)} strides")
        return self

    @property
    def ratio(self) -> int:
        return math.prod(self.strides)

    def encoder(self, channels: int, outputs: int) -> "nn.Module":
        from padstal.nn.oobleck import OobleckEncoder

        return OobleckEncoder(channels, outputs, **self.model_dump(exclude={"kind", "last_bias"}))

    def decoder(self, channels: int, inputs: int) -> "nn.Module":
        from padstal.nn.oobleck import OobleckDecoder

        return OobleckDecoder(channels, inputs, **self.model_dump(exclude={"kind"}))


class Spectral(Section):
    """The light backbone: STFT, ConvNeXt blocks, inverse STFT."""

    kind: Literal["spectral"] = "spectral"
    width: int = value("features of a block", "features", ge=8)
    n_fft: int = value("window of the STFT", "samples", ge=64)
    hop: int = value("samples of an STFT frame", "samples", ge=16)
    stride: int = value("STFT frames of a latent frame", "frames", ge=1)
    depth: int = value("blocks at the rate of STFT frames", "blocks", ge=1)
    deep_depth: int = value("blocks at the rate of latent frames", "blocks", ge=1)

    @model_validator(mode="after")
    def _windows_overlap_evenly(self) -> "Spectral":
        if self.n_fft % self.hop or (self.n_fft - self.hop) % 2:
            raise ValueError(f"n_fft = {self.n_fft}: expected an even multiple of hop = {self.hop}")
        return self

    @property
    def ratio(self) -> int:
        return self.hop * self.stride

    def encoder(self, channels: int, outputs: int) -> "nn.Module":
        from padstal.nn.spectral import SpectralEncoder

        return SpectralEncoder(channels, outputs, **self.model_dump(exclude={"kind"}))

    def decoder(self, channels: int, inputs: int) -> "nn.Module":
        from padstal.nn.spectral import SpectralDecoder

        return SpectralDecoder(channels, inputs, **self.model_dump(exclude={"kind"}))


BACKBONES = Kinds("codec backbone", Oobleck, Spectral)
BackboneField = Annotated[Backbone, BACKBONES]
"""A field of params that holds one."""
