"""A child process whose output is read to its end, line by line, and whose whole group ends with the block."""

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.lock import INHERITED

TERM_SECONDS = 10.0
"""Time between SIGTERM and SIGKILL."""
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
    """

    code: int
    lines: tuple[str, ...]


def run_child(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], say: Callable[[str], None]
) -> Outcome:
    """Run `command` in `folder`, in a process group of its own; `say` gets each line as it comes.

    Whatever ends the block (end of output, an error, cancellation), no process of the group survives it.
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
    last_progress = -PROGRESS_SECONDS
    try:
        with open(process.stdout.fileno(), encoding="utf-8", errors="replace", newline="", closefd=False) as output:
            for raw in output:
                line = raw.rstrip()
                if not line:
                    continue
                kept.append(line)
                if raw.endswith("\r"):
                    if time.monotonic() - last_progress < PROGRESS_SECONDS:
                        continue
                    last_progress = time.monotonic()
                say(line)
        code = process.wait()
    finally:
        _end_group(process)
        process.stdout.close()
    return Outcome(code, tuple(kept))


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to the group if its leader lives, ten seconds, then SIGKILL to whoever is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TERM_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
