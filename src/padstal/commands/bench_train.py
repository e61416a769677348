"""`padstal bench train`: a training step of a denoiser against its matrix products, convolutions and attention alone.

The step is the task's: loss, gradient, clipping, AdamW, on random latents and texts that fill half of their rows, so no
stage need have run. One step tells which products of which shapes its forward pass has; the same, forward and backward,
on tensors made beforehand, are what the step could not do without. What is compared is measured in turn, and a ratio is
the median of several. Beside it stands the ratio of processor time, which a busy machine spoils less.

What a step waits for its batch is measured on a store of latents and captions' states of that shape, written for it,
read and drawn as the training does; files that were just written come from memory, not from a disk.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
from padstal.commands.project import params_of
from padstal.commands.ratio import Ratio, ratio
from padstal.core.protocols import TextStates
from padstal.diffusion.clips import ATTRIBUTES, CaptionStates, ClipBatch, splits_of
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.objective import Masked, MeanSquaredError
from padstal.diffusion.rehearsal import LEVEL, rehearsal
from padstal.diffusion.task import attention_kernel
from padstal.operations.planning.counting import flops
from padstal.systems.trained import torch_device
from padstal.training.ahead import ahead
from padstal.training.averaging import average_of, update_average
from padstal.training.config import TrainConfig
from padstal.training.distributed_shard import WHOLE
from padstal.training.task import Batch, Task

PRODUCTS = frozenset(
    {
        functional.linear, functional.scaled_dot_product_attention, functional.conv1d, functional.conv2d,
        torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.baddbmm,
    }
)  # fmt: skip
STEP_LIMIT, MASK_LIMIT, WAIT_LIMIT = 1.25, 0.70, 0.01
STORED_BATCHES = 4
"""Batches whose clips the store holds."""


@dataclass(frozen=True)
class Options:
    """What to measure, and how often.

    Attributes:
        latent: Shape of the codec's latent, channels first.
        first: Channels of the latent's first group; None where there is but one.
        text: Rows of a text, and features of a row.
        batch: Clips of a step; None for the training's.
        mask: Share of patches hidden, against none; None leaves that out.
        repeats: Steps of each kind.
    """

    latent: tuple[int, ...]
    first: int | None = None
    text: tuple[int, ...] = (128, 128)
    batch: int | None = None
    mask: float | None = None
    repeats: int = 5


def sizes(option: str, written: str, *counts: int) -> tuple[int, ...]:
    """Numbers with commas between them.

    Raises:
        ValueError: They are none, or another count of them.
    """
    parts = written.split(",")
    if len(parts) not in counts or not all(part.isdecimal() and int(part) for part in parts):
        expected = " or ".join(str(count) for count in counts)
        raise ValueError(f"{option} {written}: expected {expected} numbers with commas between them")
    return tuple(int(part) for part in parts)


def run(root: Path, denoiser: str, scale: str | None, options: Options) -> int:
    """Measure and print.

    Raises:
        ParamsError: `params.yaml` is wrong.
        ValueError: There is no such scale or denoiser, it has no patches to hide, or cannot take such latents.
    """
    paths, tree = params_of(root, scale)
    device = torch_device(paths.params)
    denoisers: dict[str, DenoiserParams] = dict(tree.scales[paths.scale].train_diffusion)
    if denoiser not in denoisers:
        raise ValueError(f"no denoiser {denoiser!r}: expected one of {', '.join(denoisers)}")
    figures, rate = measure(denoisers[denoiser], options, device)
    print(f"{denoiser}: {rate / 1e9:.1f} GFLOP/s, load {os.getloadavg()[0]:.1f}", *figures, sep="\n")
    return 0


def measure(params: DenoiserParams, options: Options, device: torch.device) -> tuple[list[Ratio], float]:
    """The figures, and the floating-point operations of a second of the step.

    Raises:
        ValueError: See `run`.
    """
    step = _steps(params, options, device)
    figures = [_figure("step / its products and attention", step, _Products(step), options.repeats, STEP_LIMIT)]
    if options.mask is not None:
        if params.form.backbone.kind != "mdt":
            raise ValueError(f"--mask {options.mask}: the backbone {params.form.backbone.kind} has no patches to hide")
        hidden = Masked(low=options.mask, high=options.mask, full_weight=0.0, min_snr=None)
        some, none = (
            _steps(params.model_copy(update={"objective": objective}), options, device)
            for objective in (hidden, MeanSquaredError())
        )
        name = f"step with {options.mask:g} of all patches hidden / with none"
        figures.append(_figure(name, some, none, options.repeats, MASK_LIMIT))
    with TemporaryDirectory() as folder:
        drawn = _drawn(params, options, device, Path(folder))
        figures.append(_figure("waiting for the batch / step", lambda: next(drawn), step, options.repeats, WAIT_LIMIT))
        drawn.close()
    return figures, flops(step) / figures[0].over


class RandomStates:
    """A text encoder whose states are random; half of a text's rows are padding."""

    def __init__(self, rows: int, width: int):
        self.width, self.max_length, self.vocabulary = width, rows, 1

    def tokenize(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        mask_BL = (torch.arange(self.max_length) < max(self.max_length // 2, 1)).expand(len(texts), -1)
        return mask_BL.long(), mask_BL

    def encode(self, texts: list[str]) -> TextStates:
        return TextStates(torch.randn(len(texts), self.max_length, self.width), self.tokenize(texts)[1])


def _drawn(
    params: DenoiserParams, options: Options, device: torch.device, folder: Path
) -> Generator[ClipBatch, None, None]:
    """Batches on `device`, drawn from random latents in `folder`, ahead of the step where the training does so."""
    batch = options.batch or params.training.batch
    channels, frames, *_ = options.latent
    clips = STORED_BATCHES * batch
    names = [str(number) for number in range(clips)]
    index = pd.DataFrame({"clip_id": names, "split": "train", "caption": names})
    config = LatentConfig("", "", 1, 1, 1, frames, options.latent, {"all": (0, channels)})
    shape = (batch, *options.latent)
    write_store(folder, index, config, (2 * (torch.randn(shape).numpy(),) for _ in range(STORED_BATCHES)))
    store = LatentStore.open(folder)
    statistics = LatentStatistics(torch.zeros(channels), torch.ones(channels))
    states = CaptionStates.encode(names, RandomStates(*options.text))
    dataset = store.index.assign(text=names, **dict.fromkeys(ATTRIBUTES.values(), LEVEL))
    found = splits_of(dataset, store, statistics, states)["train"]
    batches = found.batches(batch=batch, start=0, stop=options.repeats + 1, seed=params.training.seed)
    for one in ahead(batches) if device.type == "cuda" else batches:
        yield one.to(device)


class Steps:
    """A step of each kind of a training, as `training.loop` makes it, on the same batches again and again."""

    def __init__(
        self, task: Task, batches: Iterable[Batch], config: TrainConfig, device: torch.device, *, averages: bool
    ):
        self.device, self._task, self._batches, self._config = device, task, list(batches), config
        self._optimisers = {name: one.optimiser.over(one.module) for name, one in task.networks.items()}
        self._average = average_of(task.networks[task.averaged].module) if averages else None

    def __call__(self) -> None:
        config, task = self._config, self._task
        for batch in self._batches:
            for _ in range(config.accumulate):
                with self.autocast():
                    move = task.step(batch, WHOLE)
                (move.loss / config.accumulate).backward()
            network, optimiser = task.networks[move.network], self._optimisers[move.network]
            nn.utils.clip_grad_norm_(network.module.parameters(), network.optimiser.clip)
            optimiser.step()
            optimiser.zero_grad()
            if self._average is not None and move.network == task.averaged:
                update_average(self._average, network.module, config.ema_decay, batch.step)

    def autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._config.precision == "bf16-mixed")


def _steps(params: DenoiserParams, options: Options, device: torch.device) -> Steps:
    """Of one random batch, without the average."""
    config = params.training.model_copy(update={"accumulate": 1})
    torch.manual_seed(config.seed)
    rows, width = options.text
    task, [noise] = rehearsal(params, options.latent, (rows, width), options.batch or config.batch, options.first)
    task.networks[task.averaged].module.to(device)
    return Steps(task, [noise.to(device)], config, device, averages=False)


class _Products(TorchFunctionMode):
    """The products of a step's forward pass: it listens to one step, then makes them, forward and backward."""

    def __init__(self, step: Steps):
        super().__init__()
        self._step, self._made = step, list[Callable[[], None]]()
        self._tensors: dict[Any, torch.Tensor] = {}
        with self:
            step()

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(keywords or {}))
        if function in PRODUCTS and result.requires_grad:
            told, named = tree_map(self._like, (arguments, keywords or {}))
            self._made.append(partial(self._both_ways, function, told, named, self._like(result.detach())))
        return result

    def __call__(self) -> None:
        with self._step.autocast(), attention_kernel(self._step.device):
            for product in self._made:
                product()

    def _like(self, argument: Any) -> Any:
        """A tensor of the same form, one for all of it; what is no tensor as it is."""
        if not isinstance(argument, torch.Tensor):
            return argument
        form = (tuple(argument.shape), argument.dtype, argument.requires_grad)
        if form not in self._tensors:
            made = torch.ones(form[0], dtype=form[1], device=argument.device)
            self._tensors[form] = made.requires_grad_(form[2])
        return self._tensors[form]

    def _both_ways(self, function: Any, arguments: Any, keywords: Any, gradient: torch.Tensor) -> None:
        result = function(*arguments, **keywords)
        asked = {id(one): one for one in (*arguments, *keywords.values()) if getattr(one, "requires_grad", False)}
        torch.autograd.grad(result, list(asked.values()), gradient)


def _figure(name: str, over: Callable[[], object], under: Callable[[], object], repeats: int, limit: float) -> Ratio:
    """Both in turn, after one time of each that does not count."""
    return ratio(name, [(seconds_of(over), seconds_of(under)) for _ in range(repeats + 1)][1:], limit)


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Wall time and processor time."""
    _wait()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    _wait()
    return time.perf_counter() - wall, time.process_time() - cpu


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
