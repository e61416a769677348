"""`padstal bench gpu`: what trainings, encoding and sampling of a scale take on this machine's GPU, beside their goals.

No stage need have run: weights are fresh, audio, latents and texts are random. A training step is the loop's: loss and
gradient of each micro-batch, clipping, AdamW and the average, of one GPU's share of the batch. Its operations are
counted while it runs; MFU is their share of what one large product in bfloat16 reaches here (`machine.measured`).
Sampling goes from prompts to audio, with one setting without a diversity method and one of PADS in turn.

A measurement that would begin after the limit, or that finds too little memory, is left out and named.
"""

import datetime
import gc
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig
from padstal.commands.bench_train import RandomStates, Steps, seconds_of
from padstal.commands.project import params_of
from padstal.core.data.atomic import atomic_file, write_json
from padstal.core.data.units import seconds_to_samples
from padstal.core.protocols import Codec
from padstal.diffusion.checkpoint import DenoiserConfig, TrainedDenoiser
from padstal.diffusion.task import attention_kernel
from padstal.operations.planning.codecs import CodecSize, codec_size, crop_form, text_form
from padstal.operations.planning.counting import flops
from padstal.operations.planning.machine import measured
from padstal.operations.planning.trainings import TaskOf, TrainingSize, autoencoder, denoiser
from padstal.sampling.generate import generate
from padstal.sampling.setting import Setting, of
from padstal.stages.params import Tree
from padstal.systems.latent_system import LatentSystem, SamplingStage
from padstal.systems.pads_tal import PadsTal
from padstal.systems.trained import torch_device
from padstal.training.config import TrainConfig
from padstal.training.sharding import blocks

GIBIBYTE = 2**30
SPREAD = 0.02
"""Standard deviation of what is added to fresh weights where arithmetics are compared: blocks start as identities."""


@dataclass(frozen=True)
class Goal:
    """What a figure is to reach at scale full on a GPU: at least `value`, or at most."""

    value: float
    least: bool

    def reached(self, value: float) -> bool:
        """Whether `value` does."""
        return value >= self.value if self.least else value <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.value:g}"


MFU = Goal(0.45, least=True)
"""Of transformers of at least `MFU_FROM` numbers."""
MFU_FROM = 3e8
MEMORY = Goal(70, least=False)
ENCODING = Goal(1000, least=True)
SAMPLING = Goal(40, least=True)
"""100 steps of CFG."""
PADS = Goal(1.02, least=False)
PARITY = Goal(0.02, least=False)
"""Five of bfloat16's relative steps of 2⁻⁸."""


@dataclass(frozen=True)
class Options:
    """What a measurement is of.

    Attributes:
        gpus: That share a batch; this one gets its part.
        limit: Seconds after which no measurement begins.
        repeats: Times of each that count, after one that does not.
    """

    gpus: int = 8
    limit: float = 540.0
    repeats: int = 3


