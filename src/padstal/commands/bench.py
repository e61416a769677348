"""`padstal bench ingest`: what ingestion costs, as ratios of one run on one machine.

The files are made for it: WAV, FLAC, OGG and MP3 in stereo, half of them at 48 kHz, which are resampled, half at
44.1 kHz, which are not; clips have the form of scale full (44.1 kHz stereo, 10.03 s) at −20 LUFS, and cover the files.
Each measured run is a process of its own; it and its workers are held to as many cores as it has workers, with one
thread of arithmetic each; what it reads is in memory beforehand. So decoding alone, ingestion, and one and two
processes have the same. Machines change their speed within minutes: what is compared is measured one after the other,
and a ratio is the median of several. Beside ratios of wall time, which a busy machine spoils, stand those of processor
time.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from padstal.commands.bench_files import write_files
from padstal.commands.ratio import Cost, Ratio, ratio
from padstal.ingest.supervised_worker import THREAD_VARIABLES

SAME_RATE, OTHER_RATE = 44_100, 48_000
GROWTH = 0.01
DISK_BYTES = 3.2e5
"""Disk that a second of music needs, at the most: its file, a clip's samples, and what an addition writes anew."""


@dataclass(frozen=True)
class Options:
    """What to measure with, and how often."""

    tracks: int
    seconds: float
    workers: int
    repeats: int
    folder: Path | None


def run(options: Options) -> int:
    """Measure and print; the files are removed afterwards.

    Raises:
        ValueError: Too few tracks for the ratios to mean anything, or tracks shorter than a clip.
    """
    for name, least in (("tracks", 40), ("seconds", 12)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} {getattr(options, name)}: expected at least {least}")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="padstal-bench-", dir=options.folder) as temporary:
        free, needed = shutil.disk_usage(temporary).free, options.tracks * options.seconds * DISK_BYTES
        if free < needed:
            raise ValueError(f"{temporary}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed: give --folder")
        ratios = measure(Path(temporary), options, say=partial(print, file=sys.stderr))
    asked = {name: getattr(options, name) for name in ("tracks", "seconds", "workers", "repeats")}
    load = os.getloadavg()[0]
    print(", ".join(f"{name} {value:g}" for name, value in asked.items()) + f"; load {load:.1f}", *ratios, sep="\n")
    return 0


def measure(root: Path, options: Options, *, say: Callable[[str], None]) -> list[Ratio]:
    """Make files below `root` and measure; `say` is told of each run."""
    other, same, few, one = (root / name for name in ("other-rate", "same-rate", "few", "one"))
    half, tenth, added = options.tracks // 2, options.tracks // 10, max(1, round(GROWTH * options.tracks))
    say(f"making {options.tracks} files of {options.seconds:g} s")
    write_files(other, range(half), seconds=options.seconds, sample_rate=OTHER_RATE)
    write_files(same, range(half, options.tracks), seconds=options.seconds, sample_rate=SAME_RATE)
    write_files(few, range(tenth), seconds=options.seconds, sample_rate=OTHER_RATE)
    write_files(one, range(1), seconds=options.seconds, sample_rate=OTHER_RATE)
    bench = _Bench(root, options.workers, say)
    bench.decode(one)  # Python and Numba compile what the runs need, as they do once after an installation
    bench.ingest("warm", one, keep=False)
    bench.ingest("few", few, keep=False)
    small = _peak_memory()  # of all runs so far, so before those that may need more

    resampled: list[tuple[Cost, Cost]] = []
    same_rate: list[tuple[Cost, Cost]] = []
    growth: list[tuple[Cost, Cost]] = []
    for _ in range(options.repeats):
        decoded, plain = bench.decode(same), bench.ingest("same", same, keep=False)
        same_rate.append((plain, decoded))
        decoded, plain = bench.decode(other), bench.ingest("other", other, keep=False)
        resampled.append((plain, decoded))
    alone = bench.ingest("alone", other, workers=1, keep=False)
    cold, again = bench.ingest("all", other, same), bench.ingest("all", other, same)
    large = _peak_memory()
    for had in range(options.tracks, options.tracks + options.repeats * added, added):
        write_files(same, range(had, had + added), seconds=options.seconds, sample_rate=SAME_RATE)
        grown, start = bench.ingest("all", other, same), bench.ingest("one", one, keep=False)
        growth.append(((grown[0] - start[0], grown[1] - start[1]), cold))

    speed_up = f"{options.workers} processes on {options.workers} cores / one on one, 48 kHz files"
    grows = f"run with {added} more tracks, less the start (a run of one track) / first run"
    return [
        ratio("ingest / decode alone, 48 kHz files", resampled, 2.6),
        ratio("ingest / decode alone, 44.1 kHz files", same_rate, 1.8),
        ratio(speed_up, [(plain, alone)], 1 / (0.9 * options.workers)),
        ratio("second run, nothing new / first run", [(again, cold)], 0.04),
        ratio(grows, growth, 0.03),
        Ratio(f"peak memory, {options.tracks} tracks / {tenth}", large / small, None, 1.2, large, small, "MiB"),
    ]


class _Bench:
    """Measured runs below `root`."""

    def __init__(self, root: Path, workers: int, say: Callable[[str], None]):
        self._root, self._workers, self._say = root, workers, say

    def decode(self, music: Path) -> Cost:
        return self._run({"work": "decode", "music": [str(music)], "workers": self._workers})

    def ingest(self, name: str, *music: Path, workers: int | None = None, keep: bool = True) -> Cost:
        """Take folders in; what is not to `keep` frees its disk."""
        out, store = self._root / "out" / name, self._root / "store" / name
        found = self._run(
            {
                "work": "ingest",
                "music": [str(folder) for folder in music],
                "workers": workers or self._workers,
                "sample_rate": SAME_RATE,
                "out": str(out),
                "store": str(store),
            }
        )
        if not keep:
            for folder in (out, store):
                shutil.rmtree(folder)
        return found

    def _run(self, options: dict[str, Any]) -> Cost:
        for path in (path for folder in options["music"] for path in Path(folder).iterdir()):
            path.read_bytes()
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(sys.path)}
        environment |= {"PYTHONPYCACHEPREFIX": str(self._root / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-c", "from padstal.commands.bench_child import main; main()"]
        before, started = _processor_seconds(), time.monotonic()
        done = subprocess.run(
            command, input=json.dumps(options), env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        wall, cpu = time.monotonic() - started, _processor_seconds() - before
        names = " and ".join(Path(name).name for name in options["music"])
        what = f"{options['work']} {names}, {options['workers']} processes, {int(done.stdout)} tracks"
        self._say(f"{what}: {wall:.1f} s ({cpu:.1f} s of processors)")
        return wall, cpu


def _peak_memory() -> float:
    """Of the largest process that this one has waited for, MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _processor_seconds() -> float:
    """Of all processes that this one waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
