"""The benchmark's files are different, of the formats they say, and decode; its figures divide what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from padstal.commands import bench_child
from padstal.commands.bench import Options, measure, run
from padstal.commands.bench_files import write_files
from padstal.commands.ratio import ratio
from padstal.core.data.content import sha256_file

ROOT = Path(__file__).resolve().parents[1]


def test_files_differ_decode_and_are_the_same_each_time(tmp_path):
    for folder in ("a", "b"):
        write_files(tmp_path / folder, range(40), seconds=1.0, sample_rate=44_100)
    paths = sorted((tmp_path / "a").iterdir())
    assert len({sha256_file(path) for path in paths}) == 40
    for path in paths:
        audio, rate = soundfile.read(path)
        assert (rate, audio.shape[1]) == (44_100, 2)
        assert len(audio) == pytest.approx(44_100, abs=2500)
        assert sha256_file(path) == sha256_file(tmp_path / "b" / path.name)


def test_clips_and_shards_are_those_of_scale_full():
    ingest = yaml.safe_load((ROOT / "params.yaml").read_text())["scales"]["full"]["ingest"]
    assert (ingest["shard_tracks"], ingest["clip_seconds"]) == (bench_child.SHARD_TRACKS, bench_child.CLIP_SECONDS)


def test_a_ratio_is_the_median_of_several_and_says_whether_it_keeps_its_limit():
    found = ratio("over / under", [((wall, cpu), (2.0, 4.0)) for wall, cpu in ((9, 2), (3, 20), (4, 6))], 1.9)
    assert (found.value, found.of_processor_time, found.over, found.under) == (2.0, 1.5, 4, 2.0)
    assert str(found) == "over / under: 4 s / 2 s = 2.000, not ≤ 1.9 (processor time: 1.500)"
    assert "= 2.000, ≤ 2 (" in str(ratio("over / under", [((4.0, 1.0), (2.0, 1.0))], 2.0))


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_small_measurement_gives_all_figures(tmp_path, repeats):
    said: list[str] = []
    figures = measure(tmp_path, Options(10, 12.0, 2, repeats, None), say=said.append)
    assert len(figures) == 6
    assert "MiB" in str(figures[-1])
    assert all(figure.value > 0 for figure in figures if "more tracks" not in figure.name)
    tracks = [int(line.split(" tracks: ")[0].split(", ")[-1]) for line in said[1:]]
    grown = [count for more in range(repeats) for count in (11 + more, 1)]
    assert tracks == [1, 1, 1, *([5] * 4 * repeats), 5, 10, 10, *grown]
    assert not (tmp_path / "store" / "other").exists()
    assert (tmp_path / "store" / "all").exists()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_a_run_is_held_to_as_many_cores_as_it_has_workers():
    code = (
        "import os; from padstal.commands.bench_child import _hold_to_cores; _hold_to_cores(1); "
        "print(len(os.sched_getaffinity(0)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"


def test_too_little_disk_is_said_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match="--folder"):
        run(Options(10**9, 30.0, 2, 3, tmp_path))
    assert not list(tmp_path.iterdir())
