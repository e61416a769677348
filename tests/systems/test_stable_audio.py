"""Stable Audio Open in and out, against diffusers' own classes on a tiny checkpoint in its format."""

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.contracts.repository import ROOT
from tests.foundation.tiny_stable_audio import COND, FRAMES, LATENT, RATE, write_original, write_published

from padstal.codecs.backbones import Oobleck
from padstal.codecs.checkpoint import load as load_codec
from padstal.codecs.config import CropForm, TalVaeConfig, TextForm
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.protocols import TextStates
from padstal.core.untrusted import UntrustedFileError
from padstal.diffusion.checkpoint import TrainedDenoiser
from padstal.diffusion.checkpoint import load as load_denoiser
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.foundation.stable_audio_names import theirs
from padstal.foundation.text_encoder import T5TextEncoder, byte_tokenizer
from padstal.sampling.batching import batches
from padstal.sampling.generate import told_of
from padstal.sampling.guided_denoiser import GuidedDenoiser
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.setting import Setting
from padstal.stages.params import load_tree
from padstal.systems.stable_audio import NoCounterpartError, convert, export
from padstal.training.initialise import initialise

pytestmark = pytest.mark.slow  # diffusers takes seconds to import
PROMPT, SECONDS, STEPS, W = "slow jazz", 2.0, 12, 7.0
"""As long as a clip."""


