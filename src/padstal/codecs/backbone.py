"""Which backbone an autoencoder is built of: the form that `config.json` names becomes an encoder or a decoder."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from padstal.nn.oobleck import OobleckConfig, OobleckDecoder, OobleckEncoder
from padstal.nn.spectral import SpectralConfig, SpectralDecoder, SpectralEncoder

BackboneConfig = OobleckConfig | SpectralConfig


def encoder(config: BackboneConfig, outputs: int) -> nn.Module:
    """Audio [B, C, S] → features [B, outputs, S / ratio]."""
    return OobleckEncoder(config, outputs) if isinstance(config, OobleckConfig) else SpectralEncoder(config, outputs)


def decoder(config: BackboneConfig, inputs: int) -> nn.Module:
    """Latent [B, inputs, T] → audio [B, C, T · ratio]."""
    return OobleckDecoder(config, inputs) if isinstance(config, OobleckConfig) else SpectralDecoder(config, inputs)


def to_dict(config: BackboneConfig) -> dict[str, Any]:
    """`config` as JSON can hold it."""
    kind = "oobleck" if isinstance(config, OobleckConfig) else "spectral"
    return {"kind": kind, **asdict(config)}


def from_dict(raw: Mapping[str, Any]) -> BackboneConfig:
    """The inverse of `to_dict`; lists become tuples.

    Raises:
        ValueError: Another `kind` than "oobleck" or "spectral".
    """
    values: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list | tuple) else item for key, item in raw.items() if key != "kind"
    }
    match raw["kind"]:
        case "oobleck":
            return OobleckConfig(**values)
        case "spectral":
            return SpectralConfig(**values)
        case other:
            raise ValueError(f"backbone kind {other!r}: expected 'oobleck' or 'spectral'")
