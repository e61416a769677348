from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.diffusion.fakes import CHANNELS, config, latent_config, model, random_denoiser

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.model_folder import fingerprint
from padstal.diffusion.checkpoint import MismatchError, check_belongs, load, save


def folder_of(path: Path, value: float) -> Path:
    path.mkdir()
    save_file({"weight": torch.tensor([value])}, path / "model.safetensors")
    return path


def test_a_model_comes_back_bit_for_bit_frozen_and_in_eval_mode(tmp_path: Path) -> None:
    before = model()
    save(tmp_path, before.denoiser, before.statistics, before.config)
    after = load(tmp_path, "cpu")
    assert after.config == before.config
    assert list(after.config.latents.channel_groups) == ["w_m", "z_p"]
    assert torch.equal(after.statistics.std_D, before.statistics.std_D)
    states = before.denoiser.state_dict(), after.denoiser.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not after.denoiser.training
    assert not any(weight.requires_grad for weight in after.denoiser.parameters())


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(tmp_path / name, random_denoiser(), model().statistics, config())
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["config.json", "model.safetensors", "statistics.safetensors"]
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


def test_statistics_of_other_channels_are_refused(tmp_path: Path) -> None:
    statistics = LatentStatistics(torch.zeros(CHANNELS + 1), torch.ones(CHANNELS + 1))
    with pytest.raises(MismatchError, match=f"{CHANNELS + 1} channels, denoiser of {CHANNELS}"):
        save(tmp_path, random_denoiser(), statistics, config())


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"role": "clap"}')
    with pytest.raises(MismatchError, match="not the folder of a denoiser"):
        load(tmp_path, "cpu")


def test_a_missing_model_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train_diffusion"):
        load(tmp_path, "cpu")


def test_another_autoencoder_is_refused_and_named(tmp_path: Path) -> None:
    vae, other, text = (
        folder_of(tmp_path / name, value) for name, value in (("vae", 1.0), ("other", 2.0), ("text", 3.0))
    )
    belongs = config(latents=replace(latent_config(), fingerprint=fingerprint(vae)), text_fingerprint=fingerprint(text))
    check_belongs(belongs, codec_folder=vae, text_encoder_folder=text)
    with pytest.raises(MismatchError, match=r"other.*tal_dit was trained with"):
        check_belongs(belongs, codec_folder=other, text_encoder_folder=text)
    with pytest.raises(MismatchError, match="other"):
        check_belongs(belongs, codec_folder=vae, text_encoder_folder=other)
