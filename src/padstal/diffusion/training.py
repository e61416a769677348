"""Training a denoiser with Lightning: AdamW, learning-rate schedule, clipped gradients, EMA after each optimiser step.

Batches, posterior draws, t, ε and dropout of a step come from (seed, step) alone, so a run that was killed and
resumed from its checkpoint gives the same weights as one that was not. SIGTERM ends a run after its step, with a
checkpoint.
"""

import copy
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, IterableDataset

from padstal.core.protocols import TextStates
from padstal.diffusion.clips import ClipBatch, Clips
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.objective import denoising_loss
from padstal.training.distributed_shard import DistributedShard
from padstal.training.ema import Ema
from padstal.training.learning_rate import LearningRateSchedule, cosine, inverse
from padstal.training.process_group import ProcessGroup, Stop, check_agreement, mean

NOISE_STREAM, VALIDATION_STREAM = 1, 2
CHECKPOINT = "training.ckpt"
Row = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How a denoiser is trained.

    Attributes:
        steps: Optimiser steps.
        batch: Clips of a step, over all processes.
        learning_rate: Peak learning rate.
        schedule: "inverse" (Stable Audio Open) or "cosine".
        warmup_steps: Steps of linear warm-up (cosine), or the time constant of the exponential one (inverse).
        inverse_scale_steps: Steps after which the inverse schedule has fallen to 1/√2.
        weight_decay: AdamW's decoupled weight decay.
        gradient_clip: Largest norm of the gradient.
        ema_decay: Of the weights' average.
        dropout: Probability of the null condition.
        precision: Lightning's name.
        seed: Of order and noise.
        log_every: Steps between rows of the curves.
        checkpoint_every: Steps between checkpoints.
        validation_clips: Clips of the fixed validation batch.
    """

    steps: int
    batch: int
    learning_rate: float
    schedule: LearningRateSchedule
    warmup_steps: int
    inverse_scale_steps: float
    weight_decay: float
    gradient_clip: float
    ema_decay: float
    dropout: float
    precision: Literal["32-true", "bf16-mixed"]
    seed: int
    log_every: int
    checkpoint_every: int
    validation_clips: int

    def rate(self, step: int) -> float:
        """Learning rate of `step` as a share of the peak."""
        if self.schedule == "cosine":
            return cosine(step, warmup_steps=self.warmup_steps, total_steps=self.steps)
        decay = 1 - 1 / self.warmup_steps if self.warmup_steps else 0.0
        return inverse(step, scale_steps=self.inverse_scale_steps, warmup_decay=decay)


@dataclass(frozen=True)
class Trained:
    """The averaged weights, and the curves: rows with `step` and one value a quantity."""

    denoiser: Denoiser
    curves: list[Row]


def train(
    denoiser: Denoiser,
    clips: Clips,
    validation: Clips | None,
    plan: Plan,
    *,
    device: torch.device,
    state_folder: Path,
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 (frozen)
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    log: Callable[[Row, int], None] = lambda row, step: None,
) -> Trained:
    """Train `denoiser`, or go on from the checkpoint in `state_folder`.

    Args:
        denoiser: Fresh; trained in place.
        clips: The training split.
        validation: The validation split, for the curves; None if it is empty.
        plan: How.
        device: Where.
        state_folder: Gets a checkpoint every `plan.checkpoint_every` steps; the caller deletes it after success.
        processes: Which train together; each calls this function, and all get the same weights and curves.
        progress: Wraps the steps' numbers in a progress bar.
        log: Is given each row of the curves and its step.

    Raises:
        FloatingPointError: The loss is no longer a number.
        SystemExit: SIGTERM came.
    """
    shard = group.shard()
    checkpoint = state_folder / CHECKPOINT
    resumed = checkpoint if checkpoint.exists() else None
    start = _step_of(resumed) if resumed else 0
    ticks = progress(range(start, plan.steps))
    curves = Curves(plan, _validation_batch(validation, plan), ticks, log, shard, checkpoint)
    saver = ModelCheckpoint(
        state_folder,
        filename=checkpoint.stem,
        every_n_train_steps=plan.checkpoint_every,
        save_top_k=1,
        enable_version_counter=False,
        save_on_exception=False,
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # it advertises
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        precision=plan.precision,
        max_steps=plan.steps,
        callbacks=[curves, saver],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **group.trainer_options(some_unused=False),
    )
    task = DiffusionTask(denoiser, plan, shard)
    batches = _Batches(clips, plan, start, shard)
    # on a CPU the plain attention has a backward pass that is twice as fast as the fused one's at these lengths
    attention = sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
    if start < plan.steps:
        with attention, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*in eval mode at the start of training")  # the average
            trainer.fit(task, DataLoader(batches, batch_size=None), ckpt_path=resumed, weights_only=True)
    average: Denoiser = copy.deepcopy(task.ema.average)  # type: ignore[assignment]
    return Trained(average, curves.rows)


class DiffusionTask(lightning.LightningModule):
    """One optimiser step of the denoising objective."""

    def __init__(self, denoiser: Denoiser, plan: Plan, shard: DistributedShard):
        super().__init__()
        self.denoiser = denoiser
        self.shard = shard
        self.ema = Ema(denoiser, plan.ema_decay)
        self.plan = plan
        self.gradient_norm = torch.zeros(())

    def training_step(self, batch: ClipBatch, batch_index: int) -> torch.Tensor:
        conditioning = self.denoiser.condition(batch.text, batch.timing)
        return denoising_loss(
            self.denoiser,
            batch.latent_BDT,
            conditioning,
            dropout=self.plan.dropout,
            generator=_generator(self.plan.seed, batch.step, NOISE_STREAM),
            shard=self.shard,
        )

    def transfer_batch_to_device(self, batch: ClipBatch, device: torch.device, dataloader_idx: int) -> ClipBatch:
        text = TextStates(batch.text.states_BLD.to(device), batch.text.mask_BL.to(device))
        return ClipBatch(batch.step, batch.latent_BDT.to(device), text, batch.timing.to(device))

    def configure_optimizers(self) -> Any:
        plan = self.plan
        optimiser = torch.optim.AdamW(
            self.denoiser.parameters(),
            lr=plan.learning_rate,
            betas=(0.9, 0.999),
            weight_decay=plan.weight_decay,
            fused=True,
        )
        rate = torch.optim.lr_scheduler.LambdaLR(optimiser, plan.rate)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": rate, "interval": "step"}}

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        self.gradient_norm = torch.nn.utils.clip_grad_norm_(self.denoiser.parameters(), self.plan.gradient_clip)

    def optimizer_step(self, *arguments: Any, **keywords: Any) -> None:
        super().optimizer_step(*arguments, **keywords)
        self.ema.update(self.denoiser)  # after the step, and before any callback saves a checkpoint


class Curves(Callback):
    """Rows of the training curves, which travel with the checkpoint; and the end that SIGTERM asks for."""

    def __init__(
        self,
        plan: Plan,
        validation: ClipBatch | None,
        ticks: Iterable[int],
        log: Callable[[Row, int], None],
        shard: DistributedShard,
        checkpoint: Path,
    ):
        self._plan = plan
        self._validation = validation
        self._ticks = iter(ticks)
        self._log = log
        self._shard = shard
        self._checkpoint = checkpoint
        self._stop = Stop(shard)
        self._losses: list[torch.Tensor] = []
        self.rows: list[Row] = []

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        check_agreement(trainer.global_step, self._shard, pl_module.device)
        next(self._ticks, None)
        self._stop.listen()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        task: DiffusionTask = pl_module
        done = trainer.global_step
        self._losses.append(mean(outputs["loss"].detach().float(), self._shard))
        next(self._ticks, None)
        if done % self._plan.log_every == 0 or done == self._plan.steps:
            self._add_row(task, done)
        if self._stop.agreed(task.device) and done != self._plan.steps:
            trainer.save_checkpoint(self._checkpoint)
            raise self._stop.exit()

    def _add_row(self, task: DiffusionTask, done: int) -> None:
        loss = float(torch.stack(self._losses).mean())
        if not np.isfinite(loss):
            raise FloatingPointError(f"loss = {loss} at step {done}: lower learning_rate = {self._plan.learning_rate}")
        row = {
            "step": done,
            "loss": loss,
            "learning_rate": self._plan.learning_rate * self._plan.rate(done - 1),
            "gradient_norm": float(task.gradient_norm),
            **self._validate(task),
        }
        self._losses.clear()
        self.rows.append(row)
        self._log(row, done)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "losses": [float(loss) for loss in self._losses]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = list(state_dict["rows"])
        self._losses = [torch.tensor(loss) for loss in state_dict["losses"]]

    @torch.no_grad()
    def _validate(self, task: DiffusionTask) -> Row:
        """Loss of the averaged weights on the fixed batch, with the caption and with the null condition."""
        if self._validation is None or self._shard.rank:
            return {}
        batch = task.transfer_batch_to_device(self._validation, task.device, 0)
        average: Denoiser = task.ema.average  # type: ignore[assignment]
        with torch.autocast(task.device.type, torch.bfloat16, enabled=self._plan.precision == "bf16-mixed"):
            conditioning = average.condition(batch.text, batch.timing)
            null = average.null(conditioning)
            losses = [
                denoising_loss(
                    average,
                    batch.latent_BDT,
                    told,
                    dropout=0.0,
                    generator=_generator(self._plan.seed, 0, VALIDATION_STREAM),
                )
                for told in (conditioning, null)
            ]
        return {"validation_loss": float(losses[0]), "validation_loss_null": float(losses[1])}


class _Batches(IterableDataset):  # type: ignore[type-arg]
    """The batches of the steps that are left."""

    def __init__(self, clips: Clips, plan: Plan, start: int, shard: DistributedShard):
        self._clips, self._plan, self._start, self._shard = clips, plan, start, shard

    def __iter__(self) -> Iterator[ClipBatch]:
        plan = self._plan
        return self._clips.batches(
            batch=plan.batch, start=self._start, stop=plan.steps, seed=plan.seed, shard=self._shard
        )


def _validation_batch(validation: Clips | None, plan: Plan) -> ClipBatch | None:
    if validation is None:
        return None
    return next(validation.batches(batch=plan.validation_clips, start=0, stop=1, seed=plan.seed))


def _generator(seed: int, step: int, stream: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, step, stream]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)


def _step_of(checkpoint: Path) -> int:
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True)["global_step"])
