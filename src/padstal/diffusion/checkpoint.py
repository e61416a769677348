"""A trained denoiser on disk: averaged weights, the statistics of its latents, and what it belongs to.

A denoiser is only right with the autoencoder whose latents it learnt and the text encoder whose states it read, so
their content addresses are kept and checked before sampling.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.data.atomic import read_json, write_json
from padstal.core.data.content import sha256_file
from padstal.diffusion.denoiser import Denoiser
from padstal.nn.dit import DiTShape

ROLE = "diffusion"
WEIGHTS, CONFIG, STATISTICS = "model.safetensors", "config.json", "statistics.safetensors"


@dataclass(frozen=True)
class DiffusionConfig:
    """What a denoiser is and belongs to.

    Attributes:
        name: Of the model, e.g. "tal_dit".
        origin: What it was trained on.
        shape: Of the transformer.
        vae: Name of the autoencoder.
        vae_fingerprint: SHA-256 of the autoencoder's weights.
        text_fingerprint: SHA-256 of the text encoder's weights.
        text_positions: L, rows of text.
        frames: T, latent frames of a clip.
        ratio: Samples of a frame.
        sample_rate: Of the audio, Hz.
        channels: Of the audio.
        channel_groups: Name → [start, stop) of each group of latent channels, in order.
        seconds_total: Median length of the training tracks, s; what sampling says where nothing else is asked for.
    """

    name: str
    origin: str
    shape: DiTShape
    vae: str
    vae_fingerprint: str
    text_fingerprint: str
    text_positions: int
    frames: int
    ratio: int
    sample_rate: int
    channels: int
    channel_groups: dict[str, tuple[int, int]]
    seconds_total: float


@dataclass(frozen=True)
class DiffusionModel:
    """A denoiser ready to sample from (averaged weights, eval mode, frozen), its statistics and config."""

    denoiser: Denoiser
    statistics: LatentStatistics
    config: DiffusionConfig


class MismatchError(ValueError):
    """Models that do not belong together."""


def save(folder: Path, denoiser: Denoiser, statistics: LatentStatistics, config: DiffusionConfig) -> None:
    """Write weights, statistics and config into `folder`, which exists; equal inputs give equal bytes.

    Raises:
        MismatchError: The statistics have another number of channels than the denoiser.
    """
    _check_channels(statistics, config)
    weights = {name: weight.detach().cpu().contiguous() for name, weight in sorted(denoiser.state_dict().items())}
    save_file(weights, folder / WEIGHTS)
    statistics.save(folder / STATISTICS)
    write_json(folder / CONFIG, {"role": ROLE, **asdict(config)})


def load(folder: Path, device: torch.device | str) -> DiffusionModel:
    """The model that `save` wrote, on `device`.

    Raises:
        FileNotFoundError: A file is missing.
        MismatchError: The folder holds something else, or its parts do not fit.
    """
    if not (folder / CONFIG).is_file():
        raise FileNotFoundError(f"{folder / CONFIG}: not found; has the stage train_diffusion run?")
    raw = read_json(folder / CONFIG)
    if raw.pop("role", None) != ROLE:
        raise MismatchError(f"{folder}: not the folder of a diffusion model")
    config = DiffusionConfig(**{**raw, "shape": DiTShape(**raw["shape"]), "channel_groups": _groups(raw)})
    denoiser = Denoiser(config.shape)
    try:
        denoiser.load_state_dict(load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise MismatchError(f"{folder / WEIGHTS}: weights do not fit the config beside them: {error}") from None
    statistics = LatentStatistics.load(folder / STATISTICS)
    _check_channels(statistics, config)
    return DiffusionModel(denoiser.to(device).eval().requires_grad_(False), statistics, config)


def check_belongs(config: DiffusionConfig, *, vae_folder: Path, text_encoder_folder: Path) -> None:
    """Check that these are the autoencoder and the text encoder that the denoiser was trained with.

    Raises:
        MismatchError: One is not; names the folder and both addresses.
    """
    for folder, expected in ((vae_folder, config.vae_fingerprint), (text_encoder_folder, config.text_fingerprint)):
        found = fingerprint(folder)
        if found != expected:
            raise MismatchError(
                f"{folder}: sha256 of its weights is {found[:16]}…, but {config.name} was trained "
                f"with {expected[:16]}…; train {config.name} again"
            )


def fingerprint(folder: Path) -> str:
    """SHA-256 of a model folder's weights.

    Raises:
        FileNotFoundError: There are none.
    """
    if not (folder / WEIGHTS).is_file():
        raise FileNotFoundError(f"{folder / WEIGHTS}: not found; has the stage that writes it run?")
    return sha256_file(folder / WEIGHTS)


def _check_channels(statistics: LatentStatistics, config: DiffusionConfig) -> None:
    if len(statistics.mean_D) != config.shape.latent_channels:
        raise MismatchError(
            f"statistics of {len(statistics.mean_D)} channels, denoiser of {config.shape.latent_channels} channels"
        )


def _groups(raw: Mapping[str, dict[str, list[int]]]) -> dict[str, tuple[int, int]]:
    groups = {name: (int(start), int(stop)) for name, (start, stop) in raw["channel_groups"].items()}
    return dict(sorted(groups.items(), key=lambda item: item[1]))
