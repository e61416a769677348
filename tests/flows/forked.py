"""DVC, and whole runs, in a copy of this process: for tests in which a new one is not the point, it imports nothing anew.

A copy has its own memory, folder, environment, standard streams and process group, and ends as a program does.
"""

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dvc.logger
import flows.repro
import pytest
from dvc.cli import main as dvc_main
from flows.child import Outcome
from flows.dvc_child import die_with
from flows.repro import Say, child_environment
from padstal.operations.integrity.lock_repair import guard_lock

for needed_by_commands in (
    "dulwich.ignore", "dulwich.repo", "dvc.cachemgr", "dvc.cli.parser", "dvc.data_cloud", "dvc.lock", "dvc.parsing",
    "dvc.repo", "dvc.repo.reproduce", "dvc.rwlock", "dvc.scm", "dvc.utils.strictyaml", "dvc_render", "platformdirs",
    "psutil", "pyparsing", "rich.json", "rich.progress", "ruamel.yaml", "scmrepo.git",
):  # fmt: skip
    importlib.import_module(needed_by_commands)


def forked(
    work: Callable[[], int | None],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> Outcome:
    """How `work` ends in a copy of this process; `say` gets each line of what it and its children write."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_copy(work, writing, folder, environment)
    os.close(writing)
    lines: list[str] = []
    try:
        with open(reading, encoding="utf-8", errors="replace") as output:
            for line in output:
                lines.append(line.rstrip("\n"))
                say(lines[-1])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(pid, 0)
    return Outcome(os.waitstatus_to_exitcode(status), tuple(lines))


def dvc_here(root: Path, arguments: Sequence[str], say: Say, timeout_seconds: float | None = None) -> Outcome:
    """As `flows.repro.dvc`, without its time limit."""
    guard_lock(root, say)
    parent = os.getpid()

    def work() -> int:
        die_with(parent)
        dvc.logger.setup()  # to the copy's streams
        return int(dvc_main(["--wait-for-lock", *arguments]))

    return forked(work, root, child_environment(root), say)


def run_dvc_here(patch: pytest.MonkeyPatch) -> None:
    """Have the flows' steps run DVC like this."""
    patch.setattr(flows.repro, "dvc", dvc_here)


def _be_the_copy(
    work: Callable[[], int | None], writing: int, folder: Path | None, environment: Mapping[str, str] | None
) -> None:
    code = 1
    try:
        os.setsid()
        for stream in (1, 2):
            os.dup2(writing, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (open(stream, "w", buffering=1, closefd=False) for stream in (1, 2))
        if folder is not None:
            os.chdir(folder)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        code = work() or 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
