"""`padstal bench ingest`: what ingestion costs, as ratios of one run on one machine.

The files are made for it: WAV, FLAC, OGG and MP3 in stereo, half of them at 48 kHz, which are resampled, half at
44.1 kHz, which are not; clips have the form of scale full (44.1 kHz stereo, 10.03 s) at −20 LUFS, and cover the files.
Each measured run is a process of its own; it and its workers are held to as many cores as it has workers, with one
thread of arithmetic each; what it reads is in memory beforehand. So decoding alone, ingestion, and one and two
processes have the same. Beside ratios of wall time, which a busy machine spoils, stand those of processor time.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.audio.nursery import THREAD_VARIABLES

SAME_RATE, OTHER_RATE = 44_100, 48_000
GROWTH = 0.01
DISK_BYTES = 3.2e5
"""Disk that a second of music needs, at the most: its file, a clip's samples, and what an addition writes anew."""

_BAR = "{percentage:3.0f}% {bar} {elapsed}, {remaining} left"


@dataclass(frozen=True)
class Figure:
    """One ratio.

    Attributes:
        name: Short, for JSON.
        meaning: What is divided by what.
        value: The ratio, of wall times or of peak memory.
        of_processor_time: The same of processor time; None where that means nothing.
        limit: What `value` is to keep.
        keeps: Whether it does.
        made_of: The two times (s) or memories (MiB).
    """

    name: str
    meaning: str
    value: float
    of_processor_time: float | None
    limit: str
    keeps: bool
    made_of: tuple[float, float]


@dataclass(frozen=True)
class Wish:
    """What to measure with."""

    tracks: int
    seconds: float
    workers: int
    folder: Path | None
    as_json: bool


def run(wish: Wish) -> int:
    """Measure and print; the files are removed afterwards.

    Raises:
        ValueError: Too few tracks for the ratios to mean anything, or tracks shorter than a clip.
    """
    if wish.tracks < 40:
        raise ValueError(f"--tracks {wish.tracks}: expected at least 40")
    if wish.seconds < 12:
        raise ValueError(f"--seconds {wish.seconds}: expected at least 12, a clip and a little")
    if wish.folder:
        wish.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="padstal-bench-", dir=wish.folder) as temporary:
        free, needed = shutil.disk_usage(temporary).free, wish.tracks * wish.seconds * DISK_BYTES
        if free < needed:
            raise ValueError(f"{temporary}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed: give --folder")
        with tqdm(total=6.12 * wish.tracks, unit="track", file=sys.stderr, bar_format=_BAR) as bar:
            figures = measure(Path(temporary), wish, say=lambda text: bar.write(text, file=sys.stderr), done=bar.update)
    if wish.as_json:
        content = {"tracks": wish.tracks, "seconds": wish.seconds, "workers": wish.workers, "load": os.getloadavg()[0]}
        print(json.dumps({**content, "figures": [asdict(figure) for figure in figures]}, indent=2))
    else:
        _show(figures, wish)
    return 0


