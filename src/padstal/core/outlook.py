"""Where a run stands: "stage 7 of 23", and the time left by what stages took here last, else by their budgets."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from padstal.core.data.atomic import read_json, write_json
from padstal.core.params import read_yaml
from padstal.core.paths import Paths


def outlook(root: Path, label: str) -> str:
    """ "stage 7 of 23; about 12 min left if all that follow run" for the stage `label` ("train_vae@tal").

    Empty where `root` is no DVC repository or its pipeline has no such stage.
    """
    stages = stages_in_order(root)
    if label not in stages:
        return ""
    place = stages.index(label)
    left = time_left(root, stages[place:])
    return f"stage {place + 1} of {len(stages)}" + (f"; {left} left if all that follow run" if left else "")


def stages_in_order(root: Path) -> list[str]:
    """All stages of `dvc.yaml`, in the order in which DVC runs them; [] where DVC cannot say.

    DVC takes more than a second to say so, so its answer is kept in `.state` until `dvc.yaml` or `params.yaml` changes.
    """
    if not (root / ".dvc").is_dir():
        return []
    written = b"".join((root / name).read_bytes() for name in ("dvc.yaml", "params.yaml"))
    digest = hashlib.sha256(written).hexdigest()
    file = root / ".state" / "stages.json"
    try:
        kept = read_json(file)
        if kept["of"] == digest:
            return list(kept["stages"])
    except (OSError, ValueError, KeyError, TypeError):
        pass

    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import plan_repro

    try:
        with Repo(str(root)) as repo:
            stages = [stage.name for stage in plan_repro(repo.index.graph)]
    except DvcException:  # who runs the stage says what is wrong with the pipeline
        return []
    write_json(file, {"of": digest, "stages": stages})
    return stages


def time_left(root: Path, stages: Sequence[str]) -> str:
    """ "about 12 min" for these stages; "" where some have neither run here nor a budget."""
    if not (root / "params.yaml").is_file():
        return ""
    tree = read_yaml(root / "params.yaml")
    paths = Paths(root, tree["scale"])
    budget = tree.get("scales", {}).get(paths.scale, {}).get("budget", {})
    seconds = 0.0
    for label in stages:
        stage, _, item = label.partition("@")
        try:
            seconds += json.loads(paths.timing(stage, item or None).read_text(encoding="utf-8"))["wall_seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            if stage not in budget:
                return ""
            seconds += budget[stage]
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {seconds:.0f} s"
