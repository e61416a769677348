"""A child process whose output is read to its end, line by line, and whose whole group ends with it."""

import contextlib
import io
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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

    Whatever ends it (end of output, an error, cancellation, the time limit), nothing of the group survives.
    """
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(INHERITED),
    )
    assert process.stdout is not None
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    limit = threading.TIMEOUT_MAX if timeout_seconds is None else timeout_seconds
    started, timer = time.monotonic(), threading.Timer(limit, end_group, (process,))
    timer.daemon = True
    timer.start()
    last_progress = -PROGRESS_SECONDS
    # a carriage return ends a line, too, and is kept
    output = io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace", newline="")  # type: ignore[type-var]
    try:
        for raw in output:
            if not (line := raw.rstrip()):
                continue
            kept.append(line)
            progress = raw.endswith("\r")
            if not progress or time.monotonic() - last_progress >= PROGRESS_SECONDS:
                last_progress = time.monotonic() if progress else last_progress
                say(line)
        code = process.wait()
    finally:
        timer.cancel()
        end_group(process)
        output.close()
    return Outcome(code, tuple(kept), code != 0 and time.monotonic() - started >= limit)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the group if its leader lives, TERM_SECONDS, then SIGKILL to whoever is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TERM_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