class Published:
    """The tiny models, and what `convert` made of them."""

    def __init__(self, folder: Path):
        self.source, self.folder = folder / "source", folder / "ours"
        self.vae, self.transformer, self.projection = write_published(self.source)
        self.folder.mkdir()
        convert(self.source, self.folder, origin="a test", text_fingerprint="b" * 64)
        self.codec = load_codec(self.folder / "vae", "cpu")
        self.trained = load_denoiser(self.folder / "dit", "cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(tmp_path_factory.mktemp("stable_audio"))


@pytest.fixture(scope="module")
def text_encoder() -> T5TextEncoder:
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(1)
    t5 = T5Config(vocab_size=384, d_model=COND, d_kv=8, d_ff=32, num_layers=1, num_heads=2, feed_forward_proj="relu")
    return T5TextEncoder(T5EncoderModel(t5).eval(), byte_tokenizer(), 16, torch.device("cpu"))


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def test_the_autoencoder_is_that_of_diffusers(published: Published) -> None:
    audio, latent = noise(2, 2, 128), noise(2, LATENT, FRAMES)
    posterior = published.vae.encode(audio).latent_dist
    mean, std = published.codec.encode(audio, None)
    assert torch.allclose(mean, posterior.mean, atol=1e-5)
    assert torch.allclose(std, posterior.std, atol=1e-5)
    assert posterior.mean.std() > 0.1
    assert torch.allclose(published.codec.decode(latent), published.vae.decode(latent).sample, atol=1e-5)


def test_the_transformer_and_what_it_is_told_are_those_of_diffusers(published: Published) -> None:
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    text = TextStates(noise(2, 6, COND), torch.arange(6) < torch.tensor([[3], [6]]))
    x, t = noise(2, LATENT, FRAMES), torch.tensor([0.2, 0.9])
    start, total = torch.tensor([0.0, 30.0]), torch.tensor([47.0, 212.0])
    denoiser = published.trained.denoiser
    told = denoiser.condition(text, {"seconds_start": start, "seconds_total": total})
    found = denoiser(x, t, denoiser.embed(told))

    seconds = published.projection(start_seconds=start, end_seconds=total)
    rows = (seconds.seconds_start_hidden_states, seconds.seconds_end_hidden_states)
    expected = published.transformer(
        x,
        t,
        encoder_hidden_states=torch.cat([text.states_BLD * text.mask_BL[..., None], *rows], dim=1),
        global_hidden_states=torch.cat(rows, dim=2),
        rotary_embedding=get_1d_rotary_pos_embed(8, FRAMES + 1, use_real=True, repeat_interleave_real=False),
    ).sample
    assert torch.allclose(found, expected, atol=1e-4)
    assert expected.std() > 0.1


@pytest.fixture
def without_brownian_trees(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """diffusers' scheduler of Stable Audio Open adds the noise that it is given, and needs no torchsde."""
    monkeypatch.setitem(sys.modules, "torchsde", ModuleType("torchsde"))
    from diffusers.schedulers.scheduling_cosine_dpmsolver_multistep import CosineDPMSolverMultistepScheduler

    class WithNoise(CosineDPMSolverMultistepScheduler):  # type: ignore[misc]
        def set_timesteps(self, *args: Any, **kwargs: Any) -> None:
            super().set_timesteps(*args, **kwargs)
            self.noise_sampler = later_noise(STEPS)

    monkeypatch.setattr("diffusers.CosineDPMSolverMultistepScheduler", WithNoise)
    yield
    sys.modules.pop("diffusers.schedulers.scheduling_cosine_dpmsolver_multistep")
    sys.modules.pop("diffusers.schedulers.scheduling_dpmsolver_sde", None)


def later_noise(steps: int) -> Any:
    drawn = iter(noise(steps, 1, LATENT, FRAMES))
    return lambda *_: next(drawn)


def pipeline(folder: Path) -> Any:
    """What diffusers makes of an exported folder."""
    from diffusers import StableAudioPipeline

    made = StableAudioPipeline.from_pretrained(folder)
    made.set_progress_bar_config(disable=True)
    return made


def ours(trained: TrainedDenoiser, text_encoder: T5TextEncoder) -> torch.Tensor:
    """Standardised latents that our solver finds with the same noise."""
    how = {"method": {"kind": "none"}, "guidance": {"kind": "cfg", "w": W}, "solver": {"kind": "dpmpp_2m", "eta": 1.0}}
    setting = Setting.model_validate({**how, "steps": STEPS, "sigma_min": 0.3, "sigma_max": 500.0})
    attributes = {"seconds_start": torch.tensor([0.0]), "seconds_total": torch.tensor([SECONDS])}
    text = text_encoder.encode([PROMPT])
    told = told_of(trained.denoiser, text, attributes, setting.guidance, text_encoder)
    [batch] = batches([PROMPT], [0], [0], 1)
    sigmas = exponential_sigmas(STEPS, 0.3, 500.0)
    denoise = GuidedDenoiser(trained.denoiser, told, batch, setting)
    with torch.inference_mode():
        return setting.solver.solve(denoise, noise(1, LATENT, FRAMES) * sigmas[0], sigmas, later_noise(STEPS))


@pytest.mark.usefixtures("without_brownian_trees")
@pytest.mark.parametrize("standardised", [False, True])
def test_diffusers_pipeline_plays_what_is_exported_as_our_solver_does(
    published: Published, text_encoder: T5TextEncoder, tmp_path: Path, standardised: bool
) -> None:
    statistics = published.trained.statistics
    if standardised:
        statistics = LatentStatistics(torch.tensor([0.5, -0.2, 0.0, 1.0]), torch.tensor([0.5, 2.0, 1.0, 1.5]))
    trained = replace(published.trained, statistics=statistics)
    assert export(tmp_path, trained, published.folder / "vae", text_encoder) == ""
    played = pipeline(tmp_path)
    asked = {"num_inference_steps": STEPS, "guidance_scale": W, "audio_end_in_s": SECONDS}
    start = noise(1, LATENT, FRAMES)
    latents = played(PROMPT, latents=start.clone(), output_type="latent", **asked).audios
    found = ours(trained, text_encoder)
    assert torch.allclose(found, latents, atol=1e-3)
    assert latents.std() > 0.1
    audio = played(PROMPT, latents=start.clone(), **asked).audios
    decoded = published.codec.decode(statistics.denormalise(found))
    edge = 64 if standardised else 0  # beyond the edges the first convolution reads 0, which is the mean there
    assert torch.allclose(decoded[..., edge : 128 - edge or None], audio[..., edge : 128 - edge or None], atol=1e-3)
    heard = noise(1, 2, 128)
    mean = statistics.normalise(published.codec.encode(heard, None)[0])
    assert torch.allclose(mean, played.vae.encode(heard).latent_dist.mean, atol=1e-4)


def test_what_is_exported_unchanged_has_the_published_numbers(
    published: Published, text_encoder: T5TextEncoder, tmp_path: Path
) -> None:
    export(tmp_path, published.trained, published.folder / "vae", text_encoder)
    for part in ("vae", "transformer", "projection_model"):
        file = f"{part}/diffusion_pytorch_model.safetensors"
        before, after = load_file(published.source / file), load_file(tmp_path / file)
        assert before.keys() == after.keys()
        assert all(before[name].shape == after[name].shape for name in before)
        if part != "vae":  # its weights may have another form g v / ‖v‖
            assert all(torch.equal(before[name], after[name]) for name in before)


def test_its_own_checkpoint_is_the_same_model(published: Published, tmp_path: Path) -> None:
    weights = {**load_file(published.folder / "vae" / "model.safetensors")}
    weights |= load_file(published.folder / "dit" / "model.safetensors")
    write_original(tmp_path / "source", weights)
    (tmp_path / "ours").mkdir()
    convert(tmp_path / "source", tmp_path / "ours", origin="a test", text_fingerprint="b" * 64)
    for part in ("vae", "dit"):
        again, first = (
            load_file(folder / part / "model.safetensors") for folder in (tmp_path / "ours", published.folder)
        )
        assert again.keys() == first.keys()
        assert all(torch.equal(again[name], first[name]) for name in first)


def changed(published: Published, folder: Path, part: str, change: Any) -> Path:
    """A copy of the published folder whose tensors of a part are changed."""
    shutil.copytree(published.source, folder)
    file = folder / part / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    return folder


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("transformer", lambda tensors: tensors.pop("proj_in.weight"), "lacks transformer/proj_in.weight"),
        ("vae", lambda tensors: tensors.update(extra=torch.ones(2)), "no place here for vae/extra"),
        (
            "transformer",
            lambda tensors: tensors["transformer_blocks.0.norm1.bias"].add_(1),
            "no place here for transformer/transformer_blocks.0.norm1.bias",
        ),
        (
            "transformer",
            lambda tensors: tensors.update({"proj_in.weight": torch.ones(2, 2)}),
            r"transformer/proj_in.weight: \(2, 2\) for \(64, 4\)",
        ),
    ],
)
def test_what_is_no_stable_audio_open_is_refused(
    published: Published, tmp_path: Path, part: str, change: Any, said: str
) -> None:
    source = changed(published, tmp_path / "source", part, change)
    with pytest.raises(UntrustedFileError, match=said):
        convert(source, tmp_path, origin="a test", text_fingerprint="b" * 64)


