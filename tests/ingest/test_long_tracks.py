"""A long track's samples lie on disk: the same clips come of them, in bounded memory."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.ingest.encoders import flac_block, music, sndfile
from tests.ingest.test_hostile import PARAMS

from padstal.ingest import blocks
from padstal.ingest.clip_form import Screening
from padstal.ingest.screen import OFFSET, POLARITY
from padstal.ingest.track import clips_of

MEBIBYTE = 2**20
PEAK_OF_ONE = """
import resource, sys
from pathlib import Path
from padstal.ingest.clip_form import ClipForm
from padstal.ingest.supervised_worker import MEMORY_BYTES
from padstal.ingest.track import clips_of
resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
form = ClipForm.model_validate_json(sys.argv[2])
track, _ = clips_of(Path(sys.argv[1]), "0" * 64, form, Path(sys.argv[1]).parent)
assert track.seconds == float(sys.argv[3]), track.seconds
status = Path("/proc/self/status").read_text()  # getrusage would count the process that this one was forked from
print(int(next(row.split()[1] for row in status.splitlines() if row.startswith("VmHWM"))) * 1024)
"""


def test_room_on_disk_holds_what_was_written_after_its_memory_was_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MOST_IN_MEMORY", 1000)
    audio_SC = np.random.default_rng(0).standard_normal((200_000, 2)).astype(np.float32)
    room_SC = blocks.room(*audio_SC.shape, tmp_path)
    for from_SC, to_SC in zip(blocks.blocks(audio_SC), blocks.blocks(room_SC), strict=True):
        to_SC[:] = from_SC
    assert np.array_equal(room_SC, audio_SC)
    assert list(tmp_path.iterdir()) == []  # the file has no name, so that nothing stays of a process that is killed


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "OGG"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_track_on_disk_gives_the_clips_of_one_in_memory(tmp_path, monkeypatch, kind, channels):
    path, subtype = tmp_path / "track", "VORBIS" if kind == "OGG" else "PCM_16"
    path.write_bytes(sndfile(music(8.0, 44_100) * np.float32([1, -1]) + np.float32(0.01), kind, subtype, 44_100))
    limits = Screening(max_offset=0.001, max_side_db=0.0, max_clipped_share=0.5, min_bandwidth_hz=1000.0)
    form = PARAMS.form.model_copy(update={"channels": channels, "screening": limits})
    track, clips = clips_of(path, "0" * 64, form, tmp_path)
    monkeypatch.setattr(blocks, "MOST_IN_MEMORY", 1000)
    on_disk, clips_on_disk = clips_of(path, "0" * 64, form, tmp_path)
    assert track == on_disk
    assert track.repairs == (OFFSET, POLARITY)
    assert np.array_equal(clips, clips_on_disk)


def _peak(path: Path, seconds: float) -> int:
    """Bytes that a process of its own takes to make clips of a track, which has `seconds`."""
    changes = {"sample_rate": 44_100, "channels": 2, "min_track_seconds": 11.0, "max_track_seconds": 900.0}
    form = PARAMS.form.model_copy(update={**changes, "clip_seconds": 10.24, "hop_seconds": 10.24})
    command = [sys.executable, "-c", PEAK_OF_ONE, str(path), form.model_dump_json(), str(seconds)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_pictures_of_a_flac_take_no_memory(tmp_path):
    length = 2**24 - 1
    head = struct.pack(">II9s6I", 3, 9, b"image/png", 0, 1, 1, 24, 0, length - 41)
    content, picture = sndfile(music(12.0), "FLAC", "PCM_16"), flac_block(6, head, length)
    with (tmp_path / "covers.flac").open("wb") as file:
        file.write(content[:4] + bytes([content[4] & 0x7F]) + content[5:42])
        for _ in range(30):  # 480 MiB, none of them on disk
            file.write(picture)
            file.seek(length - len(head), 1)
        file.write(content[42:])
    assert _peak(tmp_path / "covers.flac", 12.0) < 300 * MEBIBYTE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "most_memory"),
    [
        (200, 420 * MEBIBYTE),  # 293 MiB as samples; whole in memory it takes 590 MiB
        pytest.param(890, 1024 * MEBIBYTE, marks=pytest.mark.long),  # 1.3 GiB as samples
    ],
)
def test_minutes_at_192_khz_are_taken_in_within_bounded_memory(tmp_path, seconds, most_memory):
    rate = 192_000
    tone = 3000 * np.sin(2 * np.pi * 200 * np.arange(10 * rate) / rate)
    noise = np.random.default_rng(0).standard_normal((len(tone), 2))
    block_SC = (tone[:, None] + noise).astype(np.int16)
    with soundfile.SoundFile(tmp_path / "long.flac", "w", rate, 2, format="FLAC", compression_level=0) as file:
        for _ in range(seconds // 10):
            file.write(block_SC)
    assert _peak(tmp_path / "long.flac", seconds) < most_memory
