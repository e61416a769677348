"""How much memory a stage takes above what its imports do, with so many clips and with ten times as many.

Usage: python memory.py FOLDER; each stage's two numbers of bytes go to `FOLDER/STAGE.json`. Each run is a process of
its own, forked from one that has imported everything and made that stage's clips alone.
"""
# ruff: noqa: E402

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).resolve().parents[2]
tests = ModuleType("tests")  # an installed package has this name, too
tests.__path__ = [str(ROOT / "tests")]
sys.modules["tests"] = tests

from tests.codecs import fakes as codecs
from tests.diffusion import fakes as diffusion
from tests.diffusion.together import params as denoiser_params
from tests.evaluation import fakes as evaluation
from tests.stages.test_evaluate import PARAMS as EVALUATE_PARAMS

from padstal.codecs.encode import EncodeParams, encode_clips
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig, write_store
from padstal.codecs.tal_vae import FrozenTalVae
from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.core.data.row_file import RowFile
from padstal.core.protocols import Tags, TextStates
from padstal.diffusion.clips import CaptionStates, splits_of, with_latents
from padstal.diffusion.task import DenoiserTask
from padstal.evaluation.evaluate import Corpus, evaluate
from padstal.evaluation.generated import load_generated
from padstal.evaluation.hear import Ears
from padstal.sampling.grid import requests
from padstal.sampling.write_grid import write_grid

CLIPS = {"encode": 40, "train_diffusion": 40, "sample": 40, "evaluate": 4}
"""At 1×: clips; for `evaluate` cells of `PROMPTS` samples, and as many held-out clips as samples."""
RATE, SAMPLES, BATCH, PROMPTS, WIDTH = 8000, 2**16, 8, 40, 512
SPLITS = ("train", "validation", "test", "train")


def clips_in(folder: Path, count: int, samples: int = SAMPLES) -> pd.DataFrame:
    """Noise in one shard, and the table of it."""
    (folder / "shards").mkdir(parents=True)
    shard = RowFile.create(folder / "shards/00000.npy", (count, samples, 1), np.int16)
    for row in range(count):
        shard[row] = np.random.default_rng(row).integers(-9000, 9000, (samples, 1), dtype=np.int16)
    return pd.DataFrame(
        {
            "clip_id": [f"clip{row}" for row in range(count)],
            "track_id": [f"track{row}" for row in range(count)],
            "sha256": [f"{row:064x}" for row in range(count)],
            "split": [SPLITS[row % 4] for row in range(count)],
            "caption": [f"slow jazz, take {row}" for row in range(count)],
            "prefix": "",
            "shard": 0,
            "row": range(count),
            "clip_seconds": samples / RATE,
            "offset_seconds": 0.0,
            "track_seconds": 60.0,
        }
    )


