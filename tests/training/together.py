"""One small training of each kind, by any number of processes."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from padstal.training.loop import Trained, train
from padstal.training.process_group import ProcessGroup

KINDS = ("diffusion", "codecs")
SHORT: dict[str, dict[str, int]] = {
    "diffusion": {"steps": 12, "log_every": 4, "validate_every": 4},
    "codecs": {"steps": 10},  # the last two are the discriminator's and the one that feels it
    "systems": {"steps": 6, "log_every": 3, "validate_every": 3},
}
"""Where processes meet at each step, which takes its time."""
ENDS_AT = 7
"""The step of a short training at which SIGTERM comes: after a checkpoint, and after a step of the discriminator."""


def run(
    kind: str,
    state: Path,
    *,
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 (frozen)
    compiled: bool = False,
    before_step: Callable[[int], None] = lambda step: None,
    change: Callable[[Any], None] = lambda task: None,
    log: Callable[[dict[str, float], int], None] = lambda row, step: None,
    **changes: Any,
) -> Trained:
    """A training of `kind` with its checkpoint in `state`.

    Args:
        kind: One of `KINDS`.
        state: Folder of the state; what is trained on lies beside it.
        group: Which processes train together.
        compiled: As `train` has it.
        before_step: Is told each step's number.
        change: What to do to the task first.
        log: As `train` has it.
        **changes: Of the params.
    """

    def ticking(steps: Iterable[int]) -> Iterator[int]:
        for step in steps:
            before_step(step)
            yield step

    module = importlib.import_module(f"tests.{kind}.together")
    task, config = module.make(state.parent / f"latents_{group.shard().rank}", **changes)
    change(task)
    how: dict[str, Any] = {"group": group, "compiled": compiled, "progress": ticking, "log": log}
    return train(task, config, device=torch.device("cpu"), state_folder=state, **how)
