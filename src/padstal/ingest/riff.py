"""WAV (RIFF, RF64, Wave64) and AIFF: chunks, and whether what they say of each other is true.

libsndfile decodes a cut file without an error; here the chunks' own lengths are held against the file's and against
each other. Sources: Microsoft's RIFF specification, EBU Tech 3306 (RF64), Sony's Wave64, Apple's AIFF 1.3.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from padstal.ingest import rejection
from padstal.ingest.container_info import (
    JUNK,
    LENGTH,
    MOST_JUNK,
    NO_RATE,
    PAD,
    STREAMED,
    Contents,
    check_form,
    cut_short,
    number,
    printable,
)
from padstal.ingest.rejection import RejectedError, damaged, truncated, unsupported

STREAMED_LENGTHS = range(0x7EFF_FFF0, 0x1_0000_0000)
"""Lengths that programs write which cannot go back to the header, when the file itself is shorter: 0x7F000000 less than
a sample of each channel, or more."""
STREAMED_WAVE64 = 2**62
"""From here on the same, of 64 bits."""
MOST_CHUNKS = 10_000
PCM, ADPCM, FLOAT, A_LAW, MU_LAW, IMA, GSM, EXTENSIBLE = 1, 2, 3, 6, 7, 17, 49, 0xFFFE
PLAIN = (PCM, FLOAT, A_LAW, MU_LAW)
"""Formats of which a block is one sample of each channel."""
RIFFS = (b"RIFF", b"RF64", b"BW64")
"""Marks of a WAV; of more than 4 GiB by EBU Tech 3306, and by ITU-R BS.2088, which has the same chunks."""
TAGS = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"APPL")
"""Chunks behind the sound that may be cut; of others nothing tells that they are no sound."""
W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_NAME_END = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
"""The twelve bytes behind the four of most names of Wave64."""
AIFF_BYTES = {b"fl32": 4, b"fl64": 8, b"alaw": 1, b"ulaw": 1, b"in24": 3, b"in32": 4}
"""Bytes of a sample by the kind of compression; PCM's follow from its bits."""
AIFF_PCM = (b"NONE", b"sowt", b"twos", b"raw ")


@dataclass(frozen=True)
class _Chunk:
    """Its name, where its body starts, how long it says that it is."""

    name: bytes
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True)
class _Form:
    """What a format chunk says: bytes of a block and a second, samples of a block."""

    rate: int
    block: int
    byte_rate: int
    samples: int
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Layout:
    """How chunks are written: byte order, bytes of a name and of a length, what they are padded to."""

    order: Literal["little", "big"]
    name: int = 4
    length: int = 4
    align: int = 2
    length_counts_head: bool = False

    @property
    def head(self) -> int:
        return self.name + self.length


RIFF, AIFF = _Layout("little"), _Layout("big")
WAVE64 = _Layout("little", name=16, length=8, align=8, length_counts_head=True)


def wav(file: BinaryIO, total: int) -> Contents:
    """A RIFF, RF64 or BW64 file that begins at 0 and ends at `total`."""
    file.seek(0)
    mark = file.read(4)
    stated = 8 + number(file.read(4), order="little")
    found = _wave(file, RIFF, 12, stated, total)
    return replace(found, patches=((0, b"RF64"),)) if mark == b"BW64" and not found.patches else found


def wave64(file: BinaryIO, total: int) -> Contents:
    """A Wave64 file: as RIFF, with names of 16 bytes and lengths of 64 bits that count their own head."""
    file.seek(16)
    stated = int.from_bytes(file.read(8), "little")
    return _wave(file, WAVE64, 40, stated, total)


def _wave(file: BinaryIO, layout: _Layout, start: int, stated: int, total: int) -> Contents:
    """Chunks from `start` on of a file that says that it is `stated` bytes long."""
    form, fact, body, unpadded = None, 0, b"", False
    data_of_rf64 = None
    for chunk in _chunks(file, layout, start, total):
        file.seek(chunk.start)
        unpadded |= chunk.start % 2 == 1
        match chunk.name:
            case b"ds64":
                sizes = file.read(24)
                riff, data_of_rf64, fact = (number(sizes, at, 8, "little") for at in (0, 8, 16))
                stated = 8 + riff
            case b"fmt ":
                body = file.read(min(chunk.length, 40))
                form = _form(body)
            case b"fact":
                fact = number(file.read(4), order="little")
            case b"data":
                if form is None:
                    raise damaged("data before its format: expected a chunk 'fmt ' first")
                if data_of_rf64 is not None and chunk.length in (0, 0xFFFF_FFFF):
                    chunk = replace(chunk, length=data_of_rf64)
                found = _data(file, layout, chunk, form, fact, stated, total)
                return _gathered(found, RIFF, b"RIFF", b"WAVEfmt ", body, chunk, total) if unpadded else found
    raise truncated("no data chunk: its sound is missing")


