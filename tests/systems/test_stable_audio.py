"""Stable Audio Open in and out, against diffusers' own classes on a tiny checkpoint in its format."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.foundation.tiny_stable_audio import COND, FRAMES, LATENT, RATE, write_original, write_published

from padstal.codecs.checkpoint import load as load_codec
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.protocols import TextStates
from padstal.core.untrusted import UntrustedFileError
from padstal.diffusion.checkpoint import TrainedDenoiser
from padstal.diffusion.checkpoint import load as load_denoiser
from padstal.foundation.stable_audio_names import theirs
from padstal.foundation.text_encoder import T5TextEncoder, byte_tokenizer
from padstal.sampling.batching import batches
from padstal.sampling.generate import told_of
from padstal.sampling.guided_denoiser import GuidedDenoiser
from padstal.sampling.noise_levels import exponential_sigmas
from padstal.sampling.setting import Setting
from padstal.systems.stable_audio import NoCounterpartError, convert, export

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
def cosine_scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """diffusers' scheduler of Stable Audio Open, which adds the noise that it is given and needs no Brownian tree."""
    module = ModuleType("torchsde")
    monkeypatch.setitem(sys.modules, "torchsde", module)
    from diffusers.schedulers.scheduling_cosine_dpmsolver_multistep import CosineDPMSolverMultistepScheduler

    class WithNoise(CosineDPMSolverMultistepScheduler):  # type: ignore[misc]
        def set_timesteps(self, *args: Any, **kwargs: Any) -> None:
            super().set_timesteps(*args, **kwargs)
            self.noise_sampler = later_noise(STEPS)

    yield WithNoise
    sys.modules.pop("diffusers.schedulers.scheduling_cosine_dpmsolver_multistep")
    sys.modules.pop("diffusers.schedulers.scheduling_dpmsolver_sde", None)


def later_noise(steps: int) -> Any:
    drawn = iter(noise(steps, 1, LATENT, FRAMES))
    return lambda *_: next(drawn)


def pipeline(folder: Path, scheduler: Any) -> Any:
    """What diffusers makes of an exported folder."""
    from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioPipeline
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel
    from transformers import ByT5Tokenizer, T5EncoderModel

    index = json.loads((folder / "model_index.json").read_text())
    assert {name for name in index if not name.startswith("_")} == set(StableAudioPipeline.__init__.__annotations__)
    made = StableAudioPipeline(
        vae=AutoencoderOobleck.from_pretrained(folder / "vae"),
        text_encoder=T5EncoderModel.from_pretrained(folder / "text_encoder"),
        projection_model=StableAudioProjectionModel.from_pretrained(folder / "projection_model"),
        tokenizer=ByT5Tokenizer.from_pretrained(folder / "tokenizer"),
        transformer=StableAudioDiTModel.from_pretrained(folder / "transformer"),
        scheduler=scheduler.from_pretrained(folder / "scheduler"),
    )
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


@pytest.mark.parametrize("standardised", [False, True])
def test_diffusers_pipeline_plays_what_is_exported_as_our_solver_does(
    published: Published, text_encoder: T5TextEncoder, cosine_scheduler: Any, tmp_path: Path, standardised: bool
) -> None:
    statistics = published.trained.statistics
    if standardised:
        statistics = LatentStatistics(torch.tensor([0.5, -0.2, 0.0, 1.0]), torch.tensor([0.5, 2.0, 1.0, 1.5]))
    trained = replace(published.trained, statistics=statistics)
    assert export(tmp_path, trained, published.folder / "vae", text_encoder) == ""
    played = pipeline(tmp_path, cosine_scheduler)
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


