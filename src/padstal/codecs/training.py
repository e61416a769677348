"""Training an autoencoder with Lightning: generator and discriminator by manual optimisation, EMA, curves, resume.

Batches and noise of a step come from (seed, step) alone, and the rest of the state is saved, so a run that was killed
and resumed gives the same weights as one that was not. SIGTERM ends a run after its step, with a checkpoint. Importing
this module imports Lightning (seconds).
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import numpy as np
import torch
from torch import nn

from padstal.codecs.adversarial import LossKind, discriminator_loss, feature_matching, generator_loss
from padstal.codecs.clips import ClipBatch, Clips
from padstal.codecs.learning_rate import LearningRate
from padstal.codecs.objective import scalars
from padstal.codecs.recipes import Judged, Recipe
from padstal.core.data.atomic import atomic_file
from padstal.nn.discriminators import Verdict
from padstal.training.averaging import average_of, update_average
from padstal.training.distributed_shard import DistributedShard
from padstal.training.process_group import ProcessGroup, Stop, check_agreement, mean

NOISE_STREAM, WINDOW_STREAM = 2, 3
CHECKPOINT = "last.pt"
Row = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """How an autoencoder is trained.

    Attributes:
        steps: Steps; each moves the generator or the discriminator.
        batch: Crops of a step, over all processes.
        crop: Samples of a crop.
        learning_rate: Peak rate of the generator.
        discriminator_learning_rate: Peak rate of the discriminator.
        rate: How both rise and fall.
        weight_decay: AdamW's decoupled weight decay.
        discriminator_start: Step from which generator and discriminator alternate; before, the generator trains alone.
        judged: Samples of each crop that the discriminator sees, at a random place.
        adversarial: Kind of adversarial loss.
        generator_clip: Largest norm of the generator's gradient.
        discriminator_clip: Largest norm of the discriminator's gradient.
        ema_decay: Of the averaged weights.
        precision: Lightning's name; STFTs and losses stay in float32.
        seed: Of order, crops and noise.
        log_every: Steps between rows of the curves, which hold means over these steps.
        probe_every: Steps between probes; a multiple of `log_every`.
        probe_clips: Clips of the probes' fixed batch.
        checkpoint_every: Steps between checkpoints.
    """

    steps: int
    batch: int
    crop: int
    learning_rate: float
    discriminator_learning_rate: float
    rate: LearningRate
    weight_decay: float
    discriminator_start: int
    judged: int
    adversarial: LossKind
    generator_clip: float
    discriminator_clip: float
    ema_decay: float
    precision: Literal["32-true", "bf16-mixed"]
    seed: int
    log_every: int
    probe_every: int
    probe_clips: int
    checkpoint_every: int


@dataclass(frozen=True)
class Trained:
    """The averaged weights, and the curves: rows with `step` and one value a quantity."""

    model: nn.Module
    curves: list[Row]


def train(
    model: nn.Module,
    discriminator: nn.Module,
    recipe: Recipe,
    clips: Clips,
    probed: Clips,
    plan: Plan,
    *,
    device: torch.device,
    state_folder: Path,
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 (frozen)
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    log: Callable[[Row, int], None] = lambda row, step: None,
) -> Trained:
    """Train `model`, or go on from the checkpoint in `state_folder`.

    Args:
        model: Fresh; trained in place.
        discriminator: Fresh; gives a list of `Verdict`.
        recipe: Passes, terms and probes of this kind of autoencoder.
        clips: The training split.
        probed: Clips that the probes read, best held out.
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
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    trainer = lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        precision=plan.precision,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **group.trainer_options(some_unused=True),
    )
    task = VaeTask(model, discriminator, recipe, plan, probed, state_folder / CHECKPOINT, log, shard).to(device)
    start = task.resume()
    if start < plan.steps:
        trainer.fit(task, _Batches(clips, plan, start, shard, progress))
    return Trained(task.average, task.rows)


