"""Which objects a `dvc.lock` needs: those of its outputs and, for a folder, those of its files."""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LockError, Out, outs_of, read_lock, uncached_paths

Tree = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Need:
    """An object, and one place where it belongs.

    Attributes:
        oid: The object.
        path: Of the file in the workspace; of the folder for a list of files.
        out: The output that it belongs to.
        commit: Whose `dvc.lock` names it; "" for the workspace's.
    """

    oid: str
    path: str
    out: Out
    commit: str = ""


def outs_in(root: Path) -> list[Out]:
    """Outputs of the workspace's `dvc.lock`.

    Raises:
        LockError: DVC cannot read it.
        FileNotFoundError: There is none.
    """
    text = (root / "dvc.lock").read_text(encoding="utf-8", errors="replace")
    pipeline = root / "dvc.yaml"
    known = pipeline.read_text(encoding="utf-8") if pipeline.is_file() else ""
    return outs_of(read_lock(text), uncached_paths(known))


def outs_in_history(root: Path, show: Callable[[list[str]], Iterable[str]]) -> Iterator[tuple[str, list[Out]]]:
    """Each commit of all branches and tags that changed `dvc.lock`, with its outputs; unreadable ones are empty."""
    listed = _git(root, "log", "--all", "--format=%H", "--", "dvc.lock").decode().split()
    for commit in show(listed):
        try:
            lock = _git(root, "show", f"{commit}:./dvc.lock").decode(errors="replace")
            pipeline = _git(root, "show", f"{commit}:./dvc.yaml").decode(errors="replace")
            yield commit, outs_of(read_lock(lock), uncached_paths(pipeline))
        except (subprocess.CalledProcessError, LockError):  # removed there, or committed torn
            continue


def needs_of(outs: Iterable[Out], tree_of: Callable[[str], Tree | None], commit: str) -> tuple[list[Need], list[Out]]:
    """All objects of some outputs, and the folders whose list of files is nowhere: of those, the list alone."""
    needs: list[Need] = []
    unlisted: list[Out] = []
    for out in outs:
        needs.append(Need(out.oid, out.path, out, commit))
        if out.oid.endswith(".dir"):
            tree = tree_of(out.oid)
            if tree is None:
                unlisted.append(out)
            needs += [Need(oid, f"{out.path}/{path}", out, commit) for path, oid in tree or ()]
    return needs, unlisted


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=True).stdout
