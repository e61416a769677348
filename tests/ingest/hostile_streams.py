"""Kinds of bad WAV, AIFF, FLAC, MP3, AAC, Ogg and MP4, and of odd but good ones."""

import struct

import numpy as np
from tests.ingest.encoders import (
    RATE,
    after,
    ape,
    av_encode,
    box,
    boxes,
    flac_block,
    flac_header,
    floats,
    good,
    id3,
    mp3_frames,
    music,
    ogg_pages,
    patched,
    pcm,
    sndfile,
    wav,
    with_flac_blocks,
)
from tests.ingest.kinds import KEPT, REPAIRED, Kind, flip, music_of, noise, sparse

from padstal.demo.audio_files import renumber_ogg
from padstal.ingest import rejection as why
from padstal.ingest.container_info import CHECKSUM, JUNK, LENGTH, STREAMED


def _between_frames(foreign: bytes, kind: str = "mp3") -> bytes:
    content, frames = good(kind), mp3_frames(good(kind))
    return content[: frames[40]] + foreign + content[frames[40] :]


def _mp3_without_table(kind: str) -> bytes:
    return good(kind)[mp3_frames(good(kind))[1] :]


def _ogg_without(page: int, kind: str = "ogg") -> bytes:
    content, pages = good(kind), ogg_pages(good(kind))
    return content[: pages[page]] + content[pages[page + 1] :]


def _opus_head(**fields: int) -> bytes:
    """Opus whose header says otherwise, under a right checksum."""
    content = good("opus")
    at = content.index(b"OpusHead")
    for name, value in fields.items():
        content = patched(content, at + {"channels": 9, "family": 18}[name], bytes([value]))
    return renumber_ogg(content)


def _loud(level: float) -> bytes:
    audio = music().copy()
    audio[1000] = level
    return floats(audio)


def _level(value: float, seconds: float = 4.0) -> bytes:
    return floats(np.full((round(seconds * RATE), 2), value, np.float32))


def _without_box(kind: str, name: bytes) -> bytes:
    content = good(kind)
    start, end = boxes(content)[name]
    return content[:start] + content[end:]