def measure(
    root: Path, wish: Wish, *, say: Callable[[str], None], done: Callable[[float], object] = lambda tracks: None
) -> list[Figure]:
    """Make files below `root` and measure; `done` is told how many tracks a run had."""
    from padstal.commands.bench_files import write_files

    other, same, few = root / "other-rate", root / "same-rate", root / "few"
    half, added = wish.tracks // 2, max(1, round(GROWTH * wish.tracks))
    say(f"making {wish.tracks} files of {wish.seconds:g} s")
    write_files(other, range(half), seconds=wish.seconds, sample_rate=OTHER_RATE)
    write_files(same, range(half, wish.tracks), seconds=wish.seconds, sample_rate=SAME_RATE)
    _copy_first(other, few, wish.tracks // 10)
    _copy_first(other, root / "one", 1)
    _warm(_Bench(root, wish, lambda text: None, lambda tracks: None), root / "one")
    bench = _Bench(root, wish, say, done)

    decoded_other, decoded_same = bench.decode(other), bench.decode(same)
    ingested_other = bench.ingest("other", other, keep=False)
    ingested_same = bench.ingest("same", same, keep=False)
    screened_same = bench.ingest("screened", same, keep=False, screened=True)
    alone = bench.ingest("alone", other, workers=1, keep=False) if wish.workers > 1 else ingested_other
    small = bench.ingest("few", few, keep=False)
    start = bench.ingest("one", root / "one", keep=False)
    cold = bench.ingest("all", other, same)
    again = bench.ingest("all", other, same)
    write_files(same, range(wish.tracks, wish.tracks + added), seconds=wish.seconds, sample_rate=SAME_RATE)
    grown = bench.ingest("all", other, same)
    if (again["from_store"], grown["from_store"], grown["kept"]) != (wish.tracks,) * 2 + (wish.tracks + added,):
        raise RuntimeError(f"{again}, {grown}: expected {wish.tracks} tracks from the store")

    share, speed_up = f"{added} more tracks", f"{wish.workers} processes"
    return [
        _figure("resampled", "ingest / decode alone, 48 kHz files", ingested_other, decoded_other, 2.6),
        _figure("same_rate", "ingest / decode alone, 44.1 kHz files", ingested_same, decoded_same, 1.8),
        _figure("screened", "ingest that screens / that does not, 44.1 kHz files", screened_same, ingested_same, 1.15),
        _figure(
            "speed_up",
            f"one process on one core / {speed_up} on {wish.workers}, 48 kHz files",
            alone,
            ingested_other,
            -0.9 * wish.workers,
        ),
        _figure("no_op", "second run, nothing new / first run", again, cold, 0.04),
        _figure(
            "growth",
            f"run with {share}, less the start (a run of one track) / first run",
            grown,
            cold,
            0.03,
            less=start,
        ),
        _figure("memory", f"peak memory, {wish.tracks} tracks / {wish.tracks // 10}", cold, small, 1.2, key="peak"),
    ]


def _copy_first(source: Path, target: Path, count: int) -> None:
    target.mkdir()
    for path in sorted(source.iterdir())[:count]:
        shutil.copyfile(path, target / path.name)


class _Bench:
    """Measured runs below `root`."""

    def __init__(self, root: Path, wish: Wish, say: Callable[[str], None], done: Callable[[float], object]):
        self._root, self._workers, self._seconds, self._say, self._done = root, wish.workers, wish.seconds, say, done

    def decode(self, music: Path) -> dict[str, Any]:
        return self._run({"work": "decode", "music": [str(music)], "workers": self._workers})

    def ingest(
        self, name: str, *music: Path, workers: int | None = None, keep: bool = True, screened: bool = False
    ) -> dict[str, Any]:
        """Take folders in; what is not to `keep` frees its disk."""
        out, store = self._root / "out" / name, self._root / "store" / name
        found = self._run(
            {
                "work": "ingest",
                "music": [str(folder) for folder in music],
                "workers": workers or self._workers,
                "sample_rate": SAME_RATE,
                "screened": screened,
                "out": str(out),
                "store": str(store),
            }
        )
        if not keep:
            for folder in (out, store):
                shutil.rmtree(folder)
        return found

    def _run(self, wish: dict[str, Any]) -> dict[str, Any]:
        files = [path for folder in wish["music"] for path in Path(folder).iterdir()]
        for path in files:
            path.read_bytes()
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(sys.path)}
        environment |= {"PYTHONPYCACHEPREFIX": str(self._root / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-c", "from padstal.commands.bench_child import main; main()"]
        before, started = _processor_seconds(), time.monotonic()
        done = subprocess.run(
            command, input=json.dumps(wish), env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        wall, cpu = time.monotonic() - started, _processor_seconds() - before
        found: dict[str, Any] = json.loads(done.stdout)
        found |= {"wall": wall, "cpu": cpu}
        names = " and ".join(Path(name).name for name in wish["music"])
        what = f"{wish['work']} {names}, {wish['workers']} processes{', screened' if wish.get('screened') else ''}"
        self._say(
            f"{what}: {found['wall']:.1f} s ({found['cpu']:.1f} s of processors), peak {found['peak'] / 1024:.0f} MiB"
        )
        self._done(len(files))
        return found


def _warm(bench: _Bench, music: Path) -> None:
    """Have Python and Numba compile what the runs need, as they do once after an installation."""
    bench.decode(music)
    bench.ingest("warm", music, keep=False, screened=True)


def _processor_seconds() -> float:
    """Of all processes that this one waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _figure(
    name: str,
    meaning: str,
    over: dict[str, Any],
    under: dict[str, Any],
    limit: float,
    *,
    key: str = "wall",
    less: dict[str, Any] | None = None,
) -> Figure:
    """`over` (`less` something) / `under`, by `key`; a negative limit is one from below."""

    def pair(what: str) -> tuple[float, float]:
        return over[what] - (less[what] if less else 0.0), under[what]

    top, bottom = pair(key)
    of_cpu = pair("cpu") if key != "peak" and limit > 0 else None
    keeps = top / bottom >= -limit if limit < 0 else top / bottom <= limit
    bound = f"{'≥' if limit < 0 else '≤'} {abs(limit):g}"
    made_of = (top / 1024, bottom / 1024) if key == "peak" else (top, bottom)
    return Figure(name, meaning, top / bottom, of_cpu and of_cpu[0] / of_cpu[1], bound, keeps, made_of)


def _show(figures: list[Figure], wish: Wish) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    title = (
        f"ingest: {wish.tracks} tracks of {wish.seconds:g} s, {wish.workers} processes, load {os.getloadavg()[0]:.1f}"
    )
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in ("ratio", "value", "limit", "", "made of", "of processor time"):
        table.add_column(column)
    for figure in figures:
        unit = "MiB" if figure.name == "memory" else "s"
        over, under = figure.made_of
        of_cpu = "" if figure.of_processor_time is None else f"{figure.of_processor_time:.3g}"
        made = f"{over:.1f} / {under:.1f} {unit}"
        table.add_row(
            figure.meaning, f"{figure.value:.3g}", figure.limit, "yes" if figure.keeps else "NO", made, of_cpu
        )
    Console().print(table)
