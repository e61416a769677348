"""Memory of a training step on a GPU, without a GPU, memory or data: the step runs on fake tensors, which have shapes
and no numbers, and the storages that live are counted as they come and go.

The tensors lie on the CPU, since torch's backward pass asks a GPU for its streams where its build knows any; precision
and attention are those of CUDA all the same. What is counted is what torch's allocator would be asked for. Not counted:
workspaces within kernels (cuDNN's, cuBLAS's), CUDA's context (about 0.5 GiB), fragmentation, DDP's buffers (once more
the gradients), and validation.
"""

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from padstal.training.averaging import average_of, update_average
from padstal.training.config import TrainConfig
from padstal.training.distributed_shard import WHOLE
from padstal.training.task import Batch, Task

BLOCK = 512
"""Bytes; CUDA's allocator gives whole blocks."""
FLASH_FEATURES = 256
"""Features of a head that flash attention takes at most."""
IN_FLOAT32 = (
    "exp", "expm1", "group_norm", "l1_loss", "layer_norm", "log", "log10", "log1p", "log2", "logsumexp", "mse_loss",
    "nll_loss", "pow", "reciprocal", "rsqrt", "softplus",
)  # fmt: skip
"""Operators whose input CUDA's autocast takes to float32, and the CPU's does not (torch's documentation);"""
TO_FLOAT32 = ("cumsum", "linalg_vector_norm", "log_softmax", "prod", "softmax", "sum")
"""those whose output it does."""


@dataclass(frozen=True)
class StepMemory:
    """Bytes on one device.

    Attributes:
        weights: Parameters and buffers of all networks.
        gradients: Of the network that moves.
        optimiser: Moments and counters.
        average: The averaged network.
        activations: What one micro-batch's forward pass leaves for the backward pass.
        peak: The most that lives at once.

    What differs between kinds of step is that of the largest.
    """

    weights: int
    gradients: int
    optimiser: int
    average: int
    activations: int
    peak: int


def step_memory(task_of: Callable[[], tuple[Task, Sequence[Batch]]], config: TrainConfig) -> StepMemory:
    """Memory of the training steps that `task_of` gives, as `training.loop.train` makes them.

    Args:
        task_of: Gives a fresh task, and a batch for each of its kinds of step, as one process gets it for one
            micro-batch; called where all tensors are fake.
        config: How it is trained; of it precision, accumulation and the average's decay are read.
    """
    attention = mock.patch.object(functional, "scaled_dot_product_attention", _cuda_attention)
    with Fake(), attention, _cuda_autocast(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")
        task, batches = task_of()
        modules = [network.module for network in task.networks.values()]
        average = average_of(task.networks[task.averaged].module)
        optimisers = {name: network.optimiser.over(network.module) for name, network in task.networks.items()}
        activations, gradients = 0, 0
        with Ledger() as ledger:
            ledger.enter(_tensors_of([*modules, average]))
            for _ in range(2):  # the optimisers' states are there from the second
                ledger.restart()
                for batch in batches:
                    kept, gradient = _step(task, batch, config, average, optimisers, ledger)
                    activations, gradients = max(activations, kept), max(gradients, gradient)
        states = [state for one in optimisers.values() for state in tree_leaves(one.state_dict()["state"])]
        return StepMemory(
            weights=_bytes(_tensors_of(modules)),
            gradients=gradients,
            optimiser=_bytes(states),
            average=_bytes(_tensors_of([average])),
            activations=activations,
            peak=ledger.peak,
        )


def _step(
    task: Task,
    batch: Any,
    config: TrainConfig,
    average: nn.Module,
    optimisers: dict[str, torch.optim.Optimizer],
    ledger: "Ledger",
) -> tuple[int, int]:
    """One step of `training.loop`; gives bytes that its forward pass left for the backward pass, and of gradients."""
    kept, name = 0, ""
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16-mixed"):
        for _ in range(config.accumulate):
            before = ledger.live
            move = task.step(batch, WHOLE)
            kept, name = max(kept, ledger.live - before), move.network
            with torch.autocast("cpu", enabled=False):
                (move.loss / config.accumulate).backward()
        module = task.networks[name].module
        nn.utils.clip_grad_norm_(module.parameters(), task.networks[name].optimiser.clip)
        optimisers[name].step()
        gradients = _bytes(weight.grad for weight in module.parameters())
        optimisers[name].zero_grad()
        if name == task.averaged:
            update_average(average, module, config.ema_decay, batch.step)
    return kept, gradients


class Ledger(TorchDispatchMode):
    """Bytes of the storages that live, and the most that ever did."""

    def __init__(self) -> None:
        super().__init__()
        self._known = weakref.WeakSet[Any]()
        self.live = self.peak = 0

    def restart(self) -> None:
        """Forget the peak."""
        self.peak = self.live

    def enter(self, tensors: Iterable[Any]) -> None:
        """Count the storages of these until they are gone, each once."""
        for tensor in tensors:
            if isinstance(tensor, torch.Tensor) and (storage := tensor.untyped_storage()) not in self._known:
                self._known.add(storage)
                size = _rounded(storage.nbytes())
                self.live += size
                weakref.finalize(storage, self._leave, size)
        self.peak = max(self.peak, self.live)

    def _leave(self, size: int) -> None:
        self.live -= size

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(keywords or {}))
        self.enter(tree_leaves(result))
        return result


