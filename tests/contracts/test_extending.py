"""What `docs/extending.md` adds works: its own code, registered by one line each, trains, samples and is evaluated."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from tests.contracts.repository import ROOT
from tests.diffusion.fakes import POSITIONS, WIDTH, FakeTextEncoder
from tests.evaluation.fakes import FakeClap, FakePmos, FakeTagger

from padstal.codecs.checkpoint import load as load_codec
from padstal.codecs.checkpoint import save as save_codec
from padstal.codecs.config import CODECS, CropForm
from padstal.codecs.encode import EncodeParams, encode_clips
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import ClipAudio
from padstal.core.model_folder import fingerprint
from padstal.core.paths import Paths
from padstal.diffusion.checkpoint import DenoiserConfig, save
from padstal.diffusion.clips import CaptionStates, splits_of, with_latents
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask
from padstal.evaluation.clips import Clips
from padstal.evaluation.compare import compare
from padstal.evaluation.generated import load_generated
from padstal.evaluation.hear import Ears, HeardOnDisk, hear, hear_parts
from padstal.sampling.grid import choose_prompts, requests
from padstal.sampling.setting import Sweep
from padstal.sampling.write_grid import write_grid
from padstal.stages.params import load_tree
from padstal.systems import SYSTEMS

RATE, FRAME, FRAMES = 2000, 16, 256
PARAMS = {
    "form": {
        "conditioner": {"kind": "text_timing"},
        "backbone": {"kind": "convolution", "width": 16},
        "schedule": {"kind": "flow"},
        "prediction": {"kind": "flow_velocity"},
    },
    "objective": {"kind": "l1"},
    "dropout": 0.1,
    "training": {
        "steps": 30,
        "batch": 8,
        "learning_rate": 3e-3,
        "rate": {"kind": "cosine", "warmup_steps": 2, "floor": 0.0},
        "weight_decay": 0.0,
        "clip": 1.0,
        "ema_decay": 0.9,
        "precision": "32-true",
        "seed": 0,
        "log_every": 10,
        "validate_every": 10,
        "validation_clips": 4,
        "checkpoint_every": 100,
    },
}
SWEEP = {
    "method": [{"kind": "none"}, {"kind": "repulsion", "strength": 0.5}],
    "guidance": {"kind": "cfg", "w": 2.0},
    "solver": {"kind": "heun"},
    "steps": 6,
    "sigma_min": 0.05,
    "sigma_max": 50.0,
}


def add_what_the_page_adds() -> SimpleNamespace:
    """All Python of the page, run as one module."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "extending"}
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "docs/extending.md", "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def added() -> SimpleNamespace:
    return add_what_the_page_adds()


class Tones:
    """A tone a clip, as `ClipAudio` gives samples."""

    form = ClipAudio.form

    def pcm(self, shard: int, row: int) -> np.ndarray:
        return self.float_BCS(pd.DataFrame({"row": [row]}))[0].T

    def float_BCS(self, rows: pd.DataFrame) -> np.ndarray:
        time = np.arange(FRAME * FRAMES) / RATE
        tones = [0.5 * np.sin(2 * np.pi * (100 + 50 * (row % 4)) * time) for row in rows["row"]]
        return np.stack(tones)[:, None].astype(np.float32)


def dataset() -> pd.DataFrame:
    count = 40
    names = [f"{number:02d}" for number in range(count)]
    return pd.DataFrame(
        {
            "clip_id": names,
            "track_id": names,
            "split": [("train", "train", "validation", "test")[number % 4] for number in range(count)],
            "caption": [f"{('jazz', 'rock', 'techno', 'ambient')[number % 3]} {number}" for number in range(count)],
            "decision": "kept",
            "shard": 0,
            "row": range(count),
            "offset_seconds": 0.0,
            "clip_seconds": FRAME * FRAMES / RATE,
            "track_seconds": 18.0,
        }
    )


