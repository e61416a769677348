"""Which models are promoted, by git's tags (GTO's convention): `MODEL#champion#N` stands at a commit, the last N rules.

The model's path is what `artifacts:` of `dvc.yaml` says at that commit, its content what `dvc.lock` says there.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from padstal.core.revisions import Tree, open_tree
from padstal.operations.tracking.artefact import Artefact
from padstal.operations.tracking.locked import read_lock

STAGE = "champion"
_TAG = re.compile(rf"(?P<model>[^#@\s]+)#{STAGE}#(?P<number>\d+)")


def champions(root: Path) -> dict[str, Artefact]:
    """Model → the content that its newest champion tag stands for; a model that cannot be resolved is left out."""
    found = {}
    for model, tag in _tags(root).items():
        artefact = _content(open_tree(root, f"refs/tags/{tag}"), model)
        if artefact is not None:
            found[model] = artefact
    return found


def _tags(root: Path) -> dict[str, str]:
    command = ["git", "for-each-ref", "--format=%(refname:strip=2)", "refs/tags"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    newest: dict[str, tuple[int, str]] = {}
    for tag in done.stdout.split():
        named = _TAG.fullmatch(tag)
        if named:
            newest[named["model"]] = max(newest.get(named["model"], (-1, "")), (int(named["number"]), tag))
    return {model: tag for model, (_, tag) in sorted(newest.items())}


def _content(tree: Tree, model: str) -> Artefact | None:
    try:
        dvc, params = (yaml.safe_load(tree.read(name) or b"") or {} for name in ("dvc.yaml", "params.yaml"))
        path = str(dvc["artifacts"][model]["path"])
    except (yaml.YAMLError, KeyError, TypeError):
        return None
    path = _filled(path, params)
    stages = read_lock(tree.read("dvc.lock") or b"")
    return next((one for stage in stages for one in stage.outputs if one.path == path), None)


def _filled(path: str, params: Mapping[str, Any]) -> str:
    """`path` with the scale of that commit."""
    return path.replace("${scale}", str(params.get("scale", "")))
