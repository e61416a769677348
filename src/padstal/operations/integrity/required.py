"""Which objects a `dvc.lock` needs: those of its outputs and, for a folder, those of its files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LOCK, LockedPath, LockError, outs_of, read_lock, with_uncached
from padstal.core.git import GitError, git

Tree = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class RequiredObject:
    """An object, and one place where it belongs.

    Attributes:
        oid: The object.
        path: Of the file in the workspace; of the folder for a list of files.
        out: The output that it belongs to.
        commit: Whose `dvc.lock` names it; "" for the workspace's.
    """

    oid: str
    path: str
    out: LockedPath
    commit: str = ""


def outs_in(root: Path) -> list[LockedPath]:
    """Outputs of the workspace's `dvc.lock`.

    Raises:
        LockError: DVC cannot read it.
        FileNotFoundError: There is none.
    """
    stages = read_lock((root / LOCK).read_text(encoding="utf-8", errors="replace"))
    pipeline = root / "dvc.yaml"
    return with_uncached(outs_of(stages).values(), pipeline.read_text(encoding="utf-8") if pipeline.is_file() else "")


def outs_in_history(root: Path, show: Callable[[list[str]], Iterable[str]]) -> Iterator[tuple[str, list[LockedPath]]]:
    """Each commit of all branches and tags that changed `dvc.lock`, with its outputs; unreadable ones are empty."""
    for commit in show(git(root, "log", "--all", "--format=%H", "--", LOCK).split()):
        try:
            stages = read_lock(git(root, "show", f"{commit}:./{LOCK}") + "\n")
            yield commit, with_uncached(outs_of(stages).values(), git(root, "show", f"{commit}:./dvc.yaml"))
        except (GitError, LockError):  # removed there, or committed damaged
            continue


def required_objects(
    outs: Iterable[LockedPath], tree_of: Callable[[str], Tree | None], commit: str
) -> tuple[list[RequiredObject], list[LockedPath]]:
    """All objects of some outputs, and the folders whose list of files is nowhere: of those, the list alone."""
    required: list[RequiredObject] = []
    unlisted: list[LockedPath] = []
    for out in outs:
        required.append(RequiredObject(out.md5, out.path, out, commit))
        if out.is_folder:
            tree = tree_of(out.md5)
            if tree is None:
                unlisted.append(out)
            required += [RequiredObject(oid, f"{out.path}/{path}", out, commit) for path, oid in tree or ()]
    return required, unlisted
