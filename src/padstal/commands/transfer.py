"""`padstal pull` and `padstal push`: DVC's own, with patience, and with words where DVC has none.

DVC refuses wrong bytes (`verify`), but names neither the object nor what to do, and with `--allow-missing` says nothing
at all. So what did not come is looked up afterwards, and what did not arrive too.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from padstal.ingest.s3.errors import CredentialsError, Patience, StoreError
from padstal.operations.integrity.locations import Folder, Place
from padstal.operations.integrity.missing import Lacks, corrupt, lacks, length
from padstal.operations.integrity.objects import key_of
from padstal.operations.integrity.remotes import Config, read_config, remote_of
from padstal.operations.integrity.required import Need

ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60.0
SHOWN = 10
DVC_ARGUMENTS = {"pull": ("--run-cache", "--allow-missing"), "push": ("--run-cache",)}


@dataclass(frozen=True)
class Wish:
    """What the command line asks for: the direction, stages or paths (none for all), a remote ("" for the default)."""

    way: Literal["pull", "push"]
    targets: tuple[str, ...] = ()
    remote: str = ""


def run(root: Path, wish: Wish, *, first_wait_seconds: float = 5.0) -> int:
    """Run DVC, again while the store is busy, and say what is wrong; 1 if something is.

    Raises:
        FileNotFoundError: No DVC repository here, or no dvc.lock.
        ValueError: No such remote; it refuses us; or it does not answer.
    """
    config = read_config(root)
    cache = Folder(config.cache, "cache")
    wait = first_wait_seconds
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        code = _dvc(root, wish)
        try:
            remote = remote_of(config, wish.remote, patience=Patience(4, 4.0, threading.Event()))
            found = lacks(root, cache, remote, wish.targets)
            again, said = _left(wish, cache, remote, found)
        except CredentialsError as error:
            raise ValueError(str(error)) from error
        except StoreError as error:
            again, said = True, str(error)
        if not again:
            print(said or _absent(wish, config, found), end="\n" if said else "")
            return 1 if said or code else 0
        if attempt < ATTEMPTS:
            print(f"{wish.way}: {said}; again in {wait:.0f} s", file=sys.stderr)
            threading.Event().wait(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    raise ValueError(f"{wish.way}: {said} (tried {ATTEMPTS} times; what came is kept, so try again later)")


def _dvc(root: Path, wish: Wish) -> int:
    remote = ("--remote", wish.remote) if wish.remote else ()
    command = [sys.executable, "-m", "dvc", wish.way, *DVC_ARGUMENTS[wish.way], *remote, *wish.targets]
    return subprocess.run(command, cwd=root).returncode


def _left(wish: Wish, cache: Folder, remote: Place, found: Lacks) -> tuple[bool, str]:
    """Whether another try can help, and what is wrong."""
    if wish.way == "push":
        late = [need for need in found.absent if need not in found.elsewhere]
        half = [need for need in late if need.out.md5 in found.there]
        if half:  # DVC remembers that it sent the folder, and does not look again
            return False, (
                f"{remote.name} lacks {_names(half)} of folders whose lists it has, and DVC takes those for whole: "
                "`padstal fsck --remote --repair` sends them"
            )
        return bool(late), f"{len(late)} objects did not arrive" if late else ""
    here = [need for need in found.named if need.oid in found.there and length(cache, need.oid) is None]
    wrong = corrupt(remote, here, found.there)
    if wrong:
        return False, "\n".join(_refused(remote, need, md5) for need, md5 in wrong)
    return bool(here), f"{len(here)} objects did not come" if here else ""


def _refused(remote: Place, need: Need, md5: str) -> str:
    return (
        f"{need.path} ({need.out.stage}): refused: {remote.name} holds other bytes under {key_of(need.oid)}: "
        f"their MD5 is {md5}. In a clone that has the right ones, `padstal fsck --remote --repair` mends it; "
        f"if none has, `dvc repro -s -f {need.out.stage}` makes them again, then the same"
    )


def _absent(wish: Wish, config: Config, found: Lacks) -> str:
    """What neither side has, where that matters."""
    if wish.way == "push" or not found.elsewhere:
        return ""
    name = wish.remote or config.default
    return f"not in the remote {name}, so left for `dvc repro` to make: {_names(found.elsewhere)}\n"


def _names(needs: Sequence[Need]) -> str:
    paths = [need.path for need in needs]
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
