"""The plan: a row for every stage and item, and what to change where something does not fit.

Disk is what files hold by their formats. Hours are those of the arithmetic, and of `ingest` those of its audio: reading
files, resampling and drawing on the CPU are not in them. Trainings share the GPUs, every other stage has one.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from padstal.diffusion.config import TextEncoderName
from padstal.foundation.config import PublishedClap, PublishedPmos
from padstal.foundation.laion import EMBEDDING
from padstal.operations.planning.codecs import CodecSize, codec_size
from padstal.operations.planning.fit import SHARED_OUT, Fit, fit
from padstal.operations.planning.machine import INGEST_SPEED, Kind, Machine
from padstal.operations.planning.music import Music
from padstal.operations.planning.published import PUBLISHED, Published, name_of
from padstal.operations.planning.trainings import TrainingSize, autoencoder, denoiser, forward_of
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.setting import Setting
from padstal.stages.params import STAGES, Scale, Tree
from padstal.systems.refined_clips import KINDS
from padstal.training.checkpoint import KEPT_CHECKPOINTS

FLOAT32, FLOAT16 = 4, 2
"""Bytes of a number."""
TABLE_BYTES = 250
"""Of a clip's row in a table, assumed: texts vary."""
TO_RESUME = 3
"""A checkpoint has of each number that learns itself and two moments; of the averaged network one more."""

Work = tuple[float, Kind]
"""Operations, and of which kind."""


@dataclass(frozen=True)
class Row:
    """What a stage, or an item of one, takes.

    Attributes:
        stage: As `dvc repro` calls it.
        does: What it is made of.
        parameters: Numbers of the models that it makes; None where it makes none, or their sizes are not known.
        operations: All of them; None where nothing is said.
        memory: Of a training step, bytes on each GPU.
        disk: Bytes that stay.
        meanwhile: Bytes that go when it is done.
        seconds: None where nothing is said.
    """

    stage: str
    does: str
    parameters: int | None = None
    operations: float | None = None
    memory: int | None = None
    disk: float = 0.0
    meanwhile: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True)
class Change:
    """What does not fit, and the params that mend it, by path; none where nothing does."""

    stage: str
    wrong: str
    params: dict[str, int | str]


@dataclass(frozen=True)
class Plan:
    """All rows, and what has to change."""

    rows: tuple[Row, ...]
    changes: tuple[Change, ...]

    @property
    def disk(self) -> float:
        """Bytes: all that stays, and the most that is there for a while."""
        return sum(row.disk for row in self.rows) + max(row.meanwhile for row in self.rows)

    @property
    def seconds(self) -> float:
        """One stage after the other."""
        return sum(row.seconds or 0.0 for row in self.rows)


Job = tuple[str, tuple[CodecSize, TextEncoderName] | None]
"""A denoiser and what it learns of, or an autoencoder."""

Mapper = Callable[..., Iterable[Any]]
"""`map`, or an executor's."""


def plan(tree: Tree, name: str, music: Music, machine: Machine, mapper: Mapper = map) -> Plan:
    """What the scale `name` takes with this music on this machine; trainings, which take longest, go through `mapper`.

    Raises:
        ValueError: Sizes of a published codec or text encoder are not known.
    """
    planner = _Planner(tree, name, music, machine, mapper)
    rows = tuple(row for stage in STAGES for row in getattr(planner, stage)())
    return Plan(rows, tuple(planner.changes))


