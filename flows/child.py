"""A child process whose output is read to its end, line by line, and whose whole group ends with the block."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from padstal.core.file_lock import INHERITED

TERM_SECONDS = 15.0
"""Time between SIGTERM and SIGKILL; the program in between gives its stage ten of them (`dvc_child.py`)."""
PROGRESS_SECONDS = 10.0
"""A progress bar (text that ends in a carriage return) is passed on no more often."""
KEPT_LINES = 400
"""Last lines that are kept for the diagnosis of a failure."""


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        code: Exit status; −N where signal N killed it.
        lines: The last lines it wrote.
        timed_out: Whether it was ended because its time was up.
    """

    code: int
    lines: tuple[str, ...]
    timed_out: bool = False


def run_child(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    timeout_seconds: float | None = None,
) -> Outcome:
    """Run `command` in `folder`, in a process group of its own; `say` gets each line as it comes.

    Whatever ends the block (end of output, an error, cancellation, the time limit), nothing of the group survives it.
    """
    process = start_child(command, folder, environment)
    assert process.stdout is not None
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    with time_limit(process, timeout_seconds) as timed_out:
        try:
            with reading(process.stdout) as output:
                for line in read_lines(output, say):
                    kept.append(line)
            code = process.wait()
        finally:
            end_group(process)
            process.stdout.close()
    return Outcome(code, tuple(kept), timed_out.is_set())


def start_child(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[bytes]":
    """Start `command` as the leader of a process group; both output streams come through one pipe."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(INHERITED),
    )


def reading(output: IO[bytes]) -> IO[str]:
    """A pipe as text in which a carriage return ends a line, too, and is kept."""
    return open(output.fileno(), encoding="utf-8", errors="replace", newline="", closefd=False)


def read_lines(output: IO[str], say: Callable[[str], None]) -> Iterator[str]:
    """The lines of `output` that are not empty, each said as it comes; of a progress bar, one in ten seconds."""
    last_progress = -PROGRESS_SECONDS
    for raw in output:
        line = raw.rstrip()
        if not line:
            continue
        progress = raw.endswith("\r")
        if not progress or time.monotonic() - last_progress >= PROGRESS_SECONDS:
            last_progress = time.monotonic() if progress else last_progress
            say(line)
        yield line


@contextlib.contextmanager
def time_limit(process: "subprocess.Popen[bytes]", seconds: float | None) -> Iterator[threading.Event]:
    """End the group of `process` if the block takes longer; the event tells whether that happened."""
    timed_out = threading.Event()

    def end() -> None:
        timed_out.set()
        end_group(process)

    timer = threading.Timer(seconds, end) if seconds is not None else None
    try:
        if timer:
            timer.daemon = True
            timer.start()
        yield timed_out
    finally:
        if timer:
            timer.cancel()


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the group if its leader lives, TERM_SECONDS, then SIGKILL to whoever is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TERM_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def others_of_group(leader: int) -> list[int]:
    """Processes of the group of `leader` that live, the leader left out."""
    import psutil

    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if process.pid != leader and os.getpgid(process.pid) == leader:
                found += [process.pid] if process.status() != psutil.STATUS_ZOMBIE else []
    return found
