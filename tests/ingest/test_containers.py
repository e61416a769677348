"""Containers are read as their standards say: checksums, frames, tags, boxes and pages against known answers."""

import io
import struct
from itertools import count, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.encoders import RATE, after, ape, av_encode, good, id3, mp3_frames, music, ogg_pages, sndfile
from tests.ingest.lies import renumbered, with_movie_length

from padstal.demo import audio_files as codecs
from padstal.ingest import rejection
from padstal.ingest.containers import contents
from padstal.ingest.decode import decode
from padstal.ingest.mpeg import adts_frame, after_tags, mp3_frame
from padstal.ingest.ogg import checksum
from padstal.ingest.rejection import RejectedError


@given(st.binary(max_size=300))
def test_the_checksum_of_pages_is_the_bitwise_one(page):
    assert checksum(page) == codecs._checksum(page)


def test_the_frame_of_128_kbit_at_44100_hz_has_417_bytes():
    frame = mp3_frame(bytes([0xFF, 0xFB, 0x90, 0x00]))
    assert frame is not None
    assert (frame.length, frame.samples, frame.rate, frame.channels) == (417, 1152, 44_100, 2)
    padded = mp3_frame(bytes([0xFF, 0xFB, 0x92, 0xC0]))
    assert padded is not None
    assert (padded.length, padded.channels) == (418, 1)


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xfb\xf0\0",
        b"\xff\xfb\x00\0",
        b"\xff\xfb\x9c\0",
        b"\xff\xeb\x90\0",
        b"\xff\xfd\x90\0",
        b"\xfe\xfb\x90\0",
        b"",
    ],
)
def test_forbidden_fields_are_no_mp3_frame(head):
    assert mp3_frame(head) is None
    assert adts_frame(head) is None


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_frames_of_a_whole_mp3_fill_it(rate, mode):
    content = sndfile(music()[:, :1], "MP3", "MPEG_LAYER_III", rate, bitrate_mode=mode, compression_level=0.5)
    assert mp3_frames(content)[-1] == len(content)
    found = contents(io.BytesIO(content))
    assert (found.container, found.frames, found.repairs) == ("mp3", len(music()), ())


def test_tags_end_where_they_say():
    rest = b"\xff\xfb\x90\0"
    for tags in (id3(1000), id3(0), ape(500), id3(7) + bytes(300) + id3(9), b"TAG" + bytes(125)):
        file = io.BytesIO(tags + rest)
        assert after_tags(file, 0, len(tags + rest)) == len(tags)


@pytest.mark.parametrize("kind", ["ogg", "opus", "oggflac"])
def test_any_flipped_bit_of_an_ogg_file_is_found(kind):
    content = good(kind)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        spoilt = bytearray(content)
        spoilt[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        with pytest.raises(RejectedError):
            contents(io.BytesIO(bytes(spoilt)))


@pytest.mark.parametrize(
    "kind", ["ogg", "opus", "mp3", "vbr", "m4a", "fast", "fragmented", "aac", "wav", "rf64", "w64"]
)
def test_a_file_cut_anywhere_is_found(kind):
    content = good(kind)
    frames = set(mp3_frames(content)) if kind in ("mp3", "vbr") else set()
    for seed in range(50):  # reliability.md: 50 offsets
        cut = int(np.random.default_rng(seed).integers(1, len(content)))
        if kind == "aac" and _is_frame_end(content, cut):
            continue  # nothing tells
        assert cut not in frames or kind in ("mp3", "vbr")
        with pytest.raises(RejectedError):
            contents(io.BytesIO(content[:cut]))


def _is_frame_end(content: bytes, cut: int) -> bool:
    at = 0
    while at < cut:
        frame = adts_frame(content[at : at + 7])
        assert frame is not None
        at += frame.length
    return at == cut


def test_pages_in_another_order_or_lost_are_damaged():
    content, pages = good("ogg"), ogg_pages(good("ogg"))
    swapped = content[: pages[3]] + content[pages[4] : pages[5]] + content[pages[3] : pages[4]] + content[pages[5] :]
    lost = content[: pages[3]] + content[pages[4] :]
    for spoilt in (swapped, lost):
        with pytest.raises(RejectedError, match="lost or out of order") as error:
            contents(io.BytesIO(spoilt))
        assert error.value.reason == rejection.DAMAGED


def test_two_sound_tracks_and_foreign_codecs_are_named():
    with pytest.raises(RejectedError, match="ac-3") as error:
        contents(io.BytesIO(av_encode(music(rate=48_000), "ac3", "mp4", 48_000)))
    assert error.value.reason == rejection.FORMAT


FRAGMENTS = (
    "frag_keyframe",
    "frag_keyframe+empty_moov",
    "frag_keyframe+default_base_moof+delay_moov",
    "frag_every_frame",
    "dash",
    "dash+delay_moov",
    "cmaf",
)


@pytest.mark.parametrize("form", ["mp4", "mov"])
@pytest.mark.parametrize("flags", FRAGMENTS)
def test_fragments_as_ffmpeg_writes_them_are_whole(tmp_path, form, flags):
    path = tmp_path / "track.m4a"
    path.write_bytes(av_encode(music(), "aac", form, movflags=flags, frag_duration="300000"))
    decoded = decode(path, min_seconds=2.49, max_seconds=2.57)
    assert decoded.repairs == ()


@pytest.mark.parametrize("numbers", [count(7), count(0, 2), repeat(0)], ids=["from_seven", "even", "alike"])
def test_fragments_may_be_numbered_from_anywhere(numbers):
    found = contents(io.BytesIO(renumbered(good("fragmented"), numbers)))
    assert found.repairs == ()


@pytest.mark.parametrize(("stated", "seconds"), [(0, 0), (45_000, 2.5), (2**32 - 1, 0)])
def test_a_length_of_all_fragments_may_be_unknown(stated, seconds):
    content = after(good("fragmented"), b"mvhd", 12, struct.pack(">I", 18_000))  # more than the track counts a second
    assert contents(io.BytesIO(with_movie_length(content, stated))).stated == RATE * seconds
