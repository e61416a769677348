"""What a file is, by what it holds and not by its name, and whether its container is whole."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, cast

from padstal.ingest import rejection
from padstal.ingest.byte_view import ByteView
from padstal.ingest.container_info import LARGEST_FILE, Contents
from padstal.ingest.flac import flac
from padstal.ingest.mp4 import mp4
from padstal.ingest.mpeg import adts, after_tags, mp3
from padstal.ingest.ogg import ogg
from padstal.ingest.rejection import RejectedError, truncated, unsupported
from padstal.ingest.riff import RIFFS, W64_RIFF, aiff, wav, wave64

EXTENSIONS = frozenset(
    {
        ".aac", ".aif", ".aifc", ".aiff", ".alac", ".flac", ".m4a", ".m4b", ".m4p", ".mka", ".mp2", ".mp3", ".mp4",
        ".oga", ".ogg", ".opus", ".rf64", ".spx", ".w64", ".wav", ".wave", ".weba", ".wma",
    }
)  # fmt: skip
"""Names that claim to be audio. A file with one of them is taken up, or quarantined; others are left alone."""

HEAD_BYTES = 64
ACCEPTED = "WAV, FLAC, OGG (Vorbis, Opus, FLAC), MP3, AAC (ADTS, MP4), ALAC or AIFF"
FOREIGN = (
    (b"\x1aE\xdf\xa3", "Matroska or WebM"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (b"caff", "Apple's Core Audio Format"),
    (b".snd", "Sun audio"),
    (b"RIFX", "WAV in the order of big-endian machines"),
    (b"MThd", "MIDI: notes, no sound"),
    (b"MAC ", "Monkey's Audio"),
    (b"wvpk", "WavPack"),
    (b"FLV", "Flash video"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!AMR", "AMR, which is speech"),
    (b"#!", "a script"),
    (b"#EXTM3U", "a playlist"),
    (b"version https://git-lfs", "a pointer of Git LFS: fetch the file itself"),
    (b"<?xml", "XML"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"{", "JSON or text"),
    (b"[", "JSON or text"),
)


def contents(file: BinaryIO) -> Contents:
    """What the container says.

    Raises:
        RejectedError: `empty`, `too_large`, `format`, `no_audio`, `protected`, `several_streams`, `truncated`,
            `damaged`, `sample_rate` or `channels`.
    """
    total = file.seek(0, os.SEEK_END)
    if total == 0:
        raise RejectedError(rejection.EMPTY, "0 bytes")
    if total > LARGEST_FILE:
        raise RejectedError(rejection.TOO_LARGE, f"{total} bytes: expected at most {LARGEST_FILE}")
    start = after_tags(file, 0, total)
    if start > total:
        raise truncated(f"a tag ends at byte {start}, the file has {total}")
    file.seek(0)
    if start == total and any(file.read(HEAD_BYTES)):
        raise RejectedError(rejection.EMPTY, f"{total} bytes of tags and no sound")
    file.seek(start)
    head = file.read(HEAD_BYTES)
    read = _reader(head)
    if read is None:
        return _frames(file, head, start, total)
    if start == 0:
        return read(file, total)
    found = read(cast(BinaryIO, ByteView(file, start, total)), total - start)
    own_start, own_end = found.stretch or (0, total - start)
    return replace(found, stretch=(start + own_start, start + own_end))


def _reader(head: bytes) -> Callable[[BinaryIO, int], Contents] | None:
    """What reads a container that begins with `head`; None for frames without one."""
    if head[:4] in RIFFS and head[8:12] == b"WAVE":
        return wav
    if head[:16] == W64_RIFF:
        return wave64
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return aiff
    if head[:4] == b"OggS":
        return ogg
    if head[:4] == b"fLaC":
        return flac
    if head[4:8] in (b"ftyp", b"moov", b"wide", b"skip", b"free") or (head[4:8] == b"mdat" and b"\0" in head[:4]):
        return mp4
    return None


def _frames(file: BinaryIO, head: bytes, start: int, total: int) -> Contents:
    """MP3 and ADTS, which begin at `start` with `head`."""
    found = adts(file, start, total)
    if found is None and _name(head) is None:
        found = mp3(file, start, total)
    if found is None:
        what = _name(head) or _other_layer(head) or "no kind of audio that is known"
        raise unsupported(f"{what}: expected {ACCEPTED}")
    return found


def _name(head: bytes) -> str | None:
    """What else begins like this, in words."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, name in FOREIGN:
        if head.startswith(magic) or plain.startswith(magic.lower()):
            return name
    return None


def _other_layer(head: bytes) -> str | None:
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 in (4, 6):
        return f"MPEG audio layer {'II' if head[1] & 6 == 4 else 'I'}"
    return None
