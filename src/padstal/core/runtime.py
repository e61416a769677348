"""`runtime` and `tracking`: how a run uses this machine and where it is recorded; neither changes a result."""

import os
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from padstal.core.allocation import keep_freed_memory
from padstal.core.section import Section, value

if TYPE_CHECKING:
    import torch


class ProcessesParams(Section):
    """Audio work in processes of this machine."""

    kind: Literal["processes"] = "processes"


class DaskParams(Section):
    """Audio work on a Dask cluster; its workers see the same files under the same paths."""

    kind: Literal["dask"]
    address: str | None = value(
        "the scheduler's, tcp://host:port; null starts a local cluster of `workers` processes, and ends it",
        default=None,
    )


class RuntimeParams(Section):
    """How stages use the machine. Not a dependency of any stage."""

    device: Literal["auto", "cpu", "cuda"] = value("where models run; auto takes the GPU if there is one")
    workers: int = value("processes for audio work", "processes", ge=1, le=1024)
    threads: int = value(
        "CPU threads of one model; sums depend on it, so keep it to get equal bytes", "threads", ge=1, le=1024
    )
    executor: Annotated[ProcessesParams | DaskParams, Field(discriminator="kind")] = ProcessesParams()
    devices: int = value(
        "processes that train one model together on each machine, one a GPU; they share each batch",
        "processes",
        default=1,
        ge=1,
        le=64,
    )
    nodes: int = value(
        "machines that train one model together; each starts the same stage (docs/scaling.md)",
        "machines",
        default=1,
        ge=1,
        le=1024,
    )
    strategy: Literal["auto", "ddp", "fsdp2"] = value(
        "auto: one process trains plainly, several through DDP; ddp: one goes through DDP, too; fsdp2: "
        "weights, gradients, moments and averages are shared out among the processes",
        default="auto",
    )
    compile: bool = value(
        "whether trainings compile their networks' blocks (torch.compile): slow to start, faster on a GPU",
        default=False,
    )

    def torch_device(self) -> "torch.device":
        """Where models run in this process; settles the number of CPU threads, and keeps memory for the next step."""
        import torch

        torch.set_num_threads(self.threads)
        keep_freed_memory()
        kind = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        if kind == "cuda" and self.devices > 1:
            return torch.device(kind, int(os.environ.get("LOCAL_RANK", 0)))
        return torch.device(kind)


class TrackingParams(Section):
    """Where training and evaluation runs are recorded (Weights & Biases). Not a dependency of any stage."""

    mode: Literal["offline", "online", "disabled"] = value("offline needs no account; online needs WANDB_API_KEY")
    project: str = value("W&B project", min_length=1)
    entity: str | None = value("W&B team or user; null is the key's own")
