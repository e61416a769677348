"""What a file's container says of it, before anything is decoded; and the limits that every file is held to."""

from dataclasses import dataclass

from padstal.ingest import rejection
from padstal.ingest.rejection import RejectedError

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


@dataclass(frozen=True)
class Contents:
    """A container that is whole.

    Attributes:
        container: "wav", "aiff", "flac", "ogg", "mp3", "aac" or "m4a".
        frames: Samples a channel that it promises; None where the decoder is to say.
        rate: Hz that `frames` counts; 0 where the decoder is to say.
        slack: Samples a channel that the decoded length may differ, because codecs work in blocks.
        trim: Whether what decodes beyond `frames`, within the slack, is the codec's padding and cut off.
        stretch: First byte and end of what the decoder is to see; None for the whole file.
        repairs: What the file does wrong and we put right (`STREAMED`, `JUNK`).
        md5: Of the integer samples (FLAC); b"" where none is given.
        bits: Of an integer sample that `md5` was taken of.
    """

    container: str
    frames: int | None = None
    rate: int = 0
    slack: int = 0
    trim: bool = False
    stretch: tuple[int, int] | None = None
    repairs: tuple[str, ...] = ()
    md5: bytes = b""
    bits: int = 0


def check_form(rate: int, channels: int) -> None:
    """Raises RejectedError `sample_rate` or `channels`."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise RejectedError(rejection.SAMPLE_RATE, f"{rate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE}")
    if not 1 <= channels <= MOST_CHANNELS:
        raise RejectedError(rejection.CHANNELS, f"{channels} channels: expected 1 to {MOST_CHANNELS}")


def check_length(frames: int, rate: int, channels: int, *, min_seconds: float, max_seconds: float) -> None:
    """Raises RejectedError `empty`, `too_short`, `too_long` or `too_large`."""
    if frames <= 0:
        raise RejectedError(rejection.EMPTY, "no frames")
    seconds = frames / rate
    if seconds < min_seconds:
        raise RejectedError(rejection.TOO_SHORT, f"{seconds:.3f} s: expected at least {min_seconds} s")
    if seconds > max_seconds:
        raise RejectedError(rejection.TOO_LONG, f"{seconds:.3f} s: expected at most {max_seconds} s")
    if frames * channels > MOST_SAMPLES:
        raise RejectedError(rejection.TOO_LARGE, f"{frames * channels} samples: expected at most {MOST_SAMPLES}")
