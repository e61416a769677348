"""The Descript Audio Codec (Kumar et al. 2023) of descript-audio-codec's own class; DiscoDiff's latents come from it.

Small ones, with its quantiser, are trained (`codecs/train_dac.py`). The published one is what audiotools wrote: a
pickle of `state_dict` and `metadata`, whose `kwargs` are the class' arguments; it is read without running anything, and
kept as safetensors.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from padstal.core.data.units import seconds_to_samples
from padstal.core.tensor_files import load_state, read_checkpoint
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.config import DacLatents, DacShape, SmallDacShape
from padstal.foundation.fetch import PinnedFiles, fetch
from padstal.foundation.store import load_into, read_config, save

ROLE = "dac"


@dataclass(frozen=True)
class DacModel:
    """The frozen model, and what it is made for.

    Attributes:
        model: `dac.DAC`, or a `SmallDac`, which is used alike.
        latents: What is taken for its latents.
        clip_samples: Length of a clip, samples; its latent is decoded to exactly that.
    """

    model: Any
    latents: DacLatents
    clip_samples: int


def build(shape: DacShape | SmallDacShape, sample_rate: int, quantizer_dropout: float = 0.0) -> Any:
    """An untrained `dac.DAC`, or a `SmallDac`."""
    if isinstance(shape, SmallDacShape):
        from dac.nn.quantize import ResidualVectorQuantize

        from padstal.nn.small_dac import SmallDac

        sizes = _sizes(shape)
        own = {name: sizes.pop(name) for name in ("n_codebooks", "codebook_size", "codebook_dim")}
        quantizer = ResidualVectorQuantize(shape.embedding, **own, quantizer_dropout=quantizer_dropout)
        return SmallDac(quantizer, sample_rate=sample_rate, **sizes)
    from dac import DAC

    return DAC(**_sizes(shape), sample_rate=sample_rate, quantizer_dropout=quantizer_dropout)


def config_of(
    shape: DacShape | SmallDacShape, latents: DacLatents, sample_rate: int, clip_seconds: float
) -> dict[str, Any]:
    """What `load` asks of the folder beside the weights."""
    return {
        "role": ROLE,
        "kind": "small" if isinstance(shape, SmallDacShape) else "published",
        "shape": _sizes(shape),
        "latents": {name: getattr(latents, name) for name in DacLatents.model_fields},
        "sample_rate": sample_rate,
        "clip_samples": seconds_to_samples(clip_seconds, sample_rate),
    }


def load(folder: Path, device: torch.device | str) -> DacModel:
    """The codec of a model folder.

    Raises:
        FileNotFoundError: The folder lacks its weights or config.
        UntrustedFileError: It holds another role, or weights that do not fit its config.
    """
    config = read_config(folder, ROLE)
    with expecting("the folder of a DAC", folder):
        shape = (SmallDacShape if config["kind"] == "small" else DacShape)(**config["shape"])
        latents = DacLatents(**config["latents"])
        model = build(shape, config["sample_rate"])
    return DacModel(load_into(model, folder, device), latents, config["clip_samples"])


def convert(weights: PinnedFiles, latents: DacLatents, clip_seconds: float, folder: Path) -> None:
    """Fetch the published checkpoint into `folder`: safetensors and config.

    Args:
        weights: One file, as audiotools writes weights; no `torch.package`, which is code.
        latents: What is taken for its latents.
        clip_seconds: Length of a clip, s.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch` and `read_checkpoint`; or the file does not state its sizes, or its
            weights are not of them.
    """
    raw = folder / "raw"
    (path,) = fetch(weights, raw).values()
    tensors, beside = read_checkpoint(path)
    kwargs = _kwargs(beside, path)
    with expecting("sizes of a DAC", path):
        shape = DacShape(**{name: kwargs[name] for name in DacShape.model_fields})
    model = build(shape, kwargs["sample_rate"])
    load_state(model, tensors, path, "weights of the sizes that it states")
    config = config_of(shape, latents, kwargs["sample_rate"], clip_seconds) | {"origin": weights.origin}
    save(folder, model, config)
    shutil.rmtree(raw)


def _sizes(shape: DacShape | SmallDacShape) -> dict[str, Any]:
    fields = SmallDacShape.model_fields if isinstance(shape, SmallDacShape) else DacShape.model_fields
    return {name: getattr(shape, name) for name in fields}


def _kwargs(beside: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    metadata = beside.get("metadata")
    kwargs = metadata.get("kwargs") if isinstance(metadata, Mapping) else None
    asked = (*DacShape.model_fields, "sample_rate")
    missing = [name for name in asked if not isinstance(kwargs, Mapping) or name not in kwargs]
    if missing or kwargs is None:
        raise UntrustedFileError(f"{path}: metadata.kwargs lacks {', '.join(missing)}: expected the arguments of a DAC")
    return kwargs
