"""One stage brought up to date by `dvc repro -s STAGE` in a child process, and what became of it."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.causes import StageFailedError, cause_of, last_words
from flows.child import run_child
from flows.lock import held

DVC_CHILD = Path(__file__).with_name("dvc_child.py")


@dataclass(frozen=True)
class StageRun:
    """What became of a stage: "ran", "from cache", "up to date" or "failed", and its wall time."""

    stage: str
    result: str
    wall_seconds: float


def repro(stage: str, root: Path, force: bool, say: Callable[[str], None], pull: bool = False) -> StageRun:
    """Bring one stage up to date.

    Clones with a common `.state/` run a stage one at a time, for its checkpoints lie there.

    Args:
        stage: Its name in `dvc.yaml`.
        root: The repository.
        force: Run it even if it is up to date.
        say: Gets each line of its output.
        pull: Get from the DVC remote what it needs and is not here.

    Raises:
        StageFailedError: With the cause.
    """
    options = [*(["--force"] if force else []), *(["--pull", "--allow-missing"] if pull else [])]
    started = time.monotonic()
    with held(root / ".state" / "locks" / stage, say=say):
        outcome = run_child([*dvc_command(), "repro", "-s", stage, *options], root, child_environment(root), say)
    if outcome.code != 0:
        raise StageFailedError(stage, cause_of(outcome), last_words(stage, outcome))
    return StageRun(stage, _result(outcome.lines), time.monotonic() - started)


def dvc_command() -> list[str]:
    """The program `dvc`, which waits for its lock and dies with us."""
    return [sys.executable, str(DVC_CHILD), str(os.getpid()), "--wait-for-lock"]


def child_environment(root: Path) -> Mapping[str, str]:
    """Ours, with this interpreter's programs first (`dvc.yaml` says `python`) and the code of `root` before others."""
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": root / "src"}
    first = {name: os.pathsep.join(filter(None, [str(path), os.environ.get(name)])) for name, path in paths.items()}
    return {**os.environ, **first, "PYTHONUNBUFFERED": "1"}


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
