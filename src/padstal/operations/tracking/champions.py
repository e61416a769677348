"""Which models are promoted, by git's tags (GTO's convention): `MODEL#champion#N` stands at a commit, the last N rules.

The model's path is what `artifacts:` of `dvc.yaml` says at that commit, its content what `dvc.lock` says there.
"""

import re
import sys
from pathlib import Path

from padstal.core.dvc_lock import artifact_paths
from padstal.core.git import try_git
from padstal.core.revisions import Tree, open_tree
from padstal.operations.tracking.artefact import Artefact, artefact
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.operations.tracking.server import Server, brief

STAGE = "champion"
_TAG = re.compile(rf"(?P<model>[^#@\s]+)#{STAGE}#(?P<number>\d+)")


def name_champion(model: Artefact, version: str, *, mode: str, project: str, entity: str | None = None) -> bool:
    """Give a promoted model's version at W&B the aliases "champion" and `version`; whether that was done.

    A courtesy: only where tracking is online, and whatever fails is a warning.

    Args:
        model: As `dvc.lock` has it.
        version: "v1.2.0".
        mode, project, entity: Where runs are recorded (`tracking` in params).
    """
    if mode != "online" or wandb_credentials() is None:
        return False
    try:
        server = Server(project, entity)
        if None not in [server.name(model, alias) for alias in (STAGE, version)]:
            return True
        why = f"no version of {model.collection} holds {model.md5}"
    except Exception as error:  # the promotion stands whatever W&B says
        why = brief(error)
    print(f"promote: W&B alias: {why}; the promotion stands", file=sys.stderr, flush=True)
    return False


def champions(root: Path) -> dict[str, Artefact]:
    """Model → the content that its newest champion tag stands for; a model that cannot be resolved is left out."""
    found = {}
    for model, tag in _tags(root).items():
        content = _content(open_tree(root, f"refs/tags/{tag}"), model)
        if content is not None:
            found[model] = content
    return found


def _tags(root: Path) -> dict[str, str]:
    newest: dict[str, tuple[int, str]] = {}
    for tag in try_git(root, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags").split():
        named = _TAG.fullmatch(tag)
        if named:
            newest[named["model"]] = max(newest.get(named["model"], (-1, "")), (int(named["number"]), tag))
    return {model: tag for model, (_, tag) in sorted(newest.items())}


def _content(tree: Tree, model: str) -> Artefact | None:
    path = artifact_paths(tree.read("dvc.yaml"), tree.read("params.yaml")).get(model, "")
    found = tree.outs().get(path)
    return None if found is None else artefact(found)
