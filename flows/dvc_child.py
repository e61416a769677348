"""`dvc` as a program that ends with the flow that started it, and takes its stage along (Linux).

The kernel tells it of the flow's death: no orphan writes where a new run does. A stage that has ended just then is
still written down, so that it need not run again.

Usage: python flows/dvc_child.py PARENT_PID DVC ARGUMENTS …
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from types import FrameType

LAST_SECONDS = 10.0
"""What a stage gets to save its state and end after SIGTERM."""
WRITE_DOWN_SECONDS = 60
"""What DVC gets to write down a stage that has ended when the flow has died: hash and keep its outputs."""


def main() -> int:
    die_with(int(sys.argv[1]))

    from dvc.cli import main as dvc

    return dvc(sys.argv[2:])


def die_with(parent: int) -> None:
    """End with `parent` (SIGHUP) and with SIGTERM: the whole group, after the stage had its last seconds."""

    def end(number: int, _frame: FrameType | None) -> None:
        for told in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(told, signal.SIG_IGN)
        if number == signal.SIGHUP:  # the flow died, so nobody told the stage
            if has_run_a_stage() and not others_of_group():  # its work is not lost while it is written down
                with open(os.devnull, "w") as nothing:  # nobody reads us any more
                    for stream in (1, 2):
                        os.dup2(nothing.fileno(), stream)
                signal.signal(signal.SIGALRM, lambda *_: os.killpg(0, signal.SIGKILL))
                signal.alarm(WRITE_DOWN_SECONDS)
                return
            os.killpg(0, signal.SIGTERM)
        deadline = time.monotonic() + LAST_SECONDS
        with contextlib.suppress(Exception):
            while time.monotonic() < deadline and others_of_group():
                time.sleep(0.05)
        os.killpg(0, signal.SIGKILL)

    for told in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(told, end)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGHUP)
    if os.getppid() != parent:  # it died before we asked
        raise SystemExit(1)


def has_run_a_stage() -> bool:
    """Whether a child of this process has ended: its page faults are counted then."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt > 0


def others_of_group() -> list[int]:
    """Processes of this group that live, this one left out."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if process.pid != os.getpid() and os.getpgid(process.pid) == os.getpgrp():
                found += [process.pid] if process.status() != psutil.STATUS_ZOMBIE else []
    return found


if __name__ == "__main__":
    raise SystemExit(main())
