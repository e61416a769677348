"""The codec `mel`: lengths, determinism, clips that do not hear one another, and both kinds of folder."""

import pytest
import torch
from tests.foundation.tiny_audioldm import pinned_files, write_published

from padstal.codecs.mel_codec import load
from padstal.foundation import audioldm
from padstal.foundation.config import MelCodecShape
from padstal.foundation.fetch import UntrustedFileError
from padstal.foundation.mel_codec import small_config, small_networks
from padstal.foundation.store import save

SHAPE = MelCodecShape(
    bands=16, window=512, hop=160, latent_channels=3, width=8, depth=1, vocoder_window=640, vocoder_width=16,
    vocoder_depth=1,
)  # fmt: skip
CLIP_SECONDS = 0.3


def small(folder):
    torch.manual_seed(0)
    save(folder, small_networks(SHAPE, 16_000), small_config(SHAPE, 16_000, CLIP_SECONDS) | {"origin": "a test"})
    return load(folder, "cpu")


def published(folder):
    source = folder / "source"
    write_published(source)
    audioldm.convert(pinned_files(source), CLIP_SECONDS, folder)
    return load(folder, "cpu")


@pytest.fixture(params=[small, pytest.param(published, marks=pytest.mark.slow)])
def codec(request, tmp_path):
    return request.param(tmp_path)


def audio(clips: int, samples: int) -> torch.Tensor:
    return 0.1 * torch.randn(clips, 1, samples, generator=torch.Generator().manual_seed(0))


def test_a_clip_that_is_no_whole_number_of_frames_comes_back_in_its_length(codec):
    mean, std = codec.encode(audio(2, 4800), None)
    assert mean.shape == std.shape == (2, *codec.latent_shape(4800)) == (2, codec.channel_groups["z"][1], 8, 4)
    assert codec.decode(mean).shape == (2, 1, 4800)
    assert bool((std > 0).all())


@pytest.mark.parametrize(("samples", "frames"), [(1280, 2), (1281, 3), (1919, 3), (6400, 10)])
def test_any_other_length_is_decoded_to_whole_latent_frames(codec, samples, frames):
    mean, _ = codec.encode(audio(1, samples), None)
    assert mean.shape[1:] == codec.latent_shape(samples)
    assert mean.shape[2] == frames
    assert codec.decode(mean).shape == (1, 1, frames * codec.ratio)


def test_encode_and_decode_give_the_same_bits_twice(codec):
    sound = audio(2, 4800)
    first, second = (codec.encode(sound, None) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert torch.equal(codec.decode(first[0]), codec.decode(second[0]))


def test_a_clip_does_not_depend_on_its_batch(codec):
    sound = audio(3, 4800)
    together, alone = codec.encode(sound, None)[0], codec.encode(sound[1:2], None)[0]
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(codec.decode(together)[1:2], codec.decode(alone), atol=1e-5, rtol=1e-5)


def test_the_demo_clip_has_103_latent_frames_and_full_scales_256(tmp_path):
    demo = MelCodecShape(**SHAPE.model_dump() | {"bands": 64, "window": 1024, "latent_channels": 8})
    save(tmp_path, small_networks(demo, 16_000), small_config(demo, 16_000, 4.096))
    codec = load(tmp_path, "cpu")
    assert codec.latent_shape(163_840) == (8, 256, 16)
    mean, _ = codec.encode(audio(1, 65_536), None)
    assert mean.shape == (1, 8, 103, 16)
    assert codec.decode(mean).shape == (1, 1, 65_536)


def test_stereo_is_refused(codec):
    with pytest.raises(ValueError, match="2 channels"):
        codec.encode(torch.zeros(1, 2, 4800), None)


def test_a_folder_of_another_role_is_refused(tmp_path):
    save(tmp_path, small_networks(SHAPE, 16_000), {"role": "clap"})
    with pytest.raises(UntrustedFileError, match="role is 'clap'"):
        load(tmp_path, "cpu")
