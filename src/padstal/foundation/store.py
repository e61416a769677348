"""Model folders: `model.safetensors` and `config.json`; nothing here can run code that a file brings.

A pickle from outside is checked by sha256, read by torch's restricted unpickler (`core/tensor_files.py`), and kept as
safetensors.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from padstal.core.data.atomic import read_json
from padstal.core.model_folder import WEIGHTS
from padstal.core.tensor_files import load_state, read_pickled_tensors, read_safetensors
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.fetch import verify

CONFIG = "config.json"


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
        UntrustedFileError: It is no JSON, or the config of another role.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; run the stage prepare@{role}")
    with expecting("the config of a model", path):
        config: dict[str, Any] = dict(read_json(path))
    if config.get("role") != role:
        raise UntrustedFileError(f"{path}: role is {config.get('role')!r}, expected {role!r}")
    return config


def load_into(model: nn.Module, folder: Path, device: torch.device | str) -> nn.Module:
    """`model` with the weights of `folder`: on `device`, in eval mode, frozen.

    Raises:
        UntrustedFileError: The file is damaged, or names or shapes of its weights are not the model's.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; run the stage prepare")
    load_state(model, read_safetensors(path), path, f"weights of {type(model).__name__}")
    return model.to(device).eval().requires_grad_(False)


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a published checkpoint, after its sha256 was checked: safetensors, or a pickle of nothing but tensors.

    A `state_dict` entry is unwrapped and the prefix `module.` of data-parallel training dropped.

    Raises:
        UntrustedFileError: The content is not `sha256`; or see `core/tensor_files.py`.
    """
    verify(path, sha256)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    return {name.removeprefix("module."): value for name, value in read_pickled_tensors(path).items()}
