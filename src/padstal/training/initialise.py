"""Starting a training from another model's averaged weights (fine-tuning, distillation)."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from padstal.core.model_folder import WEIGHTS
from padstal.core.tensor_files import read_safetensors


@dataclass(frozen=True)
class Initialised:
    """How many tensors were taken over, and which were not for their shape: "name: (3, 2), there (4, 2)"."""

    taken: int
    other_shapes: tuple[str, ...]


def initialise(module: nn.Module, folder: Path) -> Initialised:
    """Load the weights of a model folder into `module` where name and shape agree.

    A module's `init_names`, if it has some, say how what begins its names is called in other models.

    Raises:
        FileNotFoundError: The folder holds no weights.
        ValueError: None agrees, or (`UntrustedFileError`) the file is damaged.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"init_from = {folder}: {WEIGHTS} not found there; expected the folder of a model")
    own, found = module.state_dict(), read_safetensors(path)
    named = {name: theirs for name in own if (theirs := _name_there(module, name, found)) in found}
    fitting = {name: found[theirs] for name, theirs in named.items() if own[name].shape == found[theirs].shape}
    if not fitting:
        example = next(iter(own))
        raise ValueError(
            f"{path}: none of its {len(found)} tensors has name and shape of one of the model's {len(own)}, e.g. "
            f"{example} {tuple(own[example].shape)}"
        )
    with torch.no_grad():
        module.load_state_dict(fitting, strict=False)
    others = (
        f"{name}: {tuple(own[name].shape)}, there {tuple(found[theirs].shape)}"
        for name, theirs in named.items()
        if name not in fitting
    )
    return Initialised(len(fitting), tuple(others))


def _name_there(module: nn.Module, name: str, found: dict[str, torch.Tensor]) -> str:
    for begins, there in getattr(module, "init_names", {}).items():
        if name.startswith(begins) and name not in found:
            return there + name.removeprefix(begins)
    return name
