"""Kinds of file that are no audio, have a wrong name, are cut, or are no regular files; and all kinds together."""

import os
import socket
from pathlib import Path

from tests.ingest.encoders import after, av_encode, good, music, video
from tests.ingest.hostile_streams import FLACS, MP4S, MPEG, OGGS, WAVES
from tests.ingest.kinds import KEPT, NO_INPUT, REPAIRED, Kind, music_of, noise, sparse
from tests.ingest.lies import LIES, MENDED

from padstal.demo.audio_files import renumber_ogg
from padstal.ingest import rejection as why
from padstal.ingest.container_info import HALF


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


def _speex() -> bytes:
    return renumber_ogg(after(good("opus"), b"OpusHead", -8, b"Speex   "))


def _tagged(kind: str, name: str) -> bytes:
    """Other bytes than the file of the right name has, so that it is no copy."""
    return music_of(kind, seed=sum(name.encode()) % 97 + 2)


NOT_AUDIO = [
    Kind("nothing.wav", why.EMPTY, lambda: b""),
    Kind("one_byte.mp3", why.FORMAT, lambda: b"\xff"),
    Kind("zeros.mp3", why.FORMAT, lambda: bytes(200_000)),
    Kind("noise.mp3", why.FORMAT, lambda: noise(200_000)),
    Kind("page.mp3", why.FORMAT, lambda: b"<!DOCTYPE html><html><body>404</body></html>"),
    Kind("reply.mp3", why.FORMAT, lambda: b'{"error": "not found"}'),
    Kind("image.flac", why.FORMAT, lambda: b"\x89PNG\r\n\x1a\n" + noise(5000)),
    Kind("photo.mp3", why.FORMAT, lambda: b"\xff\xd8\xff\xe0" + noise(5000)),
    Kind("archive.wav", why.FORMAT, lambda: b"PK\3\4" + noise(5000)),
    Kind("program.ogg", why.FORMAT, lambda: b"\x7fELF" + noise(5000)),
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
    Kind("sparse.mp3", why.TOO_LARGE, make=lambda path: sparse(path, b"", 10 * 2**30)),
    Kind("sparse.wav", why.TOO_LARGE, make=lambda path: sparse(path, good("wav")[:1000], 10 * 2**30)),
]


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
    )
]


CUT_OUTCOMES = (why.TRUNCATED, why.DAMAGED, why.EMPTY, why.UNREADABLE)
CUT = [
    Kind(f"{kind}_cut_at_{share}.wav", CUT_OUTCOMES + (REPAIRED + HALF,) * (kind == "mp3" and share > 0.99), content)
    for kind in (
        "wav",
        "flac",
        "ogg",
        "mp3",
        "vbr",
        "aiff",
        "w64",
        "rf64",
        "opus",
        "m4a",
        "fast",
        "alac",
        "fragmented",
        "aac",
    )
    for share in (0.05, 0.31, 0.5, 0.83, 0.995)
    for content in [lambda kind=kind, share=share: good(kind)[: int(len(good(kind)) * share)]]
]

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
    Kind("dash", KEPT, lambda: music_of("wav", 21), file="-rf.wav"),
    Kind("long", KEPT, lambda: music_of("wav", 22), file="n" * 251 + ".wav"),
    Kind("spaces", KEPT, lambda: music_of("wav", 23), file=" two  spaces .wav"),
    Kind("composed", KEPT, lambda: music_of("wav", 24), file="\u00e9.wav"),
    Kind("decomposed", KEPT, lambda: music_of("wav", 25), file="e\u0301.wav"),
    Kind("copy", why.DUPLICATE, lambda: music_of("wav", 25), file="z_copy.wav"),
]

KINDS = [*NOT_AUDIO, *WRONG_NAMES, *CUT, *WAVES, *FLACS, *MPEG, *OGGS, *MP4S, *LIES, *MENDED, *NAMES]
