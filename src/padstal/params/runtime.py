"""`runtime` and `tracking`: how a run uses this machine and where it is recorded; neither changes a result."""

from typing import Literal

from padstal.params.section import Section, value


class RuntimeParams(Section):
    """How stages use the machine. Not a dependency of any stage."""

    device: Literal["auto", "cpu", "cuda"] = value("where models run; auto takes the GPU if there is one")
    workers: int = value("processes for audio work", "processes", ge=1, le=1024)
    threads: int = value(
        "CPU threads of one model; sums depend on it, so keep it to get equal bytes", "threads", ge=1, le=1024
    )


class TrackingParams(Section):
    """Where training and evaluation runs are recorded (Weights & Biases). Not a dependency of any stage."""

    mode: Literal["offline", "online", "disabled"] = value("offline needs no account; online needs WANDB_API_KEY")
    project: str = value("W&B project", min_length=1)
    entity: str | None = value("W&B team or user; null is the key's own")
