"""`padstal plan`: what a scale will take before anything runs, and what to change where it does not fit."""

import json
import multiprocessing
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from tqdm import tqdm

from padstal.commands.project import params_of
from padstal.commands.terminal import shown
from padstal.operations.planning.fit import USABLE
from padstal.operations.planning.machine import INGEST_SPEED, Machine, machine_of
from padstal.operations.planning.music import Music, music_of
from padstal.operations.planning.plan import Mapper, Plan, plan
from padstal.reporting.table import Table

PLANNER = "padstal.operations.planning.plan"
WHOLE, WIDE = 106, 140
"""Columns that figures take, also in a pipe; and those from which on the table says what each stage is made of."""


def run(
    root: Path,
    scale: str | None,
    *,
    gpus: int | None = None,
    memory: float | None = None,
    device: str = "h100",
    tflops: float | None = None,
    mfu: float | None = None,
    clips: int | None = None,
    as_json: bool = False,
) -> int:
    """Print the plan for a machine and music, None for what is known otherwise; 1 if something has to change first.

    Raises:
        ParamsError: `params.yaml` is wrong.
        ValueError: No such scale or device; the clips cannot be counted; sizes of a published model are not known.
    """
    paths, tree = params_of(root, scale)
    runtime = tree.runtime
    count = gpus or runtime.devices * runtime.nodes
    machine = machine_of(device, count, memory, tflops, mfu, runtime.workers)
    machine = replace(machine, shares_weights=runtime.strategy == "fsdp2")
    music = music_of(paths, tree.scales[paths.scale].ingest, clips)
    with _processes() as pool:
        found = plan(tree, paths.scale, music, machine, partial(_with_bar, pool.map))
    free = shutil.disk_usage(root).free
    if as_json:
        told = {"count": music.clips, "curated": music.curated, "hours": music.seconds / 3600, "from": music.origin}
        whole = {"disk": found.disk, "hours": found.seconds / 3600, "free_disk": free}
        about = {"scale": paths.scale, "clips": told, "machine": asdict(machine), **asdict(found), "whole": whole}
        print(json.dumps(about, indent=2))
    else:
        _print(found, paths.scale, music, machine, free, runtime.devices * runtime.nodes)
    return 1 if found.changes else 0


def _with_bar(mapper: Mapper, work: Any, jobs: Sequence[Any]) -> Iterable[Any]:
    return tqdm(mapper(work, jobs), total=len(jobs), unit="training", desc="counting", leave=False)


def _processes() -> ProcessPoolExecutor:
    """One for each core, since a step on fake tensors is Python's work."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PLANNER])
    return ProcessPoolExecutor(mp_context=context)


def _print(found: Plan, scale: str, music: Music, machine: Machine, free: int, devices: int) -> None:
    console = Console(soft_wrap=False)
    console.width = max(console.width, WHOLE)
    title = f"{scale}, {machine.gpus} × {machine.device} ({machine.gibibytes:g} GiB, {machine.tflops:g} TFLOP/s each)"
    head = ("stage", "parameters", "FLOP", "GPU memory", "disk", "meanwhile", "hours", "what")
    rows = []
    for row in found.rows:
        work = f"{row.operations:.2g}" if row.operations else ""
        numbers = _short(row.parameters), work, *map(_bytes, (row.memory, row.disk, row.meanwhile))
        rows.append((row.stage, *numbers, _hours(row.seconds), row.does))
    rows.append(("in all", "", "", "", _bytes(found.disk), "", _hours(found.seconds), ""))
    width = len(head) if console.width >= WIDE else len(head) - 1
    numeric = (False, *(True for _ in head[2:]), False)
    table = Table(head[:width], tuple(row[:width] for row in rows), numeric[:width])
    console.print(shown(table, title, head[:7]))
    shares = ", ".join(f"{share:g} for {kind}" for kind, share in machine.mfu.items())
    for line in (
        f"Clips: {music.clips:,}, {music.origin}; {music.curated:,} after curation.",
        f"Assumed: {machine.tflops:g} TFLOP/s a GPU, of which a share of {shares} is reached (--tflops, --mfu); "
        f"{INGEST_SPEED:g} s of audio ingested in a second by a process; a merged caption for each clip. Stages run "
        "one after another, trainings on all GPUs, others on one; work of the CPU is in the hours of ingest alone.",
        f"Disk: {_bytes(found.disk)} where files lie, {_bytes(free)} are free here; DVC's cache shares them where the "
        "file system has reflinks or hard links, and else has them once more.",
    ):
        console.print(line, style="dim")
    if devices != machine.gpus:
        console.print(f"runtime.devices × runtime.nodes is {devices}: set it to {machine.gpus} for these hours")
    if found.disk > free:
        largest = sorted(found.rows, key=lambda row: -row.disk)[:3]
        console.print(f"the disk is too small: the most is {', '.join(row.stage for row in largest)}")
    for change in found.changes:
        mended = ", ".join(f"set {param} to {json.dumps(value)}" for param, value in change.params.items())
        mended = mended or "nothing on these GPUs is enough; take more of them, or a smaller batch or network"
        console.print(f"[red]{change.stage}[/]: {change.wrong}: {mended}", highlight=False)
    if not found.changes:
        console.print(f"every training fits ({USABLE:g} of {machine.gibibytes:g} GiB may be used)")


def _short(parameters: int | None) -> str:
    """ "1.06 B"."""
    if not parameters:
        return ""
    return f"{parameters / 1e9:.2f} B" if parameters >= 1e9 else f"{parameters / 1e6:.1f} M"


def _bytes(number: float | None) -> str:
    if not number:
        return ""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 2**10:.1f} KiB"


def _hours(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds / 3600:.1f}" if seconds >= 360 else f"{seconds / 3600:.2g}"