class VaeTask(lightning.LightningModule):
    """One step of either side."""

    automatic_optimization = False

    def __init__(
        self,
        model: nn.Module,
        discriminator: nn.Module,
        recipe: Recipe,
        plan: Plan,
        probed: Clips,
        checkpoint: Path,
        log: Callable[[Row, int], None],
        shard: DistributedShard,
    ):
        super().__init__()
        self.model, self.discriminator, self.recipe = model, discriminator, recipe
        self.average = average_of(model)
        self.plan = plan
        self.rows: list[Row] = []
        self._probed = probed.first(plan.probe_clips, plan.crop)
        self._checkpoint = checkpoint
        self._emit = log
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._saved_optimisers: list[Any] | None = None
        self._shard = shard
        self._stop = Stop(shard)
        self._done = 0

    def on_train_start(self) -> None:
        check_agreement(self._done, self._shard, self.device)
        self._stop.listen()

    def configure_optimizers(self) -> Any:
        def adamw(module: nn.Module, rate: float) -> torch.optim.Optimizer:
            decay = self.plan.weight_decay
            return torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.8, 0.99), weight_decay=decay, fused=True)

        optimisers = [
            adamw(self.model, self.plan.learning_rate),
            adamw(self.discriminator, self.plan.discriminator_learning_rate),
        ]
        for optimiser, state in zip(optimisers, self._saved_optimisers or [], strict=False):
            optimiser.load_state_dict(state)
        return optimisers

    def transfer_batch_to_device(self, batch: ClipBatch, device: torch.device, dataloader_idx: int) -> ClipBatch:
        return ClipBatch(batch.step, batch.audio_BCS.to(device), batch.texts.to(device) if batch.texts else None)

    def training_step(self, batch: ClipBatch, batch_index: int) -> None:
        plan, step = self.plan, batch.step
        adversarial = step >= plan.discriminator_start
        if adversarial and (step - plan.discriminator_start) % 2 == 0:
            self._discriminator_step(batch)
        else:
            self._generator_step(batch, adversarial)
        self._finish(step + 1)

    def _generator_step(self, batch: ClipBatch, adversarial: bool) -> None:
        plan, step = self.plan, batch.step
        outcome = self.recipe.forward(self.model, batch, _noise(plan.seed, step), self._shard)
        if adversarial:
            self.discriminator.requires_grad_(False)
            real, fakes = self._judge(batch, self.recipe.fakes(outcome))
            judged = Judged(
                torch.stack([generator_loss(fake, plan.adversarial) for fake in fakes]).mean(),
                torch.stack([feature_matching(real, fake) for fake in fakes]).mean(),
            )
            self.discriminator.requires_grad_(True)
        else:
            judged = Judged(*(batch.audio_BCS.new_zeros(()) for _ in range(2)))
        terms = self.recipe.terms(outcome, batch, judged)
        loss = self.recipe.total(terms)
        rate = plan.learning_rate * plan.rate.factor(step, plan.steps)
        norm = self._descend(0, self.model, loss, plan.generator_clip, rate, step)
        update_average(self.average, self.model, plan.ema_decay, step)
        self._add({"loss": float(loss.detach()), **scalars(terms), "gradient_norm": norm})

    def _discriminator_step(self, batch: ClipBatch) -> None:
        plan, step = self.plan, batch.step
        with torch.no_grad():
            outcome = self.recipe.forward(self.model, batch, _noise(plan.seed, step), self._shard)
            fakes = self.recipe.fakes(outcome)
        real, judged = self._judge(batch, fakes)
        loss = torch.stack([discriminator_loss(real, fake, plan.adversarial) for fake in judged]).mean()
        factor = plan.rate.factor_of_late(step, plan.steps, plan.discriminator_start)
        rate = plan.discriminator_learning_rate * factor
        norm = self._descend(1, self.discriminator, loss, plan.discriminator_clip, rate, step)
        self._add({"discriminator": float(loss.detach()), "discriminator_gradient_norm": norm})

    def _judge(self, batch: ClipBatch, fakes: list[torch.Tensor]) -> tuple[list[Verdict], list[list[Verdict]]]:
        room = batch.audio_BCS.shape[-1] - self.plan.judged
        at = int(np.random.default_rng([self.plan.seed, batch.step, WINDOW_STREAM]).integers(0, max(room, 0) + 1))
        seen = slice(at, at + self.plan.judged)
        return _judge(self.discriminator, batch.audio_BCS[..., seen], [fake[..., seen] for fake in fakes])

    def _descend(self, which: int, module: nn.Module, loss: torch.Tensor, clip: float, rate: float, step: int) -> float:
        """One optimiser step: backward, clip once, step. Gives the gradient's norm before clipping."""
        common = mean(loss, self._shard)  # so that all processes raise, or none
        if not torch.isfinite(common):
            raise FloatingPointError(f"loss = {float(common)} at step {step}: lower the learning rate, now {rate}")
        optimiser: Any = self.optimizers()[which]  # type: ignore[index]
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        self.manual_backward(loss)
        norm = float(nn.utils.clip_grad_norm_(module.parameters(), clip))
        optimiser.step()
        return norm

    def _add(self, values: Row) -> None:
        if self._shard.world > 1:
            common = mean(torch.tensor(list(values.values()), dtype=torch.float64, device=self.device), self._shard)
            values = dict(zip(values, common.tolist(), strict=True))
        for name, number in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + number
            self._counts[name] = self._counts.get(name, 0) + 1

    def _finish(self, done: int) -> None:
        """Rows, probes and checkpoint after step number `done`."""
        plan, last = self.plan, done == self.plan.steps
        if done % plan.log_every == 0 or last:
            row: Row = {"step": done, **{name: self._sums[name] / self._counts[name] for name in self._sums}}
            if (done % plan.probe_every == 0 or last) and self._shard.rank == 0:
                row |= self.recipe.probe(self.average, self.transfer_batch_to_device(self._probed, self.device, 0))
            self._sums, self._counts = {}, {}
            self.rows.append(row)
            self._emit(row, done)
        stop = self._stop.agreed(self.device) and not last
        if (stop or done % plan.checkpoint_every == 0) and not last:
            self._save(done)
        if stop:
            raise self._stop.exit()

    def _save(self, done: int) -> None:
        if self._shard.rank == 0:
            self._write(done)
        self.trainer.strategy.barrier("checkpoint")

    def _write(self, done: int) -> None:
        state = {
            "step": done,
            "model": self.model.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.trainer.optimizers],
            "rows": self.rows,
            "sums": self._sums,
            "counts": self._counts,
        }
        with atomic_file(self._checkpoint) as temporary:
            torch.save(state, temporary)

    def resume(self) -> int:
        """Take up the checkpoint, if there is one; gives the number of steps already done."""
        if not self._checkpoint.exists():
            return 0
        state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.average.load_state_dict(state["average"])
        self._saved_optimisers = state["optimisers"]
        self.rows, self._sums, self._counts = state["rows"], state["sums"], state["counts"]
        self._done = int(state["step"])
        return self._done


