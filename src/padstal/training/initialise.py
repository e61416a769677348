"""Starting a training from another model's averaged weights (fine-tuning, distillation), and holding parts of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from padstal.core.model_folder import WEIGHTS
from padstal.core.tensor_files import read_safetensors


@dataclass(frozen=True)
class Initialised:
    """How many tensors were taken over, which of them are wider here, and which were not taken for their shape.

    Both are told as "name: (3, 2), there (3, 1)".
    """

    taken: int
    wider: tuple[str, ...]
    other_shapes: tuple[str, ...]


def initialise(module: nn.Module, folder: Path) -> Initialised:
    """Load the weights of a model folder into `module` where name and shape agree.

    A layer that reads more inputs than there takes over what the first ones do, and the others begin at zero: the
    outputs begin as there. A module's `init_names`, if it has some, say how what begins its names is called in other
    models.

    Raises:
        FileNotFoundError: The folder holds no weights.
        ValueError: None agrees, or (`UntrustedFileError`) the file is damaged.
    """
    path = folder / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(f"init_from = {folder}: {WEIGHTS} not found there; expected the folder of a model")
    own, found = module.state_dict(), read_safetensors(path)
    named = {name: theirs for name in own if (theirs := _name_there(module, name, found)) in found}
    shapes = {name: (own[name].shape, found[theirs].shape) for name, theirs in named.items()}
    fitting = {name: found[named[name]] for name, (here, there) in shapes.items() if here == there}
    wider = {name: _widened(found[named[name]], here) for name, (here, there) in shapes.items() if _wider(here, there)}
    fitting |= wider
    if not fitting:
        example = next(iter(own))
        raise ValueError(
            f"{path}: none of its {len(found)} tensors has name and shape of one of the model's {len(own)}, e.g. "
            f"{example} {tuple(own[example].shape)}"
        )
    with torch.no_grad():
        module.load_state_dict(fitting, strict=False)
    told = {name: f"{name}: {tuple(here)}, there {tuple(there)}" for name, (here, there) in shapes.items()}
    return Initialised(
        len(fitting),
        tuple(text for name, text in told.items() if name in wider),
        tuple(text for name, text in told.items() if name not in fitting),
    )


def hold(module: nn.Module, parts: Sequence[str]) -> None:
    """Let training leave the weights of `parts` as they are.

    Args:
        module: Of them.
        parts: Beginnings of parameters' names: `encoder_w_m` holds `encoder_w_m.inlet.weight` and all others of it.

    Raises:
        ValueError: No parameter's name begins with a part.
    """
    for part in parts:
        held = [weight for name, weight in module.named_parameters() if f"{name}.".startswith(f"{part}.")]
        if not held:
            whole = ", ".join(name for name, _ in module.named_children())
            raise ValueError(f"hold = {part!r}: no weights of that name; the network's parts are {whole}")
        for weight in held:
            weight.requires_grad_(False)


def _wider(here: torch.Size, there: torch.Size) -> bool:
    """Whether `here` has more inputs, the second axis, and is the same otherwise."""
    return len(here) > 1 < len(there) and here[1] > there[1] and here[:1] + here[2:] == there[:1] + there[2:]


def _widened(theirs: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    found = theirs.new_zeros(shape)
    found[:, : theirs.shape[1]] = theirs
    return found


def _name_there(module: nn.Module, name: str, found: dict[str, torch.Tensor]) -> str:
    for begins, there in getattr(module, "init_names", {}).items():
        if name.startswith(begins) and name not in found:
            return there + name.removeprefix(begins)
    return name
