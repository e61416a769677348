"""One side of a comparison: the params, lock and metrics that a revision has.

Whatever cannot be read is left out and named in `notes`; a broken file of one side never stops the comparison.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from padstal.core.dvc_lock import LockedStage, mapping, read_yaml, readable_stages
from padstal.core.revisions import Tree
from padstal.reporting.comparison.record import Revision


@dataclass(frozen=True)
class Side:
    """What one revision says of itself at one scale.

    Attributes:
        params: `params.yaml`; empty if missing or broken.
        stages: The stages of `dvc.lock`.
        metrics: `reports/<scale>/metrics/*.json` by file name without ending.
        notes: What is missing or broken, one sentence each.
    """

    revision: Revision
    params: Mapping[str, Any]
    stages: Mapping[str, LockedStage]
    metrics: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        return self.metrics.get("evaluate", {})


def active_scale(tree: Tree) -> str:
    """The scale that a revision's `params.yaml` makes active; "" if there is none."""
    scale = mapping(read_yaml(tree.read("params.yaml"))).get("scale")
    return scale if isinstance(scale, str) else ""


def read_side(tree: Tree, scale: str) -> Side:
    """A revision at `scale`."""
    params, stages = mapping(read_yaml(tree.read("params.yaml"))), readable_stages(tree.read("dvc.lock"))
    found, folder = {"params.yaml": params, "dvc.lock": stages}, f"reports/{scale}/metrics"
    notes = [f"{tree.name} has no readable {name}." for name, content in found.items() if not content]
    files = {
        path.rpartition("/")[2].removesuffix(".json"): _json(tree.read(path)) for path in tree.files(folder, ".json")
    }
    if broken := sorted(name for name, content in files.items() if content is None):
        notes.append(f"{tree.name}: no JSON in {', '.join(broken)} of {folder}.")
    if not files:
        notes.append(f"{tree.name} has no metrics at scale {scale}: its figures are missing below.")
    elif files.get("evaluate") is None:
        notes.append(f"{tree.name} was not evaluated at scale {scale}.")
    metrics = {name: content for name, content in files.items() if content is not None}
    revision = Revision(tree.name, tree.commit, tree.changed)
    return Side(revision, params, stages, metrics, tuple(notes))


def either(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    """Keys of both sides, in the order of the last side, then what only the first has."""
    return list(dict.fromkeys([*after, *before]))


def _json(text: bytes | None) -> Mapping[str, Any] | None:
    """The object that a file holds; `None` for what is none."""
    try:
        content = json.loads(text or b"")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, Mapping) else None
