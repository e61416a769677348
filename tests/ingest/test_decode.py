"""Good files decode whatever their name; each kind of bad file is turned away with its own reason."""

import io
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.ingest.encoders import WHOLE, ape, av_encode, flac_header, good, id3, mp3_frames, music, sndfile
from tests.ingest.kinds import noise
from tests.ingest.lies import LYRICS, MENDED, TAG, shortened

from padstal.demo.audio_files import FORMATS, encode
from padstal.ingest import rejection
from padstal.ingest.container_info import HALF
from padstal.ingest.decode import decode
from padstal.ingest.rejection import RejectedError
from padstal.ingest.resample import resample

RATE = 22_050
SECONDS = 4.0
ADTS_DELAY = 1024


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


@pytest.mark.parametrize(
    "name",
    [
        "noise_behind.w64",
        "no_pad_in_front.aiff",
        "pause_in_front.m4a",
        "tags_behind.m4a",
        "large_bw64.wav",
        "piped.w64",
    ],
)
def test_what_is_put_right_sounds_as_the_whole_file(tmp_path, name):
    [kind] = [kind for kind in MENDED if kind.name == name]
    decoded = decode(_put(tmp_path, kind.content()), min_seconds=1, max_seconds=60)
    whole_SC = music()
    assert decoded.audio_SC.shape == whole_SC.shape
    assert np.corrcoef(decoded.audio_SC[:, 0], whole_SC[:, 0])[0, 1] > 0.99


@pytest.mark.parametrize(
    "tag",
    [ape(2000, noise(1968)), LYRICS + TAG, id3(2000, noise(2000)), TAG],
    ids=["ape", "lyrics", "id3v2", "id3v1"],
)
@pytest.mark.parametrize("lost", [100, 500, 900])
def test_no_sample_is_made_of_a_tag_behind_half_a_frame(tmp_path, tag, lost):
    content = sndfile(music(rate=44_100), "MP3", "MPEG_LAYER_III", 44_100, bitrate_mode="CONSTANT", compression_level=0)
    frames = mp3_frames(content)
    whole = decode(_put(tmp_path, content[frames[1] : frames[-2]], "whole.mp3"), min_seconds=1, max_seconds=60)
    half = decode(_put(tmp_path, content[frames[1] : -lost] + tag), min_seconds=1, max_seconds=60)
    assert (whole.repairs, half.repairs) == ((), (HALF,))
    assert np.array_equal(whole.audio_SC, half.audio_SC)


def test_a_shortened_data_chunk_is_damage_whatever_sound_follows_it(tmp_path):
    reasons = [_reason(_put(tmp_path, shortened(length))) for length in range(32_000, 60_000, 398)]
    assert set(reasons) == {rejection.DAMAGED}


