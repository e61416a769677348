"""The discriminators that autoencoders are trained against."""

from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from padstal.core.kinds import Kinds
from padstal.core.section import Count, FftSize, Section, value

if TYPE_CHECKING:
    from torch import nn

FeatureMatching = Literal["normalised", "plain"]


class Discriminator(Protocol):
    """The form of a network that tells music from reconstructions."""

    def build(self, *, channels: int, sample_rate: int) -> "nn.Module":
        """Audio [B, channels, S] → a list of `Verdict`s, fresh."""
        ...


class StftDiscriminator(Section):
    """EnCodec's complex multi-scale STFT discriminator."""

    kind: Literal["stft"] = "stft"
    fft_sizes: tuple[FftSize, ...] = value("window of each scale", "samples", min_length=1)
    filters: int = value("filters of each layer", "channels", ge=1)
    unit_rms: bool = value("bring each clip to unit RMS first, which the released codes do not", default=True)

    def build(self, *, channels: int, sample_rate: int) -> "nn.Module":
        from padstal.nn.discriminators import MultiScaleStftDiscriminator

        return MultiScaleStftDiscriminator(channels, self.fft_sizes, self.filters, unit_rms=self.unit_rms)


class DacDiscriminator(Section):
    """The Descript Audio Codec's discriminator."""

    kind: Literal["dac"] = "dac"
    fft_sizes: tuple[FftSize, ...] = value("windows of the multi-band spectrograms", "samples")
    periods: tuple[Count, ...] = value("periods of the multi-period discriminators", "samples")

    def build(self, *, channels: int, sample_rate: int) -> "nn.Module":
        from padstal.nn import discriminators

        return discriminators.DacDiscriminator(sample_rate, self.fft_sizes, self.periods)


DISCRIMINATORS = Kinds("discriminator", StftDiscriminator, DacDiscriminator)
DiscriminatorField = Annotated[Discriminator, DISCRIMINATORS]
"""A field of params that holds one."""
