"""This machine's record of a run: what varies by nature (timings, dates, revision, machine) and so stays out of the
page that DVC hashes."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.git import try_git
from padstal.core.paths import Paths
from padstal.reporting.inputs import STAGES


def machine_record(paths: Paths) -> dict[str, Any] | None:
    """Timings, revision, date and machine; `None` where no stage has left a timing on this machine."""
    timings = stage_timings(paths)
    if not timings:
        return None
    return {
        "revision": try_git(paths.root, "rev-parse", "HEAD"),
        "changed": bool(try_git(paths.root, "status", "--porcelain", "--untracked-files=no")),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "timings": timings,
    }


def stage_timings(paths: Paths) -> list[dict[str, Any]]:
    """What each stage took when it last ran here, in the pipeline's order."""
    found = []
    for file in (paths.local / "timings").glob("*.json"):
        record = read_json(file)
        if not isinstance(record, Mapping) or record.get("stage") not in STAGES:
            continue
        item = record.get("item") or ""
        finished = datetime.fromtimestamp(file.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
        label = f"{record['stage']} · {item}" if item else str(record["stage"])
        found.append({**record, "label": label, "finished": finished})
    return sorted(found, key=lambda record: (STAGES.index(record["stage"]), record["label"]))


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system, Python and accelerator, in words."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{pages / 2**30:.0f} GiB" if pages else "",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "accelerator": _accelerator(),
    }


def _accelerator() -> str:
    """Name of the GPU, asked of its driver's own tool (importing torch to ask takes seconds); "none" without one."""
    return _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]).partition("\n")[0] or "none"


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def _output(command: list[str]) -> str:
    """What a command prints; "" if it is not there or fails."""
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
