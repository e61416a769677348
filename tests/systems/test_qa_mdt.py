"""QA-MDT as a system: trained, saved, loaded and sampled, with the quality told as token and as prefix."""

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from tests.diffusion.fakes import POSITIONS, WIDTH, FakeTextEncoder, setting

from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
from padstal.core.model_folder import fingerprint
from padstal.core.paths import Paths
from padstal.diffusion.checkpoint import DenoiserConfig, save
from padstal.diffusion.clips import CaptionStates, levels_of, splits_of, with_latents
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask
from padstal.sampling.generate import generate
from padstal.systems import SYSTEMS
from padstal.systems.latent_system import LatentSystem
from padstal.training.distributed_shard import WHOLE

pytestmark = pytest.mark.slow  # trains for some seconds
SHAPE = (2, 6, 4)
LEVELS = 24 * [1, 2, 3]
LATENTS = LatentConfig("mel", "a" * 64, 8_000, 1, 4, 24, SHAPE, {"z": (0, 2)})
PARAMS: dict[str, Any] = {
    "form": {
        "conditioner": {"kind": "text", "quality": True},
        "backbone": {
            "kind": "mdt", "patch": [2, 2], "overlap": [0, 0], "width": 32, "heads": 4, "encoder_blocks": 2,
            "decoder_blocks": 1, "feed_forward": 2, "positions": "rope2d", "padding": "masked",
        },
        "schedule": {"kind": "betas"},
        "prediction": {"kind": "epsilon"},
    },
    "objective": {"kind": "masked", "low": 0.3, "high": 0.5, "full_weight": 1.0, "min_snr": None},
    "dropout": 0.1,
    "quality_dropout": 0.1,
    "quality_prefix": True,
    "training": {
        "steps": 150, "batch": 24, "learning_rate": 3e-3, "rate": {"kind": "cosine", "warmup_steps": 5, "floor": 0.1},
        "weight_decay": 0.0, "clip": 1.0, "ema_decay": 0.9, "precision": "32-true", "seed": 1, "log_every": 10,
        "validate_every": 50, "validation_clips": 4, "checkpoint_every": 100,
    },
}  # fmt: skip

TOKEN: dict[str, Any] = {**PARAMS, "quality_prefix": False}
PREFIX: dict[str, Any] = {**PARAMS, "form": {**PARAMS["form"], "conditioner": {"kind": "text"}}}
UNET: dict[str, Any] = {
    **TOKEN,
    "form": {
        **PARAMS["form"],
        "backbone": {
            "kind": "unet2d", "width": 16, "multiples": [1, 2], "blocks": 1, "groups": 4, "head_features": 8,
            "padding": "masked",
        },
    },
    "objective": {"kind": "mse"},
    "training": {**PARAMS["training"], "steps": 60, "batch": 16},
}  # fmt: skip
TRAINED = {"token": TOKEN, "prefix": PREFIX, "unet2d": UNET}


class MelCodec:
    """Sound whose loudness is the latent's mean."""

    sample_rate, channels, ratio, reads_text = 8_000, 1, 4, False

    def decode(self, latent_BDLF: torch.Tensor) -> torch.Tensor:
        return latent_BDLF.mean((1, 2, 3))[:, None, None].expand(-1, 1, 24)


