"""Kinds of bad file, and of odd but good ones: name → how it is made and where it must end."""

import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.audio.encoders import (
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
    video,
    wav,
    with_flac_blocks,
)

from padstal.audio import rejection as why
from padstal.audio.contents import JUNK, STREAMED

KEPT = "kept"
REPAIRED = "kept: "
"""Followed by the repair."""
NO_INPUT = "no input"
"""A name that is no file: nothing may come of it."""


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes:
        name: Of the kind, and of its file unless `file` says another.
        outcome: `KEPT`, `REPAIRED` with the repair, or a reason for quarantine; several where decoders may differ.
        content: The file's bytes.
        make: Writes the file instead, where it is not regular or not to be held in memory.
    """

    name: str
    outcome: str | tuple[str, ...]
    content: Callable[[], bytes] | None = None
    make: Callable[[Path], None] | None = None
    file: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        return (self.outcome,) if isinstance(self.outcome, str) else self.outcome


def _noise(count: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).bytes(count)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


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
    from padstal.corpus.codecs import renumber_ogg

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


def _sparse(path: Path, head: bytes, length: int) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(length)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's address has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


def _shared(path: Path, name: str = "") -> Path:
    target = path.with_name(f"target_of_{path.stem}.txt")
    target.write_bytes(good("wav") + name.encode())
    return target


NOT_AUDIO = [
    Kind("nothing.wav", why.EMPTY, lambda: b""),
    Kind("one_byte.mp3", why.FORMAT, lambda: b"\xff"),
    Kind("zeros.mp3", why.FORMAT, lambda: bytes(200_000)),
    Kind("noise.mp3", why.FORMAT, lambda: _noise(200_000)),
    Kind("page.mp3", why.FORMAT, lambda: b"<!DOCTYPE html><html><body>404</body></html>"),
    Kind("reply.mp3", why.FORMAT, lambda: b'{"error": "not found"}'),
    Kind("image.flac", why.FORMAT, lambda: b"\x89PNG\r\n\x1a\n" + _noise(5000)),
    Kind("photo.mp3", why.FORMAT, lambda: b"\xff\xd8\xff\xe0" + _noise(5000)),
    Kind("archive.wav", why.FORMAT, lambda: b"PK\3\4" + _noise(5000)),
    Kind("program.ogg", why.FORMAT, lambda: b"\x7fELF" + _noise(5000)),
    Kind("playlist.m4a", why.FORMAT, lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
    Kind("concat.mp3", why.FORMAT, lambda: b"ffconcat version 1.0\nfile /etc/passwd\n"),
    Kind("pointer.flac", why.FORMAT, lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
    Kind("notes.mp3", why.FORMAT, lambda: b"MThd\0\0\0\6\0\1\0\1\0\x60" + bytes(300)),
    Kind("film.weba", why.FORMAT, lambda: av_encode(music(rate=48_000), "libopus", "webm", 48_000)),
    Kind("layer_two.mp2", why.FORMAT, lambda: av_encode(music(rate=48_000), "mp2", "mp2", 48_000)),
    Kind("dolby.m4a", why.FORMAT, lambda: av_encode(music(rate=48_000), "ac3", "mp4", 48_000)),
    Kind("silent_film.mp4", why.NO_AUDIO, video),
    Kind("bought.m4p", why.PROTECTED, lambda: after(good("m4a"), b"stsd", 12, b"drms")),
    Kind("encrypted.m4a", why.PROTECTED, lambda: after(good("m4a"), b"stsd", 12, b"enca")),
    Kind("speech.spx", why.FORMAT, lambda: _speex()),
    Kind("sparse.mp3", why.TOO_LARGE, make=lambda path: _sparse(path, b"", 10 * 2**30)),
    Kind("sparse.wav", why.TOO_LARGE, make=lambda path: _sparse(path, good("wav")[:1000], 10 * 2**30)),
]


def _speex() -> bytes:
    from padstal.corpus.codecs import renumber_ogg

    return renumber_ogg(after(good("opus"), b"OpusHead", -8, b"Speex   "))


WRONG_NAMES = [
    Kind(f"{kind}_named.{name}", KEPT, lambda kind=kind, name=name: _tagged(kind, name))
    for kind, name in (
        ("wav", "mp3"),
        ("flac", "wav"),
        ("ogg", "flac"),
        ("mp3", "ogg"),
        ("m4a", "aac"),
        ("aac", "m4a"),
        ("opus", "mp3"),
    )  # fmt: skip
]


def _tagged(kind: str, name: str) -> bytes:
    """Other bytes than the file of the right name has, so that it is no copy."""
    return _music_of(kind, seed=sum(name.encode()) % 97 + 2)


def _music_of(kind: str, seed: int) -> bytes:
    audio = music(seed=seed)
    match kind:
        case "wav":
            return wav(pcm(audio))
        case "flac":
            return sndfile(audio, "FLAC", "PCM_16")
        case "ogg":
            return sndfile(audio, "OGG", "VORBIS")
        case "mp3":
            return sndfile(audio, "MP3", "MPEG_LAYER_III")
        case "opus":
            return av_encode(audio, "libopus", "ogg")
    return av_encode(audio, "aac", {"m4a": "ipod", "aac": "adts"}[kind])


CUT = [
    Kind(f"{kind}_cut_at_{share}.wav", (why.TRUNCATED, why.DAMAGED, why.EMPTY, why.UNREADABLE), content)
    for kind in ("wav", "flac", "ogg", "mp3", "vbr", "aiff", "w64", "rf64", "opus", "m4a", "fast", "alac", "fragmented", "aac")
    for share in (0.02, 0.31, 0.5, 0.83, 0.995)
    for content in [lambda kind=kind, share=share: good(kind)[: int(len(good(kind)) * share)]]
]  # fmt: skip

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
    Kind("wrong_riff_length.wav", KEPT, lambda: wav(pcm(music(seed=4)), riff=17)),
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
    Kind("adpcm_block_0.wav", why.UNREADABLE, lambda: patched(sndfile(music(), "WAV", "IMA_ADPCM"), 32, b"\0\0")),
    Kind("not_a_number.wav", why.NONFINITE, lambda: _loud(np.nan)),
    Kind("infinite.wav", why.NONFINITE, lambda: _loud(np.inf)),
    Kind("huge.wav", why.RANGE, lambda: _loud(1e30)),
    Kind("silence.wav", why.SILENT, lambda: wav(bytes(4 * 4 * RATE))),
    Kind("constant.wav", why.SILENT, lambda: _level(0.4)),
    Kind("faint.wav", why.SILENT, lambda: floats(music() * np.float32(1e-4))),
    Kind("rate_0.aiff", why.SAMPLE_RATE, lambda: after(good("aiff"), b"COMM", 12, bytes(10))),
    Kind("rate_nan.aiff", (why.SAMPLE_RATE, why.UNREADABLE), lambda: after(good("aiff"), b"COMM", 12, b"\xff" * 10)),
    Kind("negative_frames.aiff", KEPT, lambda: after(good("aiff"), b"COMM", 6, b"\xff" * 4)),
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
    Kind("flipped.flac", (why.DAMAGED, why.UNREADABLE, why.TRUNCATED), lambda: _flip(good("flac"), 0.5)),
    Kind("zeroed.flac", (why.DAMAGED, why.UNREADABLE, why.TRUNCATED), lambda: patched(good("flac"), 90_000, bytes(4096))),
    Kind("padding.flac", KEPT, lambda: with_flac_blocks(good("flac"), flac_block(1, b"") * 20_000)),
    Kind("cover.flac", KEPT, lambda: with_flac_blocks(good("flac"), flac_block(6, _picture(3_000_000)))),
    Kind("bad_cover.flac", why.UNREADABLE, lambda: with_flac_blocks(good("flac"), flac_block(6, _noise(30_000)))),
    Kind("long_block.flac", (why.UNREADABLE, why.TRUNCATED), lambda: with_flac_blocks(good("flac"), flac_block(6, b"", 2**24 - 1))),
    Kind("comments.flac", (why.UNREADABLE, KEPT), lambda: with_flac_blocks(good("flac"), flac_block(4, b"\xff" * 64))),
    Kind("no_info.flac", why.DAMAGED, lambda: b"fLaC" + flac_block(0x81, bytes(60))),
    Kind("tagged.flac", KEPT, lambda: id3(2000) + sndfile(music(seed=6), "FLAC", "PCM_24")),
]  # fmt: skip


def _picture(length: int) -> bytes:
    words = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">IIIIII", 0, 1, 1, 24, 0, length)
    return words + _noise(length)


def _flip(content: bytes, share: float, bit: int = 4) -> bytes:
    at = int(len(content) * share)
    return patched(content, at, bytes([content[at] ^ 1 << bit]))


MPEG = [
    Kind("huge_tag.mp3", KEPT, lambda: id3(3_000_000) + good("mp3")),
    Kind("two_tags.mp3", KEPT, lambda: id3(100) + id3(300) + _music_of("mp3", 7)),
    Kind("tags_after.mp3", KEPT, lambda: _music_of("mp3", 8) + ape(5000) + b"TAG" + bytes(125)),
    Kind("tag_only.mp3", why.EMPTY, lambda: id3(3000) + b"TAG" + bytes(125)),
    Kind("endless_tag.mp3", why.TRUNCATED, lambda: id3(200_000_000, good("mp3"))),
    Kind("cover_that_looks_like_frames.mp3", KEPT, lambda: id3(41_000, good("vbr")[:20_000] + _noise(21_000)) + _music_of("mp3", 9)),
    Kind("garbage_between.mp3", why.DAMAGED, lambda: _between_frames(_noise(300))),
    Kind("zeros_between.mp3", why.DAMAGED, lambda: patched(good("mp3"), 20_000, bytes(4096))),
    Kind("garbage_before.mp3", REPAIRED + JUNK, lambda: _noise(3000) + _music_of("mp3", 10)),
    Kind("garbage_after.mp3", REPAIRED + JUNK, lambda: _music_of("mp3", 11) + b"\1" * 5000),
    Kind("much_after.mp3", why.DAMAGED, lambda: good("mp3") + b"\1" * 200_000),
    Kind("twice.mp3", why.SEVERAL_STREAMS, lambda: good("mp3") * 2),
    Kind("twice_with_tags.mp3", why.SEVERAL_STREAMS, lambda: id3(100) + good("mp3") + id3(100) + _mp3_without_table("mp3")),
    Kind("no_table.mp3", KEPT, lambda: _mp3_without_table("mp3")),
    Kind("vbr_without_table.mp3", KEPT, lambda: _mp3_without_table("vbr")),
    Kind("frames_missing.mp3", why.TRUNCATED, lambda: good("mp3")[: mp3_frames(good("mp3"))[-4]]),
    Kind("five_frames.mp3", why.TOO_SHORT, lambda: _mp3_without_table("mp3")[: mp3_frames(good("mp3"))[5]]),
    Kind("twice.aac", KEPT, lambda: good("aac") * 2),  # frames have no number
    Kind("an_hour.aac", why.TOO_LONG, lambda: _silent_adts(3600)),
    Kind("garbage_between.aac", why.DAMAGED, lambda: _adts_with(_noise(300))),
    Kind("tagged.aac", KEPT, lambda: id3(500) + _music_of("aac", 12)),
    Kind("flipped.mp3", (KEPT, why.DAMAGED, why.TRUNCATED, why.UNREADABLE, why.SEVERAL_STREAMS), lambda: _flip(good("mp3"), 0.6)),
]  # fmt: skip


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
    Kind("checksum.ogg", why.DAMAGED, lambda: _flip(good("ogg"), 0.5)),
    Kind("checksum.opus", why.DAMAGED, lambda: _flip(good("opus"), 0.5)),
    Kind("chained.ogg", why.SEVERAL_STREAMS, lambda: good("ogg") * 2),
    Kind("junk_after.ogg", REPAIRED + JUNK, lambda: _music_of("ogg", 13) + b"TAG" + bytes(125)),
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
    Kind("duration.m4a", KEPT, lambda: _long_mp4()),  # the packets count
    Kind("packets.m4a", why.DAMAGED, lambda: after(good("m4a"), b"stsz", 8, b"\xff\xff\xff\xf0")),
    Kind("packet_lengths.m4a", why.TRUNCATED, lambda: after(good("m4a"), b"stsz", 4, b"\0\xff\0\0")),
    Kind("chunk.m4a", why.DAMAGED, lambda: after(good("m4a"), b"stsc", 12, b"\x7f\xff\xff\xff")),
    Kind("edits.m4a", why.DAMAGED, lambda: after(good("m4a"), b"elst", 4, b"\0\xff\xff\xff")),
    Kind("box_of_3.m4a", (why.DAMAGED, why.TRUNCATED), lambda: patched(good("m4a"), boxes(good("m4a"))[b"moov"][0], b"\0\0\0\3")),
    Kind("deep.m4a", why.DAMAGED, lambda: good("m4a") + _deep(200)),
    Kind("many_boxes.m4a", why.DAMAGED, lambda: good("m4a") + box(b"free", b"") * 200_000),
    Kind("cover.m4a", KEPT, lambda: _music_of("m4a", 14) + box(b"free", _noise(2_000_000))),
    Kind("tags_too_large.m4a", why.TOO_LARGE, make=lambda path: _sparse(path, good("m4a") + struct.pack(">I", 2**27) + b"moov", len(good("m4a")) + 2**27)),
]  # fmt: skip


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


NAMES = [
    Kind("pipe", why.NOT_REGULAR, make=os.mkfifo, file="pipe.wav"),
    Kind("socket", why.NOT_REGULAR, make=_socket, file="socket.wav"),
    Kind("link", why.NOT_REGULAR, make=lambda path: path.symlink_to(_shared(path)), file="link.wav"),
    Kind("dangling", why.NOT_REGULAR, make=lambda path: path.symlink_to("nowhere.wav"), file="dangling.wav"),
    Kind("loop", why.NOT_REGULAR, make=lambda path: path.symlink_to(path.name), file="loop.wav"),
    Kind("passwd", why.NOT_REGULAR, make=lambda path: path.symlink_to("/etc/passwd"), file="passwd.mp3"),
    Kind("link_to_folder", why.NOT_REGULAR, make=lambda path: path.symlink_to("/usr"), file="link_to_folder.wav"),
    Kind("folder", NO_INPUT, make=os.mkdir, file="folder.wav"),
    Kind("newline", why.NAME, lambda: good("wav") + b"1", file="a\nb.wav"),
    Kind("escape", why.NAME, lambda: good("wav") + b"2", file="\x1b[31mred.wav"),
    Kind("override", why.NAME, lambda: good("wav") + b"3", file="\u202efdp.wav"),
    Kind("dash", KEPT, lambda: good("wav") + b"4", file="-rf.wav"),
    Kind("long", KEPT, lambda: good("wav") + b"5", file="n" * 251 + ".wav"),
    Kind("spaces", KEPT, lambda: good("wav") + b"6", file=" two  spaces .wav"),
    Kind("composed", KEPT, lambda: good("wav") + b"7", file="\u00e9.wav"),
    Kind("decomposed", KEPT, lambda: good("wav") + b"8", file="e\u0301.wav"),
    Kind("copy", why.DUPLICATE, lambda: good("wav") + b"8", file="z_copy.wav"),
]  # fmt: skip

KINDS = [*NOT_AUDIO, *WRONG_NAMES, *CUT, *WAVES, *FLACS, *MPEG, *OGGS, *MP4S, *NAMES]