class _Batches:
    """The batches of the steps that are left."""

    def __init__(
        self,
        clips: Clips,
        plan: Plan,
        start: int,
        shard: DistributedShard,
        progress: Callable[[Iterable[int]], Iterable[int]],
    ):
        self._clips, self._plan, self._start, self._shard, self._progress = clips, plan, start, shard, progress

    def __len__(self) -> int:
        return self._plan.steps - self._start

    def __iter__(self) -> Iterator[ClipBatch]:
        plan = self._plan
        drawn = self._clips.batches(
            batch=plan.batch, crop=plan.crop, start=self._start, stop=plan.steps, seed=plan.seed, shard=self._shard
        )
        for _, batch in zip(self._progress(range(self._start, plan.steps)), drawn, strict=True):
            yield batch


def _judge(
    discriminator: nn.Module, real_BCS: torch.Tensor, fakes: list[torch.Tensor]
) -> tuple[list[Verdict], list[list[Verdict]]]:
    """Verdicts on the real audio and on each list of fakes, in one call."""
    together: list[Verdict] = discriminator(torch.cat([real_BCS, *fakes]))
    parts = [
        [
            Verdict(logits, list(features))
            for logits, features in zip(
                verdict.logits.chunk(1 + len(fakes)),
                zip(*(feature.chunk(1 + len(fakes)) for feature in verdict.features), strict=True),
                strict=True,
            )
        ]
        for verdict in together
    ]
    by_input = [[verdicts[which] for verdicts in parts] for which in range(1 + len(fakes))]
    return by_input[0], by_input[1:]


def _noise(seed: int, step: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, step, NOISE_STREAM]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)
