"""`padstal pull` and `padstal push`: DVC's own, with patience, and with words where DVC has none.

DVC refuses wrong bytes (`verify`), but names neither the object nor what to do, and with `--allow-missing` says nothing
at all. So what did not come is looked up afterwards, and what did not arrive too.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from padstal.core.dvc_objects import digits, key_of
from padstal.core.params import read_yaml
from padstal.operations.integrity.fsck import remake
from padstal.operations.integrity.lock_repair import guard_lock
from padstal.operations.integrity.remotes import (
    RefusedError,
    RemoteError,
    Store,
    cache_of,
    default_remote,
    read_config,
    remote_of,
)
from padstal.operations.integrity.required import Missing, RequiredObject, find_missing, first, outs_in

ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60.0
SHOWN = 10
DVC_ARGUMENTS = {"pull": ("--run-cache", "--allow-missing"), "push": ("--run-cache",)}
Way = Literal["pull", "push"]


def run(root: Path, way: Way, targets: Sequence[str] = (), name: str = "", *, first_wait_seconds: float = 5.0) -> int:
    """Run DVC, again while the store is busy, and say what is wrong; 1 if something is.

    Args:
        root: The repository.
        way: The direction.
        targets: Stages, also as DVC's `dvc.yaml:STAGE`, or paths; none for all.
        name: Of a remote; "" for the default one.
        first_wait_seconds: Before the second try; it doubles with each further one.

    Raises:
        FileNotFoundError: No DVC repository here, or no dvc.lock.
        ParamsError: No params.yaml, or it names no scale; DVC would take its stages from it.
        ValueError: No such remote; it refuses us; or it does not answer.
    """
    config = read_config(root)
    read_yaml(root / "params.yaml")
    targets = [os.path.relpath(root / target.removeprefix("dvc.yaml:"), root) for target in targets]
    guard_lock(root)
    cache = cache_of(config)
    remote = remote_of(config, name)
    wait = first_wait_seconds
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        code = _dvc(root, way, targets, name)
        try:
            found = find_missing(root, cache, remote, targets)
            again, said = _left(way, cache, remote, found)
        except RefusedError:
            raise
        except RemoteError as error:
            again, said = True, str(error)
        if not again:
            nowhere = _nowhere(way, name or default_remote(config), found)
            for line in filter(None, (said, nowhere)):
                print(line)
            return 1 if code or said or (nowhere and (targets or way == "push")) else 0
        if attempt < ATTEMPTS:
            print(f"{way}: {said}; again in {wait:.0f} s", file=sys.stderr)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    raise ValueError(f"{way}: {said} (tried {ATTEMPTS} times; what came is kept, so try again later)")


def _dvc(root: Path, way: Way, targets: Sequence[str], name: str) -> int:
    remote = ("--remote", name) if name else ()
    stages = {stage for out in outs_in(root) for stage in (out.stage, out.stage.partition("@")[0])}
    targets = sorted(targets, key=lambda target: target in stages)  # DVC 3.67 drops a path behind a stage
    command = [sys.executable, "-m", "dvc", way, *DVC_ARGUMENTS[way], *remote, *targets]
    return subprocess.run(command, cwd=root).returncode


def _left(way: Way, cache: Store, remote: Store, found: Missing) -> tuple[bool, str]:
    """Whether another try can help, and what is wrong."""
    if way == "push":
        late = [item for item in found.absent if item not in found.elsewhere]
        half = [item for item in late if item.out.md5 in found.there]
        for item in half:  # DVC takes a folder whose list is there for whole, and does not look again
            remote.add(item.oid, cache.fs, cache.path(key_of(item.oid)))
        left = len(late) - len(half)
        return bool(left), f"{left} objects did not arrive" if left else ""
    here = [item for item in found.named if item.oid in found.there and not cache.holds(item.oid)]
    md5s = {item.oid: remote.md5(key_of(item.oid)) for item in here}
    wrong = [item for item in here if md5s[item.oid] != digits(item.oid)]
    if wrong:
        return False, "\n".join(_refused(remote, item, md5s[item.oid]) for item in wrong)
    return bool(here), f"{len(here)} objects did not come: {_names(here)}" if here else ""


def _refused(remote: Store, item: RequiredObject, md5: str) -> str:
    return (
        f"{item.path} ({item.out.stage}): refused: {remote.name} holds other bytes under {key_of(item.oid)}: "
        f"their MD5 is {md5}. In a clone that has the right ones, `padstal fsck --remote --repair` mends it; "
        f"if none has, {remake(item.out.stage)} makes them again, then the same"
    )


def _nowhere(way: Way, name: str, found: Missing) -> str:
    """What neither side has: a fault of a push, and of a pull that asked for it by name."""
    if not found.elsewhere:
        return ""
    if way == "pull":
        return f"not in the remote {name}, so left for `dvc repro` to make: {_names(found.elsewhere)}"
    stages = list(dict.fromkeys(item.out.stage for item in found.elsewhere))
    return (
        f"not pushed, since neither this cache nor the remote {name} has them: {_names(found.elsewhere)}; "
        f"make them again, then push: `dvc repro {' '.join(stages)}`"
    )


def _names(required: Sequence[RequiredObject]) -> str:
    return first((item.path for item in required), SHOWN)
