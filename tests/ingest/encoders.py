"""Good audio files of every accepted kind, and the pieces that bad ones are made of."""

import io
import struct
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from padstal.demo.audio_files import encode as encode_sndfile
from padstal.ingest.mpeg import mp3_frame

RATE = 16_000
SECONDS = 2.5
AAC_FRAME = 1024


@cache
def music(seconds: float = SECONDS, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A rising tone with noise, float32 [S, 2]; the channels differ."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (330 + 40 * t) * t)
    noise = 0.02 * rng.standard_normal((2, len(t)))
    return np.stack([tone + noise[0], 0.6 * tone + noise[1]], axis=1).astype(np.float32)


def sndfile(audio: np.ndarray, form: str, subtype: str, rate: int = RATE, **options) -> bytes:
    """By libsndfile."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=form, subtype=subtype, **options)
    return file.getvalue()


def av_encode(audio: np.ndarray, codec: str, form: str, rate: int = RATE, **options: str) -> bytes:
    """By FFmpeg."""
    import av

    layout = {1: "mono", 2: "stereo", 3: "2.1"}[audio.shape[1]]
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "file")  # FFmpeg reads it again to move moov
    with folder, av.open(str(path), "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        for start in range(0, len(audio), AAC_FRAME):
            block = np.ascontiguousarray(audio[start : start + AAC_FRAME].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.close()
        return path.read_bytes()


def video(form: str = "mp4") -> bytes:
    """A second of moving grey, without sound."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for index in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * index, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


@cache
def good(kind: str) -> bytes:
    """`music()` as a whole file."""
    audio = music()
    match kind:
        case "wav" | "flac" | "ogg" | "mp3":
            return encode_sndfile(audio, RATE, kind)
        case "vbr":
            return sndfile(audio, "MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.5)
        case "aiff":
            return sndfile(audio, "AIFF", "PCM_16")
        case "w64" | "rf64":
            return sndfile(audio, kind.upper(), "PCM_16")
        case "opus":
            return av_encode(audio, "libopus", "ogg")
        case "oggflac":
            return av_encode(audio, "flac", "ogg")
        case "m4a":
            return av_encode(audio, "aac", "ipod")
        case "fast":
            return av_encode(audio, "aac", "mp4", movflags="faststart")
        case "alac":
            return av_encode(audio, "alac", "ipod")
        case "fragmented":
            return av_encode(audio, "aac", "mp4", movflags="frag_keyframe+delay_moov", frag_duration="500000")
        case "aac":
            return av_encode(audio, "aac", "adts")
    raise ValueError(kind)


WHOLE = (
    "wav", "flac", "ogg", "mp3", "vbr", "aiff", "w64", "rf64", "opus", "oggflac", "m4a", "fast", "alac", "fragmented",
    "aac",
)  # fmt: skip


def wav(
    data: bytes | None = None,
    *,
    tag: int = 1,
    channels: int = 2,
    rate: int = RATE,
    bits: int = 16,
    block: int | None = None,
    length: int | None = None,
    riff: int | None = None,
    before: bytes = b"",
) -> bytes:
    """A WAV with whatever its header is to say."""
    data = pcm(music()) if data is None else data
    block = channels * bits // 8 if block is None else block
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block % 2**32, block, bits)
    body = before + b"fmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data) if length is None else length % 2**32) + data
    return b"RIFF" + struct.pack("<I", (4 + len(body) if riff is None else riff) % 2**32) + b"WAVE" + body


def pcm(audio: np.ndarray) -> bytes:
    return np.clip(audio * 32768, -32768, 32767).astype("<i2").tobytes()


def floats(audio: np.ndarray) -> bytes:
    """As a 32-bit float WAV."""
    return wav(audio.astype("<f4").tobytes(), tag=3, channels=audio.shape[1], bits=32)


def flac_header(content: bytes, *, frames: int | None = None, md5: bytes | None = None, **fields: int) -> bytes:
    """A FLAC file with another STREAMINFO: `rate`, `channels`, `frames`, `md5`."""
    packed = int.from_bytes(content[18:26], "big")
    for name, shift, bits in (("rate", 44, 20), ("channels", 41, 3)):
        if name in fields:
            packed = packed & ~((2**bits - 1) << shift) | fields[name] << shift
    if frames is not None:
        packed = packed & ~(2**36 - 1) | frames
    changed = bytearray(content)
    changed[18:26] = packed.to_bytes(8, "big")
    changed[26:42] = content[26:42] if md5 is None else md5
    return bytes(changed)


def flac_block(kind: int, body: bytes, length: int | None = None) -> bytes:
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


def with_flac_blocks(content: bytes, blocks: bytes) -> bytes:
    """`blocks` after STREAMINFO."""
    return content[:4] + bytes([content[4] & 0x7F]) + content[5:42] + blocks + content[42:]


def id3(length: int, body: bytes | None = None) -> bytes:
    """An ID3v2.4 tag whose header states `length` bytes."""
    stated = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + stated + (bytes(length) if body is None else body)


def ape(length: int, body: bytes | None = None) -> bytes:
    """An APE tag: header, `length` bytes with the footer in them."""
    head = b"APETAGEX" + struct.pack("<IIII", 2000, length, 1, 0xA0000000) + bytes(8)
    foot = b"APETAGEX" + struct.pack("<IIII", 2000, length, 1, 0x80000000) + bytes(8)
    return head + (bytes(length - 32) if body is None else body) + foot


def mp3_frames(content: bytes) -> list[int]:
    """Where its frames begin, and the end of the last."""
    starts = [0]
    while frame := mp3_frame(content[starts[-1] : starts[-1] + 4]):
        starts.append(starts[-1] + frame.length)
    return starts


def flac_frames(content: bytes) -> list[int]:
    """Where its frames begin, and the end of the last."""
    import av

    with av.open(io.BytesIO(content), format="flac") as container:
        return [*(packet.pos for packet in container.demux() if packet.pos is not None), len(content)]


def moofs(content: bytes) -> list[int]:
    """Where the fragments of an MP4 begin, and the end of the last."""
    found, at = [], 0
    while at < len(content):
        name = content[at + 4 : at + 8]
        if name == b"moof" or (found and name not in (b"moof", b"mdat")):
            found.append(at)
        at += int.from_bytes(content[at : at + 4], "big")
    return found


def with_edits(*edits: tuple[int, int, int]) -> bytes:
    """An M4A with another edit list: ms that are played, from which sample on (−1 for a pause), how fast."""
    content = good("m4a")
    at = content.index(b"elst") - 4
    old = int.from_bytes(content[at : at + 4], "big")
    rows = b"".join(struct.pack(">IiHH", played, start, speed, 0) for played, start, speed in edits)
    new = box(b"elst", struct.pack(">II", 0, len(edits)) + rows)
    changed = bytearray(content)
    for name in (b"moov", b"trak", b"edts"):
        place = content.index(name) - 4
        length = int.from_bytes(content[place : place + 4], "big") + len(new) - old
        changed[place : place + 4] = struct.pack(">I", length)
    return bytes(changed[:at]) + new + bytes(changed[at + old :])


def ogg_pages(content: bytes) -> list[int]:
    """Where its pages begin, and the end of the last."""
    starts, at = [0], 0
    while at < len(content):
        segments = content[at + 26]
        at += 27 + segments + sum(content[at + 27 : at + 27 + segments])
        starts.append(at)
    return starts


def boxes(content: bytes) -> dict[bytes, tuple[int, int]]:
    """Top-level MP4 boxes: name → start, end."""
    found, at = {}, 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        found[content[at + 4 : at + 8]] = (at, at + length)
        at += length
    return found


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def patched(content: bytes, at: int, value: bytes) -> bytes:
    """`content` with `value` written over it."""
    assert 0 <= at <= len(content) - len(value)
    return content[:at] + value + content[at + len(value) :]


def after(content: bytes, mark: bytes, skip: int, value: bytes) -> bytes:
    """`value` written `skip` bytes after the end of the first `mark`."""
    return patched(content, content.index(mark) + len(mark) + skip, value)
