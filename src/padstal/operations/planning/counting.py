"""Floating-point operations of work on fake tensors, which have shapes and no numbers, by torch's formulas.

They count matrix products, convolutions and attention, forward and backward; a multiplication and an addition are two.
"""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Counter(TorchDispatchMode):
    """The operations within, without the table of modules that torch's own counter makes in as much time again."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        named = keywords or {}
        result = function(*arguments, **named)
        formula = flop_registry.get(function._overloadpacket)
        if formula is not None:
            self.total += formula(*arguments, **named, out_val=result)
        return result


def flops(work: Callable[[], Any]) -> int:
    """Operations of `work`."""
    with Counter() as counter:
        work()
    return counter.total


def parameters(module: nn.Module) -> int:
    """Numbers that a module learns."""
    return sum(weight.numel() for weight in module.parameters())
