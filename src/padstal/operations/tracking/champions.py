"""Which models are promoted, by git's tags; their content is what `dvc.lock` says at a tag's commit."""

import sys
from pathlib import Path

from padstal.core.git import succeeds
from padstal.core.promotion_tags import promotion_tags
from padstal.core.revisions import open_tree
from padstal.operations.tracking.artefact import Artefact, artefact
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.operations.tracking.server import Server, brief

STAGE = "champion"


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
    for one in promotion_tags(root) if succeeds(root, "rev-parse", "--git-dir") else ():
        if one.current and one.stage == STAGE and (out := open_tree(root, one.commit).outs().get(one.path)):
            found[one.model] = artefact(out)
    return found
