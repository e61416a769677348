"""Starting a training from another model's averaged weights (fine-tuning, distillation)."""

from pathlib import Path

import torch
from torch import nn

from padstal.core.tensor_files import read_safetensors

WEIGHTS = "model.safetensors"


def initialise(module: nn.Module, folder: Path) -> int:
    """Load the weights of a model folder into `module` where name and shape agree; gives how many tensors did.

    Raises:
        FileNotFoundError: The folder holds no weights.
        ValueError: None agrees, or (`UntrustedFileError`) the file is damaged.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"init_from = {folder}: {WEIGHTS} not found there; expected the folder of a model")
    own, found = module.state_dict(), read_safetensors(path)
    fitting = {name: weight for name, weight in found.items() if name in own and own[name].shape == weight.shape}
    if not fitting:
        example = next(iter(own))
        raise ValueError(
            f"{path}: none of its {len(found)} tensors has name and shape of one of the model's {len(own)}, e.g. "
            f"{example} {tuple(own[example].shape)}"
        )
    with torch.no_grad():
        module.load_state_dict(fitting, strict=False)
    return len(fitting)
