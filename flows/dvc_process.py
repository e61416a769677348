"""The DVC of one run: a child process that serves all its commands; its whole group ends with the run."""

import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from flows.child import KEPT_LINES, Outcome, end_group, others_of_group, read_lines, reading, start_child, time_limit
from flows.dvc_child import DONE

DVC_CHILD = Path(__file__).with_name("dvc_child.py")


class DvcProcess:
    """DVC in a repository, to be used as a context manager: no process of it outlives the block or an error in it.

    Attributes:
        root: The repository.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]):
        self.root = root
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[str] | None = None

    def __enter__(self) -> "DvcProcess":
        self._started()  # it gets ready while we do other things
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self,
        arguments: Sequence[str],
        say: Callable[[str], None],
        *,
        timeout_seconds: float | None = None,
        lock: Path | None = None,
    ) -> Outcome:
        """`dvc --wait-for-lock ARGUMENTS`.

        An error here and the time limit end the child's whole group, and the next command starts a new one.

        Args:
            arguments: The command.
            say: Gets each line as it comes.
            timeout_seconds: Then it is ended.
            lock: A lock (`file_lock.py`) that the child holds meanwhile, and keeps until its group is gone.
        """
        process, output = self._started()
        assert process.stdin is not None
        kept: deque[str] = deque(maxlen=KEPT_LINES)
        with time_limit(process, timeout_seconds) as timed_out:
            try:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(json.dumps([str(lock) if lock else None, *arguments]).encode() + b"\n")
                    process.stdin.flush()
                code = _read(output, say, kept)
            except BaseException:
                self.close()
                raise
        if code is None or others_of_group(process.pid):  # it died, or the stage left somebody behind
            self.close()
        return Outcome(process.returncode if code is None else code, tuple(kept), timed_out.is_set())

    def close(self) -> None:
        """End the child and its whole group, if there is one."""
        process, output, self._process, self._output = self._process, self._output, None, None
        if process is not None:
            end_group(process)
            for pipe in (output, process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _started(self) -> tuple["subprocess.Popen[bytes]", IO[str]]:
        if self._process is None or self._output is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, str(DVC_CHILD), str(os.getpid())]
            self._process = start_child(command, self.root, self._environment, stdin=subprocess.PIPE)
            assert self._process.stdout is not None
            self._output = reading(self._process.stdout)
        return self._process, self._output


def _read(output: IO[str], say: Callable[[str], None], kept: "deque[str]") -> int | None:
    """Pass on lines up to the one that tells the exit status; None if the output ended before."""

    def unless_last(line: str) -> None:
        if not line.startswith(DONE):
            say(line)

    for line in read_lines(output, unless_last):
        if line.startswith(DONE):
            return int(line.removeprefix(DONE))
        kept.append(line)
    return None
