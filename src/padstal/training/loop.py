"""The one training loop: Lightning with manual optimisation, averaged weights, curves, checkpoints, several processes.

Batches and noise of a step come from (seed, step) alone, and the rest of the state is saved, so a run that was killed
and resumed gives the same weights as one that was not. SIGTERM ends a run after its step, with a checkpoint. Importing
this module imports Lightning (seconds).
"""

import logging
import math
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import lightning
import torch
from torch import nn

from padstal.core.data.atomic import atomic_file, write_json
from padstal.training.ahead import ahead
from padstal.training.averaging import average_of, update_average
from padstal.training.checkpoint import Checkpoint, Curves, Row
from padstal.training.config import KEPT, TrainConfig
from padstal.training.distributed_shard import DistributedShard
from padstal.training.process_group import ProcessGroup, Stop, check_agreement, gathered, mean
from padstal.training.sharding import blocks, share_out, shared_alike, whole
from padstal.training.task import Batch, Move, Task

FAILURE = "failure.json"
NAMED_CLIPS = 8
"""Clips that an error names; the file lists all."""

Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class Trained:
    """The averaged network, and the curves: rows with `step` and one value a quantity."""

    average: Any
    curves: list[Row]


def train(
    task: Task,
    config: TrainConfig,
    *,
    device: torch.device,
    state_folder: Path,
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 (frozen)
    compiled: bool = False,
    progress: Progress = iter,
    log: Callable[[Row, int], None] = lambda row, step: None,
) -> Trained:
    """Train the networks of `task` in place, or go on from the checkpoint in `state_folder`.

    Args:
        task: What is trained.
        config: How.
        device: Where.
        state_folder: Gets a checkpoint every `checkpoint_every` steps and, in `kept/`, averaged weights every
            `keep_every`; the caller deletes it after success.
        group: Which processes train together; each calls this function, and all get the same weights and curves.
        compiled: Whether the networks' blocks go through `torch.compile`, at shapes that stay: minutes at first, less
            memory and time a step afterwards; the last digits differ.
        progress: Wraps the steps' numbers in a progress bar.
        log: Is given each row of the curves and its step.

    Raises:
        ValueError: The batch cannot be divided evenly among processes and micro-batches.
        FloatingPointError: A loss or a gradient is not finite; `failure.json` beside the checkpoint says where.
        SystemExit: SIGTERM came.
    """
    shard = group.shard()
    micro_shards = shard.divided(config.accumulate)
    micro_shards[0].place(config.batch)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it advertises
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        precision=config.precision,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **group.trainer_options(some_unused=len(task.networks) > 1),
    )
    loop = _Loop(task, config, state_folder, log, shard, micro_shards, group.shares_weights)
    if not group.shares_weights:  # else each process moves its part alone
        loop.to(device)
    for network in loop.networks.values() if compiled else ():
        for part in blocks(network) or [network]:
            part.compile(dynamic=False)
    start = loop.resume()
    if start < config.steps:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*in eval mode at the start of training")  # the average
            trainer.fit(loop, _Batches(task, start, config.steps, micro_shards, progress, device))
    return Trained(loop.averaged(keep=True), loop.curves.rows)


