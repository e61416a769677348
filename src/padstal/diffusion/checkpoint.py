"""A trained denoiser on disk: averaged weights, the statistics of its latents, and what it belongs to.

A denoiser is only right with the codec whose latents it learnt and the text encoder whose states it read, so their
content addresses are kept and checked before sampling.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ConfigDict
from safetensors.torch import save_file

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig
from padstal.core.data.atomic import read_json, write_json
from padstal.core.model_folder import WEIGHTS, fingerprint
from padstal.core.section import Section, value
from padstal.core.tensor_files import load_state, loads, read_safetensors
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.training.config import KEPT

ROLE = "diffusion"
CONFIG, STATISTICS = "config.json", "statistics.safetensors"


class DenoiserConfig(Section):
    """What a denoiser is and belongs to."""

    model_config = ConfigDict(strict=False)  # JSON has no tuples, and texts for keys

    name: str = value("of the denoiser, e.g. tal_dit")
    origin: str = value("what it was trained on")
    form: DenoiserForm
    text_width: int = value("features of a text state")
    text_positions: int = value("L, rows of text")
    text_fingerprint: str = value("SHA-256 of the text encoder's weights")
    latents: LatentConfig = value("what it was trained on, and whose they are")
    seconds_total: float = value("median length of the training tracks; what sampling says if asked nothing else", "s")
    levels: dict[int, str] = value(
        "quality level that training clips had → what their captions began with; none if it is not told", default={}
    )

    def build(self) -> Denoiser:
        """With fresh weights."""
        first = min(stop for _, stop in self.latents.channel_groups.values())
        return Denoiser(self.form, self.latents.shape, self.text_width, first_channels=first)


@dataclass(frozen=True)
class TrainedDenoiser:
    """A denoiser ready to sample from (averaged weights, eval mode, frozen), its statistics and config."""

    denoiser: Denoiser
    statistics: LatentStatistics
    config: DenoiserConfig


class MismatchError(UntrustedFileError):
    """Models that do not belong together."""


def save(folder: Path, denoiser: Denoiser, statistics: LatentStatistics, config: DenoiserConfig) -> None:
    """Write weights, statistics and config into `folder`, which exists; equal inputs give equal bytes.

    Raises:
        MismatchError: The statistics have another number of channels than the denoiser.
    """
    _check_channels(statistics, config)
    weights = {name: weight.detach().cpu().contiguous() for name, weight in sorted(denoiser.state_dict().items())}
    save_file(weights, folder / WEIGHTS)
    statistics.save(folder / STATISTICS)
    write_json(folder / CONFIG, {"role": ROLE, **config.model_dump(mode="json")})


@loads("the folder of a denoiser")
def load(folder: Path, device: torch.device | str) -> TrainedDenoiser:
    """The denoiser that `save` wrote, on `device`.

    Raises:
        FileNotFoundError: A file is missing.
        MismatchError: The folder holds something else, or its parts do not fit.
        UntrustedFileError: A file is damaged.
    """
    if not (folder / CONFIG).is_file():
        raise FileNotFoundError(f"{folder / CONFIG}: not found; has the stage train_diffusion run?")
    raw = read_json(folder / CONFIG)
    if raw.pop("role", None) != ROLE:
        raise MismatchError(f"{folder}: not the folder of a denoiser")
    with expecting("the config of a denoiser of this version of padstal", folder / CONFIG):
        config = DenoiserConfig.model_validate(raw)
    denoiser = config.build()
    weights = read_safetensors(folder / WEIGHTS)
    load_state(denoiser, weights, folder / WEIGHTS, "weights of what the config beside them says")
    statistics = LatentStatistics.load(folder / STATISTICS)
    _check_channels(statistics, config)
    return TrainedDenoiser(denoiser.to(device).eval().requires_grad_(False), statistics, config)


def load_kept(folder: Path, step: int, device: torch.device | str) -> Denoiser:
    """The same denoiser after fewer steps of its training, from what `training.keep_every` kept.

    Raises:
        FileNotFoundError: Nothing was kept at that step; names the steps that were.
        UntrustedFileError: A file is damaged.
    """
    denoiser = load(folder, device).denoiser
    file = folder / KEPT / f"{step}.safetensors"
    if not file.is_file():
        steps = sorted(int(one.stem) for one in file.parent.glob("*.safetensors"))
        there = ", ".join(map(str, steps)) or "none (training.keep_every)"
        raise FileNotFoundError(f"{file}: not found; weights were kept at steps: {there}")
    load_state(denoiser, read_safetensors(file), file, "weights of what the config beside them says")
    return denoiser


def check_belongs(config: DenoiserConfig, *, codec_folder: Path, text_encoder_folder: Path) -> None:
    """Check that these are the codec and the text encoder that the denoiser was trained with.

    Raises:
        MismatchError: One is not; names the folder and both addresses.
    """
    for folder, expected in (
        (codec_folder, config.latents.fingerprint),
        (text_encoder_folder, config.text_fingerprint),
    ):
        found = fingerprint(folder)
        if found != expected:
            raise MismatchError(
                f"{folder}: sha256 of its weights is {found[:16]}…, but {config.name} was trained "
                f"with {expected[:16]}…; train {config.name} again"
            )


def _check_channels(statistics: LatentStatistics, config: DenoiserConfig) -> None:
    if len(statistics.mean_D) != config.latents.latent_channels:
        raise MismatchError(
            f"statistics of {len(statistics.mean_D)} channels, denoiser of {config.latents.latent_channels} channels"
        )