@pytest.mark.parametrize(
    ("ours", "original", "diffusers"),
    [
        (
            "encoder.layers.0.parametrizations.weight.original0",
            "pretransform.model.encoder.layers.0.weight_g",
            ["vae/encoder.conv1.weight_g"],
        ),
        (
            "encoder.layers.3.2.layers.1.parametrizations.weight.original1",
            "pretransform.model.encoder.layers.3.layers.2.layers.1.weight_v",
            ["vae/encoder.block.2.res_unit3.conv1.weight_v"],
        ),
        (
            "encoder.layers.3.3.log_beta",
            "pretransform.model.encoder.layers.3.layers.3.beta",
            ["vae/encoder.block.2.snake1.beta"],
        ),
        (
            "encoder.layers.4.4.conv.bias",
            "pretransform.model.encoder.layers.4.layers.4.bias",
            ["vae/encoder.block.3.conv1.bias"],
        ),
        ("encoder.layers.6.log_alpha", "pretransform.model.encoder.layers.6.alpha", ["vae/encoder.snake1.alpha"]),
        ("encoder.layers.7.bias", "pretransform.model.encoder.layers.7.bias", ["vae/encoder.conv2.bias"]),
        (
            "decoder.layers.2.up.bias",
            "pretransform.model.decoder.layers.2.layers.1.bias",
            ["vae/decoder.block.1.conv_t1.bias"],
        ),
        (
            "decoder.layers.2.snake.log_alpha",
            "pretransform.model.decoder.layers.2.layers.0.alpha",
            ["vae/decoder.block.1.snake1.alpha"],
        ),
        (
            "decoder.layers.2.units.0.layers.3.bias",
            "pretransform.model.decoder.layers.2.layers.2.layers.3.bias",
            ["vae/decoder.block.1.res_unit1.conv2.bias"],
        ),
        (
            "conditioner.start.frequency",
            "conditioner.conditioners.seconds_start.embedder.embedding.0.weights",
            ["projection_model/start_number_conditioner.time_positional_embedding.0.weights"],
        ),
        (
            "conditioner.total.to_out.bias",
            "conditioner.conditioners.seconds_total.embedder.embedding.1.bias",
            ["projection_model/end_number_conditioner.time_positional_embedding.1.bias"],
        ),
        (
            "backbone.time_features.frequency",
            "model.model.timestep_features.weight",
            ["transformer/time_proj.weight"],
        ),
        (
            "backbone.to_time_embed.2.bias",
            "model.model.to_timestep_embed.2.bias",
            ["transformer/timestep_proj.2.bias"],
        ),
        ("backbone.pre.weight", "model.model.preprocess_conv.weight", ["transformer/preprocess_conv.weight"]),
        (
            "backbone.project_out.weight",
            "model.model.transformer.project_out.weight",
            ["transformer/proj_out.weight"],
        ),
        (
            "backbone.blocks.11.self_attention.to_qkv.weight",
            "model.model.transformer.layers.11.self_attn.to_qkv.weight",
            [f"transformer/transformer_blocks.11.attn1.to_{one}.weight" for one in "qkv"],
        ),
        (
            "backbone.blocks.0.cross_attention.to_kv.weight",
            "model.model.transformer.layers.0.cross_attn.to_kv.weight",
            [f"transformer/transformer_blocks.0.attn2.to_{one}.weight" for one in "kv"],
        ),
        (
            "backbone.blocks.0.cross_attention.to_out.weight",
            "model.model.transformer.layers.0.cross_attn.to_out.weight",
            ["transformer/transformer_blocks.0.attn2.to_out.0.weight"],
        ),
        (
            "backbone.blocks.0.feed_forward_norm.weight",
            "model.model.transformer.layers.0.ff_norm.gamma",
            ["transformer/transformer_blocks.0.norm3.weight"],
        ),
        (
            "backbone.blocks.0.feed_forward.to_out.bias",
            "model.model.transformer.layers.0.ff.ff.2.bias",
            ["transformer/transformer_blocks.0.ff.net.2.bias"],
        ),
    ],
)
def test_a_tensor_is_called(ours: str, original: str, diffusers: list[str]) -> None:
    """As stable-audio-tools 0.0.19 and diffusers 0.42 call it."""
    assert theirs(ours, "original") == (original,)
    assert theirs(ours, "diffusers") == tuple(diffusers)


def changed(published: Published, folder: Path, part: str, change: Any) -> Path:
    """A copy of the published folder whose tensors of a part are changed."""
    import shutil

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


def test_the_rate_of_a_codec_is_the_published_one(published: Published) -> None:
    assert (published.codec.sample_rate, published.codec.ratio, published.codec.channels) == (RATE, 8, 2)
