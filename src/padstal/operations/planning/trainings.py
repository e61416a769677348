"""A training before there are data: what it learns, and what a step of it takes, on fake tensors.

An autoencoder's steps are of two kinds, the discriminator's and the generator's, in turn; before the discriminator
starts, the generator's count as both do on average.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from padstal.codecs import rehearsal as codecs
from padstal.codecs.checkpoint import NOT_SHIPPED
from padstal.codecs.config import AudioVaeParams, TalVaeParams
from padstal.diffusion import rehearsal as diffusion
from padstal.diffusion.config import DenoiserParams, TextEncoderName
from padstal.diffusion.task import attention_kernel
from padstal.operations.planning.codecs import CodecSize, crop_form, text_form
from padstal.operations.planning.counting import Counter, flops, parameters
from padstal.stages.params import Scale
from padstal.training.config import TrainConfig
from padstal.training.memory import Fake, StepMemory, step_memory
from padstal.training.sharding import blocks
from padstal.training.task import Batch, Move, Task

META = torch.device("meta")
"""Where tensors have no numbers, and modules are made in no time."""

TaskOf = Callable[[TrainConfig, int], tuple[Task, Sequence[Batch]]]
"""From how it is trained and the clips of a micro-batch to a fresh task, and a batch for each kind of step."""


@dataclass(frozen=True)
class TrainingSize:
    """A training.

    Attributes:
        config: How it is trained.
        learned: Numbers that its networks learn, the averaged one's first.
        kept: Numbers of the model that it leaves.
        gathered: Bytes of the weights that a process has whole at a time where they are shared out.
        convolutional: Whether convolutions do most of it.
        reads_text: Whether each step takes its texts through the text encoder.
    """

    config: TrainConfig
    learned: tuple[int, ...]
    kept: int
    gathered: int
    convolutional: bool
    reads_text: bool = False


@dataclass(frozen=True)
class Step:
    """Operations of a step for each clip, and memory on one of the devices."""

    operations: float
    memory: StepMemory


def step_of(task_of: TaskOf, config: TrainConfig, clips: int) -> Step:
    """A step of a training, whose micro-batches have `clips` clips.

    Of two rounds of steps `step_memory` reads the second, when the optimisers have their states; gradients of zero give
    them these in the first. From the second micro-batch on all are alike.
    """
    config = config.model_copy(update={"accumulate": min(config.accumulate, 2)})
    seen: list[int] = []

    def watched() -> tuple[Task, Sequence[Batch]]:
        task, batches = task_of(config, clips)
        made = task.step
        first_round = iter([name for name in task.networks for _ in range(config.accumulate)])

        def step(batch: Batch, shard: Any) -> Any:
            if name := next(first_round, None):
                return _unmoved(name, task.networks[name].module)
            seen.append(clips)
            return made(batch, shard)

        task.step = step  # type: ignore[method-assign]
        return task, batches

    with Counter() as counter:
        memory = step_memory(watched, config)
    return Step(counter.total / sum(seen), memory)


def _unmoved(name: str, network: nn.Module) -> Move:
    """A step of a network that learns nothing."""
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
    return Move(name, torch.zeros((), requires_grad=True), {})


def autoencoder(name: str, scale: Scale) -> tuple[TrainingSize, TaskOf]:
    """`train_vae@name`, and its steps."""
    params: AudioVaeParams | TalVaeParams = getattr(scale.train_vae, name)
    form = crop_form(scale, params)

    def task_of(config: TrainConfig, clips: int) -> Any:
        return codecs.rehearsal(params.model_copy(update={"training": config}), form, clips)

    with META:
        task, _ = task_of(params.training, 1)
    size = TrainingSize(
        config=params.training,
        learned=_learned(task),
        kept=sum(one.numel() for name, one in task.model.state_dict().items() if not name.startswith(NOT_SHIPPED)),
        gathered=_gathered(task),
        convolutional=True,
        reads_text=isinstance(params, TalVaeParams) and not params.precompute_text,
    )
    return size, task_of


def denoiser(
    name: str, scale: Scale, codec: CodecSize, reads: TextEncoderName = "text_encoder"
) -> tuple[TrainingSize, TaskOf]:
    """`train_diffusion@name` on the latents of `codec`, or crops of them, told states of `reads`, and its steps.

    Raises:
        ValueError: The clips are shorter than a crop.
    """
    params: DenoiserParams = dict(scale.train_diffusion)[name]
    text, latent = text_form(scale, reads), codec.cropped(params.crop_frames).shape

    def task_of(config: TrainConfig, clips: int) -> Any:
        own = params.model_copy(update={"training": config})
        return diffusion.rehearsal(own, latent, (text.max_length, text.width), clips, codec.first)

    with META:
        task, _ = task_of(params.training, 1)
    size = TrainingSize(
        config=params.training,
        learned=_learned(task),
        kept=sum(one.numel() for one in task.networks[task.averaged].module.state_dict().values()),
        gathered=_gathered(task),
        convolutional=params.form.backbone.kind.startswith("unet"),
    )
    return size, task_of


def forward_of(task_of: TaskOf, config: TrainConfig) -> int:
    """Operations of one call of a denoiser, for a clip."""
    with Fake(), torch.no_grad(), attention_kernel(torch.device("cpu")):  # whose products can be counted
        task, [batch] = task_of(config, 1)
        network: Any = task.networks[task.averaged].module
        clip: Any = batch
        told = network.condition(clip.text, clip.attributes, network.lower_of(clip.latent_BD))
        own_BD, t_B, embedded = network.own_of(clip.latent_BD), torch.zeros(1), network.embed(told)
        return flops(lambda: network(own_BD, t_B, embedded))


def _learned(task: Task) -> tuple[int, ...]:
    averaged_first = sorted(task.networks, key=lambda name: name != task.averaged)
    return tuple(parameters(task.networks[name].module) for name in averaged_first)


def _gathered(task: Task) -> int:
    """Of the averaged network two blocks, the one that works and the next, and all that is in none; the others' all."""
    repeated = [_bytes(block) for block in blocks(task.networks[task.averaged].module)]
    everything = sum(_bytes(network.module) for network in task.networks.values())
    return everything - sum(repeated) + sum(sorted(repeated)[-2:])


def _bytes(module: nn.Module) -> int:
    return sum(weight.nbytes for weight in module.parameters())
