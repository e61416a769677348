"""What runs: the lists at the top of `params.yaml` that the matrices of `dvc.yaml` read."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import model_validator

from padstal.codecs.config import AutoencoderPlace
from padstal.core.params import ParamsError, check, read_yaml
from padstal.core.section import Name, Section, value
from padstal.diffusion.config import DenoiserPlace
from padstal.systems import SYSTEMS


class Runs(Section):
    """Autoencoders, codecs, denoisers and systems by name."""

    autoencoders: dict[Name, AutoencoderPlace] = value("autoencoders that `train_vae` trains")
    codecs: tuple[Name, ...] = value("codecs whose latents `encode` makes", min_length=1)
    denoisers: dict[Name, DenoiserPlace] = value("denoisers that `train_diffusion` trains", min_length=1)
    systems: dict[Name, Annotated[Any, SYSTEMS]] = value("systems that `sample` plays with", min_length=1)

    @model_validator(mode="after")
    def _all_named(self) -> "Runs":
        for name, autoencoder in self.autoencoders.items():
            if name not in self.codecs:
                raise ValueError(f"autoencoders: {name}: expected one of codecs: {', '.join(self.codecs)}")
            kind, _, other = autoencoder.needs.partition("/")
            if kind == "vae" and other not in self.autoencoders:
                raise ValueError(f"autoencoders.{name}.needs = {autoencoder.needs}: autoencoders has no {other}")
        for name, place in self.denoisers.items():
            if place.folder.replace("/", "_") != name:
                raise ValueError(f"denoisers.{name}.folder = {place.folder}: expected {name}, with / for one of its _")
            if place.codec not in self.codecs:
                raise ValueError(f"denoisers.{name}.codec = {place.codec}: expected one of {', '.join(self.codecs)}")
        for name, system in self.systems.items():
            if system.codec not in self.codecs:
                raise ValueError(f"systems.{name}.codec = {system.codec}: expected one of {', '.join(self.codecs)}")
            for denoiser in system.denoisers:
                if denoiser not in self.denoisers:
                    known = ", ".join(self.denoisers)
                    raise ValueError(f"systems.{name}: denoiser {denoiser}: expected one of {known}")
                for part in ("codec", "text"):
                    asked, learnt = getattr(system, part), getattr(self.denoisers[denoiser], part)
                    if asked != learnt:
                        raise ValueError(f"systems.{name}.{part} = {asked}: its denoiser {denoiser} has {learnt}")
        return self


def runs_in(params: Path) -> Runs:
    """What `params.yaml` says is to run.

    Raises:
        ParamsError: A list is missing, or names what there is not.
    """
    tree = read_yaml(params)
    return check(Runs, {name: tree.get(name) for name in Runs.model_fields}, "")


def systems_in(params: Path) -> dict[str, Any]:
    """The systems by name, each with `load`."""
    return runs_in(params).systems


def system_in(params: Path, name: str) -> Any:
    """One of the systems.

    Raises:
        ParamsError: `params.yaml` is wrong, or has no such system; names those that it has.
    """
    systems = systems_in(params)
    if name not in systems:
        raise ParamsError(f"no system {name!r}: {params.name} has {', '.join(systems)}")
    return systems[name]