class Fake(FakeTensorMode):
    """A check of values finds nothing wrong; a copy of a fake tensor is one of the same mode."""

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), keywords: Mapping[str, Any] = MappingProxyType({})
    ) -> Any:
        if function is torch.ops.aten._local_scalar_dense.default and arguments[0].dtype == torch.bool:
            return False
        return super().__torch_dispatch__(function, types, arguments, keywords)

    def __deepcopy__(self, memo: Any) -> "Fake":
        return self


def _cuda_attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> torch.Tensor:
    """Attention by the kernel that CUDA would choose: flash in half precision without a mask, else memory-efficient."""
    if torch.is_autocast_enabled("cpu"):
        q, k, v = (one.to(torch.get_autocast_dtype("cpu")) for one in (q, k, v))
    aten: Any = torch.ops.aten
    if attn_mask is None and q.dtype != torch.float32 and q.shape[-1] <= FLASH_FEATURES:
        attended = aten._scaled_dot_product_flash_attention(q, k, v, dropout_p, is_causal, scale=scale)
    else:
        bias = None
        if attn_mask is not None:
            added = torch.zeros_like(attn_mask, dtype=q.dtype) if attn_mask.dtype == torch.bool else attn_mask
            bias = added.expand(*q.shape[:-1], k.shape[-2])
        attended = aten._scaled_dot_product_efficient_attention(
            q, k, v, bias, q.requires_grad, dropout_p, is_causal, scale=scale
        )
    result: torch.Tensor = attended[0]
    return result


@contextlib.contextmanager
def _cuda_autocast() -> Iterator[None]:
    """Let autocast on the CPU keep in float32 what it does on CUDA."""
    library = torch.library.Library("aten", "IMPL")
    key = torch._C.DispatchKey.AutocastCPU
    without = torch._C.DispatchKeySet(key)

    def taken(operator: Any, output: bool) -> Callable[..., Any]:
        def run(*arguments: Any, **keywords: Any) -> Any:
            with torch._C._ExcludeDispatchKeyGuard(without):
                if output and keywords.get("dtype") is None and arguments[0].dtype == torch.bfloat16:
                    keywords["dtype"] = torch.float32
                elif not output:
                    arguments, keywords = tree_map(_to_float32, (arguments, keywords))
                return operator(*arguments, **keywords)

        return run

    for full in torch._C._dispatch_get_all_op_names():
        name, _, overload = full.removeprefix("aten::").partition(".")
        known = full.startswith("aten::") and name in (*IN_FLOAT32, *TO_FLOAT32) and "out" not in overload
        if known and not torch._C._dispatch_has_kernel_for_dispatch_key(full, key.name):
            operator = getattr(getattr(torch.ops.aten, name), overload or "default")
            library.impl(full, taken(operator, name in TO_FLOAT32), key.name)
    try:
        yield
    finally:
        library._destroy()


def _to_float32(one: Any) -> Any:
    return one.float() if isinstance(one, torch.Tensor) and one.dtype == torch.bfloat16 else one


def _tensors_of(modules: Iterable[nn.Module]) -> list[torch.Tensor]:
    return [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]


def _bytes(tensors: Iterable[Any]) -> int:
    storages = {one.untyped_storage() for one in tensors if isinstance(one, torch.Tensor)}
    return sum(_rounded(storage.nbytes()) for storage in storages)


def _rounded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
