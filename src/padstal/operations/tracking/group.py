"""Which runs belong together: all stages of one run of the pipeline share one group.

Whoever starts a pipeline run may name it in `PADSTAL_RUN_GROUP`. On the branch of a retraining, whose stages are
committed one by one by more than one machine, the branch names it. Otherwise the group is made of the revision and of
the active scale's params. So stages that DVC starts one by one, and a run that was killed and goes on, agree without
talking to each other.
"""

import hashlib
import json
import os
import re
from pathlib import Path

from padstal.core.git import try_git
from padstal.core.params import ParamsError, read_yaml
from padstal.core.secrets import redact

GROUP = "PADSTAL_RUN_GROUP"
RETRAINING = "retrain/"
"""How the branches begin that retrainings work on."""
LONGEST = 128
"""Characters; W&B takes no longer name."""
GIT_SECONDS = 10.0
"""A stage does not wait longer for the name of its group."""


def run_group(root: Path) -> str:
    """The group of runs of the repository at `root`: named, of a branch, or "<revision>-<digest of the params>"."""
    name = os.environ.get(GROUP, "").strip() or _retraining(root)
    named = re.sub(r"[^\w.@+-]", "-", redact(name))[:LONGEST]
    return named or f"{revision(root)[:12] or 'no-revision'}-{params_digest(root)[:8]}"


def _retraining(root: Path) -> str:
    """The branch, where it is a retraining's."""
    branch = try_git(root, "branch", "--show-current", timeout_seconds=GIT_SECONDS)
    return branch if branch.startswith(RETRAINING) else ""


def revision(root: Path) -> str:
    """The commit that the repository at `root` is at; "" without one."""
    return try_git(root, "rev-parse", "--verify", "--quiet", "HEAD", timeout_seconds=GIT_SECONDS)


def params_digest(root: Path) -> str:
    """SHA-256 of the active scale's params: comments, other scales and where runs are recorded do not count."""
    try:
        tree = read_yaml(root / "params.yaml")
        active = tree["scale"], tree["scales"][tree["scale"]]
    except (ParamsError, OSError, KeyError, TypeError):
        return "no-params"
    return hashlib.sha256(json.dumps(active, sort_keys=True, default=str).encode()).hexdigest()
