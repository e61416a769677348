"""An autoencoder and its discriminator, fresh, from plain keywords."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from padstal.codecs import backbone
from padstal.codecs.checkpoint import AudioForm
from padstal.codecs.tal_vae import TalConfig, ZLayout
from padstal.core.protocols import TextEncoder
from padstal.nn.discriminators import DacDiscriminator, MultiScaleStftDiscriminator


def audio_form(form: Mapping[str, Any], *, channels: int, latent_channels: int) -> AudioForm:
    """Form of the audio-only autoencoder; `form` is its backbone's."""
    return AudioForm(backbone.from_dict({**form, "channels": channels}), latent_channels)


def tal_config(
    form: Mapping[str, Any],
    *,
    channels: int,
    shared_width: int,
    private_channels: int,
    shared_channels: int,
    frames: int,
    initial_std: float,
    z_layout: ZLayout,
    encoder: TextEncoder,
    pool_width: int,
    text_width: int,
    text_heads: int,
    text_feedforward: int,
) -> TalConfig:
    """Form of the text-aware autoencoder; `form` is its backbone's, `encoder` the frozen text encoder that it reads."""
    private = backbone.from_dict({**form, "channels": channels})
    return TalConfig(
        private=private,
        shared=replace(private, width=shared_width),
        private_channels=private_channels,
        shared_channels=shared_channels,
        initial_std=initial_std,
        frames=frames,
        z_layout=z_layout,
        state_width=encoder.width,
        positions=encoder.max_length,
        vocabulary=encoder.vocabulary,
        pool_width=pool_width,
        text_width=text_width,
        text_heads=text_heads,
        text_feedforward=text_feedforward,
    )


def discriminator(form: Mapping[str, Any], *, channels: int, sample_rate: int) -> nn.Module:
    """A discriminator; `form["kind"]` is "stft" or "dac"."""
    if form["kind"] == "dac":
        return DacDiscriminator(sample_rate, form["fft_sizes"], form["periods"])
    return MultiScaleStftDiscriminator(channels, form["fft_sizes"], form["filters"])
