"""What the workspace's outputs are, hashed anew by DVC's own `build`, which is given no record of earlier hashes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.core.dvc_lock import LockedPath, overlap
from padstal.core.dvc_rwlock import paths_in_use


@dataclass
class Workspace:
    """What lies in the workspace.

    Attributes:
        files: Output → path below it ("" for an output that is a file) → MD5.
        copies: Object → DVC's file system and path of a file that has its bytes; the lists of folders' files, too.
        busy: Outputs that a process is writing: path → its number.
    """

    files: dict[LockedPath, dict[str, str]] = field(default_factory=dict)
    copies: dict[str, tuple[Any, str]] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)


def inspect_workspace(root: Path, outs: Iterable[LockedPath]) -> Workspace:
    """Hash outputs, as `dvc.lock` names them; one that is not there, or is being written, is left out."""
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.db import get_odb
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.fs import localfs

    writers = [one for one in paths_in_use(root) if one.written]
    found = Workspace(busy={one.path.removeprefix(f"{root.resolve()}/"): one.process for one in writers})
    there = [
        out for out in outs if (root / out.path).exists() and not any(overlap(out.path, path) for path in found.busy)
    ]
    for out in tqdm(there, desc="workspace", unit="output", leave=False, disable=None):
        place = root / out.path
        *_, made = build(get_odb(localfs, str(root)), str(place), localfs, "md5", dry_run=True)
        found.copies[made.oid] = made.fs, made.path
        found.files[out] = {"": made.oid}
        if isinstance(made, Tree):
            found.files[out] = {"/".join(key): name.value for key, _, name in made}
            found.copies |= {oid: (localfs, str(place / name)) for name, oid in found.files[out].items()}
    return found
