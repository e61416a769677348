"""A run costs what is new, and its result depends on what is there, not on what came before."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from tests.ingest.ingesting import FAULTY_DECODER, FORMATS, content, fill, run, write_track

from padstal.core.data.manifest import read_table
from padstal.ingest.collect import Collected
from padstal.ingest.worker_pool import Workers

ROOT = Path(__file__).resolve().parents[2]


class Bench:
    """A folder of music, a store, and as many runs as one likes."""

    def __init__(self, root: Path, tracks: int):
        self.root, self.music, self.store = root, root / "music", root / "store"
        fill(self.music, tracks)
        self._runs = 0

    def run(self, store: Path | None = None, **options: object) -> tuple[Collected, dict[str, str]]:
        self._runs += 1
        out = self.root / f"out{self._runs}"
        collected = run(self.music, out, store or self.store, **options)
        self.out = out
        return collected, content(out)

    def clean(self, **options: object) -> dict[str, str]:
        return self.run(self.root / f"fresh{self._runs}", **options)[1]


def _asked(store: Path, query: str) -> list[tuple]:
    """What the database of tracks says, or does."""
    rows = []
    for path in store.glob("*/tracks.sqlite"):
        with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):  # not made yet
            rows += database.execute(query).fetchall()
            database.commit()
    return rows


def _entries(store: Path) -> int:
    return len(_asked(store, "SELECT sha256 FROM tracks"))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, 9)


def _change(music: Path, rng: random.Random, step: int) -> None:
    """One thing that happens to a folder of music."""
    files = sorted(path for path in music.rglob("*") if path.is_file() and path.suffix != ".csv")
    table, some = music / "captions.csv", rng.choice(files)
    match rng.randrange(7):
        case 0:
            write_track(music / f"deep/{step}.{rng.choice(FORMATS)}", 1000 + step)
        case 1:
            some.unlink()
        case 2:
            write_track(some, 2000 + step)
        case 3:
            some.rename(some.with_name(f"renamed{step}{some.suffix}"))
        case 4:
            shutil.copy(some, music / f"a-copy-{step}{some.suffix}")
        case 5:
            some.write_bytes(some.read_bytes()[:-400])
        case 6:
            lines = table.read_text().splitlines()
            at = rng.randrange(1, len(lines))
            path, _, _, artist, licence = lines[at].split(",")
            licence = rng.choice([licence, "All rights reserved", "CC-BY-4.0"])
            lines[at] = f"{path},edited in step {step},,{artist} {rng.randrange(3)},{licence}"
            table.write_text("\n".join(lines) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in (1, 2))])
def test_a_clean_run_and_any_history_give_the_same_bytes(bench, seed):
    rng = random.Random(seed)
    bench.run()
    (bench.music / "1000.wav").write_bytes(b"RIFF is no music")
    for step in range(7):
        for _ in range(rng.randrange(1, 4)):
            _change(bench.music, rng, 10 * step + _)
        _, found = bench.run()
        assert found == bench.clean(), f"after step {step}"
    assert (read_table(bench.out / "quarantine.parquet")["reason"] != "").all()


def test_the_second_run_takes_everything_from_the_store_and_the_third_only_lacks_what_is_new(bench):
    (bench.music / "bad.wav").write_bytes(b"RIFF is no music")
    first, before = bench.run()
    again, after = bench.run()
    assert (first.from_store, again.from_store) == (0, 10), "nine tracks and a rejection"
    assert after == before
    write_track(bench.music / "new.wav", 77)
    third, _ = bench.run()
    assert third.from_store == 10


def test_captions_and_licences_are_edited_without_decoding(bench, monkeypatch):
    bench.run()
    monkeypatch.setattr("padstal.ingest.track.decode", None)
    table = bench.music / "captions.csv"
    table.write_text(table.read_text().replace("caption 0003", "sung by a crowd").replace("0004,", "0004 x,"))
    table.write_text(table.read_text().replace("artist 2,CC0-1.0", "artist 2,CC BY 4.0"))
    found, _ = bench.run()
    manifest = read_table(bench.out / "manifest.parquet")
    assert found.from_store == 9
    assert "sung by a crowd" in set(manifest["caption"])
    assert set(manifest["licence"]) == {"CC0-1.0", "CC-BY-4.0"}


def test_a_new_track_rewrites_one_shard_and_the_others_keep_their_bytes_and_are_not_written_again(bench, monkeypatch):
    bench.run()
    monkeypatch.setattr("padstal.ingest.collect.DamagedError", KeyError)  # a track that has to be taken in again fails
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in (bench.out / "shards").iterdir()}
    write_track(bench.music / "0100.wav", 100)
    bench.run()
    after = {path.name: (path.stat().st_ino, path.read_bytes()) for path in (bench.out / "shards").iterdir()}
    changed = {name for name in after if before.get(name, (0, b""))[1] != after[name][1]}
    assert len(after) == 4, "ten tracks, three a shard"
    assert 1 <= len(changed) <= 3, "the new shard, the one it was split from, the new track's"
    assert all(after[name] == before[name] for name in after if name not in changed)


def test_a_changed_file_is_seen_though_its_length_and_modification_time_stay(bench):
    path = bench.music / "0000.wav"
    bench.run()
    stat = path.stat()
    whole = bytearray(path.read_bytes())
    whole[-20:] = bytes(20)
    path.write_bytes(whole)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found, after = bench.run()
    assert found.from_store == 8
    assert after == bench.clean()


def test_settled_files_are_not_read_again_unless_their_digests_are_gone(bench, monkeypatch):
    monkeypatch.setattr("padstal.ingest.digests.SETTLED_SECONDS", -1.0)
    _, before = bench.run()
    read = []
    monkeypatch.setattr("padstal.ingest.digests.sha256_file", lambda path: read.append(path) or "0" * 64)
    assert bench.run()[1] == before
    assert not read
    (bench.store / "digests.sqlite").unlink()
    bench.run()
    assert len(read) == 9


@pytest.mark.parametrize("damage", ["", "{}", '{"reason": 1}'])
def test_a_damaged_entry_is_done_again(bench, damage):
    _, before = bench.run()
    chosen = "(SELECT MIN(sha256) FROM tracks)"
    _asked(bench.store, f"UPDATE tracks SET outcome = CAST('{damage}' AS BLOB) WHERE sha256 = {chosen}")
    found, after = bench.run()
    assert found.from_store == 8
    assert after == before
    assert bench.run()[0].from_store == 9


def test_a_damaged_shard_is_written_again(bench):
    _, before = bench.run()
    shard = sorted(bench.store.rglob("*.npy"))[1]
    whole = bytearray(shard.read_bytes())
    whole[-1] ^= 1
    shard.write_bytes(whole)
    assert bench.run()[1] == before


def test_damaged_samples_that_move_to_another_shard_are_taken_in_again(bench):
    bench.run()
    damaged = set()
    for shard in bench.store.rglob("*.npy"):
        stat, whole = shard.stat(), bytearray(shard.read_bytes())
        whole[-1] ^= 1
        shard.write_bytes(whole)
        os.utime(shard, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        damaged.add(stat.st_ino)
    for i in range(3):
        write_track(bench.music / f"new{i}.wav", 50 + i)
    bench.run()
    moved = {
        path.name: path.read_bytes() for path in (bench.out / "shards").iterdir() if path.stat().st_ino not in damaged
    }
    bench.clean()
    assert moved
    assert all((bench.out / "shards" / name).read_bytes() == found for name, found in moved.items())


def test_damaged_databases_begin_anew(bench):
    _, before = bench.run()
    for database in bench.store.rglob("*.sqlite"):
        database.write_bytes(b"no database" * 1000)
    assert bench.run()[1] == before


def test_another_form_sweeps_the_store_and_removed_tracks_leave_it(bench):
    bench.run()
    (bench.music / "0001.flac").unlink()
    bench.run()
    assert _entries(bench.store) == 8
    found, _ = bench.run(loudness_lufs=-14.0)
    assert found.from_store == 0
    assert _entries(bench.store) == 8
    assert len(list(bench.store.glob("*/"))) == 1


def test_a_file_that_changes_while_it_is_read_is_not_stored(bench, monkeypatch):
    import padstal.ingest.track as track

    real = track.decode

    def decode(path, **options):
        decoded = real(path, **options)
        if path.name == "0002.mp3":
            path.write_bytes(path.read_bytes() + b" ")
        return decoded

    monkeypatch.setattr(track, "decode", decode)
    found, _ = bench.run()
    assert found.reasons == {"unreadable": 1}
    monkeypatch.undo()
    found, after = bench.run()
    assert found.kept == 9
    assert after == bench.clean()


def test_a_file_that_cannot_be_opened_is_in_quarantine(bench, monkeypatch):
    import padstal.ingest.digests as digests

    real = digests.sha256_file

    def sha256_file(path):
        if path.name == "0002.mp3":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(digests, "sha256_file", sha256_file)
    found, _ = bench.run()
    assert (found.kept, found.reasons) == (8, {"unreadable": 1})


@pytest.mark.slow
def test_hangs_and_crashes_of_a_decoder_are_the_files_own(bench, monkeypatch, tmp_path):
    """And they are tried again in the next run: they say something about the machine, too."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(hooks), prepend=os.pathsep)
    (bench.music / "hang.wav").write_bytes((bench.music / "0000.wav").read_bytes() + b"HANG")
    (bench.music / "crash.wav").write_bytes((bench.music / "0003.wav").read_bytes() + b"CRASH")
    _, whole = bench.run(workers=Workers(2), max_file_seconds=60.0)
    shutil.rmtree(bench.store)
    (hooks / "sitecustomize.py").write_text(FAULTY_DECODER)
    found, _ = bench.run(workers=Workers(2), max_file_seconds=12.0)
    quarantine = read_table(bench.out / "quarantine.parquet").set_index("path")["reason"].to_dict()
    assert quarantine == {"hang.wav": "timeout", "crash.wav": "crashed"}
    assert found.kept == 9
    (hooks / "sitecustomize.py").unlink()
    again, after = bench.run(workers=Workers(2), max_file_seconds=60.0)
    assert again.from_store == 9
    assert after == whole


