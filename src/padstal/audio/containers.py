"""What a file is, by its first bytes, and whether its container says that bytes are missing.

libsndfile decodes a cut WAV or OGG without an error; here the container's own word is held against the file's length.
"""

import os
from typing import BinaryIO

EXTENSIONS = frozenset(
    {".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".wav", ".wave", ".wma", ".aac"}
)
"""Names that claim to be audio. A file with one of them is taken up, or quarantined; others are left alone."""

UNKNOWN_LENGTH = 0xFFFFFFFF
"""Data length of a WAV that was streamed, or of RF64, which keeps it elsewhere."""
OGG_PAGE_TAIL = 65_307 * 2
"""Bytes from the end that hold the last Ogg page whole (a page has at most 65,307)."""
END_OF_STREAM = 4


def sniff(head: bytes) -> str | None:
    """ "wav", "flac", "ogg", "mp3" or "aiff" by the first 12 bytes; None for anything else."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2):
        return "mp3"  # a tag, or the sync word of MPEG layer III
    return None


def missing_bytes(file: BinaryIO, container: str) -> str:
    """What the container says is missing, in words; "" where nothing is, or where it does not say.

    MP3 and FLAC are judged by their decoded length instead (`decode`).
    """
    total = file.seek(0, os.SEEK_END)
    match container:
        case "wav":
            return _wav(file, total)
        case "aiff":
            file.seek(4)
            end = 8 + int.from_bytes(file.read(4), "big")
            return f"FORM says {end} bytes, the file has {total}" if end > total else ""
        case "ogg":
            return _ogg(file, total)
    return ""


def _wav(file: BinaryIO, total: int) -> str:
    position = 12
    while position + 8 <= total:
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            end = position + 8 + length
            return f"data says {end} bytes, the file has {total}" if length != UNKNOWN_LENGTH and end > total else ""
        position += 8 + length + length % 2
    return "no data chunk"


def _ogg(file: BinaryIO, total: int) -> str:
    start = max(0, total - OGG_PAGE_TAIL)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return "no last page"
    segments = tail[page + 26]
    table = tail[page + 27 : page + 27 + segments]
    if len(table) < segments or page + 27 + segments + sum(table) > len(tail):
        return "the last page is cut"
    return "" if tail[page + 5] & END_OF_STREAM else "the last page does not end the stream"
