"""Good files decode whatever their name; each kind of bad file is turned away with its own reason."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from padstal.audio import rejection
from padstal.audio.containers import contents
from padstal.audio.decode import decode
from padstal.audio.rejection import RejectedError
from padstal.corpus.codecs import FORMATS, encode

RATE = 22_050
SECONDS = 4.0


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    rng = np.random.default_rng(0)
    t = np.arange(round(SECONDS * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 330 * t * (1 + 0.1 * t)) + 0.02 * rng.standard_normal(len(t))
    return np.stack([tone, -0.5 * tone], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def encoded(audio) -> dict[str, bytes]:
    return {container: encode(audio, RATE, container) for container in FORMATS}


def _reason(path: Path) -> str:
    with pytest.raises(RejectedError) as error:
        decode(path, min_seconds=1, max_seconds=60)
    assert error.value.detail
    return error.value.reason


def _put(folder: Path, content: bytes, name: str = "track.mp3") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("container", FORMATS)
def test_a_whole_file_decodes_under_any_name(tmp_path, encoded, audio, container):
    decoded = decode(_put(tmp_path, encoded[container], "track.wav"), min_seconds=1, max_seconds=60)
    assert (decoded.container, decoded.sample_rate) == (container, RATE)
    assert decoded.audio_SC.shape == audio.shape
    assert decoded.seconds == pytest.approx(SECONDS)
    assert np.corrcoef(decoded.audio_SC[:, 0], audio[:, 0])[0, 1] > 0.99


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.77, 0.95])
def test_a_cut_file_is_turned_away(tmp_path, encoded, container, share):
    content = encoded[container]
    path = _put(tmp_path, content[: int(len(content) * share)])
    assert _reason(path) in (rejection.TRUNCATED, rejection.UNREADABLE)


def test_a_flac_with_a_flipped_bit_is_turned_away(tmp_path, encoded):
    content = bytearray(encoded["flac"])
    content[len(content) // 2] ^= 0x10
    assert _reason(_put(tmp_path, bytes(content))) in (rejection.TRUNCATED, rejection.UNREADABLE)


def test_nothing_html_and_noise_are_not_audio(tmp_path):
    assert _reason(_put(tmp_path, b"")) == rejection.EMPTY
    assert _reason(_put(tmp_path, b"<!DOCTYPE html><html>404</html>")) == rejection.FORMAT
    assert _reason(_put(tmp_path, np.random.default_rng(0).bytes(5000))) == rejection.FORMAT


def test_a_header_alone_holds_nothing(tmp_path):
    file = io.BytesIO()
    soundfile.write(file, np.zeros((0, 1), np.float32), RATE, format="WAV")
    assert _reason(_put(tmp_path, file.getvalue())) == rejection.EMPTY


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(np.nan, rejection.NONFINITE), (np.inf, rejection.NONFINITE), (1e30, rejection.RANGE)],
)
def test_samples_that_are_no_sound_are_turned_away(tmp_path, audio, bad, reason):
    spoiled = audio.copy()
    spoiled[1000] = bad
    path = tmp_path / "track.wav"
    soundfile.write(path, spoiled, RATE, subtype="FLOAT")
    assert _reason(path) == reason


@pytest.mark.parametrize("rate", [1, 7_999, 200_000])
def test_a_sample_rate_outside_8_to_192_khz_is_turned_away(tmp_path, encoded, rate):
    content = bytearray(encoded["wav"])
    content[24:28] = struct.pack("<I", rate)
    assert _reason(_put(tmp_path, bytes(content))) == rejection.SAMPLE_RATE


def test_three_channels_are_turned_away(tmp_path, audio):
    path = tmp_path / "track.wav"
    soundfile.write(path, np.repeat(audio[:, :1], 3, axis=1), RATE)
    assert _reason(path) == rejection.CHANNELS


def test_durations_are_checked_before_decoding(tmp_path, encoded):
    path = _put(tmp_path, encoded["flac"])
    for limits, reason in (((5, 60), rejection.TOO_SHORT), ((1, 3), rejection.TOO_LONG)):
        with pytest.raises(RejectedError) as error:
            decode(path, min_seconds=limits[0], max_seconds=limits[1])
        assert error.value.reason == reason


def test_a_pipe_does_not_hang_and_links_and_folders_are_not_followed(tmp_path, encoded):
    os.mkfifo(tmp_path / "pipe.wav")
    assert _reason(tmp_path / "pipe.wav") == rejection.NOT_REGULAR
    target = _put(tmp_path, encoded["wav"], "real.wav")
    (tmp_path / "link.wav").symlink_to(target)
    assert _reason(tmp_path / "link.wav") == rejection.NOT_REGULAR
    (tmp_path / "folder.wav").mkdir()
    assert _reason(tmp_path / "folder.wav") == rejection.NOT_REGULAR
    assert _reason(tmp_path / "nothing.wav") == rejection.UNREADABLE


def test_an_ogg_cut_between_two_pages_says_that_its_stream_does_not_end(tmp_path, encoded):
    content = encoded["ogg"]
    path = _put(tmp_path, content[: content.rfind(b"OggS")])
    with path.open("rb") as file, pytest.raises(RejectedError, match="does not end the stream") as error:
        contents(file)
    assert error.value.reason == rejection.TRUNCATED