def clips() -> pd.DataFrame:
    """Captions alike, three qualities, prefixes at both ends."""
    rows = [
        {
            "clip_id": f"clip{number:02d}",
            "split": "validation" if number % 8 == 7 else "train",
            "caption": "jazz",
            "original": "music",
            "generated": "a saxophone plays",
            "quality_level": level,
            "prefix": {1: "low quality", 2: "", 3: "high quality"}[level],
            "offset_seconds": 0.0,
            "track_seconds": 18.0,
        }
        for number, level in enumerate(LEVELS)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(params=TRAINED)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return train(request.param, tmp_path_factory.getbasetemp() / "qa_mdt" / request.param)


@cache
def train(name: str, root: Path) -> Paths:
    """Latents whose mean is the quality level: −1, 0 or 1."""
    torch.manual_seed(0)
    paths = Paths(root, "demo")
    dataset = clips()
    for folder in (paths.latents("mel"), paths.vae("mel"), paths.foundation("flan_t5"), paths.diffusion("qa")):
        folder.mkdir(parents=True)
    for folder in (paths.vae("mel"), paths.foundation("flan_t5")):
        save_file({"weight": torch.ones(1)}, folder / "model.safetensors")
    mean = np.random.default_rng(0).normal(scale=0.1, size=(len(dataset), *SHAPE)).astype(np.float32)
    mean += (dataset["quality_level"].to_numpy(np.float32) - 2)[:, None, None, None]
    config = LatentConfig(**{**vars(LATENTS), "fingerprint": fingerprint(paths.vae("mel"))})
    write_store(
        paths.latents("mel"), dataset[["clip_id", "split", "caption"]], config, [(mean, np.full_like(mean, 0.05))]
    )
    store = LatentStore.open(paths.latents("mel"))
    statistics = LatentStatistics(torch.zeros(2), torch.ones(2))
    params = DenoiserParams.model_validate(TRAINED[name])
    known = with_latents(dataset, store, prefix=params.quality_prefix)
    states = CaptionStates.encode(known["text"].tolist(), FakeTextEncoder())
    splits = splits_of(known, store, statistics, states)
    denoiser = Denoiser(params.form, SHAPE, WIDTH)
    task = DenoiserTask(denoiser, splits["train"], splits["validation"], params)
    optimiser = torch.optim.AdamW(denoiser.parameters(), 3e-3)
    for batch in task.batches(0, params.training.steps, WHOLE):
        optimiser.zero_grad()
        task.step(batch, WHOLE).loss.backward()
        optimiser.step()
    about = DenoiserConfig(
        name="qa", origin="a test", form=params.form, text_width=WIDTH, text_positions=POSITIONS,
        text_fingerprint=fingerprint(paths.foundation("flan_t5")), latents=store.config, seconds_total=18.0,
        levels=levels_of(known, prefix=params.quality_prefix),
    )  # fmt: skip
    save(paths.diffusion("qa"), denoiser, statistics, about)
    return paths


@pytest.fixture
def system(trained: Paths, monkeypatch: pytest.MonkeyPatch) -> LatentSystem:
    for module, fake in (("foundation.text_encoder", FakeTextEncoder), ("codecs.any_codec", MelCodec)):
        place = importlib.import_module(f"padstal.{module}")
        monkeypatch.setattr(place, "load", lambda folder, device, fake=fake: fake())
    config: Any = SYSTEMS.parse(
        {"kind": "qa_mdt", "codec": "mel", "text": "flan_t5", "denoiser": "qa", "grid": "qa_mdt", "quality": 5}
    )
    found: LatentSystem = config.load("qa_mdt", trained, "cpu")
    return found


def loudness(system: LatentSystem, guidance: dict[str, Any] | None = None, **attributes: float) -> float:
    how = setting(
        guidance=guidance or {"kind": "cfg", "w": 1.0}, attributes=attributes, steps=12, sigma_min=0.05, sigma_max=12.0
    )
    sound = generate(system, ["jazz"] * 12, list(range(12)), how, batch=12, precision="32-true")
    return float(sound.mean())


def test_samples_follow_the_level_that_is_asked_for(system: LatentSystem) -> None:
    low, middle, high = (loudness(system, quality=level) for level in (1.0, 2.0, 3.0))
    assert low < middle - 0.3 < high - 0.6
    assert loudness(system) == high, "the system's own level where nothing is asked for"


@pytest.mark.parametrize("trained", ["token"], indirect=True)
def test_a_level_between_two_lies_between_them(system: LatentSystem) -> None:
    middle, between, high = (loudness(system, quality=level) for level in (2.0, 2.5, 3.0))
    assert middle < between < high + 0.2


def test_guidance_away_from_low_quality_goes_beyond(system: LatentSystem) -> None:
    plain, guided = (loudness(system, {"kind": "quality", "w": w}, quality=2.0) for w in (0.0, 1.0))
    assert guided > plain + 0.1


def test_a_level_that_no_clip_had_is_played_as_the_nearest_that_one_had(system: LatentSystem) -> None:
    asked = setting(guidance={"kind": "quality", "w": 1.0, "low": 5.0}, attributes={"quality": 4.0})
    played = system.nearest(asked)
    assert played.attributes == {"quality": 3.0}
    assert played.values["guidance.low"] == 3.0
    assert played.id != asked.id
    assert system.nearest(played) == played
    assert loudness(system, quality=4.0) == loudness(system, quality=3.0)


@pytest.mark.parametrize("trained", ["prefix"], indirect=True)
def test_the_prompt_has_the_prefix_that_captions_of_its_level_had(system: LatentSystem) -> None:
    assert system.texts(["a", "", "b"], {"quality": [3.0, 1.2, 2.0]}) == ["high quality, a", "low quality", "b"]


def test_an_attribute_that_the_system_does_not_know_is_refused(system: LatentSystem) -> None:
    with pytest.raises(ValueError, match="attribute qualty: the system qa_mdt is told quality"):
        loudness(system, qualty=3.0)


@pytest.mark.parametrize("level", [6.0, 0.5, -1.0])
def test_a_level_beyond_1_to_5_is_refused_however_it_is_told(system: LatentSystem, level: float) -> None:
    with pytest.raises(ValueError, match=f"quality level {level:g}: expected 1 to 5, or 0 for unknown"):
        loudness(system, quality=level)


def test_a_label_never_belongs_to_another_clip(trained: Paths) -> None:
    """The audio of these clips says their level: whatever a batch says of a clip must agree with what is in it."""
    store = LatentStore.open(trained.latents("mel"))
    shuffled = clips().sample(frac=1, random_state=0)
    known = with_latents(shuffled, store, prefix=True)
    states = CaptionStates.encode(known["text"].tolist(), FakeTextEncoder())
    statistics = LatentStatistics(torch.zeros(2), torch.ones(2))
    train = splits_of(known, store, statistics, states)["train"]
    assert isinstance(train.latents, LatentDataset)
    texts = {level: FakeTextEncoder().encode([text]) for level, text in zip(
        (1, 2, 3), ("low quality, jazz", "jazz", "high quality, jazz"), strict=True
    )}  # fmt: skip
    for batch in train.batches(batch=12, start=0, stop=10, seed=0):
        heard = (batch.latent_BD.mean((1, 2, 3)) + 2).round()
        assert torch.equal(heard, batch.attributes["quality"])
        for row, level in enumerate(heard.int().tolist()):
            assert torch.equal(batch.text.mask_BL[row], texts[level].mask_BL[0])


@pytest.mark.parametrize(
    ("captions", "told"), [("refined", "jazz"), ("original", "music"), ("generated", "a saxophone plays")]
)
def test_a_denoiser_is_told_the_captions_that_params_name(trained: Paths, captions: str, told: str) -> None:
    known = with_latents(clips(), LatentStore.open(trained.latents("mel")), captions=captions, prefix=True)
    assert set(known["text"]) == {told, f"low quality, {told}", f"high quality, {told}"}
    assert set(known["caption"]) == {"jazz"}, "prompts and latents stay as they were"


def test_of_unknown_quality_there_are_as_many_as_asked_for(trained: Paths) -> None:
    store = LatentStore.open(trained.latents("mel"))
    known = with_latents(clips(), store)
    states = CaptionStates.encode(known["text"].tolist(), FakeTextEncoder())
    train = splits_of(known, store, LatentStatistics(torch.zeros(2), torch.ones(2)), states)["train"]
    params = DenoiserParams.model_validate({**PARAMS, "quality_dropout": 0.3})
    task = DenoiserTask(Denoiser(params.form, SHAPE, WIDTH), train, None, params)
    levels = torch.cat([task.known(batch, WHOLE)["quality"] for batch in task.batches(0, 200, WHOLE)])
    assert float((levels == 0).float().mean()) == pytest.approx(0.3, abs=0.05)
