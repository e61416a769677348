"""A seeded history of faults and kills: every object ends whole or named, and no part ever bears its name."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ingest.s3.mirrored import fetch, files, parts
from tests.ingest.s3.s3_server import S3Server

CHILD = """
import sys
from pathlib import Path
from padstal.ingest.config import S3Source
from padstal.ingest.s3.mirror import mirror
fetch = {"timeout_seconds": 0.5, "connections": 6, "attempts": 4, "max_failed_share": 0.9}
source = S3Source(kind="s3", uri="s3://music/p", endpoint_url=sys.argv[1], fetch=fetch)
done = mirror(source, Path(sys.argv[2]), quiet=True)
print(sorted(done.failed))
"""
OBJECTS, ROUNDS, SEEDS = 40, 3, (1, *(pytest.param(seed, marks=pytest.mark.long) for seed in (2, 3)))
FAULTS = ("cut", "reset", "stall", "slow_down", "internal", "flip", "wrong_checksum")


class _Watcher(threading.Thread):
    """Reads every file under a final name whenever it changed; `wrong` are no version of their object."""

    def __init__(self, folder: Path, versions: dict[str, set[str]]):
        super().__init__(daemon=True)
        self.folder, self.versions = folder, versions
        self.wrong: list[str] = []
        self.reads = 0
        self.ended = threading.Event()

    def run(self) -> None:
        known: dict[str, tuple[int, int, int]] = {}
        ended = False
        while not ended:
            ended = self.ended.wait(0.005)  # and then once more
            for name in sorted(self.versions):
                path = self.folder / name
                try:
                    stat = path.stat()
                    content = path.read_bytes() if (mark := _mark(stat)) != known.get(name) else None
                except (FileNotFoundError, NotADirectoryError):
                    continue
                if content is None:
                    continue
                self.reads += 1
                known[name] = mark
                if hashlib.sha256(content).hexdigest() not in self.versions[name]:
                    self.wrong.append(name)


def _mark(stat: os.stat_result) -> tuple[int, int, int]:
    """Differs whenever something was written."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _put(server: S3Server, rng: random.Random, key: str, versions: dict[str, set[str]]) -> None:
    length = rng.choice([0, 1, 900, 70_000, 700_000, 1_500_000])
    content = rng.randbytes(length)
    versions[key].add(hashlib.sha256(content).hexdigest())
    part_bytes = rng.choice([None, 300_000]) if length > 300_000 else None
    checksum = rng.choice(["crc32", "sha1", "sha256", *([] if part_bytes else [None, None])])
    server.put("music", f"p/{key}", content, part_bytes=part_bytes, checksum=checksum)


def _plant(server: S3Server, rng: random.Random) -> None:
    for _ in range(15):
        kind = rng.choice(FAULTS)
        operation = rng.choice(["GetObject", "GetObject", "GetObject", "HeadObject"])
        at, after = rng.choice([0, 100, 60_000, 650_000]), rng.randrange(30)
        server.fault(kind, operation=operation, at_byte=at, after=after, times=rng.choice([1, 1, 3]))
    server.fault(rng.choice(["half_page", "cut", "slow_down"]), operation="ListObjectsV2", at_byte=500)


def _killed_in_transfer(child: "subprocess.Popen[bytes]", due: Callable[[], bool], folder: Path) -> bool:
    """Kill `child` with a part on disk, seen while it stands still, once it is due; False if it ended before."""
    while child.poll() is None:
        time.sleep(0.002)
        if not due():
            continue
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED)  # it stops in its own time
        if (folder / ".mirror" / "parts").exists() and parts(folder):
            child.kill()
            child.wait()
            return True
        child.send_signal(signal.SIGCONT)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_after_faults_and_kills_every_object_is_whole_or_named(server, tmp_path, seed):
    rng = random.Random(seed)
    versions: dict[str, set[str]] = defaultdict(set)
    keys = [f"{'é' if i % 7 == 0 else 'd'}{i % 4}/{i:03d}.wav" for i in range(OBJECTS)]
    for key in keys:
        _put(server, rng, key, versions)
    folder = tmp_path / "m"
    watcher = _Watcher(folder, dict(versions))
    watcher.start()
    killed_in_transfer = 0
    for _ in range(ROUNDS):
        _plant(server, rng)
        child = subprocess.Popen([sys.executable, "-c", CHILD, server.url, str(folder)], stdout=subprocess.PIPE)
        until = server.count("GetObject") + rng.randrange(5, 40)
        killed_in_transfer += _killed_in_transfer(child, lambda until=until: server.count("GetObject") >= until, folder)
        for key in rng.sample(keys, 5):  # the bucket goes on meanwhile
            _put(server, rng, key, versions)
    server.faults.clear()
    broken = rng.choice(keys)
    _put(server, rng, broken, versions)
    server.fault("internal", operation="", key=f"p/{broken}", times=10**6)
    _plant(server, rng)
    done = fetch(server, folder, attempts=6, max_failed_share=0.2, timeout_seconds=0.5, connections=6)
    here = {name: hashlib.sha256(content).hexdigest() for name, content in files(folder).items()}
    held = {key: hashlib.sha256(server.bucket("music")[f"p/{key}"].content).hexdigest() for key in keys}
    assert broken in done.failed
    assert set(here) | set(done.failed) == set(keys)
    assert here == {key: held[key] for key in here}
    server.faults.clear()
    again = fetch(server, folder)
    assert again.failed == {}
    assert again.fetched == len(done.failed)
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files(folder).items()} == held
    assert parts(folder) == {}
    watcher.ended.set()
    watcher.join()
    assert watcher.wrong == []
    assert watcher.reads >= OBJECTS
    assert killed_in_transfer, "no kill came in the middle of a transfer: the test shows less than it says"
    records = [json.loads(line) for line in (folder / ".mirror" / "index.jsonl").read_text().splitlines()]
    assert {record["key"]: record["sha256"] for record in records} == held
    assert os.listdir(tmp_path) == ["m"]