class _Planner:
    """A method a stage; those before it leave what those after it need."""

    def __init__(self, tree: Tree, name: str, music: Music, machine: Machine, mapper: Mapper):
        self.tree, self.name, self.music, self.machine = tree, name, music, machine
        self.scale: Scale = tree.scales[name]
        self.changes: list[Change] = []
        self.codecs = {codec: codec_size(codec, self.scale) for codec in tree.codecs}
        self.samples, self.sampled_seconds = 0, 0.0
        jobs: list[Job] = [(one, None) for one in tree.autoencoders]
        jobs += [(one, (self.codecs[place.codec], place.text)) for one, place in tree.denoisers.items()]
        found = list(mapper(partial(_fit, self.scale, machine), jobs[::-1]))[::-1]  # the longest first
        self.vaes = dict(zip(tree.autoencoders, found, strict=False))
        self.denoisers = dict(zip(tree.denoisers, found[len(self.vaes) :], strict=True))

    def ingest(self) -> Iterator[Row]:
        music, workers = self.music, self.machine.workers
        yield Row(
            "ingest",
            f"{music.clips:,} clips of {music.form.clip_seconds:g} s: {music.seconds / 3600:,.0f} h; {workers} workers",
            disk=music.clips * (music.clip_bytes + TABLE_BYTES),
            seconds=music.seconds / (INGEST_SPEED * workers),
        )

    def validate(self) -> Iterator[Row]:
        yield Row("validate", "expectations and data docs of ingest and curate")

    def gate(self) -> Iterator[Row]:
        yield Row("gate", "reads their verdicts")

    def prepare(self) -> Iterator[Row]:
        fields = type(self.scale.prepare).model_fields  # what has a default is prepared by nobody
        for role in (name for name, one in fields.items() if one.is_required() and name != "draw"):
            section = getattr(self.scale.prepare, role)
            weights = getattr(section, "weights", None)
            model, size = _published(section), None
            if model:
                size = model.parameters * (self._members if role == "pmos" else 1)
            elif codec := self.codecs.get(role.removesuffix("_codec")):
                size = codec.parameters
            does = f"{weights.repository}, as published" if weights else f"{section.kind} here, small"
            yield Row(f"prepare@{role}", does, size, disk=FLOAT32 * (size or 0))

    def score(self) -> Iterator[Row]:
        clips = self.music.clips
        works = self._judges(self.music.seconds)
        yield self._row("score", f"p-MOS of {clips:,} clips", works, disk=clips * TABLE_BYTES)

    def caption(self) -> Iterator[Row]:
        clips, prepare, merge = self.music.clips, self.scale.prepare, self.scale.caption.merge
        works = _reads(prepare.clap, clips) + _writes(prepare.clap, 2 * clips, "transformer")  # of texts, two each
        for writer in (prepare.captioner, merge):
            works += _reads(writer, clips) + _writes(writer, clips, "generation")
        yield self._row(
            "caption",
            f"{clips:,} captions written, and all merged ({merge.kind}): the most that it may be",
            works,
            disk=clips * (FLOAT32 * self._clap_features + TABLE_BYTES),
        )

    def curate(self) -> Iterator[Row]:
        yield Row("curate", "duplicates, likelihood, splits", disk=self.music.curated * 2 * TABLE_BYTES)

    def train_vae(self) -> Iterator[Row]:
        for name in self.tree.autoencoders:
            found = self.vaes[name]
            texts = found.config.steps * found.config.batch if found.size.reads_text else 0
            yield self._training("train_vae", name, found, texts, "text_encoder")

    def encode(self) -> Iterator[Row]:
        music, params = self.music, self.scale.encode
        for name, codec in self.codecs.items():
            kept = FLOAT16 * (2 * math.prod(codec.shape) + codec.heard) + TABLE_BYTES
            swapped = params.reconstructions * codec.text_aware
            measured = (min(params.measured_clips, music.curated) + swapped) * codec.decode
            yield self._row(
                f"encode@{name}",
                f"{music.curated:,} clips to {' × '.join(map(str, codec.shape))}",
                [(music.curated * codec.encode + measured, "convolution")],
                parameters=codec.parameters,
                disk=music.curated * kept + (params.reconstructions + swapped) * music.clip_bytes,
            )

    def train_diffusion(self) -> Iterator[Row]:
        for name, found in self.denoisers.items():
            yield self._training("train_diffusion", name, found, self.music.curated, self.tree.denoisers[name].text)

    def sample(self) -> Iterator[Row]:
        params, music = self.scale.sample, self.music
        wanted = params.most_prompts * len(params.seeds) * params.samples_per_seed
        for name, system in self.tree.systems.items():
            settings, seconds = params.settings_on(system.grid), params.grids[system.grid].seconds
            crop = dict(self.scale.train_diffusion)[system.denoisers[0]].crop_frames
            whole, count = self.codecs[system.codec], wanted * len(settings)
            learnt = whole.cropped(crop).shape[1] / whole.shape[1]
            share = seconds / music.form.clip_seconds if seconds else learnt  # of a clip, each sample is
            calls = wanted * sum(evaluations(one) for one in settings)
            refined, again = 0, 0
            if len(system.denoisers) > 1:  # two of their kinds take the last denoiser alone, one takes all
                refined = len(KINDS) * min(params.refined_clips, music.curated)
                again = refined // len(KINDS) * evaluations(settings[0])
            decoded = share * count + learnt * refined  # clips' lengths
            works: list[Work] = [(decoded * whole.decode, "convolution")]
            for one in system.denoisers:
                found, again_of = self.denoisers[one], 3 if one == system.denoisers[-1] else 1
                asked = calls * share / learnt + again * again_of  # what attention adds to longer ones is left out
                works.append((found.forward * asked, _kind(found.size)))
            self.samples += count
            self.sampled_seconds += share * count * music.form.clip_seconds
            yield self._row(
                f"sample@{name}",
                f"{len(settings)} settings × {wanted:,} samples of {params.most_prompts} prompts, "
                f"{calls / count:.0f} calls each",
                works,
                disk=decoded * music.clip_bytes + count * TABLE_BYTES,
            )

    def evaluate(self) -> Iterator[Row]:
        params, prepare = self.scale.evaluate, self.scale.prepare
        references = min(params.reference_clips, self.music.curated)
        windows = (self.samples + references) * len(params.windows)
        seconds = self.sampled_seconds + references * self.music.form.clip_seconds
        works = _reads(prepare.clap, windows) + self._judges(seconds)
        features = len(params.windows) * self._clap_features + prepare.tagger.features
        yield self._row(
            "evaluate",
            f"{self.samples:,} samples heard in {len(params.windows)} windows",
            works,
            disk=self.samples * (FLOAT16 * features + TABLE_BYTES),
        )

    def report(self) -> Iterator[Row]:
        yield Row("report", "one page, cards")

    def _training(self, stage: str, name: str, found: Fit, texts: int, role: TextEncoderName) -> Row:
        size, config, label = found.size, found.config, f"{stage}@{name}"
        for wrong, remedy in found.remedies.items():
            at = f"scales.{self.name}.{stage}.{name}.training"
            named = {param if param in SHARED_OUT else f"{at}.{param}": new for param, new in remedy.items()}
            self.changes.append(Change(label, wrong, named))
        encoder = getattr(self.scale.prepare, role)
        works = _reads(encoder, texts * encoder.max_length)
        works.append((config.steps * config.batch * found.operations, _kind(size)))
        models = 1 + (config.steps // config.keep_every if config.keep_every else 0)
        return Row(
            label,
            f"{config.steps:,} steps of {config.batch} clips, {found.operations / 1e12:.3g} TFLOP a clip",
            size.learned[0],
            sum(operations for operations, _ in works),
            found.memory,
            FLOAT32 * size.kept * models,
            FLOAT32 * (KEPT_CHECKPOINTS + 1) * (TO_RESUME * sum(size.learned) + size.learned[0]),
            sum(self.machine.seconds(*work, self.machine.gpus) for work in works),
        )

    def _row(self, stage: str, does: str, works: list[Work], *, disk: float, parameters: int | None = None) -> Row:
        operations = sum(operations for operations, _ in works)
        seconds = sum(self.machine.seconds(*work) for work in works)
        return Row(stage, does, parameters, operations or None, disk=disk, seconds=seconds if operations else None)

    def _judges(self, seconds: float) -> list[Work]:
        """p-MOS of so much audio, by all its members."""
        return _reads(self.scale.prepare.pmos, seconds * self._members)

    @property
    def _members(self) -> int:
        pmos = self.scale.prepare.pmos
        return len(pmos.weights.sha256) if isinstance(pmos, PublishedPmos) else 1

    @property
    def _clap_features(self) -> int:
        clap = self.scale.prepare.clap
        return EMBEDDING if isinstance(clap, PublishedClap) else clap.embedding


def _fit(scale: Scale, machine: Machine, job: Job) -> Fit:
    name, of = job
    if of is None:
        return fit(*autoencoder(name, scale), machine)
    size, task_of = denoiser(name, scale, *of)
    return replace(fit(size, task_of, machine), forward=forward_of(task_of, size.config))


def evaluations(setting: Setting) -> int:
    """How often a sample of a setting goes through a network: its solver and its guidance say it on a number."""
    import torch

    calls = 0

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        nonlocal calls
        calls += len(setting.guidance.branches(sigma))
        return torch.zeros_like(x)

    sigmas = exponential_sigmas(setting.steps, setting.sigma_min, setting.sigma_max)
    setting.solver.solve(denoise, torch.zeros(1), sigmas, lambda: torch.zeros(1))
    return calls


def _kind(size: TrainingSize) -> Kind:
    return "convolution" if size.convolutional else "transformer"


def _reads(section: Any, units: float) -> list[Work]:
    """Operations of a published model that hears or reads so many units; of small ones none to speak of."""
    model = _published(section)
    return [(units * model.reads, "transformer")] if model else []


def _writes(section: Any, units: float, kind: Kind) -> list[Work]:
    model = _published(section)
    return [(units * model.writes, kind)] if model else []


def _published(section: Any) -> Published | None:
    weights = getattr(section, "weights", None)
    return PUBLISHED.get(name_of(section)) if weights else None
