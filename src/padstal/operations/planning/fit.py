"""Whether a training fits its machine: its batch the processes, its step the memory; if not, what to write instead."""

from dataclasses import dataclass

from padstal.operations.planning.machine import Machine
from padstal.operations.planning.trainings import Step, TaskOf, TrainingSize, step_of
from padstal.training.config import TrainConfig

USABLE = 0.875
"""Share of a GPU's memory that a step may have (70 of 80 GiB): CUDA's context, kernels' workspaces and gaps have the
rest."""


@dataclass(frozen=True)
class Fit:
    """A training as it fits, or as near as it comes.

    Attributes:
        size: The training.
        config: Its own, with what had to change.
        operations: Of a step, for each clip.
        memory: Of a step, bytes on each GPU.
        remedies: What was wrong → the param and its value that mend it; None where none does.
        forward: Operations of one call of a denoiser, for a clip.
    """

    size: TrainingSize
    config: TrainConfig
    operations: float
    memory: int
    remedies: dict[str, tuple[str, int] | None]
    forward: float = 0.0


def fit(size: TrainingSize, task_of: TaskOf, machine: Machine) -> Fit:
    """A batch that the processes can share, then micro-batches as small as the memory asks for."""
    config, remedies = size.config, dict[str, tuple[str, int] | None]()
    whole = machine.gpus * config.accumulate
    if config.batch % whole:
        batch = -(-config.batch // whole) * whole
        wrong = f"{machine.gpus} GPUs × accumulate {config.accumulate} cannot share a batch of {config.batch}"
        remedies[wrong] = "batch", batch
        config = config.model_copy(update={"batch": batch})
    own, room = config.batch // machine.gpus, int(USABLE * machine.gibibytes * 2**30)
    clips = own // config.accumulate
    step = step_of(task_of, config, clips)
    memory = _on_each(step, machine)
    if memory > room:
        wrong = f"a step takes {memory / 2**30:.1f} GiB of each GPU, and may take {room / 2**30:.1f}"
        # what a micro-batch keeps for its backward pass grows with its clips, the rest does not
        kept = step.memory.activations
        most = (room - memory + kept) * clips / kept
        fewer = [one for one in range(config.accumulate + 1, own + 1) if own % one == 0 and own // one <= most]
        remedies[wrong] = ("accumulate", fewer[0]) if fewer else None
        if fewer:
            config = config.model_copy(update={"accumulate": fewer[0]})
            memory = _on_each(step_of(task_of, config, own // fewer[0]), machine)
    return Fit(size, config, step.operations, memory, remedies)


def _on_each(step: Step, machine: Machine) -> int:
    """Bytes: several processes hold the gradients once more, to exchange them."""
    return step.memory.peak + (step.memory.gradients if machine.gpus > 1 else 0)
