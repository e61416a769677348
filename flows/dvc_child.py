"""DVC as a program that serves one command after another, so that its start (1.4 s) is paid once a run.

The kernel ends it when the flow dies, and it takes its stage along: no orphan writes where a new run does (Linux).

Usage: python flows/dvc_child.py PARENT_PID [DVC ARGUMENTS]
Without arguments, each line of standard input is a JSON list, a file to lock (or null) and then DVC's arguments; after
its output comes a line `DONE` with the exit status.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

sys.path.pop(0)  # flows/, whose git.py is not the package `git`
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# isort: split
from flows.child import others_of_group
from flows.lock import held

DONE = "\x1edvc exited with "
LAST_SECONDS = 10.0
"""What a stage gets to save its state and end after SIGTERM."""


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
        with held(Path(lock), say=print) if lock else contextlib.nullcontext():
            code = run_dvc(["--wait-for-lock", *arguments])
        sys.stderr.flush()
        print(f"\n{DONE}{code}", flush=True)
    return 0


def run_dvc(arguments: list[str]) -> int:
    """Exit status of `dvc ARGUMENTS`."""
    from dvc.cli import main

    try:
        return main(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1


def die_with(parent: int) -> None:
    """End with `parent`, and with SIGTERM: the whole group, after the stage had its last seconds."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.getppid() != parent:  # it died, so nobody told the stage
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