def test_a_flac_with_a_flipped_bit_is_turned_away(tmp_path, encoded):
    content = bytearray(encoded["flac"])
    content[len(content) // 2] ^= 0x10
    assert _reason(_put(tmp_path, bytes(content))) in (rejection.TRUNCATED, rejection.UNREADABLE)


def test_nothing_html_and_noise_are_not_audio(tmp_path):
    assert _reason(_put(tmp_path, b"")) == rejection.EMPTY
    assert _reason(_put(tmp_path, b"<!DOCTYPE html><html>404</html>")) == rejection.FORMAT
    assert _reason(_put(tmp_path, np.random.default_rng(0).bytes(5000))) == rejection.FORMAT


@pytest.mark.parametrize(("head", "name"), [(b"#!AMR\n", "AMR, which is speech"), (b"#!/bin/sh\n", "a script")])
def test_what_is_no_accepted_audio_is_named(tmp_path, head, name):
    with pytest.raises(RejectedError, match=f"{name}: expected"):
        decode(_put(tmp_path, head + noise(500)), min_seconds=1, max_seconds=60)


@pytest.mark.parametrize("kind", ["m4a", "fast", "fragmented"])
def test_a_cut_mp4_is_said_to_lack_sound(tmp_path, kind):
    path = _put(tmp_path, good(kind)[: len(good(kind)) // 2])
    with pytest.raises(RejectedError, match="of its sound are there"):
        decode(path, min_seconds=1, max_seconds=60)


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
    with pytest.raises(RejectedError, match="does not end the stream") as error:
        decode(path, min_seconds=1, max_seconds=60)
    assert error.value.reason == rejection.TRUNCATED


@pytest.mark.parametrize("kind", WHOLE)
def test_every_kind_of_file_has_its_own_length_and_starts_where_its_audio_starts(tmp_path, kind):
    decoded = decode(_put(tmp_path, good(kind), "no_extension"), min_seconds=1, max_seconds=60)
    rate = decoded.sample_rate
    assert rate == (48_000 if kind == "opus" else 16_000)
    delay = ADTS_DELAY if kind == "aac" else 0  # ADTS does not say how late its sound comes
    expected = resample(music(), 16_000, rate)
    samples = -(-(len(expected) + delay) // ADTS_DELAY) * ADTS_DELAY if kind == "aac" else len(expected)
    assert decoded.audio_SC.shape == (samples, 2)
    middle = slice(rate // 2, rate * 3 // 2)
    found = decoded.audio_SC[delay:]
    assert np.corrcoef(found[middle, 0], expected[middle, 0])[0, 1] > 0.99
    assert decoded.repairs == ()


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("samples", [50_000, 50_176, 50_177])
def test_aac_in_mp4_has_the_length_that_went_in(tmp_path, rate, samples):
    content = av_encode(music(4.0)[:samples], "aac", "ipod", rate)
    found = len(decode(_put(tmp_path, content), min_seconds=1, max_seconds=60).audio_SC)
    assert found == samples or (samples % 1024 == 1 and 0 < samples - found <= rate // 1000)  # edit lists count ms


def test_both_libraries_hear_the_same(tmp_path, encoded):
    for container in ("mp3", "ogg"):
        reference, _ = soundfile.read(io.BytesIO(encoded[container]), dtype="float32")
        decoded = decode(_put(tmp_path, encoded[container]), min_seconds=1, max_seconds=60)
        assert np.abs(decoded.audio_SC - reference).max() < 1e-5


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_the_md5_of_flac_is_checked_at_every_depth(tmp_path, bits):
    content = sndfile(music(), "FLAC", f"PCM_{'S8' if bits == 8 else bits}")
    reference, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    path = _put(tmp_path, content)
    assert np.array_equal(decode(path, min_seconds=1, max_seconds=60).audio_SC, reference)
    path = _put(tmp_path, flac_header(content, md5=bytes(range(16))))
    assert _reason(path) == rejection.DAMAGED


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "m4a", "alac", "fragmented"])
def test_decoding_holds_the_samples_once(tmp_path, kind):
    long = np.tile(music(), (12, 1))
    content = {
        "wav": lambda: sndfile(long, "WAV", "PCM_16"),
        "flac": lambda: sndfile(long, "FLAC", "PCM_16"),
        "ogg": lambda: av_encode(long, "libopus", "ogg", 48_000),
        "mp3": lambda: sndfile(long, "MP3", "MPEG_LAYER_III"),
        "m4a": lambda: av_encode(long, "aac", "ipod"),
        "alac": lambda: av_encode(long, "alac", "ipod"),
        "fragmented": lambda: av_encode(
            long, "aac", "mp4", movflags="frag_keyframe+delay_moov", frag_duration="500000"
        ),
    }[kind]()
    path = _put(tmp_path, content)
    tracemalloc.start()
    try:
        decoded = decode(path, min_seconds=1, max_seconds=60)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.1 * decoded.audio_SC.nbytes + 2**21


def test_a_header_that_lies_about_its_length_takes_no_memory(tmp_path):
    path = _put(tmp_path, flac_header(good("flac"), frames=2**36 - 1))
    tracemalloc.start()
    try:
        assert _reason(path) == rejection.TOO_LONG
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20
