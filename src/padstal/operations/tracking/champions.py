"""Which models are promoted, by git's tags; their content is what `dvc.lock` says at a tag's commit."""

from pathlib import Path

from padstal.core.dvc_lock import LockedPath
from padstal.core.git import succeeds
from padstal.core.promotion_tags import promotion_tags
from padstal.core.revisions import open_tree

STAGE = "champion"


def champions(root: Path) -> dict[str, LockedPath]:
    """Model → the content that its newest champion tag stands for; a model that cannot be resolved is left out."""
    found = {}
    for one in promotion_tags(root) if succeeds(root, "rev-parse", "--git-dir") else ():
        if one.current and one.stage == STAGE and (out := open_tree(root, one.commit).outs().get(one.path)):
            found[one.model] = out
    return found
