"""The workspace's outputs against `dvc.lock`: which files are what it names, which are others, which are missing."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_lock import LockedPath, overlap
from padstal.core.dvc_objects import md5_of, oid_of_tree, read_tree, write_tree
from padstal.core.dvc_rwlock import paths_in_use
from padstal.operations.integrity.required import Tree
from padstal.operations.integrity.survey import JOBS, Show

IGNORED = "__pycache__"
Inode = tuple[int, int]


@dataclass(frozen=True)
class WrongFile:
    """A file that is not what `dvc.lock` says.

    Attributes:
        out: The output that it belongs to.
        path: Relative to the repository.
        oid: What it should be; "" for a file that `dvc.lock` does not name.
        md5: What it is; "" for a file that is not there.
    """

    out: LockedPath
    path: str
    oid: str
    md5: str


@dataclass(frozen=True)
class Workspace:
    """What lies in the workspace.

    Attributes:
        wrong: Files that are not what `dvc.lock` says.
        copies: MD5 → a file that has it.
        trees: Lists of files that were made anew from a folder, by object; each has the right MD5.
        unjudged: Outputs whose list of files is nowhere, and which are not what it named.
        busy: Outputs that a process is writing: path → its number.
        files, bytes: Looked at.
    """

    wrong: list[WrongFile]
    copies: dict[str, Path]
    trees: dict[str, bytes]
    unjudged: list[LockedPath]
    busy: dict[str, int]
    files: int
    bytes: int


def inspect_workspace(
    root: Path,
    outs: Sequence[LockedPath],
    tree_of: Callable[[str], Tree | None],
    linked: Mapping[Inode, tuple[str, str]],
    show: Show,
) -> Workspace:
    """Compare outputs with `dvc.lock`; one that is not there at all is no fault.

    Args:
        root: The repository.
        outs: As `dvc.lock` names them.
        tree_of: List of a folder's files, or None.
        linked: Hard links of the cache: MD5 as it was read there, and as the object's name says.
        show: Progress.
    """
    busy = {one.path.removeprefix(f"{root.resolve()}/"): one.process for one in paths_in_use(root) if one.written}
    there = [out for out in outs if (root / out.path).exists() and not any(overlap(out.path, path) for path in busy)]
    files = {out.path: dict(_files(root / out.path)) for out in there}
    stats = {file: file.stat() for found in files.values() for file in found.values()}
    known = {file: linked.get((stat.st_dev, stat.st_ino)) for file, stat in stats.items()}
    total = sum(stat.st_size for stat in stats.values())
    with show("workspace", total) as bar, ThreadPoolExecutor(JOBS) as pool:

        def one(file: Path) -> str:
            link = known[file]
            if link is None:
                return md5_of(file, bar.update)
            bar.update(stats[file].st_size)
            return link[0]

        md5s = dict(zip(stats, pool.map(one, stats), strict=True))

    wrong: list[WrongFile] = []
    trees: dict[str, bytes] = {}
    unjudged: list[LockedPath] = []
    for out in there:
        found = {name: md5s[file] for name, file in files[out.path].items()}
        expected = {"": out.md5}
        if out.is_folder:
            tree = tree_of(out.md5)
            if tree is None:  # made anew from what each file was when it was checked out
                meant = {name: (known[file] or ("", md5s[file]))[1] for name, file in files[out.path].items()}
                made = write_tree(meant.items())
                if oid_of_tree(made) != out.md5:
                    unjudged.append(out)
                    continue
                trees[out.md5] = made
                tree = read_tree(made)
            expected = dict(tree)
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                path = f"{out.path}/{name}".rstrip("/")
                wrong.append(WrongFile(out, path, expected.get(name, ""), found.get(name, "")))
    return Workspace(wrong, {md5: file for file, md5 in md5s.items()}, trees, unjudged, busy, len(stats), total)


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    """Files of an output and their paths below it; an output that is a file has the path ""."""
    if not place.is_dir():
        yield "", place
    for parent, folders, names in os.walk(place):
        folders[:] = [name for name in folders if name != IGNORED]
        for name in names:
            file = Path(parent, name)
            yield file.relative_to(place).as_posix(), file
