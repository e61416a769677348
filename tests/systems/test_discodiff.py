"""DiscoDiff as a system: two denoisers trained on their own, and sampled one after the other."""

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.diffusion.fakes import POSITIONS, WIDTH, FakeTextEncoder, setting

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig
from padstal.core.model_folder import fingerprint
from padstal.core.params import ParamsError, check
from padstal.core.paths import Paths
from padstal.core.protocols import TextStates
from padstal.diffusion.checkpoint import DenoiserConfig, save
from padstal.diffusion.clips import ClipBatch
from padstal.diffusion.config import DenoiserParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.diffusion.task import DenoiserTask
from padstal.sampling.batching import Batch, batches
from padstal.sampling.generate import generate, told_of
from padstal.systems import SYSTEMS
from padstal.systems.config import Runs
from padstal.systems.latent_system import LatentSystem
from padstal.training.distributed_shard import WHOLE, DistributedShard

pytestmark = pytest.mark.slow  # trains for some seconds
FRAMES, LOWER, CHANNELS = 8, 2, 6
SHAPE = (CHANNELS, FRAMES)
CODEBOOKS = {"codebook_1": (0, LOWER), "codebook_2": (LOWER, 4), "codebook_3": (4, CHANNELS)}
LATENTS = LatentConfig("dac", "a" * 64, 8_000, 1, 4, 32, SHAPE, CODEBOOKS)
SHIFT = 3.0
"""Of the statistics' means, so that forgetting to invert the normalisation would be seen."""
PLAIN = {"kind": "cfg", "w": 1.0}


def params(part: str, **changes: Any) -> DenoiserParams:
    tree: dict[str, Any] = {
        "form": {
            "generates": {"primary": "first", "secondary": "rest"}[part],
            "conditioner": {"kind": "text"},
            "backbone": {
                "kind": "unet1d", "width": 16, "multiples": [1, 2], "blocks": 2, "attentions": 1, "groups": 4,
                "heads": 2, "linear_features": 8, "cross_features": 8, "padding": "visible",
            },
            "schedule": {"kind": "cosine"},
            "prediction": {"kind": "v"},
        },
        "objective": {"kind": "l1"},
        "dropout": 0.2,
        "training": {
            "steps": 40, "batch": 12, "learning_rate": 3e-3, "weight_decay": 0.0, "clip": 1.0, "ema_decay": 0.9,
            "rate": {"kind": "cosine", "warmup_steps": 5, "floor": 0.1}, "precision": "32-true", "seed": 1,
            "log_every": 10, "validate_every": 50, "validation_clips": 4, "checkpoint_every": 100,
        },
    }  # fmt: skip
    return DenoiserParams.model_validate({**tree, **changes})


class Clips:
    """Primary latents of −1 or 1, clip by clip, told by the text; secondary ones are −2 times their mean."""

    def batches(self, *, batch: int, start: int, stop: int, seed: int, shard: DistributedShard = WHOLE) -> Any:
        for step in range(start, stop):
            draw = torch.Generator().manual_seed(1000 * seed + step)
            sign_B = torch.randint(0, 2, (batch,), generator=draw) * 2.0 - 1
            latent_BDT = 0.1 * torch.randn(batch, *SHAPE, generator=draw)
            latent_BDT[:, :LOWER] += sign_B[:, None, None]
            latent_BDT[:, LOWER:] -= 2 * latent_BDT[:, :LOWER].mean((1, 2))[:, None, None]
            text = FakeTextEncoder().encode(["loud" if sign > 0 else "soft" for sign in sign_B.tolist()])
            yield ClipBatch(step, [""] * batch, latent_BDT, text, {})