class _Loop(lightning.LightningModule):
    """A step: loss and gradient of each micro-batch, the optimiser's step, the average, and what is kept of it."""

    automatic_optimization = False

    def __init__(
        self,
        task: Task,
        config: TrainConfig,
        state_folder: Path,
        log: Callable[[Row, int], None],
        shard: DistributedShard,
        micro_shards: list[DistributedShard],
        shares_weights: bool,
    ):
        super().__init__()
        self.task, self.config = task, config
        self.taken = _Step(task)
        self.networks = self.taken.networks
        self.average = average_of(self.networks[task.averaged])
        self._shares_weights = shares_weights
        self._unshared = [average_of(self.average) if shares_weights else self.average]  # a list: not to be moved
        self.curves = Curves()
        self._folder = state_folder
        self._emit = log
        self._shard, self._micro_shards = shard, micro_shards
        self._stop = Stop(shard)
        self._resumed: Checkpoint | None = None

    def resume(self) -> int:
        """Take up the checkpoint, if there is one; gives the number of steps already done."""
        self._resumed = found = Checkpoint.read(self._folder, self.device)
        if found is None:
            return 0
        for name, state in found.networks.items():
            self.networks[name].load_state_dict(state)
        self.average.load_state_dict(found.average)
        self.curves = found.curves
        return found.step

    def configure_model(self) -> None:
        if self._shares_weights:
            assert self.device_mesh is not None
            mesh = self.device_mesh["data_parallel"]
            share_out(self.taken, mesh, blocks(self.networks[self.task.averaged]))
            share_out(self.average, mesh, [])

    def configure_optimizers(self) -> Any:
        optimisers = {name: one.optimiser.over(one.module) for name, one in self.task.networks.items()}
        if self._resumed:
            for name, state in self._resumed.optimisers.items():
                optimisers[name].load_state_dict(shared_alike(state, optimisers[name]))
        return list(optimisers.values())

    def on_train_start(self) -> None:
        check_agreement(self._resumed.step if self._resumed else 0, self._shard, self.device)
        self._resumed = None
        self._stop.listen()

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return tuple(one.to(device) for one in batch)

    def training_step(self, batches: tuple[Batch, ...], batch_index: int) -> None:
        step, config, task = batches[0].step, self.config, self.task
        moves = []
        for place, (batch, shard) in enumerate(zip(batches, self._micro_shards, strict=True), 1):
            move = Move(*self.taken(batch, shard))
            with self._synchronised(place == len(batches)), torch.autocast(self.device.type, enabled=False):
                self.manual_backward(move.loss / len(batches))
            moves.append(move)
        name = moves[0].network
        network, optimiser = task.networks[name], self._optimiser(name)
        norm = nn.utils.clip_grad_norm_(network.module.parameters(), network.optimiser.clip)
        values = self._values(moves, whole(norm, keep=True))
        rate = network.optimiser.at(step, config.steps)
        if not all(math.isfinite(values[key]) for key in self._keys(name)):
            self._fail(step, batches, values, rate)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
        optimiser.zero_grad()  # not at the next step, whose forward pass needs the memory
        if name == task.averaged:
            update_average(self.average, network.module, config.ema_decay, step)
        self.curves.add(values)
        self._finish(step + 1)

    def _optimiser(self, name: str) -> Any:
        found: Any = self.optimizers()
        return found[list(self.task.networks).index(name)] if isinstance(found, list) else found

    def _synchronised(self, last: bool) -> AbstractContextManager[None]:
        """Gradients meet those of the other processes with the last micro-batch."""
        block = getattr(self.trainer.strategy, "block_backward_sync", nullcontext)
        return nullcontext() if last else block()

    def _keys(self, name: str) -> tuple[str, str]:
        """What the curves call a network's loss and the norm of its gradient before clipping."""
        return ("loss", "gradient_norm") if name == self.task.averaged else (name, f"{name}_gradient_norm")

    def _values(self, moves: list[Move], norm: torch.Tensor) -> Row:
        """Loss, terms and gradient norm, means over micro-batches and processes; one transfer from the device."""
        loss, gradient_norm = self._keys(moves[0].network)
        names = [loss, *moves[0].scalars]
        rows = [torch.stack([one.detach().double() for one in (m.loss, *m.scalars.values())]) for m in moves]
        found = torch.cat([torch.stack(rows).mean(0), norm.to(rows[0]).reshape(1)])
        return dict(zip([*names, gradient_norm], mean(found, self._shard).tolist(), strict=True))

    def _fail(self, step: int, batches: tuple[Batch, ...], values: Row, rate: float) -> NoReturn:
        """All processes come here together, for the values are those of all."""
        clips = [clip for part in gathered([c for b in batches for c in b.clip_ids], self._shard) for clip in part]
        path = self._folder / FAILURE
        if self._shard.rank == 0:
            terms = {name: number if math.isfinite(number) else str(number) for name, number in values.items()}
            write_json(path, {"step": step, "learning_rate": rate, "clip_ids": clips, "terms": terms})
        shown = ", ".join(clips[:NAMED_CLIPS]) + (", …" if len(clips) > NAMED_CLIPS else "")
        broken = ", ".join(f"{name} = {number}" for name, number in values.items() if not math.isfinite(number))
        raise FloatingPointError(
            f"{broken} at step {step} (clips {shown}; all in {path}): lower the learning rate, now {rate:g}, or look "
            "at these clips"
        )

    def _finish(self, done: int) -> None:
        """Row, validation, kept weights and checkpoint after step number `done`."""
        config, last, leads = self.config, done == self.config.steps, self._shard.rank == 0
        if done % config.log_every == 0 or last:
            rate = self.task.networks[self.task.averaged].optimiser.at(done - 1, config.steps)
            row: Row = {"step": done, **self.curves.means(), "learning_rate": rate}
            if done % config.validate_every == 0 or last:
                row |= self._validated(leads)
            self.curves.rows.append(row)
            self._emit(row, done)
        stop = self._stop.agreed(self.device) and not last
        if config.keep_every and done % config.keep_every == 0 and not last:
            self._keep(done, leads)
        if (stop or done % config.checkpoint_every == 0) and not last:
            checkpoint = self._checkpoint(done, leads)
            if leads:
                checkpoint.write(self._folder)
            self.trainer.strategy.barrier("checkpoint")
        if stop:
            raise self._stop.exit()

    def averaged(self, *, keep: bool) -> Any:
        """The average as it can be called and written, where `keep`; every process must ask."""
        (average,) = self._unshared
        if self._shares_weights:
            state = whole(self.average.state_dict(), keep=keep)
            if keep:
                average.cpu().load_state_dict(state)
        return average

    def _validated(self, leads: bool) -> Row:
        average = self.averaged(keep=leads)
        row = self.task.validate(average.to(self.device)) if leads else {}
        if self._shares_weights:
            average.cpu()
        return row

    def _keep(self, done: int, leads: bool) -> None:
        from safetensors.torch import save_file

        average = self.averaged(keep=leads)
        if leads:
            with atomic_file(self._folder / KEPT / f"{done}.safetensors") as temporary:
                save_file(self.task.weights(average), temporary)

    def _checkpoint(self, done: int, leads: bool) -> Checkpoint:
        names = list(self.task.networks)
        state = {
            "networks": {name: self.networks[name].state_dict() for name in names},
            "average": self.average.state_dict(),
            "optimisers": {name: one.state_dict() for name, one in zip(names, self.trainer.optimizers, strict=True)},
        }
        return Checkpoint(step=done, curves=self.curves, **whole(state, keep=leads))


