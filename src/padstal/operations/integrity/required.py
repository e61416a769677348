"""Which objects a `dvc.lock` needs (those of its outputs and of the files of folders), and which a remote lacks."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LockedPath, outs_of, overlap, stages_of, with_uncached
from padstal.core.dvc_objects import TreeError, key_of, read_tree
from padstal.operations.integrity.remotes import Store

Tree = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class RequiredObject:
    """An object, and one place where it belongs.

    Attributes:
        oid: The object.
        path: Of the file in the workspace; of the folder for a list of files.
        out: The output that it belongs to.
    """

    oid: str
    path: str
    out: LockedPath


def first(names: Iterable[str], shown: int = 3) -> str:
    """The first names, each once, and how many more there are."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:shown]) + (f" and {len(each) - shown} more" if len(each) > shown else "")


def outs_in(root: Path) -> list[LockedPath]:
    """Outputs of the workspace's `dvc.lock`.

    Raises:
        LockError: DVC cannot read it.
        FileNotFoundError: There is none.
    """
    stages = stages_of(root)
    pipeline = root / "dvc.yaml"
    return with_uncached(outs_of(stages).values(), pipeline.read_text(encoding="utf-8") if pipeline.is_file() else "")


def required_objects(outs: Iterable[LockedPath], tree_of: Callable[[str], Tree | None]) -> Iterator[RequiredObject]:
    """All objects of some outputs; of a folder whose list of files is nowhere, the list alone."""
    for out in outs:
        yield RequiredObject(out.md5, out.path, out)
        for path, oid in (tree_of(out.md5) or ()) if out.is_folder else ():
            yield RequiredObject(oid, f"{out.path}/{path}", out)


@dataclass(frozen=True)
class Missing:
    """What a remote lacks.

    Attributes:
        named: Objects that `dvc.lock` names, each once.
        absent: Those of them that the remote does not hold.
        elsewhere: Those of the absent that this cache does not hold either.
        there: Objects that the remote holds.
    """

    named: list[RequiredObject]
    absent: list[RequiredObject]
    elsewhere: list[RequiredObject]
    there: Collection[str]


def find_missing(root: Path, cache: Store, remote: Store, targets: Sequence[str] = ()) -> Missing:
    """Compare a remote with the cached outputs of `dvc.lock`.

    Args:
        root: The repository.
        cache, remote: The stores.
        targets: Stages, or paths below the repository; none for all.

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

    there = remote.objects()
    outs = [out for out in outs_in(root) if out.cached and _meant(out, out.path, targets)]
    named: dict[str, RequiredObject] = {}
    for item in required_objects(outs, tree_of):
        if _meant(item.out, item.path, targets):
            named.setdefault(item.oid, item)
    absent = [item for item in named.values() if item.oid not in there]
    return Missing([*named.values()], absent, [item for item in absent if not cache.holds(item.oid)], there)


def _meant(out: LockedPath, path: str, targets: Sequence[str]) -> bool:
    """Whether targets ask for what lies at a path of an output; inside a folder also for its list of files."""
    names = (out.stage, out.stage.partition("@")[0], out.path)
    inside = [target for target in targets if target.startswith(f"{out.path}/")]
    return not targets or not {*names}.isdisjoint(targets) or any(overlap(path, target) for target in inside)
