"""Several processes that train one model together (Lightning's DDP and FSDP2), and how they end together on SIGTERM.

Each process takes its shard of every batch (`shard`), and gradients are averaged before each optimiser step. Under DDP
it holds the whole model, under FSDP2 its rows of every weight (`sharding.py`). So `batch` is the batch of all
processes, and the number of processes changes rounding alone, except for terms that are no mean over items
(docs/scaling.md names them). The first process of a node starts the others of that node by running the same program
again; the first of all is the one that writes.
"""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from padstal.training.distributed_shard import DistributedShard

if TYPE_CHECKING:
    import torch

RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
"""Variables that tell the processes of several nodes where to meet, and which node this is."""
TERMINATED = 128 + signal.SIGTERM
"""Exit status of a training that SIGTERM ended."""


@dataclass(frozen=True)
class ProcessGroup:
    """Which processes train together.

    Attributes:
        devices: Processes on each node: one a GPU, or so many on its CPU.
        nodes: Machines.
        strategy: "auto": DDP where there is more than one process; "ddp": DDP even for one; "fsdp2": weights are shared
            out.
    """

    devices: int = 1
    nodes: int = 1
    strategy: Literal["auto", "ddp", "fsdp2"] = "auto"

    @property
    def shares_weights(self) -> bool:
        """Whether a process holds but its rows of each weight."""
        return self.strategy == "fsdp2"

    def shard(self, environment: Mapping[str, str] = os.environ) -> DistributedShard:
        """The shard of this process, by the variables that its starter set.

        Raises:
            ValueError: There are several nodes, and nobody said where they meet.
        """
        world = self.devices * self.nodes
        if world == 1:
            return DistributedShard()
        missing = [name for name in RENDEZVOUS if name not in environment] if self.nodes > 1 else []
        if missing:
            raise ValueError(
                f"runtime.nodes = {self.nodes}, but {', '.join(missing)} is not set: each node needs the first node's "
                "address as MASTER_ADDR, one free port of it as MASTER_PORT, and its own number from 0 as NODE_RANK"
            )
        return DistributedShard(
            int(environment.get("NODE_RANK", 0)) * self.devices + int(environment.get("LOCAL_RANK", 0)), world
        )

    def trainer_options(self, *, some_unused: bool) -> dict[str, Any]:
        """Arguments of Lightning's Trainer.

        Args:
            some_unused: Whether a step leaves some parameters alone (generator and discriminator take turns).
        """
        from lightning.pytorch.plugins.environments import LightningEnvironment

        # said outright, since Lightning would else read Slurm's variables and insist on being started by srun
        options: dict[str, Any] = {"devices": self.devices, "plugins": [LightningEnvironment()]}
        if self.devices * self.nodes == 1 and self.strategy == "auto":
            return options
        from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, Strategy

        strategy: Strategy = DDPStrategy(find_unused_parameters=some_unused, broadcast_buffers=False)
        if self.shares_weights:
            strategy = ModelParallelStrategy(data_parallel_size=self.devices * self.nodes, tensor_parallel_size=1)
        return {**options, "num_nodes": self.nodes, "strategy": strategy}


def mean(values: "torch.Tensor", shard: DistributedShard) -> "torch.Tensor":
    """Mean of `values` over the processes; every process must ask."""
    if shard.world == 1:
        return values
    import torch

    total = values.detach().clone()
    torch.distributed.all_reduce(total)
    return total / shard.world


def gathered(items: list[str], shard: DistributedShard) -> list[list[str]]:
    """The `items` of every process, in order; every process must ask."""
    if shard.world == 1:
        return [items]
    import torch

    found: list[list[str]] = [[] for _ in range(shard.world)]
    torch.distributed.all_gather_object(found, items)
    return found


def check_agreement(step: int, shard: DistributedShard, device: "torch.device") -> None:
    """Check that all processes are about to do the same step; every process must ask.

    Raises:
        RuntimeError: They are not: some do not see the checkpoint that others took up.
    """
    import torch

    common = float(mean(torch.tensor(float(step), dtype=torch.float64, device=device), shard))
    if common != step:
        raise RuntimeError(
            f"process {shard.rank} of {shard.world} is to begin at step {step}, others elsewhere: the folder .state "
            "must be the same for all (a shared file system)"
        )


@dataclass
class Stop:
    """SIGTERM (a preemption, the end of an allocation) as a wish to end after the step that runs, with a checkpoint.

    Lightning's own handler is replaced: it broadcasts from inside the signal handler, which can meet another collective
    of the same moment, and it ends with exit status 0.
    """

    shard: DistributedShard
    _asked: bool = False

    def listen(self) -> None:
        """Take SIGTERM over; call when the training has begun. Lightning gives it back at the end."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ask)

    def agreed(self, device: "torch.device") -> bool:
        """Whether any process was asked; every process must ask after every step."""
        if self.shard.world == 1:
            return self._asked
        import torch

        asked = torch.tensor(float(self._asked), device=device)
        torch.distributed.all_reduce(asked)
        return bool(asked.item())

    def exit(self) -> SystemExit:
        """What to raise once the checkpoint is written; only the first process's status is anyone's business."""
        return SystemExit(0 if self.shard.rank else TERMINATED)

    def _ask(self, *_: Any) -> None:
        self._asked = True