def _form(body: bytes) -> _Form:
    """Raises RejectedError where the format chunk contradicts itself; what libsndfile cannot decode it says itself."""
    if len(body) < 16:
        raise damaged(f"a format chunk of {len(body)} bytes: expected at least 16")
    tag, channels, rate, byte_rate, block, bits = struct.unpack("<HHIIHH", body[:16])
    check_form(rate, channels)
    if tag == EXTENSIBLE and len(body) >= 26:
        tag, valid = number(body, 24, 2, "little"), number(body, 18, 2, "little")
        if valid > bits:
            raise damaged(f"{valid} of {bits} bits are said to be used: expected at most all")
    allowed = {PCM: range(8, 33), FLOAT: (32, 64), A_LAW: (8,), MU_LAW: (8,)}.get(tag)
    if allowed is None:
        samples = number(body, 18, 2, "little") if tag in (ADPCM, IMA, GSM) else 0
        if samples and not 0.9 < byte_rate * samples / max(1, rate * block) < 1.1:
            raise damaged(
                f"{byte_rate} bytes a second, blocks of {block} bytes and {samples} samples, and {rate} Hz contradict "
                "each other in its header"
            )
        return _Form(rate, block, byte_rate, samples)
    if bits not in allowed or block != channels * ((bits + 7) // 8):
        raise damaged(
            f"{bits} bits in {channels} channels and a block of {block} bytes contradict each other in its header"
        )
    if byte_rate not in (0, rate * block):
        raise damaged(
            f"{byte_rate} bytes a second and {rate} samples of {block} bytes contradict each other in its header"
        )
    return _Form(rate, block, rate * block, 1, () if byte_rate else (NO_RATE,))


def _data(file: BinaryIO, layout: _Layout, data: _Chunk, form: _Form, fact: int, stated: int, total: int) -> Contents:
    """The data chunk, held against the file's length, its own and what it says of the samples."""
    file.seek(data.start)
    head = file.read(12)
    if head[:4] in RIFFS and head[8:12] == b"WAVE":
        raise unsupported("the data of this WAV is a WAV of its own: expected samples")
    if data.length == 0 and total - data.start > 8:
        raise truncated(f"data says 0 bytes and {total - data.start} follow: the header was never finished")
    if data.end > total:
        if data.length < STREAMED_WAVE64 if layout is WAVE64 else data.length not in STREAMED_LENGTHS:
            raise cut_short(total - data.start, data.length, form.byte_rate)
        return Contents("wav", repairs=(*form.repairs, STREAMED))
    stretch = (0, data.end) if layout is WAVE64 else None  # libsndfile takes what follows there for sound
    repairs = [*form.repairs, *_after(file, layout, data, stated, total)]
    if form.samples:
        there, rest = (part * form.samples for part in divmod(data.length, form.block))
        more = there < fact < 0xFFFF_FFFF
        if form.samples == 1 and more:
            raise cut_short(there, fact, form.rate)
        if more or (form.samples == 1 and (rest or 0 < fact < there)):  # libsndfile states half in stereo ADPCM
            repairs.append(LENGTH)
    return Contents("wav", stretch=stretch, repairs=tuple(dict.fromkeys(repairs)))


def _gathered(
    found: Contents, layout: _Layout, mark: bytes, names: bytes, form: bytes, sound: _Chunk, total: int
) -> Contents:
    """A file with a chunk that lacks its pad byte, shown to libsndfile as its format and its sound alone."""
    end = min(sound.end, total)
    rest = names + len(form).to_bytes(4, layout.order) + form + sound.name
    size = (len(rest) + 4 + end - sound.start).to_bytes(4, layout.order)
    head = mark + size + rest + (end - sound.start).to_bytes(4, layout.order)
    if len(head) > sound.start:
        return found
    repairs = tuple(dict.fromkeys((*found.repairs, PAD)))
    return replace(found, stretch=(sound.start - len(head), end), patches=((0, head),), repairs=repairs)


def aiff(file: BinaryIO, total: int) -> Contents:
    """An AIFF or AIFF-C file."""
    file.seek(4)
    stated = 8 + number(file.read(4))
    names = file.read(4) + b"COMM"
    common: _Chunk | None = None
    sound: _Chunk | None = None
    unpadded = False
    for chunk in _chunks(file, AIFF, 12, total):
        unpadded |= chunk.start % 2 == 1
        if chunk.name == b"COMM":
            if common or chunk.end > total:
                raise _twice(chunk) if common else cut_short(total, chunk.end, 0)
            common = chunk
        if chunk.name == b"SSND":
            if sound:
                raise _twice(chunk)
            sound = chunk
            if chunk.end > total or chunk.length < 8:
                break
    if common is None or sound is None:
        raise truncated("no COMM or no SSND chunk: expected both")
    file.seek(common.start)
    body = file.read(min(common.length, 22))
    file.seek(sound.start)
    skipped = 8 + number(file.read(4))
    channels, bits = number(body, 0, 2), number(body, 6, 2)
    frames = number(body, 2, 4)
    kind = body[18:22] if len(body) == 22 else b"NONE"
    width = (bits + 7) // 8 if kind in AIFF_PCM else AIFF_BYTES.get(kind.lower(), 0)
    frame, rate = channels * width, _extended(body[8:18])
    unknown = frames == 0 or frames in STREAMED_LENGTHS or frames * frame in STREAMED_LENGTHS
    unfinished = sound.length in STREAMED_LENGTHS and sound.end > total
    if unknown and (unfinished or (sound.length <= 8 and total - sound.end > 8)):
        return _measured_aiff(common, sound, skipped, frame, total, STREAMED)
    pad_counted = frame > 0 and frames - (total - sound.start - skipped) // frame <= (frame == 1)
    if sound.end == total + 1 and pad_counted:
        return _measured_aiff(common, sound, skipped, frame, total, PAD)
    if sound.end > total:
        raise cut_short(total - sound.start, sound.length, frame * rate)
    repairs = _after(file, AIFF, sound, stated, total)
    there = (sound.length - skipped) // frame if frame else frames
    if frames in STREAMED_LENGTHS and frames > there:
        repairs.append(STREAMED)
    elif frames > there:
        raise cut_short(there, frames, rate)
    elif frames < there:
        raise damaged(f"its header says {frames} samples a channel, and {there} are there: expected them to agree")
    found = Contents("aiff", repairs=tuple(dict.fromkeys(repairs)))
    if not unpadded:
        return found
    file.seek(common.start)
    return _gathered(found, AIFF, b"FORM", names, file.read(common.length), sound, total)


def _twice(chunk: _Chunk) -> RejectedError:
    return RejectedError(rejection.SEVERAL_STREAMS, f"two chunks {printable(chunk.name)}: expected one")


def _extended(written: bytes) -> float:
    """An 80-bit number of the sizes that sample rates have; 0 for others."""
    exponent = number(written, 0, 2) - 16_383
    return number(written, 2, 8) * 2.0 ** (exponent - 63) if 0 <= exponent < 63 else 0.0


def _measured_aiff(common: _Chunk, sound: _Chunk, skipped: int, frame: int, total: int, repair: str) -> Contents:
    """An AIFF whose lengths are what is there, and not what its header says."""
    if frame == 0:
        raise damaged("neither its length nor how samples are kept is in its header")
    frames = (total - sound.start - skipped) // frame
    lengths = ((4, total - 8), (common.start + 2, frames), (sound.start - 4, skipped + frames * frame))
    patches = tuple((place, number.to_bytes(4, "big")) for place, number in lengths)
    return Contents("aiff", repairs=(repair,), patches=patches)


def _chunks(file: BinaryIO, layout: _Layout, position: int, total: int) -> Iterator[_Chunk]:
    """Chunks from `position` to where no name stands; the last may be longer than the file."""
    for _ in range(MOST_CHUNKS):
        if position + layout.head > total:
            return
        file.seek(position)
        head = file.read(layout.head)
        name, length = head[: layout.name], int.from_bytes(head[layout.name :], layout.order)
        if layout.length_counts_head:
            if length < layout.head or name[4:] not in (W64_NAME_END, W64_RIFF[4:]):
                return
            length -= layout.head
        elif "?" in printable(name):
            return
        yield _Chunk(name[:4], position + layout.head, length)
        position = _next(file, layout, position + layout.head + length, total)
    raise damaged(f"more than {MOST_CHUNKS} chunks")


def _next(file: BinaryIO, layout: _Layout, end: int, total: int) -> int:
    """Where the chunk after one that ends at `end` begins; padding that was forgotten is told by what stands there."""
    if layout.align > 2 or end % 2 == 0 or end >= total:
        return -(-end // layout.align) * layout.align
    file.seek(end)
    return end + (file.read(1) == b"\0")


def _after(file: BinaryIO, layout: _Layout, sound: _Chunk, stated: int, total: int) -> list[str]:
    """What is wrong, but does no harm, from the end of the sound to the end of the file.

    Raises:
        RejectedError: `damaged` where bytes follow that the file counts and that are no chunks: sound, most likely.
    """
    last, end = sound, _next(file, layout, sound.end, total)
    for chunk in _chunks(file, layout, end, total):
        if chunk.name == sound.name:
            raise _twice(chunk)
        if chunk.end > total:
            if chunk.name in TAGS:
                return [JUNK]
            break
        last = chunk
        end = _next(file, layout, chunk.end, total)
    foreign = total - end
    if foreign > 0:
        inside = min(stated, total) - end
        if inside > layout.align or foreign > MOST_JUNK:
            raise damaged(f"{foreign} bytes of no known kind follow {sound.length} bytes of sound")
        return [JUNK]
    if last.end == total and end > total:
        return [PAD]
    return [] if stated in (total, last.end) else [LENGTH]
