"""Lineage in Prefect: an event for each output that a stage wrote, `dvc://REPOSITORY/PATH`, with what it came from.

These are the events that `prefect.assets` emits, with DVC's hash and the commit; Prefect's asset pages read them.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from prefect.events import emit_event

from padstal.core.dvc_lock import LockedStage, outs_of, stages_here
from padstal.core.git import try_git
from padstal.core.secrets import without_user

MATERIALISED = "prefect.asset.materialization.succeeded"
DATA = ("data/", "models/", "reports/")
"""Where artefacts lie; other dependencies of a stage are code."""


def tell_assets(root: Path, stages: Sequence[str]) -> None:
    """Emit an event for each output of `stages`, as `dvc.lock` of the repository at `root` has it."""
    if not stages:
        return
    locked = stages_here(root)
    name, commit = repository_name(root), try_git(root, "rev-parse", "--verify", "-q", "HEAD")
    for entry in (locked[stage] for stage in stages if stage in locked):
        came_from = [dep.path for dep in entry.deps if _is_data(dep.path, locked)]
        for out in entry.outs:
            emit_event(
                event=MATERIALISED,
                resource={"prefect.resource.id": key(name, out.path), "prefect.resource.name": out.path},
                related=[
                    *({"prefect.resource.id": key(name, dep), "prefect.resource.role": "asset"} for dep in came_from),
                    {"prefect.resource.id": "dvc", "prefect.resource.role": "asset-materialized-by"},
                ],
                payload={"stage": entry.name, "md5": out.md5, "commit": commit},
            )


def key(repository: str, path: str) -> str:
    """Name of an artefact among Prefect's assets."""
    return f"dvc://{repository}/{path}"


def repository_name(root: Path) -> str:
    """Last part of `origin`'s address, without `.git`; the folder's name where there is no `origin`."""
    address = without_user(try_git(root, "config", "--get", "remote.origin.url")) or str(root)
    name = PurePosixPath(urlsplit(address).path.rstrip("/")).name.removesuffix(".git")
    return re.sub(r"[^\w.-]", "-", name)


def _is_data(path: str, locked: dict[str, LockedStage]) -> bool:
    """Whether a dependency is an artefact: in one of the folders for them, or some stage's output."""
    return path.startswith(DATA) or path in outs_of(locked)
