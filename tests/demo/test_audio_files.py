"""The same audio gives the same bytes in every container, Ogg's random stream number notwithstanding."""

import io

import numpy as np
import pytest
import soundfile

from padstal.demo.audio_files import FORMATS, encode, renumber_ogg

RATE = 44_100


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    t = np.arange(RATE) / RATE
    tone = 0.4 * np.sin(2 * np.pi * 440 * t) + 0.01 * np.random.default_rng(0).standard_normal(RATE)
    return np.stack([tone, 0.5 * tone], axis=1).astype(np.float32)


@pytest.mark.parametrize("container", FORMATS)
def test_two_encodings_are_equal_and_decode_to_the_same_length(audio, container):
    first, second = encode(audio, RATE, container), encode(audio, RATE, container)
    assert first == second
    decoded, rate = soundfile.read(io.BytesIO(first), dtype="float32")
    assert rate == RATE
    assert decoded.shape == audio.shape
    ratio = np.square(audio).sum() / np.square(audio - decoded).sum()
    assert 10 * np.log10(ratio) > (60 if container in ("wav", "flac") else 20)


def test_renumbering_to_the_original_number_gives_back_libsndfiles_own_checksums(audio):
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format="OGG", subtype="VORBIS")
    original = file.getvalue()
    serial = int.from_bytes(original[14:18], "little")
    changed = renumber_ogg(original, serial=7)
    assert changed != original
    assert renumber_ogg(changed, serial=serial) == original


def test_unknown_containers_are_errors(audio):
    with pytest.raises(ValueError, match="opus"):
        encode(audio, RATE, "opus")
