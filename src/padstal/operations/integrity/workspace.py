"""The workspace's outputs against `dvc.lock`: which files are what it names, which are others, which are missing."""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from padstal.core.data.atomic import atomic_file
from padstal.core.dvc_lock import LockedPath, overlap
from padstal.core.dvc_objects import md5_of, oid_of_tree, read_tree, write_tree
from padstal.core.dvc_rwlock import paths_in_use
from padstal.operations.integrity.required import Tree
from padstal.operations.integrity.survey import Show

IGNORED = ("__pycache__",)
FICLONE = 0x40049409
"""Linux's request for a copy that shares blocks until either side is written (ioctl_ficlone(2))."""
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
    known: Mapping[Inode, tuple[str, str]],
    busy: Mapping[str, int],
    show: Show,
) -> Workspace:
    """Compare outputs with `dvc.lock`; one that is not there at all is no fault.

    Args:
        root: The repository.
        outs: As `dvc.lock` names them.
        tree_of: List of a folder's files, or None.
        known: Hard links of the cache: MD5 as it was read there, and as the object's name says.
        busy: Outputs that a process is writing; they are left out.
        show: Progress.
    """
    there = [out for out in outs if (root / out.path).exists() and not any(overlap(out.path, path) for path in busy)]
    files = {out.path: _files(root / out.path) for out in there}
    stats = {file: file.stat() for found in files.values() for file in found.values()}
    total = sum(stat.st_size for stat in stats.values())
    with show("workspace", total) as bar, ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:

        def one(file: Path) -> str:
            stat = stats[file]
            linked = known.get((stat.st_dev, stat.st_ino))
            if linked is None:
                return md5_of(file, bar.update)
            bar.update(stat.st_size)
            return linked[0]

        md5s = dict(zip(stats, pool.map(one, stats), strict=True))

    def meant(file: Path) -> str:
        """What a file was when it was checked out."""
        return known.get((stats[file].st_dev, stats[file].st_ino), ("", md5s[file]))[1]

    wrong: list[WrongFile] = []
    trees: dict[str, bytes] = {}
    unjudged: list[LockedPath] = []
    for out in there:
        found = {name: md5s[file] for name, file in files[out.path].items()}
        if not out.is_folder:
            if found.get("") != out.md5:
                wrong.append(WrongFile(out, out.path, out.md5, found.get("", "")))
            continue
        tree = tree_of(out.md5)
        if tree is None:
            made = write_tree((name, meant(file)) for name, file in files[out.path].items())
            if oid_of_tree(made) != out.md5:
                unjudged.append(out)
                continue
            trees[out.md5] = made
            tree = read_tree(made)
        expected = dict(tree)
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                wrong.append(WrongFile(out, f"{out.path}/{name}", expected.get(name, ""), found.get(name, "")))
    return Workspace(wrong, {md5: file for file, md5 in md5s.items()}, trees, unjudged, dict(busy), len(stats), total)


def busy_paths(root: Path) -> dict[str, int]:
    """Paths, relative to the repository, that a living DVC process is writing, and its number."""
    here = root.resolve()
    return {
        os.path.relpath(one.path, here).replace(os.sep, "/"): one.process for one in paths_in_use(root) if one.written
    }


def link(source: Path, target: Path, kinds: Sequence[str]) -> None:
    """Give the workspace a file of the cache by the first of DVC's kinds that works here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    for kind in (*kinds, "copy"):
        try:
            if kind == "hardlink":
                os.link(source, target)
            elif kind == "symlink":
                os.symlink(source.resolve(), target)
            elif kind == "reflink":
                _reflink(source, target)
            else:
                with atomic_file(target) as temporary:
                    shutil.copyfile(source, temporary)
            return
        except OSError as error:
            if kind == "copy" or error.errno in (errno.ENOSPC, errno.EACCES):
                raise


def _reflink(source: Path, target: Path) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOTSUP, "reflink")
    import fcntl

    with atomic_file(target) as temporary, source.open("rb") as read, temporary.open("wb") as write:
        fcntl.ioctl(write.fileno(), FICLONE, read.fileno())


def _files(place: Path) -> dict[str, Path]:
    """Files of an output by their paths below it; an output that is a file has the path ""."""
    if not place.is_dir():
        return {"": place}
    found = {}
    for parent, folders, names in os.walk(place):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            file = Path(parent, name)
            found[file.relative_to(place).as_posix()] = file
    return found