def test_a_folder_without_it_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected model_config.json with .* or diffusers' folders vae"):
        convert(tmp_path, tmp_path, origin="a test", text_fingerprint="b" * 64)


def test_a_codec_without_a_counterpart_is_left_out_and_a_denoiser_refused(
    published: Published, text_encoder: T5TextEncoder, tmp_path: Path
) -> None:
    from tests.diffusion.fakes import model

    (tmp_path / "codec").mkdir()
    (tmp_path / "codec" / "config.json").write_text('{"role": "mel_codec"}')
    why = export(tmp_path, published.trained, tmp_path / "codec", text_encoder)
    assert "expected the kind audio_vae with the backbone oobleck" in why
    assert (tmp_path / "transformer" / "config.json").is_file()
    assert not (tmp_path / "model_index.json").exists()
    with pytest.raises(NoCounterpartError, match=r"tal_dit: .*feed_forward=2.*expected .* feed_forward = 4"):
        export(tmp_path, model(), tmp_path / "codec", text_encoder)


def test_no_tensor_of_the_published_sizes_is_left_out() -> None:
    from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioProjectionModel

    with torch.device("meta"):
        parts = {
            "vae": AutoencoderOobleck(),
            "transformer": StableAudioDiTModel(),
            "projection_model": StableAudioProjectionModel(768, 768, 0, 512),
        }
        full = load_tree(ROOT / "params.yaml").scales.full
        vae = full.train_vae.audio.codec.build(CropForm(sample_rate=44_100, channels=2, frames=32, text=None))
        denoiser = Denoiser(full.train_diffusion.audio_dit.form, (64, 1024), 768)
    diffusers = {
        f"{part}/{name}": one.numel() for part, model in parts.items() for name, one in model.state_dict().items()
    }
    found = {name: one.numel() for model in (vae, denoiser) for name, one in model.state_dict().items()}
    named = {name for ours in found for name in theirs(ours, "diffusers")}
    more = set(diffusers) - named
    assert named <= set(diffusers)
    assert all(re.search(r"norm\d\.bias$", name) for name in more)
    assert sum(found.values()) == sum(diffusers.values()) - sum(diffusers[name] for name in more)


@pytest.fixture
def wide() -> Denoiser:
    """Of latents with more channels than the published, as TAL's."""
    form = {"width": 64, "depth": 2, "heads": 4, "cross_heads": 2, "feed_forward": 4}
    parts = {"conditioner": {"kind": "text_timing"}, "schedule": {"kind": "cosine"}, "prediction": {"kind": "v"}}
    return Denoiser(DenoiserForm.model_validate({**parts, "backbone": {"kind": "dit", **form}}), (6, FRAMES), COND)


def test_tal_begins_from_all_that_fits(published: Published, wide: Denoiser) -> None:
    found = initialise(wide, published.folder / "dit")
    assert found.taken == len(wide.state_dict()) - 3
    assert found.wider == ("backbone.project_in.weight: (64, 6), there (64, 4)",)
    assert found.other_shapes == (
        "backbone.pre.weight: (6, 6, 1), there (4, 4, 1)",
        "backbone.project_out.weight: (6, 64), there (4, 64)",
        "backbone.post.weight: (6, 6, 1), there (4, 4, 1)",
    )
    values = {"private_channels": LATENT, "shared_channels": 2, "z_layout": "resampled", "initial_std": 0.693147}
    values |= {"shared_width": 4, "pool_width": 64, "text_width": 8, "text_heads": 2, "text_feedforward": 8}
    oobleck = Oobleck(width=8, multiples=(1, 2), strides=(2, 4), last_bias=False)
    form = CropForm(sample_rate=RATE, channels=2, frames=FRAMES, text=TextForm(width=COND, max_length=8, vocabulary=9))
    tal = TalVaeConfig(**values, backbone=oobleck).build(form)
    found = initialise(tal, published.folder / "vae")
    assert found.wider == ("decoder.layers.0.parametrizations.weight.original1: (16, 6, 7), there (16, 4, 7)",)
    assert not found.other_shapes
    audio = noise(2, 2, 128)
    with torch.inference_mode():
        mean, _ = published.codec.encode(audio, None)
        assert torch.allclose(tal.private_audio(audio).mean, mean, atol=1e-5)
        heard = tal.decode(tal.join(mean, torch.randn(2, 2, mean.shape[-1])))
        assert torch.allclose(heard, published.codec.decode(mean), atol=1e-5), "whatever the words, to begin with"
