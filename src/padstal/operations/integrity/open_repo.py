"""The one door to DVC's repository: a `dvc.lock` that a kill tore is repaired before DVC reads it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from padstal.operations.integrity.lock_repair import keep_or_repair

if TYPE_CHECKING:
    from dvc.repo import Repo


def guard_lock(root: Path, say: Callable[[str], None] = print) -> None:
    """Before DVC is asked anything: keep a copy of `dvc.lock`, or repair it and say so."""
    if repaired := keep_or_repair(root):
        say(f"dvc.lock was damaged by a kill; repaired: {repaired}")


@contextmanager
def open_repo(root: Path, say: Callable[[str], None] = print) -> Iterator["Repo"]:
    """DVC's repository at `root`; `say` gets a line where its lock was repaired.

    Raises:
        ValueError: DVC cannot read the pipeline, or there is no repository; the words are DVC's.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    guard_lock(root, say)
    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        raise ValueError(f"{root}: {error}") from error