KILLED = """
import sys
from pathlib import Path
from ingesting import run, Workers
run(*map(Path, sys.argv[1:]), workers=Workers(2))
"""


@pytest.mark.slow
def test_a_run_goes_on_after_a_kill(tmp_path):
    bench = Bench(tmp_path, 60)
    expected = bench.clean()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(ROOT / "src"), *sys.path]),
    }
    command = [sys.executable, "-c", KILLED, bench.music, tmp_path / "killed", bench.store]
    process = subprocess.Popen(command, env=environment)
    while _entries(bench.store) < 5:
        assert process.poll() is None, "it must be killed before it is done"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # its workers die with it
    done = _entries(bench.store)
    found, after = bench.run()
    assert 5 <= done < 60
    assert found.from_store == done
    assert after == expected


@pytest.mark.slow
def test_a_local_dask_cluster_gives_the_bytes_of_processes(bench):
    (bench.music / "bad.wav").write_bytes(b"RIFF is no music")
    found, of_dask = bench.run(workers=Workers(2, "dask"), max_file_seconds=60.0)
    assert found.kept == 9
    assert of_dask == bench.clean(workers=Workers(2), max_file_seconds=60.0)


MEMORY = """
import json, resource, sys
from pathlib import Path
from ingesting import run
run(*map(Path, sys.argv[1:]))
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_tracks(tmp_path):
    peaks = []
    for tracks in (40, 400):
        bench = Bench(tmp_path / str(tracks), 0)
        for i in range(tracks):
            write_track(bench.music / f"{i:04d}.wav", i, 0.7)
        command = [sys.executable, "-c", MEMORY, bench.music, tmp_path / f"out{tracks}", bench.store]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(ROOT / "src"), *sys.path]),
        }
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        peaks.append(json.loads(done.stdout))
    assert peaks[1] <= 1.2 * peaks[0]


def test_what_a_killed_run_left_is_used_and_what_it_tore_is_taken_in_again(bench, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("padstal.ingest.track_cache.TrackCache.write_shard", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bench.run()
    left = sorted(bench.store.rglob("*.samples"))
    left[0].write_bytes(left[0].read_bytes()[:-10])
    entries = _entries(bench.store)
    found, after = bench.run()
    assert found.from_store == entries > 0
    assert not any(path.exists() for path in left)
    assert after == bench.clean()


def test_samples_are_on_the_disk_once(bench):
    bench.run()
    assert not list(bench.store.rglob("*.samples"))
    shared = {path.stat().st_ino for path in bench.store.rglob("*.npy")}
    assert {path.stat().st_ino for path in (bench.out / "shards").iterdir()} == shared


def test_tracks_whose_shard_is_gone_are_taken_in_anew_by_the_workers(bench, monkeypatch):
    _, before = bench.run()
    lost = sorted(bench.store.rglob("*.npy"))[0]
    held = len(np.load(lost))
    lost.unlink()
    monkeypatch.setattr("padstal.ingest.collect.DamagedError", KeyError)  # none is found out late
    found, after = bench.run()
    assert after == before
    assert 9 - held <= found.from_store < 9
    assert bench.run()[0].from_store == 9
