"""What a file's container says of it, before anything is decoded; and the limits that every file is held to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from padstal.ingest import rejection
from padstal.ingest.rejection import RejectedError, truncated

LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000
"""Hz."""
MOST_CHANNELS = 2
MOST_SAMPLES = 2**29
"""Frames times channels of one file: 2 GiB as float32, an hour at 48 kHz in stereo."""
LARGEST_FILE = 4 * 2**30
"""Bytes; a longer one is not even hashed. An hour of 24-bit stereo at 96 kHz has 2.1 · 10⁹."""

STREAMED = "streamed length"
"""The header was written before the length was known; the samples that are there count."""
JUNK = "bytes around the stream left out"
"""Foreign bytes before the first frame or after the last."""
LENGTH = "a wrong length in its header passed over"
"""A second statement of a length, which the first and the bytes that are there refute."""
PAD = "a missing pad byte passed over"
"""A chunk of odd length whose last byte of padding is not there; the sound is whole."""
HALF = "half a frame at the end left out"
"""What is there of the last frame cannot be decoded: less than a thirtieth of a second."""
UNENDED = "a missing end flag passed over"
"""Of an Ogg stream whose last page is shortened, as only a stream's last page is."""
LATE = "a stream whose beginning is missing"
NO_RATE = "a missing byte rate passed over"
NO_COUNT = "a table that counts nothing passed over"
"""An Xing or VBRI table whose numbers are 0."""
TABLE = "a damaged table of its length"
"""An Xing table that lost its name, or that does not have the checksum which LAME gives it."""
CHECKSUM = "its sound is not what its encoder's checksum says"
"""Programs that change an MP3's volume do this; so does a fault of a disk."""
MOST_JUNK = 65_536
"""Foreign bytes before the sound or after it that are put up with."""


@dataclass(frozen=True)
class Limits:
    """Seconds that a track may have, and the folder for the samples of long ones."""

    min_seconds: float
    max_seconds: float
    scratch: Path | None


@dataclass(frozen=True)
class Contents:
    """A container that is whole.

    Attributes:
        container: "wav", "aiff", "flac", "ogg", "mp3", "aac" or "m4a".
        frames: Samples a channel that it promises; None where the decoder is to say.
        rate: Hz that `frames` counts; 0 where the decoder is to say.
        channels: That the sound must have, at `rate`; 0 where the decoder is to say.
        slack: Samples a channel that the decoded length may differ, because codecs work in blocks.
        trim: Whether what decodes beyond `frames`, within the slack, is the codec's padding and cut off.
        stretch: First byte and end of what the decoder is to see; None for the whole file.
        repairs: What the file does wrong and we put right or pass over (`STREAMED` to `CHECKSUM`).
        md5: Of the integer samples (FLAC); b"" where none is given.
        bits: Of an integer sample that `md5` was taken of.
        patches: What the decoder is to see at some places of the file instead of what is there: place → bytes.
        skipped, pause: Of MP4, what its edit list leaves out at the start, and how long it waits before the sound,
            counted as `rate` does.
        sounds: Of MP4, first byte and end of each box of sound.
        stated: Of MP4 in fragments, how long its header says that it is, counted as `rate` does; 0 where it does not.
        alone: Of MP4 in fragments, whether nothing but one track is in its boxes of sound.
        unended: Whether only more decoded samples than `frames` can tell that the stream's end is there.
    """

    container: str
    frames: int | None = None
    rate: int = 0
    slack: int = 0
    trim: bool = False
    stretch: tuple[int, int] | None = None
    repairs: tuple[str, ...] = ()
    channels: int = 0
    md5: bytes = b""
    bits: int = 0
    patches: tuple[tuple[int, bytes], ...] = ()
    skipped: int = 0
    pause: int = 0
    sounds: tuple[tuple[int, int], ...] = ()
    stated: int = 0
    alone: bool = False
    unended: bool = False


def cut_short(there: int, promised: int, per_second: float) -> RejectedError:
    """`truncated`, with what is there (frames or bytes), what the file promises, and how many of them make a second."""
    if per_second <= 0:
        return truncated(f"cut short: {there} bytes of the {promised} that it promises")
    return truncated(
        f"cut short: {there / per_second:.2f} s of the {promised / per_second:.2f} s that its header promises"
    )


def number(content: bytes, at: int = 0, length: int = 4, order: Literal["little", "big"] = "big") -> int:
    """The whole number that `length` bytes from `at` on hold; as many as are there where they end early."""
    return int.from_bytes(content[at : at + length], order)


def printable(name: bytes) -> str:
    """A chunk's, box's or codec's name for people."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in name)


def check_form(rate: int, channels: int) -> None:
    """Raises RejectedError `sample_rate` or `channels`."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise RejectedError(rejection.SAMPLE_RATE, f"{rate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE} Hz")
    if not 1 <= channels <= MOST_CHANNELS:
        raise RejectedError(rejection.CHANNELS, f"{channels} channels: expected 1 to {MOST_CHANNELS}")


def check_length(frames: int, rate: int, channels: int, limits: Limits) -> None:
    """Raises RejectedError `empty`, `too_short`, `too_long` or `too_large`."""
    if frames <= 0:
        raise RejectedError(rejection.EMPTY, "a header without sound: 0.0 s")
    seconds = frames / rate
    if seconds < limits.min_seconds:
        raise RejectedError(rejection.TOO_SHORT, f"{seconds:.2f} s long: expected at least {limits.min_seconds} s")
    if seconds > limits.max_seconds:
        raise RejectedError(rejection.TOO_LONG, f"{seconds:.2f} s long: expected at most {limits.max_seconds} s")
    if frames * channels > MOST_SAMPLES:
        raise RejectedError(
            rejection.TOO_LARGE,
            f"{seconds:.0f} s at {rate} Hz are {frames * channels} samples: expected at most {MOST_SAMPLES}",
        )