@dataclass(frozen=True)
class WideTextEncoder:
    """States as wide as a real encoder's."""

    width: int = WIDTH
    max_length: int = 32
    vocabulary: int = 384

    def tokenize(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(len(texts), self.max_length, dtype=torch.int64), torch.ones(len(texts), self.max_length) > 0

    def encode(self, texts: list[str]) -> TextStates:
        return TextStates(torch.randn(len(texts), self.max_length, self.width), self.tokenize(texts)[1])


def encode(folder: Path, count: int) -> Callable[[], object]:
    write_table(clips_in(folder / "ingest", count), folder / "dataset.parquet")

    def run() -> None:
        codec = FrozenTalVae(codecs.tal_vae().eval(), codecs.FORM)
        dataset, params = (
            read_table(folder / "dataset.parquet"),
            EncodeParams(batch_clips=BATCH, reconstructions=2, measured_clips=8),
        )
        out = folder / "latents"
        out.mkdir()
        encode_clips(
            out, codec, dataset, ClipAudio(folder / "ingest"), codecs.FakeTextEncoder(), params,
            name="tal", fingerprint="", device=torch.device("cpu"),
        )  # fmt: skip

    return run


def train_diffusion(folder: Path, count: int) -> Callable[[], object]:
    dataset = clips_in(folder / "ingest", count, 1)
    write_table(dataset, folder / "dataset.parquet")
    latents = (np.zeros((2, 1, *diffusion.LATENT_SHAPE), np.float32) for _ in range(count))
    write_store(folder, dataset[["clip_id", "split", "caption"]], diffusion.latent_config(), latents)  # type: ignore[arg-type]

    def run() -> None:
        from padstal.codecs.latents.store import LatentStore

        store, encoder = LatentStore.open(folder), WideTextEncoder()
        clips = with_latents(read_table(folder / "dataset.parquet"), store)
        states = CaptionStates.kept(folder, clips["text"], encoder, "fake")
        statistics = LatentStatistics(torch.zeros(diffusion.CHANNELS), torch.ones(diffusion.CHANNELS))
        splits = splits_of(clips, store, statistics, states)
        task = DenoiserTask(diffusion.random_denoiser(), splits["train"], splits["validation"], denoiser_params())
        for _ in splits["train"].batches(batch=BATCH, start=0, stop=count, seed=1):
            pass
        assert task.averaged

    return run


def sample(folder: Path, count: int) -> Callable[[], object]:
    system = diffusion.system()
    trained = system.stages[0].trained
    ratio = SAMPLES // diffusion.FRAMES
    latents = replace(diffusion.latent_config(), ratio=ratio, samples=SAMPLES)
    config = trained.config.model_copy(update={"latents": latents})
    codec = diffusion.FakeCodec()
    codec.decode = lambda latent_BDT: latent_BDT[:, :1].repeat_interleave(ratio, dim=-1) / 8  # type: ignore[method-assign]
    long = replace(system, stages=(replace(system.stages[0], trained=replace(trained, config=config)),), codec=codec)
    prompts = pd.DataFrame({"prompt_id": [f"p{number}" for number in range(count)]})
    prompts = prompts.assign(prompt="slow jazz " + prompts["prompt_id"], seconds_start=0.0, seconds_total=18.0)
    (folder / "samples").mkdir(parents=True)

    def run() -> None:
        write_grid(
            folder / "samples", long, prompts, requests(prompts, (1,), 2), [diffusion.setting(steps=2)],
            batch=BATCH, precision="32-true", progress=lambda items, **_: items,
        )  # fmt: skip

    return run


class WideEars:
    """All three models, with features as wide as real ones'."""

    sample_rate, window_seconds, genres = RATE, 1.0, evaluation.GENRES

    def _features(self, audio_BS: np.ndarray) -> np.ndarray:
        return np.abs(np.fft.rfft(audio_BS[:, : 2 * WIDTH - 2])).astype(np.float32) + 1e-3

    def embed_audio(self, audio_BS: np.ndarray) -> np.ndarray:
        features = self._features(audio_BS)
        return features / np.linalg.norm(features, axis=1, keepdims=True)

    def embed_text(self, texts: list[str]) -> np.ndarray:
        return self.embed_audio(np.random.default_rng(0).standard_normal((len(texts), 2 * WIDTH)))

    def features(self, audio_BS: np.ndarray) -> np.ndarray:
        return self._features(audio_BS)[:, :32]

    def tag_features(self, features_BF: np.ndarray) -> Tags:
        odds = np.exp(features_BF[:, :4] / features_BF.max())
        one = np.ones((len(features_BF), 1), np.float32)
        return Tags(odds / odds.sum(axis=1, keepdims=True), one, one, one[:, 0])

    def score(self, audio_BS: np.ndarray) -> np.ndarray:
        return np.abs(audio_BS).mean(axis=1)


def evaluate_all(folder: Path, count: int) -> Callable[[], object]:
    clips = clips_in(folder / "ingest", count * PROMPTS, SAMPLES // 4).assign(pmos=3.0)
    latents, samples = folder / "latents", folder / "samples"
    config = LatentConfig("audio", "", RATE, 1, SAMPLES // 32, SAMPLES // 4, (4, 8), {"z": (0, 4)})
    for own in (latents, samples, folder / "out"):
        own.mkdir()
    both = ((np.full((1, 4, 8), row % 7, np.float32), np.ones((1, 4, 8), np.float32)) for row in range(len(clips)))
    write_store(latents, clips[["clip_id", "split", "caption"]], config, both)
    rebuilt = clips.iloc[2:8:4]
    np.save(latents / "reconstructions.npy", np.ones((2, SAMPLES // 4, 1), np.int16))
    write_table(rebuilt[["clip_id"]].assign(row=range(2)), latents / "reconstructions.parquet")
    cells = [evaluation.setting(w=1.0 + number) for number in range(count)]
    prompts = clips[clips["split"] == "test"].head(PROMPTS // 4).rename(columns={"caption": "prompt"})
    prompts = prompts.assign(prompt_id=prompts["clip_id"], role="test")[["prompt_id", "prompt", "clip_id", "role"]]
    rows = [
        {"system": "audio_dit", "setting": cell.id, "prompt_id": one.prompt_id, "prompt": one.prompt, "seed": seed}
        for cell in cells
        for one in prompts.itertuples()
        for seed in range(4)
    ]
    table = pd.DataFrame(rows).assign(index=0, row=range(len(rows)))
    write_table(table, samples / "samples.parquet")
    write_table(prompts, samples / "prompts.parquet")
    write_json(samples / "settings.json", {cell.id: cell.model_dump(mode="json") for cell in cells})
    os.link(folder / "ingest/shards/00000.npy", samples / "audio.npy")
    columns = ["path", "sha256", "genre", "mos", "severity", "degradation", "licence_foreign", "artist"]
    truth = pd.DataFrame(columns=[*columns, "true_caption", "duplicate_of", "duplicate_kind"], dtype=str)

    def run() -> None:
        corpus = Corpus(folder / "ingest", truth, clips, clips, clips, clips, clips, clips)
        ears = WideEars()
        params = EVALUATE_PARAMS.model_copy(
            update={
                "batch_clips": 64,
                "reference_clips": 40,
                "training_clips": 40,
                "latent_clips": 40,
                "draws": 100,  # of which each setting keeps its own, however many clips it has
                "baseline": ("audio_dit", "none"),
            }
        )
        heard_by = Ears(ears, ears, ears, params.windows, 0.0)
        evaluate(
            load_generated({"audio_dit": samples}), corpus, {"audio": latents}, {}, heard_by, params, folder / "out"
        )

    return run


STAGES = {"encode": encode, "train_diffusion": train_diffusion, "sample": sample, "evaluate": evaluate_all}


def _status(line: str) -> int:
    """Memory of this process ("VmRSS"), or its peak ("VmHWM"), in bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(row.split()[1]) for row in text.splitlines() if row.startswith(line)) * 1024


def peak(run: Callable[[], object]) -> int:
    """Bytes that `run` takes at its peak, in a process of its own."""
    receive, send = os.pipe()
    process = os.fork()
    if not process:
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            before = _status("VmRSS")
            run()
            os.write(send, str(_status("VmHWM") - before).encode())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        found = answer.read()
    if os.waitpid(process, 0)[1]:
        raise SystemExit("a run failed")
    return int(found)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for stage, work in STAGES.items():
        if not (process := os.fork()):
            status = 1
            try:
                found = [peak(work(folder / stage / f"{times}", times * CLIPS[stage])) for times in (1, 10)]
                (folder / f"{stage}.json").write_text(json.dumps(found))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.waitpid(process, 0)
