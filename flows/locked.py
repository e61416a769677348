"""What `dvc.lock` says by itself, when the data that it names need not be here."""

from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""`dvc.lock` is long, and libyaml ten times as fast."""


def read_lock(root: Path) -> dict[str, Any]:
    """Stage → its entry in the `dvc.lock` of the repository at `root`; nothing where there is none."""
    file = root / "dvc.lock"
    if not file.exists():
        return {}
    stages: dict[str, Any] = (yaml.load(file.read_bytes(), _LOADER) or {}).get("stages", {})
    return stages


def changed_deps(locked: dict[str, Any], stage: str) -> list[str]:
    """Dependencies of a stage that another stage has written anew since it ran.

    `dvc repro --single-item --allow-missing` takes a dependency that is not here for unchanged, whatever its own record
    of the stage that writes it says.
    """
    written = {out["path"]: out.get("md5") for entry in locked.values() for out in entry.get("outs", [])}
    deps = locked.get(stage, {}).get("deps", [])
    return [dep["path"] for dep in deps if dep["path"] in written and written[dep["path"]] != dep.get("md5")]
