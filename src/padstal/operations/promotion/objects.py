"""The weights of a revision: which DVC objects they are, whether the remote really has them, and getting them out.

DVC's own status takes a folder for present if its listing is. Before a tag says "promoted" that is not enough: every
object is read from the remote here and hashed.
"""

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import content_of, digits, key_of, read_tree
from padstal.core.git import git_bytes
from padstal.core.paths import Paths
from padstal.core.revisions import open_tree
from padstal.core.yaml_text import parse_yaml
from padstal.evaluation.hear import JUDGES
from padstal.operations.integrity.remotes import read_config, remote_of
from padstal.operations.integrity.required import Tree, first, required_objects
from padstal.systems import SYSTEMS


class MissingObjectsError(ValueError):
    """The DVC remote lacks objects of a revision, or holds them damaged."""


def needed(root: Path, revision: str, scale: str, system: str) -> tuple[str, ...]:
    """Folders that it takes to generate with a system of a revision, by its params, and to judge its successor.

    Raises:
        ValueError: Its params have no such system.
    """
    tree = parse_yaml(open_tree(root, revision).read("params.yaml") or b"") or {}
    systems = tree.get("systems")
    if not isinstance(systems, dict) or system not in systems:
        known = ", ".join(systems) if isinstance(systems, dict) else "no systems: an earlier version wrote it"
        raise ValueError(f"params.yaml of {revision} has no systems.{system}; it has {known}")
    paths = Paths(Path(), scale)
    found: Any = SYSTEMS.parse(systems[system])
    folders = (*found.folders(paths).values(), *map(paths.foundation, JUDGES))
    return tuple(folder.as_posix() for folder in folders)


def outs_at(root: Path, revision: str, paths: Iterable[str]) -> dict[str, str]:
    """Path → MD5 of outputs as a revision's `dvc.lock` has them.

    Raises:
        ValueError: One of them is not there.
    """
    known = open_tree(root, revision).outs()
    wanted = list(paths)
    missing = [path for path in wanted if path not in known]
    if missing:
        raise ValueError(f"dvc.lock of {revision} does not name {missing[0]}: expected a finished `dvc repro`")
    return {path: known[path].md5 for path in wanted}


def check_workspace(root: Path, outs: Mapping[str, str]) -> None:
    """Check that files here are what `dvc.lock` says.

    Raises:
        ValueError: Some are not; names the first.
    """
    for path, md5 in outs.items():
        if not (root / path).is_dir() or content_of(root / path).md5 != md5:
            raise ValueError(
                f"{path} is not what dvc.lock says it is (or not here): run `dvc repro`, or `dvc checkout {path}`"
            )


def check_remote(root: Path, outs: Mapping[str, str]) -> None:
    """Read every object of `outs` from the DVC remote and hash it.

    Raises:
        MissingObjectsError: Some are missing or damaged; names them.
        ValueError: There is no remote of objects, or it does not answer.
    """
    remote = remote_of(read_config(root))

    def whole(oid: str) -> bool:
        try:
            return remote.md5(key_of(oid)) == digits(oid)
        except FileNotFoundError:
            return False

    def tree_of(oid: str) -> Tree | None:
        return read_tree(remote.read(key_of(oid))) if whole(oid) else None

    items = required_objects((LockedPath(path, oid) for path, oid in outs.items()), tree_of)
    paths = {item.oid: item.path for item in items}
    reading = tqdm(sorted(paths), unit="object", desc="read from the DVC remote", mininterval=1.0, leave=False)
    bad = [paths[oid] for oid in reading if not whole(oid)]
    if bad:
        raise MissingObjectsError(
            f"DVC {remote.name} does not hold {first(bad, 5)}, or holds it damaged: what cannot be fetched is not "
            "promoted; run `dvc push` (and `padstal fsck`)"
        )


def materialise(root: Path, revision: str, paths: Iterable[str], target: Path, *, code: bool) -> None:
    """Write outputs of a revision, and its `params.yaml` (and `src/`, with `code`), into the folder `target`.

    They come from DVC's cache or else from its remote.

    Raises:
        MissingObjectsError: Neither has them.
        ValueError: The revision does not name them.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    commit = open_tree(root, revision).commit
    outs = outs_at(root, commit, paths)
    packed = git_bytes(root, "archive", "--format=tar", commit, "params.yaml", *(("src",) if code else ()))
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(target, filter="data")
    filesystem = DVCFileSystem(str(root), rev=commit)
    for path, md5 in outs.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            filesystem.get(path, str(target / path), recursive=True)
        except (DvcException, OSError) as error:
            raise MissingObjectsError(
                f"{path} of {revision} is neither in DVC's cache nor in its remote: {error}"
            ) from error
        if content_of(target / path).md5 != md5:
            raise MissingObjectsError(f"{path} of {revision} came damaged; `padstal fsck` tells where from")
