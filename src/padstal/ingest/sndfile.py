"""WAV, Wave64 and AIFF by libsndfile, which knows all their kinds of samples.

Blocks are read by hand: `SoundFile.blocks` would invent samples where a file is cut.
"""

import os
from typing import BinaryIO

import numpy as np

from padstal.ingest import rejection
from padstal.ingest.blocks import release, room
from padstal.ingest.byte_view import ByteView
from padstal.ingest.container_info import Contents, Limits, check_form, check_length, cut_short
from padstal.ingest.rejection import RejectedError

BLOCK_FRAMES = 65_536


def read(file: BinaryIO, found: Contents, limits: Limits) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """Samples float32 [S, C] and sample rate of a file whose container was found whole, and that nothing else is wrong.

    Raises:
        RejectedError: `unreadable`, `sample_rate`, `channels`, `empty`, `too_short`, `too_long`, `too_large`,
            or `truncated`.
    """
    import soundfile

    source: int | ByteView = file.fileno()
    if found.stretch or found.patches:
        start, end = found.stretch or (0, os.fstat(file.fileno()).st_size)
        source = ByteView(file, start, end, found.patches)
        source.seek(0)
    else:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
    at, declared, rate = 0, 0, 0
    try:
        with soundfile.SoundFile(source, closefd=False) as sound:
            rate, declared = sound.samplerate, sound.frames
            check_form(rate, sound.channels)
            check_length(declared, rate, sound.channels, limits)
            audio_SC = room(declared, sound.channels, limits.scratch)
            while at < declared:
                count = len(sound.read(dtype="float32", always_2d=True, out=audio_SC[at : at + BLOCK_FRAMES]))
                at += count
                release(audio_SC)
                if not count:
                    raise cut_short(at, declared, rate)
    except soundfile.LibsndfileError as error:
        if declared:
            to = min(at + BLOCK_FRAMES, declared)
            raise RejectedError(
                rejection.UNREADABLE,
                f"damaged or cut short between {at / rate:.2f} s and {to / rate:.2f} s of {declared / rate:.2f} s",
            ) from None
        words = str(error.error_string).strip().rstrip(".")
        raise RejectedError(rejection.UNREADABLE, f"its header cannot be read (libsndfile: {words})") from None
    return audio_SC, rate, ()
