"""This machine's record of a run: what varies by nature (timings, dates, revision, machine) and so stays out of the
page that DVC hashes."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.dvc_lock import stages_here
from padstal.core.git import try_git
from padstal.core.paths import Paths
from padstal.reporting.inputs import STAGES


def machine_record(paths: Paths) -> dict[str, Any] | None:
    """Timings, revision, date and machine; `None` where no stage has left a timing on this machine."""
    timings = stage_timings(paths)
    if all(row["cached"] for row in timings):
        return None
    return {
        "revision": try_git(paths.root, "rev-parse", "HEAD"),
        "changed": bool(try_git(paths.root, "status", "--porcelain", "--untracked-files=no")),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "timings": timings,
    }


def stage_timings(paths: Paths) -> list[dict[str, Any]]:
    """What each stage took when it last ran here, in the pipeline's order.

    A stage that `dvc.lock` knows and that never ran here is `cached`: DVC fetched what another run had made.
    """
    found = {}
    for file in (paths.local / "timings").glob("*.json"):
        record = read_json(file)
        if isinstance(record, Mapping) and record.get("stage") in STAGES:
            item = record.get("item") or ""
            finished = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
            found[record["stage"], item] = {**record, "finished": finished, "cached": False}
    for stage, item in _locked(paths):
        found.setdefault((stage, item), {"stage": stage, "item": item, "cached": True})
    order = list(STAGES)
    rows = sorted(found.items(), key=lambda pair: (order.index(pair[0][0]), pair[0][1]))
    return [{**record, "label": f"{stage}@{item}" if item else stage} for (stage, item), record in rows]


def _locked(paths: Paths) -> Iterator[tuple[str, str]]:
    """(stage, item) of this scale in `dvc.lock`, but for `report`, which may be at work as this is read."""
    for name, locked in stages_here(paths.root).items():
        stage, _, item = name.partition("@")
        if stage in STAGES and stage != "report" and any(paths.scale in out.path.split("/") for out in locked.outs):
            yield stage, item


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system, Python and accelerator, in words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "accelerator": _accelerator(),
    }


def _accelerator() -> str:
    """Name of the GPU, asked of its driver's own tool (importing torch to ask takes seconds); "none" without one."""
    ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return "none"
    return told.stdout.strip().partition("\n")[0] or "none"


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    text = listing.read_text(encoding="utf-8", errors="replace") if listing.is_file() else ""
    named = re.search(r"^model name\s*:(.*)$", text, flags=re.MULTILINE)
    return named[1].strip() if named else platform.processor()