@pytest.mark.slow
def test_a_system_made_of_new_kinds_alone_trains_samples_and_is_evaluated(
    added: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padstal.training.loop import train

    monkeypatch.setattr("padstal.foundation.text_encoder.load", lambda folder, device: FakeTextEncoder())
    paths, clips, encoder, cpu = Paths(tmp_path, "demo"), dataset(), FakeTextEncoder(), torch.device("cpu")
    for folder in (paths.vae("frames"), paths.diffusion("new"), paths.foundation("text_encoder"), paths.latents("new")):
        folder.mkdir(parents=True)

    # the codec: written, read back, and clips encoded with it
    form = CropForm(sample_rate=RATE, channels=1, frames=FRAMES, text=None)
    kind: Any = CODECS.parse({"kind": "frames", "samples": FRAME})
    save_codec(paths.vae("frames"), kind.build(form), kind, form, origin="a test", name="frames")
    codec = load_codec(paths.vae("frames"), cpu)
    weights = sha256_file(paths.vae("frames") / "model.safetensors")
    how = EncodeParams(batch_clips=8, reconstructions=2, measured_clips=4)
    audio: Any = Tones()
    told = {"name": "frames", "fingerprint": weights, "device": cpu}
    quality = encode_clips(paths.latents("new"), codec, clips, audio, None, how, **told)
    assert quality["mel_l1"] < 1e-3  # frames are the samples themselves

    # the backbone: trained under schedule and prediction of the tables, and written
    store = LatentStore.open(paths.latents("new"))
    statistics = LatentStatistics.load(paths.latents("new") / "statistics.safetensors")
    states = CaptionStates.encode(clips["caption"].tolist(), encoder)
    splits = splits_of(with_latents(clips, store), store, statistics, states)
    params = DenoiserParams.model_validate(PARAMS)
    torch.manual_seed(0)
    denoiser = Denoiser(params.form, store.config.shape, WIDTH)
    assert isinstance(denoiser.backbone, added.ConvolutionNetwork)
    task = DenoiserTask(denoiser, splits["train"], splits["validation"], params)
    trained = train(task, params.training, device=cpu, state_folder=tmp_path / "state")
    assert trained.curves[-1]["loss"] < 0.9 * trained.curves[0]["loss"]
    (paths.foundation("text_encoder") / "model.safetensors").write_bytes(b"weights")
    config = DenoiserConfig(
        name="new",
        origin="a test",
        form=params.form,
        text_width=WIDTH,
        text_positions=POSITIONS,
        text_fingerprint=fingerprint(paths.foundation("text_encoder")),
        latents=store.config,
        seconds_total=18.0,
    )
    save(paths.diffusion("new"), trained.average, statistics, config)

    # the system: loaded by what params would say, sampled with the new solver and the new method
    system: Any = SYSTEMS.parse(
        {
            "kind": "peaked",
            "codec": "frames",
            "text": "text_encoder",
            "denoiser": "new",
            "grid": "new",
            "peak": 0.5,
        }
    )
    playing = system.load("new", paths, cpu)
    prompts = choose_prompts(clips, {"tune": 0, "test": 4}, 0)
    wanted = requests(prompts, (1, 2, 3), 1)
    settings = Sweep.model_validate(SWEEP).settings
    paths.samples("new").mkdir(parents=True)
    write_grid(
        paths.samples("new"),
        playing,
        prompts,
        wanted,
        settings,
        batch=6,
        precision="32-true",
        progress=lambda items, **_: items,
    )
    sound = np.load(paths.samples("new") / "audio.npy")
    assert (np.abs(sound).max(axis=(1, 2)) == 16384).all()  # the system brings each clip to its peak

    # and evaluated: each setting a row of its own, the new method beside the unperturbed system
    generated = load_generated({"new": paths.samples("new")})
    ears = Ears(FakeClap(), FakeTagger(), FakePmos(), (0.15, 0.5, 0.85), 0.0)
    real = np.round(audio.float_BCS(clips) * 32767).astype(np.int16).transpose(0, 2, 1)
    known = Clips(clips, hear(lambda start, stop: real[start:stop], len(clips), RATE, ears, 16))
    evaluated = compare(
        generated,
        HeardOnDisk.write(tmp_path, hear_parts(generated.read, len(generated.samples), RATE, ears, 16), len(sound)),
        known,
        clips.loc[clips["split"] == "test", "clip_id"].tolist(),
        [],
        load_tree(ROOT / "params.yaml").scales.demo.evaluate,
        clap=ears.clap,
        genres=ears.tagger.genres,
        generator=np.random.default_rng(0),
    )
    rows = {row["method"]: row for row in evaluated.metrics["sweep"]}
    assert set(rows) == {"none", "repulsion"}
    assert rows["repulsion"]["label"] == "repulsion s = 0.5, w = 2"
    assert rows["repulsion"]["vendi_within"] != rows["none"]["vendi_within"]


def test_heun_is_of_order_2(added: SimpleNamespace) -> None:
    from tests.sampling.test_solvers import error

    ratio = error({"kind": "heun"}, 160) / error({"kind": "heun"}, 320)
    assert np.log2(ratio) == pytest.approx(2, abs=0.15)


def test_repulsion_leaves_the_mean_of_a_prompt_and_spreads_its_samples(added: SimpleNamespace) -> None:
    denoised = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    method = added.Repulsion(strength=0.5)
    moved = method.guide(denoised, denoised, 2.0, added.Group("jazz", range(5), range(5), range(5)))
    assert torch.allclose(moved.mean(0), denoised.mean(0), atol=1e-6)
    assert torch.allclose(moved.std(0), 1.5 * denoised.std(0))
    assert method.guide(denoised, denoised, 0.5, added.Group("jazz", range(5), range(5), range(5))) is denoised
