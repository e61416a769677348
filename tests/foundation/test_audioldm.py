"""AudioLDM 2's codec through the very loader, from tiny checkpoints that diffusers and transformers wrote."""

import json

import pytest
import torch
from tests.foundation.pinned import with_sha256
from tests.foundation.tiny_audioldm import FILES, pinned_files, write_published

from padstal.foundation import audioldm, mel_codec, published
from padstal.foundation.config import PublishedMelCodec
from padstal.foundation.fetch import UntrustedFileError

pytestmark = pytest.mark.slow  # diffusers takes seconds to import


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    at = tmp_path_factory.mktemp("audioldm")
    return at, write_published(at)


@pytest.fixture
def target(tmp_path):
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def test_published_files_become_one_of_safetensors_that_gives_what_the_libraries_give(source, target):
    folder, (vae, vocoder) = source
    section = PublishedMelCodec(kind="pretrained", weights=pinned_files(folder), clip_seconds=0.64)
    assert published.convert(section, target, torch.device("cpu")) == {"sample_rate": 16_000, "latent_channels": 8}
    assert sorted(path.name for path in target.iterdir()) == ["config.json", "model.safetensors"]
    model = mel_codec.load(target, "cpu")
    mel = torch.randn(2, 64, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs = vae.encode(mel[:, None]).latent_dist
        mean, std = model.networks.posterior(mel)
        torch.testing.assert_close(mean, theirs.mean, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(std, theirs.std, atol=1e-5, rtol=1e-5)
        assert mean.shape == (2, 8, 16, 4)
        decoded = vae.decode(theirs.mean).sample[:, 0]
        torch.testing.assert_close(model.networks.decode(mean), decoded, atol=1e-5, rtol=1e-5)
        wave = vocoder(decoded)
        heard = model.networks.vocode(decoded)
        assert wave.shape[1] > heard.shape[1] == 64 * 160
        torch.testing.assert_close(heard, wave[:, : 64 * 160], atol=1e-5, rtol=1e-5)
    assert (model.form.ratio, model.form.clip_samples, model.form.bands) == (640, 10_240, 16)


def test_the_published_sizes_give_qa_mdts_latent():
    """[8, 256, 16] of 10.24 s, with the values of AudioLDM 2's configs; on the meta device."""
    vae = {
        "in_channels": 1,
        "out_channels": 1,
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "block_out_channels": [128, 256, 512],
        "layers_per_block": 2,
        "latent_channels": 8,
    }
    vocoder = {
        "model_in_dim": 64,
        "sampling_rate": 16_000,
        "upsample_initial_channel": 1024,
        "upsample_rates": [5, 4, 2, 2, 2],
        "upsample_kernel_sizes": [16, 16, 8, 4, 4],
        "normalize_before": False,
    }
    form = audioldm.form_of(vae, vocoder, 10.24)
    assert (form.hop, form.ratio, form.bands, form.clip_samples) == (160, 640, 64, 163_840)
    with torch.device("meta"):
        model = audioldm.AudioLdm(vae, vocoder)
        mean, _ = model.posterior(torch.zeros(1, 1024, 64))
        assert mean.shape == (1, 8, 256, 16)
        assert model.vocode(model.decode(mean)).shape == (1, 163_840)


def test_a_file_of_other_content_than_pinned_is_not_read(source, target):
    folder, _ = source
    right = pinned_files(folder).sha256
    for name in FILES:
        with pytest.raises(UntrustedFileError, match="expected 0000"):
            audioldm.convert(with_sha256(folder, right | {name: "0" * 64}), 0.64, target)
    assert not (target / "model.safetensors").exists()


def test_weights_of_another_config_are_refused(source, target, tmp_path):
    import shutil

    folder, _ = source
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    config = json.loads((other / "vae/config.json").read_text())
    (other / "vae/config.json").write_text(json.dumps(config | {"latent_channels": 4}))
    with pytest.raises(UntrustedFileError, match=r"diffusion_pytorch_model.*not weights of its config"):
        audioldm.convert(pinned_files(other), 0.64, target)
