"""One stage brought up to date by `dvc repro -s STAGE` in a child process, and what became of it."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.causes import StageFailedError, cause_of, last_words
from flows.child import run_child
from padstal.integrity.torn import guard

DVC_CHILD = Path(__file__).with_name("dvc_child.py")


@dataclass(frozen=True)
class StageRun:
    """What became of a stage: "ran", "from cache", "up to date" or "failed", and its wall time."""

    stage: str
    result: str
    wall_seconds: float


def repro(stage: str, root: Path, force: bool, say: Callable[[str], None]) -> StageRun:
    """Bring one stage up to date.

    Raises:
        StageFailedError: With the cause.
    """
    command = [sys.executable, str(DVC_CHILD), str(os.getpid()), "--wait-for-lock", "repro", "-s", stage]
    mended = guard(root)
    if mended:
        say(f"dvc.lock was torn by a kill; mended: {mended}")
    started = time.monotonic()
    outcome = run_child([*command, "--force"] if force else command, root, _environment(), say)
    if outcome.code != 0:
        raise StageFailedError(stage, cause_of(outcome), last_words(stage, outcome))
    return StageRun(stage, _result(outcome.lines), time.monotonic() - started)


def _environment() -> Mapping[str, str]:
    """Ours, with this interpreter's programs first: `dvc.yaml` says `python`, and it must be this one."""
    programs = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": os.pathsep.join([programs, os.environ.get("PATH", "")]), "PYTHONUNBUFFERED": "1"}


def _result(lines: tuple[str, ...]) -> str:
    for line in reversed(lines):
        if line.startswith("Running stage '"):
            return "ran"
        if "is cached - skipping run" in line:
            return "from cache"
    return "up to date"


def summary(runs: list[StageRun]) -> str:
    """Markdown table of the stages."""
    rows = [f"| {run.stage} | {run.result} | {run.wall_seconds:.1f} |" for run in runs]
    total = f"| **all** | | {sum(run.wall_seconds for run in runs):.1f} |"
    return "\n".join(["| stage | result | wall time (s) |", "|---|---|---:|", *rows, total])
