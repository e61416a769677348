"""Audio to the bytes of a file: WAV, FLAC, OGG Vorbis or MP3; the same audio always gives the same bytes.

libsndfile numbers Ogg streams at random; here they get a fixed number, and each page a new checksum (RFC 3533).
"""

import io
from typing import Any

import numpy as np

FORMATS = ("wav", "flac", "ogg", "mp3")
_ENCODING: dict[str, dict[str, Any]] = {
    "wav": {"format": "WAV", "subtype": "PCM_16"},
    "flac": {"format": "FLAC", "subtype": "PCM_16"},
    "ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.4},
    "mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.5},
}
"""compression_level is libsndfile's, 0 best to 1 smallest: about 190 kbit/s of Vorbis and MP3."""
BLOCK_FRAMES = 16_384
_SERIAL = 1
_POLYNOMIAL = 0x04C11DB7


def encode(audio_SC: np.ndarray, sample_rate: int, container: str, *, comment: str = "") -> bytes:
    """A file's bytes, with a tag `comment` if there is one.

    Raises:
        ValueError: `container` is none of `FORMATS`.
    """
    import soundfile

    if container not in _ENCODING:
        raise ValueError(f"container {container!r}: expected one of {', '.join(FORMATS)}")
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", samplerate=sample_rate, channels=audio_SC.shape[1], **_ENCODING[container]
    ) as sound:
        if comment:
            sound.comment = comment
        for start in range(0, len(audio_SC), BLOCK_FRAMES):  # one large block overflows the Vorbis encoder's stack
            sound.write(audio_SC[start : start + BLOCK_FRAMES])
    return renumber_ogg(file.getvalue()) if container == "ogg" else file.getvalue()


def renumber_ogg(content: bytes, serial: int = _SERIAL) -> bytes:
    """An Ogg file of one stream with stream number `serial`."""
    pages = bytearray(content)
    position = 0
    while position < len(pages):
        if pages[position : position + 4] != b"OggS":
            raise ValueError(f"byte {position}: expected an Ogg page")
        segments = pages[position + 26]
        end = position + 27 + segments + sum(pages[position + 27 : position + 27 + segments])
        pages[position + 14 : position + 18] = serial.to_bytes(4, "little")
        pages[position + 22 : position + 26] = bytes(4)
        pages[position + 22 : position + 26] = _checksum(pages[position:end]).to_bytes(4, "little")
        position = end
    return bytes(pages)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = ((value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _table()


def _checksum(page: bytes | bytearray) -> int:
    """CRC-32 of polynomial 0x04C11DB7, start 0, not reflected."""
    value = 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value
