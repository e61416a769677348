"""The codec `dac`: latent query and embedding reconstruction are the library's own, in eval mode, at any length."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.foundation.tiny_dac import POST, PRE, SHAPE, write_published

from padstal.codecs import any_codec
from padstal.codecs.chunks import reach_of
from padstal.codecs.dac import FrozenDac
from padstal.codecs.encode import EncodeParams, encode_clips
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.manifest import ClipAudio
from padstal.foundation import dac
from padstal.foundation.config import DacShape, SmallDacShape
from padstal.foundation.store import save

CLIP = 8320
"""Samples: 1040 latent frames of 8."""


@pytest.fixture
def model(tmp_path):
    return write_published(tmp_path)


@pytest.fixture
def pre(model):
    return FrozenDac(dac.DacModel(model, PRE, CLIP))


@pytest.fixture
def post(model):
    return FrozenDac(dac.DacModel(model, POST, CLIP))


def audio(clips: int, samples: int) -> torch.Tensor:
    return 0.3 * torch.randn(clips, 1, samples, generator=torch.Generator().manual_seed(0))


def test_a_latent_before_quantisation_is_what_the_library_calls_so_and_gives_its_embedding_back(model, pre):
    sound = audio(2, 640)
    with torch.no_grad():
        z, codes, latents, *_ = model.encode(sound)
    mean, std = pre.encode(sound, None)
    assert torch.equal(mean, latents)
    assert not std.any()
    assert torch.equal(pre.codes(mean), codes)
    again = model.quantizer.from_latents(mean)[0]
    torch.testing.assert_close(again, z, atol=1e-6, rtol=1e-6)  # z is rounded in the straight-through sum X̂ + (X − X̂)


def test_a_latent_after_quantisation_is_rows_of_the_codebooks_which_stay_what_they_are(model, post):
    mean, _ = post.encode(audio(2, 640), None)
    codes = post.codes(mean)
    rows = [q.codebook.weight[codes[:, i]].transpose(1, 2) for i, q in enumerate(model.quantizer.quantizers)]
    assert torch.equal(mean, torch.cat(rows, dim=1))
    assert torch.equal(model.quantizer.from_latents(mean)[1], mean)


def test_both_targets_are_decoded_to_what_the_library_reconstructs(model, pre, post):
    sound = audio(2, 640)
    with torch.no_grad():
        own = model(sound, 16_000)["audio"]
    for codec in (pre, post):
        torch.testing.assert_close(codec.decode(codec.encode(sound, None)[0]), own, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("scale", [0.01, 0.5, 3.0, 100.0])
def test_entries_are_looked_up_by_direction_alone(pre, scale):
    latent, _ = pre.encode(audio(1, 640), None)
    assert torch.equal(pre.codes(scale * latent), pre.codes(latent))


def test_the_first_codebooks_alone_are_decoded_as_the_library_decodes_so_many(model, pre):
    sound = audio(2, 640)
    latent, _ = pre.encode(sound, None)
    for count in (1, 2, 3):
        with torch.no_grad():
            own = model(sound, 16_000, n_quantizers=count)["audio"]
        stop = pre.channel_groups[f"codebook_{count}"][1]
        torch.testing.assert_close(pre.decode(latent[:, :stop]), own, atol=1e-6, rtol=1e-5)


def test_groups_of_channels_are_codebooks(pre):
    assert pre.channel_groups == {"codebook_1": (0, 8), "codebook_2": (8, 16), "codebook_3": (16, 24)}
    assert pre.pools_groups


@pytest.mark.parametrize(("samples", "frames"), [(1, 4), (32, 4), (33, 8), (640, 80), (CLIP, 1040)])
def test_latents_have_a_multiple_of_frames_and_the_last_are_of_silence(pre, samples, frames):
    sound = audio(1, samples)
    latent, _ = pre.encode(sound, None)
    assert latent.shape[1:] == pre.latent_shape(samples) == (24, frames)
    silence = torch.cat([sound, torch.zeros(1, 1, frames * 8 - samples)], dim=-1)
    assert torch.equal(latent, pre.encode(silence, None)[0])


def test_a_clip_that_is_no_multiple_comes_back_in_its_length(model):
    codec = FrozenDac(dac.DacModel(model, PRE, 1001))
    latent, _ = codec.encode(audio(2, 1001), None)
    assert latent.shape == (2, 24, 128)
    assert codec.decode(latent).shape == (2, 1, 1001)
    assert codec.decode(latent[..., :16]).shape == (2, 1, 128)


@pytest.mark.parametrize("chunk", [1, 7, 64, 200])
def test_seams_of_chunks_cannot_be_heard(model, chunk):
    whole, parts = (FrozenDac(dac.DacModel(model, PRE, CLIP), size) for size in (10_000, chunk))
    latent, _ = whole.encode(audio(2, 1280), None)
    expected = whole.decode(latent)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(parts.decode(latent), expected, atol=1e-6, rtol=0)


def test_with_two_frames_less_of_context_seams_would_be_heard(model):
    whole, parts = (FrozenDac(dac.DacModel(model, PRE, CLIP), size) for size in (10_000, 32))
    latent, _ = whole.encode(audio(1, 1280), None)
    parts.reach -= 2
    assert (parts.decode(latent) - whole.decode(latent)).abs().max() > 1e-7


def test_the_small_codecs_chunks_have_no_seams_either():
    shape = SmallDacShape(
        width=16,
        n_fft=128,
        hop=32,
        depth=2,
        deep_depth=1,
        embedding=16,
        n_codebooks=2,
        codebook_size=16,
        codebook_dim=4,
    )
    torch.manual_seed(0)
    small = dac.build(shape, 16_000).eval()
    whole, parts = (FrozenDac(dac.DacModel(small, PRE, CLIP), size) for size in (10_000, 24))
    latent, _ = whole.encode(audio(1, 64 * 32), None)
    torch.testing.assert_close(parts.decode(latent), whole.decode(latent), atol=1e-5, rtol=0)


def test_the_published_decoder_reaches_ten_frames():
    shape = DacShape(**SHAPE.model_dump() | {"decoder_rates": [8, 8, 4, 2], "encoder_rates": [2, 4, 8, 8]})
    assert reach_of(dac.build(shape, 44_100).decoder) == 10


def test_a_model_in_train_mode_is_brought_to_eval_mode_and_never_encodes_in_the_other(model):
    sound = audio(4, 640)
    expected = model.encode(sound)[2]
    codec = FrozenDac(dac.DacModel(model.train(), PRE, CLIP))
    assert torch.equal(codec.encode(sound, None)[0], expected)
    model.train()
    with pytest.raises(RuntimeError, match="train mode, where codebooks are left out at random"):
        codec.encode(sound, None)


def test_stereo_is_refused(pre):
    with pytest.raises(ValueError, match="2 channels"):
        pre.encode(torch.zeros(1, 2, 640), None)


def test_a_folder_is_loaded_by_its_role(model, tmp_path):
    save(tmp_path, model, dac.config_of(SHAPE, POST, 16_000, 0.52))
    codec = any_codec.load(tmp_path, "cpu")
    assert isinstance(codec, FrozenDac)
    assert codec.form == replace(codec.form, latents=POST, clip_samples=CLIP)
    assert codec.decode(codec.encode(audio(1, CLIP), None)[0]).shape == (1, 1, CLIP)


class Noises:
    """A noise a clip, as `ClipAudio` gives samples."""

    form = ClipAudio.form

    def pcm(self, shard: int, row: int) -> np.ndarray:
        return np.zeros((CLIP, 1), np.int16)

    def float_BCS(self, rows: pd.DataFrame) -> np.ndarray:
        noises = [np.random.default_rng(row).standard_normal((1, CLIP)) * 0.1 * (1 + row) for row in rows["row"]]
        return np.stack(noises).astype(np.float32)


def test_encoded_clips_are_normalised_by_codebook_on_the_training_split_and_decoded_from_that(pre, tmp_path):
    names = [f"{number}" for number in range(6)]
    clips = pd.DataFrame({"clip_id": names, "track_id": names, "split": ["train"] * 4 + ["test"] * 2, "caption": names})
    clips = clips.assign(shard=0, row=range(6), clip_seconds=CLIP / 16_000)
    how = EncodeParams(batch_clips=4, reconstructions=1, measured_clips=2)
    told = {"name": "dac", "fingerprint": "0" * 64, "device": torch.device("cpu")}
    found = encode_clips(tmp_path, pre, clips, Noises(), None, how, **told)
    assert found["noise_share_codebook_1"] == 0
    statistics = LatentStatistics.load(tmp_path / "statistics.safetensors")
    store = LatentStore.open(tmp_path)
    latent = torch.from_numpy(store.posterior(np.arange(4))[0])
    for start, stop in pre.channel_groups.values():
        torch.testing.assert_close(statistics.mean_D[start:stop], latent[:, start:stop].mean().expand(8))
        spread = latent[:, start:stop].std(correction=0).expand(8)
        torch.testing.assert_close(statistics.std_D[start:stop], spread)
    again = statistics.denormalise(statistics.normalise(latent))
    assert (pre.codes(again) == pre.codes(latent)).float().mean() > 0.999
    assert store.config.shape == (24, 1040)