@dataclass(frozen=True)
class Figure:
    """What was measured; a time is the median of several."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True)
class Findings:
    """All figures, and what was not measured → why."""

    figures: tuple[Figure, ...]
    left_out: dict[str, str]


def run(root: Path, scale: str | None, options: Options, out: Path) -> int:
    """Measure, write `out`/DEVICE-DATE.json and .md, and print the table.

    Raises:
        ParamsError: `params.yaml` is wrong.
        ValueError: There is no such scale; sizes of a published model are not known.
    """
    paths, tree = params_of(root, scale)
    name, device = paths.scale, torch_device(paths.params)
    findings = measure(tree, name, options, device)
    on = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    date = datetime.date.today().isoformat()
    about = {"device": on, "date": date, "scale": name, "torch": torch.__version__, **asdict(options)}
    table = _table(
        f"{on}, {date}, scale {name}, torch {torch.__version__}, {options.gpus} GPUs share a batch", findings
    )
    stem = f"{re.sub(r'[^a-z0-9]+', '-', on.lower())}-{date}"
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f"{stem}.json", {**about, **asdict(findings)})
    with atomic_file(out / f"{stem}.md") as file:
        file.write_text(table, encoding="utf-8")
    print(table)
    return 0


def measure(tree: Tree, name: str, options: Options, device: torch.device) -> Findings:
    """The figures of scale `name`, in an order in which what has goals comes first.

    Raises:
        ValueError: See `run`.
    """
    began, figures, left_out = time.monotonic(), list[Figure](), dict[str, str]()
    for label, work in tqdm(_Bench(tree, name, options, device).measurements(), unit="measurement", leave=False):
        if time.monotonic() - began > options.limit:
            left_out[label] = f"would have begun after {options.limit:g} s"
            continue
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        try:
            figures += work()
            if device.type == "cuda":  # on a CPU nobody counts
                taken = torch.cuda.max_memory_allocated(device) / GIBIBYTE
                figures.append(Figure(f"{label}: memory", taken, "GiB", MEMORY))
        except torch.OutOfMemoryError:
            left_out[label] = "out of memory"
        gc.collect()
        torch.cuda.empty_cache()
    return Findings(tuple(figures), left_out)


class _Bench:
    """The measurements of a scale; `codec` and `system` have fresh weights, on `device`."""

    def __init__(self, tree: Tree, name: str, options: Options, device: torch.device):
        self.tree, self.scale, self.options, self.device = tree, tree.scales[name], options, device
        self.codecs: dict[str, CodecSize] = {}

    def measurements(self) -> list[tuple[str, Callable[[], list[Figure]]]]:
        tree = self.tree
        systems = {one: own for one, own in tree.systems.items() if isinstance(own, PadsTal)}
        return [
            *((f"sample@{one}", partial(self.sampling, f"sample@{one}", own)) for one, own in systems.items()),
            *((f"train_diffusion@{one}", partial(self.denoiser, one)) for one in tree.denoisers),
            *((f"encode@{one}", partial(self.encoding, one)) for one in tree.autoencoders),
            *((f"train_vae@{one}", partial(self.autoencoder, one)) for one in tree.autoencoders),
        ]

    @cached_property
    def peak(self) -> float:
        """Operations a second of one large product."""
        return measured().tflops * 1e12

    def denoiser(self, name: str) -> list[Figure]:
        place = self.tree.denoisers[name]
        if place.codec not in self.codecs:
            self.codecs[place.codec] = codec_size(place.codec, self.scale)
        size, task_of = denoiser(name, self.scale, self.codecs[place.codec], place.text)
        label = f"train_diffusion@{name}"
        return [*self._training(label, size, task_of), self._parity(label, size.config, task_of)]

    def autoencoder(self, name: str) -> list[Figure]:
        return self._training(f"train_vae@{name}", *autoencoder(name, self.scale))

    def encoding(self, name: str) -> list[Figure]:
        codec, text, clips = self._codec(name), text_form(self.scale), self.scale.encode.batch_clips
        samples = seconds_to_samples(self.scale.ingest.clip_seconds, codec.sample_rate)
        audio_BCS = torch.randn(clips, codec.channels, samples, device=self.device)
        with self.device:
            states = RandomStates(text.max_length, text.width).encode([""] * clips)
        wall = self._median(lambda: codec.encode(audio_BCS, states))
        label, heard = f"encode@{name}", clips * self.scale.ingest.clip_seconds
        return [Figure(f"{label}: batch {clips}", heard / wall, "× real time", ENCODING)]

    def sampling(self, label: str, system: PadsTal) -> list[Figure]:
        params, ready = self.scale.sample, self._system(label, system)
        settings = params.settings_on(system.grid)
        plain, pads = (of(settings, {"method.kind": kind})[0] for kind in ("none", "pads"))
        prompts = [str(number) for number in range(params.batch)]

        def made(setting: Setting) -> float:
            return seconds_of(
                lambda: generate(
                    ready, prompts, [0] * params.batch, setting, batch=params.batch, precision=params.precision
                )
            )[0]

        pairs = [(made(plain), made(pads)) for _ in range(self.options.repeats + 1)][1:]
        seconds = params.batch * ready.samples / ready.sample_rate
        wall, ratio = (statistics.median(found) for found in ([one for one, _ in pairs], [b / a for a, b in pairs]))
        what = f"{label}: batch {params.batch}, {plain.steps} steps of CFG"
        return [
            Figure(what, seconds / wall, "× real time", SAMPLING),
            Figure(f"{label}: PADS / CFG", ratio, "", PADS),
        ]

    def _training(self, label: str, size: TrainingSize, task_of: TaskOf) -> list[Figure]:
        config = size.config
        clips = max(config.batch // (self.options.gpus * config.accumulate), 1)
        with self.device:
            task, batches = task_of(config, clips)
        steps = Steps(task, batches, config, self.device, averages=True)
        with attention_kernel(self.device):  # torch has no formula for the CPU's fused attention
            operations = flops(steps)
        if self.tree.runtime.compile:
            for part in (
                one for network in task.networks.values() for one in blocks(network.module) or [network.module]
            ):
                part.compile(dynamic=False)
        wall = self._median(steps)
        large = not size.convolutional and size.learned[0] >= MFU_FROM
        return [
            Figure(f"{label}: step, batch {clips * config.accumulate}", wall / len(batches), "s"),
            Figure(f"{label}: MFU", operations / wall / self.peak, "", MFU if large else None),
        ]

    def _parity(self, label: str, config: TrainConfig, task_of: TaskOf) -> Figure:
        """Distance of a call in bfloat16 from one in float32, over the length of that."""
        with self.device:
            task, [batch] = task_of(config, 1)
        network: Any = task.networks[task.averaged].module.eval()
        clip: Any = batch
        outputs = []
        with torch.no_grad(), attention_kernel(self.device):
            for weight in network.parameters():
                weight.add_(SPREAD * torch.randn_like(weight))
            for half in (False, True):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
                    told = network.condition(clip.text, clip.attributes, network.lower_of(clip.latent_BD))
                    t_B = torch.full((1,), 0.5, device=self.device)
                    outputs.append(network(network.own_of(clip.latent_BD), t_B, network.embed(told)).float())
        whole, rounded = outputs
        return Figure(f"{label}: bfloat16 from float32", float((rounded - whole).norm() / whole.norm()), "", PARITY)

    def _codec(self, name: str) -> Codec:
        params = getattr(self.scale.train_vae, name)
        form = crop_form(self.scale, params)
        with self.device:
            model = params.codec.build(form).eval().requires_grad_(False)
        codec: Codec = params.codec.freeze(model, form)
        return codec

    def _system(self, name: str, system: PadsTal) -> LatentSystem:
        codec, clips = self._codec(system.codec), self.scale.ingest
        text = text_form(self.scale, system.text)
        params = dict(self.scale.train_diffusion)[system.denoiser]
        samples = seconds_to_samples(clips.clip_seconds, codec.sample_rate)
        shape = codec.latent_shape(samples)
        latents = LatentConfig(
            system.codec, "", codec.sample_rate, codec.channels, codec.ratio, samples, shape, codec.channel_groups
        ).cropped(params.crop_frames)
        config = DenoiserConfig(
            name=name,
            origin="fresh weights",
            form=params.form,
            text_width=text.width,
            text_positions=text.max_length,
            text_fingerprint="",
            latents=latents,
            seconds_total=clips.clip_seconds,
        )
        with self.device:
            network = config.build().eval().requires_grad_(False)
            neutral = LatentStatistics(torch.zeros(shape[0]), torch.ones(shape[0]))
        trained = TrainedDenoiser(network, neutral, config)
        encoder = RandomStates(text.max_length, text.width)
        return LatentSystem(name, (SamplingStage(trained),), codec, encoder, self.device, system.usual(trained))

    def _median(self, work: Callable[[], object]) -> float:
        """Wall time of several, after one that does not count."""
        return statistics.median([seconds_of(work)[0] for _ in range(self.options.repeats + 1)][1:])


def _table(title: str, findings: Findings) -> str:
    """Markdown."""
    lines = [f"# {title}", "", "| | measured | | goal | reached |", "|---|---:|---|---:|---|"]
    for one in findings.figures:
        goal, reached = (str(one.goal), "yes" if one.goal.reached(one.value) else "NO") if one.goal else ("", "")
        lines.append(f"| {one.name} | {one.value:.4g} | {one.unit} | {goal} | {reached} |")
    lines += [f"| {label} | left out: {why} | | | |" for label, why in findings.left_out.items()]
    return "\n".join([*lines, ""])
