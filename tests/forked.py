"""Programs in a copy of this process: for tests in which a new one is not the point, they import nothing anew.

A copy has its own memory, folder, environment, standard streams and process group, and ends as a program does.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.child import Outcome


@dataclass(frozen=True)
class Copy:
    """A copy at work.

    Attributes:
        pid: Its process, and its group.
        reading: What it and its children write.
    """

    pid: int
    reading: int

    def kill(self) -> None:
        os.killpg(self.pid, signal.SIGKILL)

    def outcome(self, say: Callable[[str], None] = lambda _: None) -> Outcome:
        """How it ends; `say` gets each line."""
        lines: list[str] = []
        try:
            with open(self.reading, encoding="utf-8", errors="replace") as output:
                for line in output:
                    lines.append(line.rstrip("\n"))
                    say(lines[-1])
        except BaseException:
            self.kill()
            raise
        finally:
            _, status = os.waitpid(self.pid, 0)
        return Outcome(os.waitstatus_to_exitcode(status), tuple(lines))


def begin(
    work: Callable[[], int | None], folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Copy:
    """Have a copy of this process do `work`, which may end as programs do."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_copy(work, writing, folder, environment)
    os.setpgid(pid, pid)  # here and there, so that it has its group whoever is first
    os.close(writing)
    return Copy(pid, reading)


def forked(
    work: Callable[[], int | None],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """How `work` ends in a copy of this process; `say` gets each line of what it and its children write."""
    return begin(work, folder, environment).outcome(say)


def _be_the_copy(
    work: Callable[[], int | None], writing: int, folder: Path | None, environment: Mapping[str, str] | None
) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        for stream in (1, 2):
            os.dup2(writing, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        files = (io.FileIO(stream, "w", closefd=False) for stream in (1, 2))
        sys.stdout, sys.stderr = (io.TextIOWrapper(file, "utf-8", line_buffering=True) for file in files)
        if folder is not None:
            os.chdir(folder)
        if environment is not None:
            os.environ.clear()
            os.environ.update(environment)
        code = work() or 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())  # as it ends a program: typer has one of its own
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