class _Step(nn.Module):
    """A step of the task as one call of one module, so that weights that are shared out are gathered for it."""

    def __init__(self, task: Task):
        super().__init__()
        self.networks = nn.ModuleDict({name: network.module for name, network in task.networks.items()})
        self._step = task.step

    def forward(self, batch: Batch, shard: DistributedShard) -> tuple[str, torch.Tensor, dict[str, torch.Tensor]]:
        """The fields of the `Move`."""
        move = self._step(batch, shard)
        return move.network, move.loss, dict(move.scalars)


class _Batches:
    """The micro-batches of each of the steps that are left; it has a length, so that Lightning fetches none ahead."""

    def __init__(
        self,
        task: Task,
        start: int,
        stop: int,
        micro_shards: list[DistributedShard],
        progress: Progress,
        device: torch.device,
    ):
        self._task, self._start, self._stop, self._micro_shards = task, start, stop, micro_shards
        self._progress = progress
        self._when: Callable[[Iterable[Any]], Iterable[Any]] = ahead if device.type == "cuda" else iter

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[tuple[Batch, ...]]:
        drawn = [self._task.batches(self._start, self._stop, shard) for shard in self._micro_shards]
        steps = self._progress(range(self._start, self._stop))
        for _, batches in zip(steps, self._when(zip(*drawn, strict=True)), strict=True):
            yield batches
