"""Model folders: `model.safetensors` and `config.json`; nothing here can run code that a file brings.

A pickle from outside is read by torch's restricted unpickler, checked by sha256 before, and kept as safetensors.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from padstal.foundation.fetch import UntrustedFileError, verify

WEIGHTS = "model.safetensors"
CONFIG = "config.json"

_NUMPY_SCALAR: Any = getattr(np.core.multiarray, "scalar")  # noqa: B009  (its type stub lacks the name)
_NUMPY_SCALARS: list[Any] = [_NUMPY_SCALAR, np.dtype, np.dtypes.Float64DType, np.dtypes.Int64DType]
"""LAION's checkpoints note a loss beside the weights; a NumPy scalar carries no code."""


def save(folder: Path, model: nn.Module | Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write weights and config of a model into `folder`, which exists; equal inputs give equal bytes."""
    state = model.state_dict() if isinstance(model, nn.Module) else model
    tensors = {name: state[name].detach().to("cpu").contiguous().clone() for name in sorted(state)}
    save_file(tensors, folder / WEIGHTS)
    save_config(folder, config)


def save_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the config of a model into `folder`, which exists; equal inputs give equal bytes."""
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def read_config(folder: Path, role: str) -> dict[str, Any]:
    """`config.json` of a model folder.

    Raises:
        FileNotFoundError: There is none; `prepare` writes it.
        UntrustedFileError: It is the config of another role.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; run the stage prepare@{role}")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if config.get("role") != role:
        raise UntrustedFileError(f"{path}: role is {config.get('role')!r}, expected {role!r}")
    return config


def load_into(model: nn.Module, folder: Path, device: torch.device | str) -> nn.Module:
    """`model` with the weights of `folder`: on `device`, in eval mode, frozen.

    Raises:
        UntrustedFileError: Names or shapes of the weights are not the model's.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; run the stage prepare")
    try:
        model.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise UntrustedFileError(f"{path}: not weights of {type(model).__name__}: {error}") from None
    return model.to(device).eval().requires_grad_(False)


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a published checkpoint, after its sha256 was checked: safetensors, or a pickle of nothing but tensors.

    A `state_dict` entry is unwrapped and the prefix `module.` of data-parallel training dropped.

    Raises:
        UntrustedFileError: The content is not `sha256`, or the pickle asks for anything but tensors and plain values.
    """
    verify(path, sha256)
    if path.suffix == ".safetensors":
        return load_file(path)
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds here; none of them ran what the file brought
        raise UntrustedFileError(f"{path}: refused, more than tensors: {_first_line(error)}") from None
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise UntrustedFileError(f"{path}: holds a {type(content).__name__}, expected a dictionary of tensors")
    return {name.removeprefix("module."): value for name, value in state.items() if isinstance(value, Tensor)}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