class FakeDac:
    """Decodes a latent, or its first channels, to their mean, and keeps what it was asked for."""

    sample_rate, channels, ratio, reads_text = 8_000, 1, 4, False

    def __init__(self) -> None:
        self.asked: list[torch.Tensor] = []

    def decode(self, latent_BDT: torch.Tensor) -> torch.Tensor:
        self.asked.append(latent_BDT)
        return latent_BDT.mean((1, 2))[:, None, None].expand(-1, 1, 32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = Paths(tmp_path_factory.mktemp("discodiff"), "demo")
    for folder in (paths.vae("dac"), paths.foundation("text_encoder")):
        folder.mkdir(parents=True)
        save_file({"weight": torch.ones(1)}, folder / "model.safetensors")
    latents = replace(LATENTS, fingerprint=fingerprint(paths.vae("dac")))
    for number, part in enumerate(("primary", "secondary")):
        torch.manual_seed(number)
        own = params(part)
        about = DenoiserConfig(
            name=f"discodiff_{part}", origin="a test", form=own.form, text_width=WIDTH, text_positions=POSITIONS,
            text_fingerprint=fingerprint(paths.foundation("text_encoder")), latents=latents, seconds_total=18.0,
        )  # fmt: skip
        denoiser = about.build()
        clips: Any = Clips()
        task = DenoiserTask(denoiser, clips, None, own)
        optimiser = torch.optim.AdamW(denoiser.parameters(), 3e-3)
        for batch in task.batches(0, own.training.steps, WHOLE):
            optimiser.zero_grad()
            task.step(batch, WHOLE).loss.backward()
            optimiser.step()
        folder = paths.diffusion(f"discodiff/{part}")
        folder.mkdir(parents=True)
        save(folder, denoiser, LatentStatistics(torch.full((CHANNELS,), SHIFT), torch.ones(CHANNELS)), about)
    return paths


def load(trained: Paths, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> LatentSystem:
    for module, fake in (("foundation.text_encoder", FakeTextEncoder), ("codecs.any_codec", FakeDac)):
        place = importlib.import_module(f"padstal.{module}")
        monkeypatch.setattr(place, "load", lambda folder, device, fake=fake: fake())
    entry = {"kind": "discodiff", "codec": "dac", "text": "text_encoder", "denoiser": "discodiff", "grid": "any"}
    config: Any = SYSTEMS.parse({**entry, "perturbed": ["primary", "secondary"], **changes})
    found: LatentSystem = config.load("discodiff", trained, "cpu")
    return found


@pytest.fixture
def system(trained: Paths, monkeypatch: pytest.MonkeyPatch) -> LatentSystem:
    return load(trained, monkeypatch)


def latents(
    system: LatentSystem,
    prompts: list[str],
    method: Any = "none",
    guidance: dict[str, Any] | None = None,
    known_BE: torch.Tensor | None = None,
) -> torch.Tensor:
    how = setting(method, guidance=guidance or PLAIN, steps=12, sigma_min=0.05, sigma_max=50.0)
    (batch,) = whole(prompts)
    states = FakeTextEncoder().encode(prompts)
    text = TextStates(states.states_BLD * states.mask_BL.unsqueeze(-1), states.mask_BL)
    with torch.inference_mode():
        return system.latents(text, {}, batch, how, bf16=False, known_BE=known_BE)


def whole(prompts: list[str]) -> list[Batch]:
    return batches(prompts, [7] * len(prompts), list(range(len(prompts))), len(prompts))


TEXTS = ["loud"] * 8 + ["soft"] * 8


def test_the_primary_follows_the_text_and_the_secondary_the_primary(system: LatentSystem) -> None:
    found = latents(system, TEXTS)
    primary, secondary = found[:, :LOWER].mean((1, 2)), found[:, LOWER:].mean((1, 2))
    assert float((primary[:8] > 0).float().mean()) >= 0.75
    assert float((primary[8:] < 0).float().mean()) >= 0.75
    assert float(torch.corrcoef(torch.stack([primary, secondary]))[0, 1]) < -0.9


def test_the_secondary_never_changes_what_it_is_told(system: LatentSystem) -> None:
    found = latents(system, TEXTS)
    assert torch.equal(latents(system.preview(), TEXTS), found[:, :LOWER])
    true = torch.full((16, LOWER, FRAMES), 0.7)
    refined = latents(system, TEXTS, known_BE=true)
    assert torch.equal(refined[:, :LOWER], true)
    assert float((refined[:, LOWER:].mean() + 1.4).abs()) < 0.35, "it is told the primary, not the text"


def test_the_noise_of_the_two_is_not_the_same(system: LatentSystem) -> None:
    found = latents(system, TEXTS)
    fresh = [latents(replace(system, stages=(stage,)), TEXTS, known_BE=None) for stage in system.stages[:1]]
    assert torch.equal(fresh[0], found[:, :LOWER])
    first, second = (stage.trained.denoiser for stage in system.stages)
    assert first.latent_shape == (LOWER, FRAMES)
    assert second.latent_shape == (CHANNELS - LOWER, FRAMES)


def test_without_text_no_prompt_reaches_the_output(system: LatentSystem) -> None:
    states = FakeTextEncoder().encode(["loud", "soft"])
    guidance = setting(guidance={"kind": "cfg", "w": 3.0}).guidance
    lower = torch.full((2, LOWER, FRAMES), 0.3)
    for stage, known in zip(system.stages, (None, lower), strict=True):
        denoiser = stage.trained.denoiser
        told = told_of(denoiser, states, {}, guidance, FakeTextEncoder(), known)
        uncond = denoiser.embed(told["uncond"])
        x_BD = torch.randn(1, *denoiser.latent_shape).expand(2, -1, -1).contiguous()
        output = denoiser(x_BD, torch.full((2,), 0.5), uncond)
        assert torch.equal(output[0], output[1])
        spoken = denoiser(x_BD, torch.full((2,), 0.5), denoiser.embed(told["cond"]))
        assert not torch.allclose(spoken[0], output[0])


@pytest.mark.parametrize("perturbed", [["primary"], ["secondary"], []])
def test_a_diversity_method_acts_on_the_denoisers_that_params_name(
    trained: Paths, monkeypatch: pytest.MonkeyPatch, perturbed: list[str]
) -> None:
    system = load(trained, monkeypatch, perturbed=perturbed)
    cads = {"kind": "cads", "strength": 1.0, "tau1": 0.3, "tau2": 0.9, "rescale": 1.0}
    plain, moved = latents(system, TEXTS), latents(system, TEXTS, cads)
    assert torch.equal(plain[:, :LOWER], moved[:, :LOWER]) is ("primary" not in perturbed)
    assert torch.equal(plain, moved) is (not perturbed)


def test_latents_are_given_back_their_scale_before_decoding(system: LatentSystem) -> None:
    how = setting(guidance=PLAIN, steps=4, sigma_min=0.05, sigma_max=50.0)
    generate(system, ["loud"] * 2, [7, 7], how, batch=2, precision="32-true")
    generate(system.preview(), ["loud"] * 2, [7, 7], how, batch=2, precision="32-true")
    codec: Any = system.codec
    assert [asked.shape[1] for asked in codec.asked] == [CHANNELS, LOWER]
    assert torch.equal(codec.asked[0][:, :LOWER], codec.asked[1])
    assert float((codec.asked[1].mean() - SHIFT).abs()) < 1.5


def test_the_same_seed_gives_the_same_audio_in_any_company(system: LatentSystem) -> None:
    how = setting(guidance=PLAIN, solver={"kind": "ddpm"}, steps=6, sigma_min=0.05, sigma_max=50.0)
    together = generate(system, TEXTS[:4], [7] * 4, how, batch=4, precision="32-true")
    alone = generate(system, ["loud"], [7], how, batch=4, precision="32-true", indices=[3])
    assert np.array_equal(alone[0], together[3])


def test_a_system_of_one_denoiser_has_no_preview(system: LatentSystem) -> None:
    with pytest.raises(ValueError, match="discodiff: no preview, since it has one denoiser"):
        system.preview().preview()


def test_noise_on_the_true_primary_is_drawn_in_training_alone() -> None:
    own = params("secondary", lower_noise=0.5)
    denoiser = Denoiser(own.form, SHAPE, WIDTH, first_channels=LOWER)
    clips: Any = Clips()
    task = DenoiserTask(denoiser, clips, None, own)
    batch = next(task.batches(0, 1, WHOLE))
    noisy = task.lower(batch, WHOLE)
    assert noisy is not None
    assert float((noisy - batch.latent_BD[:, :LOWER]).std()) == pytest.approx(0.5, rel=0.1)
    again = task.lower(batch, WHOLE)
    assert again is not None
    assert torch.equal(noisy, again)


def test_a_latent_of_one_group_has_no_rest() -> None:
    with pytest.raises(ValueError, match=r"generates = rest: latents of shape \(6, 8\) have one channel group"):
        Denoiser(params("secondary").form, SHAPE, WIDTH)


def test_a_transformer_cannot_be_told_a_lower_latent() -> None:
    dit = {"kind": "dit", "width": 32, "depth": 1, "heads": 2, "cross_heads": 1, "feed_forward": 2}
    tree = {**params("secondary").form.model_dump(), "backbone": dit, "conditioner": {"kind": "text_timing"}}
    with pytest.raises(ParamsError, match="generates = rest: the backbone dit reads no lower latent; expected unet1d"):
        check(DenoiserForm, tree, "form")


def test_a_folder_that_is_not_the_denoisers_name_is_refused() -> None:
    tree = {
        "autoencoders": {}, "codecs": ["dac"],
        "denoisers": {"discodiff_primary": {"codec": "dac", "text": "text_encoder", "folder": "other"}},
        "systems": {"x": {
            "kind": "discodiff", "codec": "dac", "text": "text_encoder", "denoiser": "discodiff", "grid": "g",
            "perturbed": [],
        }},
    }  # fmt: skip
    with pytest.raises(ParamsError, match="folder = other: expected discodiff_primary"):
        check(Runs, tree, "")
