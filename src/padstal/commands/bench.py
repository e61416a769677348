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
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.ingest.supervised_worker import THREAD_VARIABLES

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
        value: The ratio, of wall times or of peak memory; the median of `values`.
        values: In the order in which they were measured.
        of_processor_time: The median of the same of processor time; None where that means nothing.
        limit: What `value` is to keep.
        keeps: Whether it does.
        made_of: The two times (s) or memories (MiB) of each value.
    """

    name: str
    meaning: str
    value: float
    values: tuple[float, ...]
    of_processor_time: float | None
    limit: str
    keeps: bool
    made_of: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Options:
    """What to measure with, and how often."""

    tracks: int
    seconds: float
    workers: int
    repeats: int
    folder: Path | None
    as_json: bool


def run(options: Options) -> int:
    """Measure and print; the files are removed afterwards.

    Raises:
        ValueError: Too few tracks for the ratios to mean anything, or tracks shorter than a clip.
    """
    for name, least in (("tracks", 40), ("seconds", 12), ("repeats", 1)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} {getattr(options, name)}: expected at least {least}")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="padstal-bench-", dir=options.folder) as temporary:
        free, needed = shutil.disk_usage(temporary).free, options.tracks * options.seconds * DISK_BYTES
        if free < needed:
            raise ValueError(f"{temporary}: {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB needed: give --folder")
        total = (2.6 + 3.5 * options.repeats) * options.tracks
        with tqdm(total=total, unit="track", file=sys.stderr, bar_format=_BAR) as bar:
            figures = measure(
                Path(temporary), options, say=lambda text: bar.write(text, file=sys.stderr), done=bar.update
            )
    if options.as_json:
        asked = {name: getattr(options, name) for name in ("tracks", "seconds", "workers", "repeats")}
        found = {"load": os.getloadavg()[0], "figures": [asdict(figure) for figure in figures]}
        print(json.dumps({**asked, **found}, indent=2))
    else:
        _show(figures, options)
    return 0


def measure(
    root: Path, options: Options, *, say: Callable[[str], None], done: Callable[[float], object] = lambda tracks: None
) -> list[Figure]:
    """Make files below `root` and measure; `done` is told how many tracks a run had."""
    from padstal.commands.bench_files import write_files

    other, same, few = root / "other-rate", root / "same-rate", root / "few"
    half, added = options.tracks // 2, max(1, round(GROWTH * options.tracks))
    say(f"making {options.tracks} files of {options.seconds:g} s")
    write_files(other, range(half), seconds=options.seconds, sample_rate=OTHER_RATE)
    write_files(same, range(half, options.tracks), seconds=options.seconds, sample_rate=SAME_RATE)
    _copy_first(other, few, options.tracks // 10)
    _copy_first(other, root / "one", 1)
    _warm(_Bench(root, options, lambda text: None, lambda tracks: None), root / "one")
    bench = _Bench(root, options, say, done)

    resampled: list[_Pair] = []
    same_rate: list[_Pair] = []
    screened: list[_Pair] = []
    growth: list[_Pair] = []
    for _ in range(options.repeats):
        decoded, plain = bench.decode(same), bench.ingest("same", same, keep=False)
        same_rate.append(_Pair(plain, decoded))
        screened.append(_Pair(bench.ingest("screened", same, keep=False, screened=True), plain))
        decoded, plain = bench.decode(other), bench.ingest("other", other, keep=False)
        resampled.append(_Pair(plain, decoded))
    alone = bench.ingest("alone", other, workers=1, keep=False) if options.workers > 1 else plain
    small = bench.ingest("few", few, keep=False)
    cold, again = bench.ingest("all", other, same), bench.ingest("all", other, same)
    _expect(again, kept=options.tracks, from_store=options.tracks)
    for had in range(options.tracks, options.tracks + options.repeats * added, added):
        write_files(same, range(had, had + added), seconds=options.seconds, sample_rate=SAME_RATE)
        grown, start = bench.ingest("all", other, same), bench.ingest("one", root / "one", keep=False)
        _expect(grown, kept=had + added, from_store=had)
        growth.append(_Pair(grown, cold, less=start))

    speed_up = f"one process on one core / {options.workers} processes on {options.workers}, 48 kHz files"
    grows = f"run with {added} more tracks, less the start (a run of one track) / first run"
    memory = f"peak memory, {options.tracks} tracks / {options.tracks // 10}"
    return [
        _figure("resampled", "ingest / decode alone, 48 kHz files", resampled, 2.6),
        _figure("same_rate", "ingest / decode alone, 44.1 kHz files", same_rate, 1.8),
        _figure("screened", "ingest that screens / that does not, 44.1 kHz files", screened, 1.15),
        _figure("speed_up", speed_up, [_Pair(alone, plain)], -0.9 * options.workers),
        _figure("no_op", "second run, nothing new / first run", [_Pair(again, cold)], 0.04),
        _figure("growth", grows, growth, 0.03),
        _figure("memory", memory, [_Pair(cold, small)], 1.2, key="peak"),
    ]


def _expect(found: dict[str, Any], **counts: int) -> None:
    """Raises RuntimeError where a run counted something else."""
    if any(found[name] != count for name, count in counts.items()):
        raise RuntimeError(f"{found}: expected {counts}")


def _copy_first(source: Path, target: Path, count: int) -> None:
    target.mkdir()
    for path in sorted(source.iterdir())[:count]:
        shutil.copyfile(path, target / path.name)


class _Bench:
    """Measured runs below `root`."""

    def __init__(self, root: Path, options: Options, say: Callable[[str], None], done: Callable[[float], object]):
        self._root, self._workers, self._say, self._done = root, options.workers, say, done

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

    def _run(self, options: dict[str, Any]) -> dict[str, Any]:
        files = [path for folder in options["music"] for path in Path(folder).iterdir()]
        for path in files:
            path.read_bytes()
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(sys.path)}
        environment |= {"PYTHONPYCACHEPREFIX": str(self._root / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-c", "from padstal.commands.bench_child import main; main()"]
        before, started = _processor_seconds(), time.monotonic()
        done = subprocess.run(
            command, input=json.dumps(options), env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        wall, cpu = time.monotonic() - started, _processor_seconds() - before
        found: dict[str, Any] = json.loads(done.stdout)
        found |= {"wall": wall, "cpu": cpu}
        names = " and ".join(Path(name).name for name in options["music"])
        screened = ", screened" if options.get("screened") else ""
        what = f"{options['work']} {names}, {options['workers']} processes{screened}"
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


@dataclass(frozen=True)
class _Pair:
    """Two runs to divide, `over` (`less` something) by `under`."""

    over: dict[str, Any]
    under: dict[str, Any]
    less: dict[str, Any] | None = None

    def parts(self, key: str) -> tuple[float, float]:
        return self.over[key] - (self.less[key] if self.less else 0.0), self.under[key]

    def ratio(self, key: str) -> float:
        top, bottom = self.parts(key)
        return top / bottom


def _figure(name: str, meaning: str, pairs: list[_Pair], limit: float, *, key: str = "wall") -> Figure:
    """The median of pairs' ratios by `key`; a negative limit is one from below."""
    values = tuple(pair.ratio(key) for pair in pairs)
    value = statistics.median(values)
    of_cpu = statistics.median(pair.ratio("cpu") for pair in pairs) if key != "peak" and limit > 0 else None
    keeps = value >= -limit if limit < 0 else value <= limit
    bound = f"{'≥' if limit < 0 else '≤'} {abs(limit):g}"
    unit = 1024 if key == "peak" else 1
    made_of = tuple((top / unit, bottom / unit) for top, bottom in (pair.parts(key) for pair in pairs))
    return Figure(name, meaning, value, values, of_cpu, bound, keeps, made_of)


def _show(figures: list[Figure], options: Options) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    work = f"{options.tracks} tracks of {options.seconds:g} s, {options.workers} processes"
    title = f"ingest: {work}, load {os.getloadavg()[0]:.1f}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    for column in ("ratio", "median", "limit", "", "measured", "made of", "of processor time"):
        table.add_column(column)
    for figure in figures:
        unit = "MiB" if figure.name == "memory" else "s"
        made = f"{', '.join(f'{over:.1f} / {under:.1f}' for over, under in figure.made_of)} {unit}"
        of_cpu = "" if figure.of_processor_time is None else f"{figure.of_processor_time:.3g}"
        measured = ", ".join(f"{value:.3g}" for value in figure.values)
        keeps = "yes" if figure.keeps else "NO"
        table.add_row(figure.meaning, f"{figure.value:.3g}", figure.limit, keeps, measured, made, of_cpu)
    Console().print(table)
