"""One side of a comparison: the params, lock and metrics that a revision has.

Whatever cannot be read is left out and named in `notes`; a broken file of one side never stops the comparison.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.core.dvc_lock import LockedStage, mapping, read_yaml, readable_stages
from padstal.core.revisions import Tree
from padstal.reporting.comparison.record import Revision
from padstal.reporting.text import finite


@dataclass(frozen=True)
class Side:
    """What one revision says of itself at one scale.

    Attributes:
        active: The scale that its `params.yaml` makes active; "" if that cannot be read.
        params: `params.yaml`; empty if missing or broken.
        stages: The stages of `dvc.lock`.
        metrics: `reports/<scale>/metrics/*.json` by file name without ending.
        notes: What is missing or broken, one sentence each.
    """

    revision: Revision
    active: str
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
    notes = [
        f"{tree.name} has no readable {name}."
        for name, found in (("params.yaml", params), ("dvc.lock", stages))
        if not found
    ]
    metrics = _folder(f"reports/{scale}/metrics", tree)
    broken = sorted(name for name, content in metrics.items() if content is None)
    if broken:
        notes.append(f"{tree.name}: no JSON in {', '.join(broken)} of reports/{scale}/metrics.")
    if not metrics:
        notes.append(f"{tree.name} has no metrics at scale {scale}: its figures are missing below.")
    elif not isinstance(metrics.get("evaluate"), Mapping):
        notes.append(f"{tree.name} was not evaluated at scale {scale}.")
    return Side(
        revision=Revision(tree.name, tree.commit, tree.changed),
        active=active_scale(tree),
        params=params,
        stages=stages,
        metrics={name: content for name, content in metrics.items() if content is not None},
        notes=tuple(notes),
    )


def leaves(node: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """(key path, value) of every leaf, in order."""
    if isinstance(node, Mapping) and node:
        for key, item in node.items():
            yield from leaves(item, f"{at}.{key}" if at else str(key))
    elif isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        for place, item in enumerate(node, 1):
            yield from leaves(item, f"{at}.{place}")
    else:
        yield at, node


def either(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    """Keys of both sides, in the order of the last side, then what only the first has."""
    return list(dict.fromkeys([*after, *before]))


def figure(value: Any) -> float | None:
    """`value` if it is a finite number."""
    return float(value) if finite(value) else None


def around(found: Any) -> tuple[float, ...]:
    """(low, high) of an interval; empty if it is none."""
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
        return ()
    ends = tuple(end for end in map(figure, found) if end is not None)
    return ends if len(ends) == 2 and ends[0] <= ends[1] else ()


def _folder(folder: str, tree: Tree) -> dict[str, Mapping[str, Any] | None]:
    """JSON files by name without ending; `None` for what is no JSON object."""
    found: dict[str, Mapping[str, Any] | None] = {}
    for path in tree.files(folder, ".json"):
        try:
            content = json.loads(tree.read(path) or b"")
        except (ValueError, RecursionError):
            content = None
        found[path.rpartition("/")[2].removesuffix(".json")] = content if isinstance(content, Mapping) else None
    return found
