"""Weights, gradients, moments and averages that the processes of a training share out among them (`fully_shard`).

Each process keeps its rows of every tensor (ZeRO-3; Rajbhandari et al. 2020). A block's weights are gathered just
before it works and dropped after it; a gradient ends as the rows of its mean over the processes. What is written to
disk is whole, as one process alone would write it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.utils._pytree import tree_map

from padstal.nn.recomputed import Recomputed

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


def blocks(module: nn.Module) -> list[nn.Module]:
    """The repeated parts of a network: units of ours, and of others' what stands in a `ModuleList` and holds none."""
    if isinstance(module, Recomputed):
        return [module]
    listed = isinstance(module, nn.ModuleList) and not isinstance(module, ParametrizationList)  # of a weight norm
    return [one for part in module.children() for one in blocks(part) or ([part] if listed else [])]


def share_out(module: nn.Module, mesh: "DeviceMesh", parts: list[nn.Module]) -> None:
    """Share out the parameters of `module`, in place; each of `parts` is gathered on its own, the rest together.

    Nothing but a call of `module` may read its parameters from now on.
    """
    from torch.distributed.fsdp import fully_shard

    for part in [*parts, module]:
        fully_shard(part, mesh=mesh)


def own(tensor: torch.Tensor) -> torch.Tensor:
    """This process's rows of a tensor that is shared out; any other as it is."""
    from torch.distributed.tensor import DTensor

    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(state: Any, *, keep: bool) -> Any:
    """`state`, a tree, with all that is shared out in it gathered on the CPU; every process must ask.

    Args:
        state: State dict of a module or an optimiser.
        keep: Whether this process wants it; None stands for what it does not keep.
    """
    from torch.distributed.tensor import DTensor

    def gathered(leaf: Any) -> Any:
        if not isinstance(leaf, DTensor):
            return leaf
        full = leaf.full_tensor()
        return full.cpu() if keep else None

    return tree_map(gathered, state)


def shared_alike(state: Mapping[str, Any], optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimiser's whole state dict as `optimiser` can load it: moments shared out as its parameters are."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    parameters = [weight for group in optimiser.param_groups for weight in group["params"]]

    def like(weight: torch.Tensor, value: Any) -> Any:
        if not isinstance(weight, DTensor) or value.shape != weight.shape:
            return value
        at = value.to(weight.device_mesh.device_type)
        return distribute_tensor(at, weight.device_mesh, weight.placements, src_data_rank=None)

    moments = {
        number: {name: like(parameters[number], value) for name, value in values.items()}
        for number, values in state["state"].items()
    }
    return {**state, "state": moments}
