"""The weights of a revision: which DVC objects they are, whether the remote really has them, and getting them out.

DVC's own status takes a folder for present if its listing is. Before a tag says "promoted" that is not enough: every
object is read from the remote here and hashed.
"""

import io
import tarfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.core.dvc_lock import LockedPath, mapping
from padstal.core.dvc_objects import content_of, digits, key_of, read_tree
from padstal.core.git import git_bytes
from padstal.core.paths import Paths
from padstal.core.revisions import Tree
from padstal.core.yaml_text import parse_yaml
from padstal.evaluation.hear import JUDGES
from padstal.operations.integrity.remotes import read_config, remote_of
from padstal.operations.integrity.required import first, required_objects
from padstal.systems import SYSTEMS


def needed(revision: Tree, scale: str, system: str) -> dict[str, str]:
    """Folder → MD5 of what it takes to generate with a system of a revision, by its params, and to judge its successor.

    Raises:
        ValueError: Its params have no such system, or its `dvc.lock` lacks a folder.
    """
    systems = mapping(mapping(parse_yaml(revision.read("params.yaml") or b"")).get("systems"))
    if system not in systems:
        known = ", ".join(systems) or "none"
        raise ValueError(f"params.yaml of {revision.name} has no systems.{system}; it has {known}")
    paths = Paths(Path(), scale)
    found: Any = SYSTEMS.parse(systems[system])
    folders = (*found.folders(paths).values(), *map(paths.foundation, JUDGES))
    return outs_of(revision, [folder.as_posix() for folder in folders])


def outs_of(revision: Tree, paths: Collection[str]) -> dict[str, str]:
    """Path → MD5 of outputs as a revision's `dvc.lock` has them.

    Raises:
        ValueError: One of them is not there.
    """
    known = revision.outs()
    for path in paths:
        if path not in known:
            raise ValueError(f"dvc.lock of {revision.name} does not name {path}: expected a finished `dvc repro`")
    return {path: known[path].md5 for path in paths}


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
        ValueError: Some are missing or damaged; names them. Or there is no remote of objects, or it does not answer.
    """
    remote = remote_of(read_config(root))

    def whole(oid: str) -> bool:
        try:
            return remote.md5(key_of(oid)) == digits(oid)
        except FileNotFoundError:
            return False

    def tree_of(oid: str) -> list[tuple[str, str]] | None:
        return read_tree(remote.read(key_of(oid))) if whole(oid) else None

    items = required_objects((LockedPath(path, oid) for path, oid in outs.items()), tree_of)
    paths = {item.oid: item.path for item in items}
    reading = tqdm(sorted(paths), unit="object", desc="read from the DVC remote", mininterval=1.0, leave=False)
    bad = [paths[oid] for oid in reading if not whole(oid)]
    if bad:
        raise ValueError(
            f"DVC {remote.name} does not hold {first(bad, 5)}, or holds it damaged: what cannot be fetched is not "
            "promoted; run `dvc push` (and `padstal fsck`)"
        )


def materialise(root: Path, revision: Tree, outs: Mapping[str, str], target: Path, *, code: bool) -> None:
    """Write outputs of a revision, and its `params.yaml` (and `src/`, with `code`), into the folder `target`.

    They come from DVC's cache or else from its remote.

    Raises:
        ValueError: Neither has them.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    packed = git_bytes(root, "archive", "--format=tar", revision.commit, "params.yaml", *(("src",) if code else ()))
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(target, filter="data")
    filesystem = DVCFileSystem(str(root), rev=revision.commit)
    for path, md5 in outs.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            filesystem.get(path, str(target / path), recursive=True)
        except (DvcException, OSError) as error:
            raise ValueError(
                f"{path} of {revision.name} is neither in DVC's cache nor in its remote: {error}"
            ) from error
        if content_of(target / path).md5 != md5:
            raise ValueError(f"{path} of {revision.name} came damaged; `padstal fsck` tells where from")