WAVES = [
    Kind("header_only.wav", why.EMPTY, lambda: wav(b"")),
    Kind("twelve_bytes.wav", why.TRUNCATED, lambda: wav()[:12]),
    Kind("one_sample.wav", why.TOO_SHORT, lambda: wav(pcm(music()[:1]))),
    Kind("half_a_second.wav", why.TOO_SHORT, lambda: wav(pcm(music()[: RATE // 2]))),
    Kind("a_minute.wav", why.TOO_LONG, lambda: wav(bytes(4 * 60 * RATE))),
    Kind("rate_0.wav", why.SAMPLE_RATE, lambda: wav(rate=0)),
    Kind("rate_1.wav", why.SAMPLE_RATE, lambda: wav(rate=1)),
    Kind("rate_7999.wav", why.SAMPLE_RATE, lambda: wav(rate=7_999)),
    Kind("rate_2e9.wav", why.SAMPLE_RATE, lambda: wav(rate=2_000_000_000)),
    Kind("channels_0.wav", why.CHANNELS, lambda: wav(channels=0, block=4)),
    Kind("channels_3.wav", why.CHANNELS, lambda: wav(channels=3)),
    Kind("channels_100.wav", why.CHANNELS, lambda: wav(channels=100)),
    Kind("channels_65535.wav", why.CHANNELS, lambda: wav(channels=65_535, block=4)),
    Kind("bits_0.wav", why.DAMAGED, lambda: wav(bits=0, block=4)),
    Kind("bits_3.wav", why.DAMAGED, lambda: wav(bits=3, block=4)),
    Kind("block_0.wav", why.DAMAGED, lambda: wav(block=0)),
    Kind("negative_length.wav", (why.TRUNCATED, REPAIRED + STREAMED), lambda: wav(length=-4)),
    Kind("long_length.wav", why.TRUNCATED, lambda: wav(length=2_000_000)),
    Kind("zero_length.wav", why.TRUNCATED, lambda: wav(length=0, riff=0)),
    Kind("streamed.wav", REPAIRED + STREAMED, lambda: wav(pcm(music(seed=3)), length=-1, riff=-1)),
    Kind("wrong_riff_length.wav", REPAIRED + LENGTH, lambda: wav(pcm(music(seed=4)), riff=17)),
    Kind("wav_in_wav.wav", why.FORMAT, lambda: wav(wav())),
    Kind("data_first.wav", why.DAMAGED, lambda: patched(wav(), 12, b"data")),
    Kind("no_data.wav", why.TRUNCATED, lambda: after(wav(), b"data", -4, b"dada")),
    Kind("chunks.wav", why.DAMAGED, lambda: wav(before=b"LIST\0\0\0\0" * 20_000)),
    Kind("tags.wav", KEPT, lambda: wav(pcm(music(seed=5)), before=b"LIST" + struct.pack("<I", 9000) + bytes(9000))),
    Kind("unknown_codec.wav", why.UNREADABLE, lambda: wav(tag=0x1234)),
    Kind("extensible.wav", KEPT, lambda: sndfile(music(), "WAVEX", "PCM_24")),
    Kind("eight_bit.wav", KEPT, lambda: sndfile(music(), "WAV", "PCM_U8")),
    Kind("float64.wav", KEPT, lambda: sndfile(music(), "WAV", "DOUBLE")),
    Kind("thirty_two_bit.wav", KEPT, lambda: sndfile(music(), "WAV", "PCM_32")),
    Kind("a_law.wav", KEPT, lambda: sndfile(music(), "WAV", "ALAW")),
    Kind("mu_law.wav", KEPT, lambda: sndfile(music(), "WAV", "ULAW")),
    Kind("ima_adpcm.wav", KEPT, lambda: sndfile(music(), "WAV", "IMA_ADPCM")),
    Kind("ms_adpcm.wav", KEPT, lambda: sndfile(music(), "WAV", "MS_ADPCM")),
    Kind("adpcm_block_0.wav", why.DAMAGED, lambda: patched(sndfile(music(), "WAV", "IMA_ADPCM"), 32, b"\0\0")),
    Kind("not_a_number.wav", why.NONFINITE, lambda: _loud(np.nan)),
    Kind("infinite.wav", why.NONFINITE, lambda: _loud(np.inf)),
    Kind("huge.wav", why.RANGE, lambda: _loud(1e30)),
    Kind("silence.wav", why.SILENT, lambda: wav(bytes(4 * 4 * RATE))),
    Kind("constant.wav", why.SILENT, lambda: _level(0.4)),
    Kind("faint.wav", why.SILENT, lambda: floats(music() * np.float32(1e-4))),
    Kind("rate_0.aiff", why.SAMPLE_RATE, lambda: after(good("aiff"), b"COMM", 12, bytes(10))),
    Kind("rate_nan.aiff", (why.SAMPLE_RATE, why.UNREADABLE), lambda: after(good("aiff"), b"COMM", 12, b"\xff" * 10)),
    Kind("negative_frames.aiff", REPAIRED + STREAMED, lambda: after(good("aiff"), b"COMM", 6, b"\xff" * 4)),
    Kind("long_sound.aiff", why.TRUNCATED, lambda: after(good("aiff"), b"SSND", 0, b"\x7f\0\0\0")),
]

FLACS = [
    Kind("md5.flac", why.DAMAGED, lambda: flac_header(good("flac"), md5=b"x" * 16)),
    Kind("no_md5.flac", KEPT, lambda: flac_header(good("flac"), md5=bytes(16))),
    Kind("streamed.flac", REPAIRED + STREAMED, lambda: flac_header(good("flac"), frames=0, md5=bytes(16))),
    Kind("a_day.flac", why.TOO_LONG, lambda: flac_header(good("flac"), frames=86_400 * RATE)),
    Kind("longest.flac", why.TOO_LONG, lambda: flac_header(good("flac"), frames=2**36 - 1)),
    Kind("ten_minutes_of_zeros.flac", why.TOO_LONG, lambda: sndfile(np.zeros(600 * RATE), "FLAC", "PCM_16")),
    Kind("more_than_it_says.flac", why.DAMAGED, lambda: flac_header(good("flac"), frames=2 * RATE)),
    Kind("less_than_it_says.flac", (why.TRUNCATED, why.UNREADABLE), lambda: flac_header(good("flac"), frames=5 * RATE)),
    Kind("rate_1.flac", why.SAMPLE_RATE, lambda: flac_header(good("flac"), rate=1)),
    Kind("eight_channels.flac", why.CHANNELS, lambda: flac_header(good("flac"), channels=7)),
    Kind("flipped.flac", (why.DAMAGED, why.UNREADABLE, why.TRUNCATED), lambda: flip(good("flac"), 0.5)),
    Kind(
        "zeroed.flac", (why.DAMAGED, why.UNREADABLE, why.TRUNCATED), lambda: patched(good("flac"), 90_000, bytes(4096))
    ),
    Kind("padding.flac", KEPT, lambda: with_flac_blocks(good("flac"), flac_block(1, b"") * 20_000)),
    Kind("cover.flac", KEPT, lambda: with_flac_blocks(good("flac"), flac_block(6, _picture(3_000_000)))),
    Kind("bad_cover.flac", KEPT, lambda: with_flac_blocks(good("flac"), flac_block(6, noise(30_000)))),
    Kind(
        "long_block.flac",
        (why.UNREADABLE, why.TRUNCATED),
        lambda: with_flac_blocks(good("flac"), flac_block(6, b"", 2**24 - 1)),
    ),
    Kind("comments.flac", (why.UNREADABLE, KEPT), lambda: with_flac_blocks(good("flac"), flac_block(4, b"\xff" * 64))),
    Kind("no_info.flac", why.DAMAGED, lambda: b"fLaC" + flac_block(0x81, bytes(60))),
    Kind("tagged.flac", KEPT, lambda: id3(2000) + sndfile(music(seed=6), "FLAC", "PCM_24")),
]


def _picture(length: int) -> bytes:
    words = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">IIIIII", 0, 1, 1, 24, 0, length)
    return words + noise(length)


MPEG = [
    Kind("huge_tag.mp3", KEPT, lambda: id3(3_000_000) + good("mp3")),
    Kind("two_tags.mp3", KEPT, lambda: id3(100) + id3(300) + music_of("mp3", 7)),
    Kind("tags_after.mp3", KEPT, lambda: music_of("mp3", 8) + ape(5000) + b"TAG" + bytes(125)),
    Kind("tag_only.mp3", why.EMPTY, lambda: id3(3000) + b"TAG" + bytes(125)),
    Kind("endless_tag.mp3", why.TRUNCATED, lambda: id3(200_000_000, good("mp3"))),
    Kind(
        "cover_that_looks_like_frames.mp3",
        KEPT,
        lambda: id3(41_000, good("vbr")[:10_000] + noise(31_000)) + music_of("mp3", 9),
    ),
    Kind("garbage_between.mp3", why.DAMAGED, lambda: _between_frames(noise(300))),
    Kind("zeros_between.mp3", why.DAMAGED, lambda: patched(good("mp3"), 20_000, bytes(4096))),
    Kind("garbage_before.mp3", REPAIRED + JUNK, lambda: noise(3000) + music_of("mp3", 10)),
    Kind("garbage_after.mp3", REPAIRED + JUNK, lambda: music_of("mp3", 11) + b"\1" * 5000),
    Kind("much_after.mp3", why.DAMAGED, lambda: good("mp3") + b"\1" * 200_000),
    Kind("twice.mp3", why.SEVERAL_STREAMS, lambda: good("mp3") * 2),
    Kind(
        "twice_with_tags.mp3",
        why.SEVERAL_STREAMS,
        lambda: id3(100) + good("mp3") + id3(100) + _mp3_without_table("mp3"),
    ),
    Kind("no_table.mp3", KEPT, lambda: _mp3_without_table("mp3")),
    Kind("vbr_without_table.mp3", KEPT, lambda: _mp3_without_table("vbr")),
    Kind("frames_missing.mp3", why.TRUNCATED, lambda: good("mp3")[: mp3_frames(good("mp3"))[-4]]),
    Kind("from_the_middle.mp3", KEPT, lambda: good("vbr")[mp3_frames(good("vbr"))[7] :]),
    Kind("fewer_frames_said.mp3", why.DAMAGED, lambda: _table_says(10)),
    Kind("more_frames_said.mp3", why.TRUNCATED, lambda: _table_says(1000)),
    Kind("five_frames.mp3", why.TOO_SHORT, lambda: _mp3_without_table("mp3")[: mp3_frames(good("mp3"))[5]]),
    Kind("twice.aac", KEPT, lambda: good("aac") * 2),  # frames have no number
    Kind("an_hour.aac", why.TOO_LONG, lambda: _silent_adts(3600)),
    Kind("garbage_between.aac", why.DAMAGED, lambda: _adts_with(noise(300))),
    Kind("tagged.aac", KEPT, lambda: id3(500) + music_of("aac", 12)),
    Kind("flipped.mp3", REPAIRED + CHECKSUM, lambda: flip(good("mp3"), 0.6)),
]


def _table_says(frames: int) -> bytes:
    """VBR whose Xing table counts other frames than there are."""
    return after(good("vbr"), b"Xing", 4, struct.pack(">I", frames))


def _silent_adts(seconds: int) -> bytes:
    silence = av_encode(np.zeros((8 * 1024, 2), np.float32), "aac", "adts")
    length = (silence[3] & 3) << 11 | silence[4] << 3 | silence[5] >> 5
    last = silence[
        length : length + ((silence[length + 3] & 3) << 11 | silence[length + 4] << 3 | silence[length + 5] >> 5)
    ]
    return last * (seconds * RATE // 1024)


def _adts_with(foreign: bytes) -> bytes:
    content, at = good("aac"), 0
    for _ in range(30):
        at += (content[at + 3] & 3) << 11 | content[at + 4] << 3 | content[at + 5] >> 5
    return content[:at] + foreign + content[at:]


OGGS = [
    Kind("no_end.ogg", why.TRUNCATED, lambda: good("ogg")[: ogg_pages(good("ogg"))[-2]]),
    Kind("no_end.opus", why.TRUNCATED, lambda: good("opus")[: ogg_pages(good("opus"))[-2]]),
    Kind("lost_page.ogg", why.DAMAGED, lambda: _ogg_without(3)),
    Kind("lost_page.opus", why.DAMAGED, lambda: _ogg_without(3, "opus")),
    Kind("checksum.ogg", why.DAMAGED, lambda: flip(good("ogg"), 0.5)),
    Kind("checksum.opus", why.DAMAGED, lambda: flip(good("opus"), 0.5)),
    Kind("chained.ogg", why.SEVERAL_STREAMS, lambda: good("ogg") * 2),
    Kind("junk_after.ogg", REPAIRED + JUNK, lambda: music_of("ogg", 13) + b"TAG" + bytes(125)),
    Kind("channels_3.opus", why.CHANNELS, lambda: _opus_head(channels=3)),
    Kind("channels_0.opus", why.CHANNELS, lambda: _opus_head(channels=0)),
    Kind("channel_map.opus", why.DAMAGED, lambda: _opus_head(family=1)),
    Kind("three_channels.ogg", why.CHANNELS, lambda: sndfile(music()[:, [0, 1, 0]], "OGG", "VORBIS")),
]

MP4S = [
    Kind("no_moov.m4a", why.TRUNCATED, lambda: _without_box("m4a", b"moov")),
    Kind("no_mdat.m4a", why.TRUNCATED, lambda: _without_box("fast", b"mdat")),
    Kind("ftyp_only.m4a", why.TRUNCATED, lambda: good("m4a")[: boxes(good("m4a"))[b"ftyp"][1]]),
    Kind("codec.m4a", why.FORMAT, lambda: after(good("m4a"), b"stsd", 12, b"xxxx")),
    Kind("duration.m4a", REPAIRED + LENGTH, lambda: _long_mp4()),  # the packets count
    Kind("packets.m4a", why.DAMAGED, lambda: after(good("m4a"), b"stsz", 8, b"\xff\xff\xff\xf0")),
    Kind("packet_lengths.m4a", why.TRUNCATED, lambda: after(good("m4a"), b"stsz", 4, b"\0\xff\0\0")),
    Kind("chunk.m4a", why.DAMAGED, lambda: after(good("m4a"), b"stsc", 12, b"\x7f\xff\xff\xff")),
    Kind("edits.m4a", why.DAMAGED, lambda: after(good("m4a"), b"elst", 4, b"\0\xff\xff\xff")),
    Kind(
        "box_of_3.m4a",
        (why.DAMAGED, why.TRUNCATED),
        lambda: patched(good("m4a"), boxes(good("m4a"))[b"moov"][0], b"\0\0\0\3"),
    ),
    Kind("deep.m4a", why.DAMAGED, lambda: good("m4a") + _deep(200)),
    Kind("many_boxes.m4a", why.DAMAGED, lambda: good("m4a") + box(b"free", b"") * 200_000),
    Kind("latin_tags.m4a", KEPT, lambda: music_of("m4a", 15).replace(b"Lavf", b"\xe9\xff\xfef")),
    Kind("cover.m4a", KEPT, lambda: music_of("m4a", 14) + box(b"free", noise(2_000_000))),
    Kind(
        "tags_too_large.m4a",
        why.TOO_LARGE,
        make=lambda path: sparse(path, good("m4a") + struct.pack(">I", 2**27) + b"moov", len(good("m4a")) + 2**27),
    ),
]


def _deep(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = box(b"moov", body)
    return body


def _long_mp4() -> bytes:
    """A day by every duration that it states, in moov at the end."""
    content = good("m4a")
    content = after(content, b"mdhd", 16, struct.pack(">I", 86_400 * RATE))
    return after(content, b"elst", 8, struct.pack(">I", 86_400 * 1000))
