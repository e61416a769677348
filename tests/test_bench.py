"""The benchmark's files are different, of the formats they say, and decode; its figures divide what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
import yaml

from padstal.commands import bench_child
from padstal.commands.bench import Options, _figure, _Pair, measure, run
from padstal.commands.bench_files import write_files
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


def test_a_figure_is_a_ratio_with_a_bound_from_above_or_below():
    fast, slow = {"wall": 2.0, "cpu": 4.0, "peak": 2048}, {"wall": 5.0, "cpu": 5.0, "peak": 1024}
    over = _figure("x", "slow / fast", [_Pair(slow, fast)], 2.6)
    assert (over.value, over.of_processor_time, over.limit, over.keeps) == (2.5, 1.25, "≤ 2.6", True)
    assert not _figure("x", "slow / fast", [_Pair(slow, fast)], -2.6).keeps
    assert _figure("x", "memory", [_Pair(fast, slow)], 1.2, key="peak").made_of == ((2.0, 1.0),)
    assert _figure("x", "slow less fast / fast", [_Pair(slow, fast, less=fast)], 1.0).value == 1.5


def test_a_figure_of_several_pairs_is_their_median():
    pairs = [_Pair({"wall": wall, "cpu": cpu}, {"wall": 2.0, "cpu": 4.0}) for wall, cpu in ((9, 2), (3, 20), (4, 6))]
    found = _figure("x", "over / under", pairs, 1.9)
    assert (found.value, found.values, found.of_processor_time, found.keeps) == (2.0, (4.5, 1.5, 2.0), 1.5, False)


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_small_measurement_gives_all_figures(tmp_path, repeats):
    said: list[str] = []
    done: list[float] = []
    figures = measure(tmp_path, Options(10, 12.0, 2, repeats, None, True), say=said.append, done=done.append)
    names = ["resampled", "same_rate", "screened", "speed_up", "no_op", "growth", "memory"]
    assert [figure.name for figure in figures] == names
    assert all(figure.value > 0 for figure in figures if figure.name != "growth")
    assert json.dumps(said)
    assert [len(figure.values) for figure in figures] == [repeats, repeats, repeats, 1, 1, repeats, 1]
    assert sum(done) == repeats * (5 * 5) + 5 + 1 + 2 * 10 + sum(11 + more + 1 for more in range(repeats))
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
        run(Options(10**9, 30.0, 2, 3, tmp_path, True))
    assert not list(tmp_path.iterdir())
