"""Whether a training fits its machine: its batch the processes, its step the memory; if not, what to write instead."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from padstal.operations.planning.machine import Machine
from padstal.operations.planning.trainings import Step, TaskOf, TrainingSize, step_of
from padstal.training.config import TrainConfig

USABLE = 0.875
"""Share of a GPU's memory that a step may have (70 of 80 GiB): CUDA's context, kernels' workspaces and gaps have the
rest."""
SHARED_OUT = {"runtime.strategy": "fsdp2"}
"""Of all trainings."""


Remedy = dict[str, int | str]
"""Params below `training`, or `runtime.strategy` → what they must be."""


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
    """A batch that the processes can share; then in turn, until it fits: smaller micro-batches, recomputation, and
    weights and moments that the processes share out.
    """
    config, remedies = size.config, dict[str, Remedy]()
    whole = machine.gpus * config.accumulate
    if config.batch % whole:
        batch = -(-config.batch // whole) * whole
        wrong = f"{machine.gpus} GPUs × accumulate {config.accumulate} cannot share a batch of {config.batch}"
        remedies[wrong] = {"batch": batch}
        config = config.model_copy(update={"batch": batch})
    own, room = config.batch // machine.gpus, int(USABLE * machine.gibibytes * 2**30)

    @cache
    def step(recomputed: bool, accumulate: int) -> Step:
        tried = config.model_copy(update={"checkpoint_activations": recomputed, "accumulate": accumulate})
        return step_of(task_of, tried, own // accumulate)

    first = step(config.checkpoint_activations, config.accumulate)
    taken = _on_each(first, size, machine)
    if taken <= room:
        return Fit(size, config, first.operations, taken, remedies)
    wrong = f"a step takes {taken / 2**30:.1f} GiB of each GPU, and may take {room / 2**30:.1f}"
    can_share = machine.gpus > 1 and not machine.shares_weights
    for shared, again in product((False, True) if can_share else (False,), (False, True)):
        remedy: Remedy = {**(SHARED_OUT if shared else {}), **({"checkpoint_activations": True} if again else {})}
        recomputed = config.checkpoint_activations or again
        on = replace(machine, shares_weights=machine.shares_weights or shared)
        found = step(recomputed, config.accumulate)
        accumulate = _accumulate(found, config, own, room - _on_each(found, size, on))
        if accumulate != config.accumulate:
            remedy, found = {**remedy, "accumulate": accumulate}, step(recomputed, accumulate)
        if remedy and _on_each(found, size, on) <= room:
            tried = config.model_copy(update={"checkpoint_activations": recomputed, "accumulate": accumulate})
            return Fit(size, tried, found.operations, _on_each(found, size, on), {**remedies, wrong: remedy})
    return Fit(size, config, first.operations, taken, {**remedies, wrong: {}})


def _accumulate(step: Step, config: TrainConfig, own: int, room: int) -> int:
    """The fewest micro-batches that leave so much more room; as many as there are if none do.

    What a micro-batch keeps for its backward pass grows with its clips, the rest does not.
    """
    kept = step.memory.activations
    most = (room + kept) * (own // config.accumulate) / kept
    parts = (one for one in range(config.accumulate, own + 1) if own % one == 0 and own // one <= most)
    return next(parts, config.accumulate)


def _on_each(step: Step, size: TrainingSize, machine: Machine) -> int:
    """Bytes. Several processes hold the gradients once more, to exchange them; or each its part of weights, gradients,
    moments and average, and whole what it works with.
    """
    memory = step.memory
    if machine.gpus == 1:
        return memory.peak
    if not machine.shares_weights:
        return memory.peak + memory.gradients
    states = memory.weights + memory.gradients + memory.optimiser + memory.average
    working = max(memory.peak - states, memory.activations)
    return states // machine.gpus + working + 2 * size.gathered  # weights and gradients
