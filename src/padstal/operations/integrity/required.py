"""Which objects a `dvc.lock` needs (those of its outputs and of the files of folders), and which a remote lacks."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LOCK, LockedPath, LockError, outs_of, read_lock, with_uncached
from padstal.core.dvc_objects import OBJECTS, TreeError, key_of, oid_of, read_tree
from padstal.core.git import GitError, git
from padstal.operations.integrity.remotes import Entry, Store

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
    """Each commit of all branches and tags that changed `dvc.lock`, with its outputs; unreadable ones are left out."""
    for commit in show(git(root, "log", "--all", "--format=%H", "--", LOCK).split()):
        try:
            stages = read_lock(git(root, "show", f"{commit}:./{LOCK}") + "\n")
            yield commit, with_uncached(outs_of(stages).values(), git(root, "show", f"{commit}:./dvc.yaml"))
        except (GitError, LockError):  # removed there, or committed damaged
            continue


def required_objects(
    outs: Iterable[LockedPath], tree_of: Callable[[str], Tree | None], commit: str = ""
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


@dataclass(frozen=True)
class Missing:
    """What a remote lacks.

    Attributes:
        named: Objects that `dvc.lock` names, each once.
        absent: Those of them that the remote does not hold.
        elsewhere: Those of the absent that this cache does not hold either.
        bytes: Of the absent ones, as far as that is known.
        there: Objects that the remote holds.
    """

    named: list[RequiredObject]
    absent: list[RequiredObject]
    elsewhere: list[RequiredObject]
    bytes: int
    there: dict[str, Entry]


def find_missing(root: Path, cache: Store, remote: Store, targets: Sequence[str] = ()) -> Missing:
    """Compare a remote with the cached outputs of `dvc.lock`.

    Args:
        root: The repository.
        cache, remote: The stores.
        targets: Stages or paths; none for all.

    Raises:
        LockError: DVC cannot read `dvc.lock`.
        FileNotFoundError: There is none.
        RemoteError: The remote does not answer.
    """

    def tree_of(oid: str) -> Tree | None:
        for store in (cache, remote):
            with contextlib.suppress(FileNotFoundError, TreeError):
                return read_tree(store.read(key_of(oid)))
        return None

    there = {oid: entry for entry in remote.entries(OBJECTS) if (oid := oid_of(entry.key)) is not None}
    outs = [out for out in outs_in(root) if out.cached and (not targets or _meant(out, targets))]
    named: dict[str, RequiredObject] = {}
    for item in required_objects(outs, tree_of)[0]:
        named.setdefault(item.oid, item)
    absent = [item for item in named.values() if item.oid not in there]
    lengths = {item.oid: length(cache, item.oid) for item in absent}
    elsewhere = [item for item in absent if lengths[item.oid] is None]
    whole = sum(item.out.bytes for item in elsewhere if item.path == item.out.path)
    return Missing(list(named.values()), absent, elsewhere, sum(filter(None, lengths.values())) + whole, there)


def length(cache: Store, oid: str) -> int | None:
    """Bytes of an object in the cache; None if it is not there."""
    try:
        return Path(cache.path(key_of(oid))).stat().st_size
    except FileNotFoundError:
        return None


def _meant(out: LockedPath, targets: Sequence[str]) -> bool:
    names = (out.stage, out.stage.partition("@")[0], out.path)
    return any(target in names or f"{target}/".startswith(f"{out.path}/") for target in targets)
