"""Whether a training fits its machine: its batch the processes, its step the memory; if not, what to write instead."""

from dataclasses import dataclass

from padstal.operations.planning.machine import Machine
from padstal.operations.planning.trainings import Step, TaskOf, TrainingSize, step_of
from padstal.training.config import TrainConfig

USABLE = 0.875
"""Share of a GPU's memory that a step may have (70 of 80 GiB): CUDA's context, kernels' workspaces and gaps have the
rest."""


Remedy = dict[str, int]
"""Params below `training` → what they must be."""


@dataclass(frozen=True)
class Fit:
    """A training as it fits, or as near as it comes.

    Attributes:
        size: The training.
        config: Its own, with what had to change.
        operations: Of a step, for each clip.
        memory: Of a step, bytes on each GPU.
        remedies: What was wrong → what mends it; nothing where nothing does.
        forward: Operations of one call of a denoiser, for a clip.
    """

    size: TrainingSize
    config: TrainConfig
    operations: float
    memory: int
    remedies: dict[str, Remedy]
    forward: float = 0.0


def fit(size: TrainingSize, task_of: TaskOf, machine: Machine) -> Fit:
    """A batch that the processes can share; then smaller micro-batches, and if these are not enough, recomputation."""
    config, remedies = size.config, dict[str, Remedy]()
    whole = machine.gpus * config.accumulate
    if config.batch % whole:
        batch = -(-config.batch // whole) * whole
        wrong = f"{machine.gpus} GPUs × accumulate {config.accumulate} cannot share a batch of {config.batch}"
        remedies[wrong] = {"batch": batch}
        config = config.model_copy(update={"batch": batch})
    own, room = config.batch // machine.gpus, int(USABLE * machine.gibibytes * 2**30)
    step = step_of(task_of, config, own // config.accumulate)
    if _on_each(step, machine) <= room:
        return Fit(size, config, step.operations, _on_each(step, machine), remedies)
    wrong = f"a step takes {_on_each(step, machine) / 2**30:.1f} GiB of each GPU, and may take {room / 2**30:.1f}"
    for first in ({}, {"checkpoint_activations": True}):
        tried = config.model_copy(update=first)
        if first:
            step = step_of(task_of, tried, own // config.accumulate)
        remedy = {**first, **_divided(step, tried, own, room - _on_each(step, machine))}
        if remedy:
            tried = config.model_copy(update=remedy)
            found = step_of(task_of, tried, own // tried.accumulate)
            if _on_each(found, machine) <= room:
                remedies[wrong] = remedy
                return Fit(size, tried, found.operations, _on_each(found, machine), remedies)
    return Fit(size, config, step.operations, _on_each(step, machine), {**remedies, wrong: {}})


def _divided(step: Step, config: TrainConfig, own: int, room: int) -> Remedy:
    """The fewest micro-batches that leave so much more room; {} where it is there, or none do.

    What a micro-batch keeps for its backward pass grows with its clips, the rest does not.
    """
    kept = step.memory.activations
    most = (room + kept) * (own // config.accumulate) / kept
    parts = [one for one in range(config.accumulate, own + 1) if own % one == 0 and own // one <= most]
    return {"accumulate": parts[0]} if parts and parts[0] != config.accumulate else {}


def _on_each(step: Step, machine: Machine) -> int:
    """Bytes: several processes hold the gradients once more, to exchange them."""
    return step.memory.peak + (step.memory.gradients if machine.gpus > 1 else 0)
