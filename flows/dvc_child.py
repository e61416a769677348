"""DVC as a program that serves one command after another, so that its start (1.4 s) is paid once a run.

The kernel ends it when the flow dies, and it takes its stage along: no orphan writes where a new run does (Linux). A
stage that has ended just then is still written down, so that it need not run again.

Usage: python flows/dvc_child.py PARENT_PID [DVC ARGUMENTS]
Without arguments, each line of standard input is a JSON list, a file to lock (or null) and then DVC's arguments; after
its output comes a line `DONE` with the exit status.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from types import FrameType

sys.path.pop(0)  # flows/, whose evaluate.py is not the package `evaluate`
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# isort: split
from flows.child import others_of_group
from padstal.core.file_lock import file_lock

DONE = "\x1edvc exited with "
LAST_SECONDS = 10.0
"""What a stage gets to save its state and end after SIGTERM."""
WRITE_DOWN_SECONDS = 60
"""What DVC gets to write down a stage that has ended when the flow has died: hash and keep its outputs."""


class _Command:
    """The command of DVC that runs now."""

    faults: int | None = None
    """Page faults of our children that had ended when it began; `None` between commands."""

    def has_run_a_stage(self) -> bool:
        """Whether a child of it has ended: page faults are counted then."""
        return self.faults is not None and _faults_of_children() > self.faults


command = _Command()


def _faults_of_children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt


def main() -> int:
    parent = int(sys.argv[1])
    die_with(parent)
    if len(sys.argv) > 2:
        return run_dvc(sys.argv[2:])
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)  # a stage must not read our commands

    import dvc.repo  # noqa: F401 - a second that passes before the first command comes

    for line in commands:
        lock, *arguments = json.loads(line)
        with file_lock(Path(lock), say=print) if lock else contextlib.nullcontext():
            code = run_dvc(["--wait-for-lock", *arguments])
        sys.stderr.flush()
        print(f"\n{DONE}{code}", flush=True)
    return 0


def run_dvc(arguments: list[str]) -> int:
    """Exit status of `dvc ARGUMENTS`."""
    from dvc.cli import main

    command.faults = _faults_of_children()
    try:
        return main(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    finally:
        command.faults = None


def quiet() -> None:
    """Write to nowhere, for nobody reads us any more."""
    with open(os.devnull, "w") as nothing:
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)


def die_with(parent: int) -> None:
    """End with `parent`, and with SIGTERM: the whole group, after the stage had its last seconds."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getppid() != parent:  # it died, so nobody told the stage
            if command.has_run_a_stage() and not others_of_group(
                os.getpid()
            ):  # a stage's work is not lost while it is written down
                quiet()
                signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
                signal.alarm(WRITE_DOWN_SECONDS)
                return
            os.killpg(0, signal.SIGTERM)
        deadline = time.monotonic() + LAST_SECONDS
        with contextlib.suppress(Exception):
            while time.monotonic() < deadline and others_of_group(os.getpid()):
                time.sleep(0.05)
        os.killpg(0, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit(1)


if __name__ == "__main__":
    raise SystemExit(main())
