"""A repository as DVC leaves it, made without DVC: `dvc.lock`, cache, workspace, and places to be a remote."""

import hashlib
import os
import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dvc_objects.fs import localfs
from tests.ingest.s3.s3_server import S3Server

from padstal.core.dvc_objects import key_of, write_tree
from padstal.operations.integrity.fsck import Fsck, Report
from padstal.operations.integrity.remotes import Store

CONFIG = """\
[core]
    analytics = false
    remote = local
['remote "local"']
    url = remote
    verify = true
"""


@dataclass
class Kept:
    """The repository.

    Attributes:
        root: Of it.
        objects: What each object's bytes are in truth.
        files: Path in the workspace → its object.
        stages: Object → the stage that made it.
    """

    root: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)

    @property
    def cache(self) -> Store:
        return Store("cache", str(self.root / ".dvc" / "cache"), localfs)

    @property
    def remote(self) -> Store:
        return Store("remote local", str(self.root / ".dvc" / "remote"), localfs)

    def good(self, place: Store) -> set[str]:
        """Objects whose bytes at a place are the truth."""
        return {oid for oid, content in self.objects.items() if _is(file_of(place, oid), content)}


def make(root: Path, *, files: int, folders: int, in_folder: int, longest: int = 3000, seed: int = 0) -> Kept:
    """Outputs `file_N` and `folder_N`, each of its own stage, in the cache and in the workspace.

    A third of the outputs are hard links of the cache, as DVC's checkout makes them, a third copies, a third not there.
    """
    draw = random.Random(seed)
    kept = Kept(root)
    (root / ".dvc" / "tmp").mkdir(parents=True)
    (root / ".dvc" / "config").write_text(CONFIG)
    (root / ".dvc" / ".gitignore").write_text("/tmp\n/cache\n/remote\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    lock = ["schema: '2.0'", "stages:"]
    for number in range(files + folders):
        name, is_file = (f"file_{number}", True) if number < files else (f"folder_{number}", False)
        members = [""] if is_file else [f"part/{part}.bin" for part in range(in_folder)]
        rows = []
        for member in members:
            content = draw.randbytes(draw.randint(1, longest))
            rows.append((member, _keep(kept, content, "")))
            kept.files[f"{name}/{member}".rstrip("/")] = rows[-1][1]
        oid = rows[0][1] if is_file else _keep(kept, write_tree(rows), ".dir")
        for one in {oid, *(member_oid for _, member_oid in rows)}:
            kept.stages[one] = f"make_{name}"
        length = sum(len(kept.objects[member_oid]) for _, member_oid in rows)
        lock += [f"  make_{name}:", f"    cmd: make {name}", "    outs:", f"    - path: {name}", "      hash: md5"]
        lock += [f"      md5: {oid}", f"      size: {length}", *([] if is_file else [f"      nfiles: {in_folder}"])]
        if number % 3 < 2:
            for member, member_oid in rows:
                _place(kept, f"{name}/{member}".rstrip("/"), member_oid, linked=number % 3 == 0)
    (root / "dvc.lock").write_text("\n".join(lock) + "\n")
    (root / "dvc.yaml").write_text("stages: {}\n")
    return kept


def file_of(place: Store, oid: str) -> Path:
    """Where an object lies in a cache or a remote that is a folder."""
    return Path(place.path(key_of(oid)))


def bucket_of(server: S3Server) -> Store:
    """A prefix of the bucket `music` as a remote."""
    from dvc_s3 import S3FileSystem

    return Store("remote store", "music/kept", S3FileSystem(url="s3://music/kept", endpointurl=server.url))


def fill(kept: Kept, place: Store, folder: Path) -> None:
    """Put all objects into a remote; `folder` is for temporary files."""
    folder.mkdir(exist_ok=True)
    for oid, content in kept.objects.items():
        (folder / "object").write_bytes(content)
        assert place.add(oid, localfs, str(folder / "object"))


def spoil(content: bytes, draw: random.Random) -> bytes:
    """Other bytes: a bit flipped, the end cut off, all gone, or something added."""
    kind = draw.choice(["flip", "flip", "flip", "cut", "empty", "longer"])
    if kind == "flip":
        at = draw.randrange(len(content))
        return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
    if kind == "cut":
        return content[: draw.randrange(len(content))]
    return b"" if kind == "empty" else content + draw.randbytes(draw.randint(1, 9))


def rot(file: Path, content: bytes) -> None:
    """Write over a file in place, as rot does: same inode, same mode, same times."""
    stat = file.stat()
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.write(content)
        stream.truncate()
    file.chmod(stat.st_mode)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def check(kept: Kept, remote: Store | None = None, *, look: bool = True, **options: Any) -> Report:
    """`fsck` of the repository and, if given, the remote."""
    give = (lambda: remote) if remote is not None else None
    look = look and remote is not None
    return Fsck(kept.root, kept.cache, give, look_remotely=look, **options).run()


def _keep(kept: Kept, content: bytes, suffix: str) -> str:
    oid = hashlib.md5(content).hexdigest() + suffix
    kept.objects[oid] = content
    file = file_of(kept.cache, oid)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o444)
    return oid


def _place(kept: Kept, path: str, oid: str, *, linked: bool) -> None:
    target = kept.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if linked:
        os.link(file_of(kept.cache, oid), target)
    else:
        target.write_bytes(kept.objects[oid])


def _is(file: Path, content: bytes) -> bool:
    return file.is_file() and file.read_bytes() == content
