"""One side of a comparison: the params, lock, metrics and timings that a revision has, each checked to be what it says.

Whatever cannot be read is left out and named in `notes`; a broken file of one side never stops the comparison.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.core.dvc_lock import LockedStage, read_yaml, readable_stages
from padstal.reporting.comparison.record import Revision

MOST_LEAVES = 20_000
"""Values of one file that are looked at; YAML's aliases can make a small file huge."""
DEEPEST = 20
Read = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Side:
    """What one revision says of itself at one scale.

    Attributes:
        active: The scale that its `params.yaml` makes active; "" if that cannot be read.
        params: `params.yaml`; empty if missing or broken.
        stages: The stages of `dvc.lock`.
        metrics: `reports/<scale>/metrics/*.json` by file name without ending.
        timings: `reports/<scale>/local/timings/*.json`, which only a workspace has.
        notes: What is missing or broken, one sentence each.
    """

    revision: Revision
    active: str
    params: Mapping[str, Any]
    stages: Mapping[str, LockedStage]
    metrics: Mapping[str, Mapping[str, Any]]
    timings: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        return self.metrics.get("evaluate", {})


def active_scale(read: Read) -> str:
    """The scale that a revision's `params.yaml` makes active; "" if there is none."""
    scale = mapping(read_yaml(read("params.yaml"))).get("scale")
    return scale if isinstance(scale, str) else ""


def read_side(revision: Revision, scale: str, read: Read, files: Callable[[str, str], Sequence[str]]) -> Side:
    """A revision at `scale`; `read` gives a file's content and `files` the paths in a folder that have an ending."""
    notes: list[str] = []
    params, stages = mapping(read_yaml(read("params.yaml"))), readable_stages(read("dvc.lock"))
    notes += [
        f"{revision.name} has no readable {name}."
        for name, found in (("params.yaml", params), ("dvc.lock", stages))
        if not found
    ]
    metrics = _folder(f"reports/{scale}/metrics", read, files)
    broken = sorted(name for name, content in metrics.items() if content is None)
    if broken:
        notes.append(f"{revision.name}: no JSON in {', '.join(broken)} of reports/{scale}/metrics.")
    if not metrics:
        notes.append(f"{revision.name} has no metrics at scale {scale}: its figures are missing below.")
    elif not isinstance(metrics.get("evaluate"), Mapping):
        notes.append(f"{revision.name} was not evaluated at scale {scale}.")
    timings = _folder(f"reports/{scale}/local/timings", read, files).values()
    return Side(
        revision=revision,
        active=active_scale(read),
        params=params,
        stages=stages,
        metrics={name: content for name, content in metrics.items() if content is not None},
        timings=tuple(content for content in timings if content is not None),
        notes=tuple(notes),
    )


def leaves(node: Any) -> list[tuple[str, Any]]:
    """(key path, value) of every leaf, in order; at most `MOST_LEAVES`, nothing deeper than `DEEPEST`."""
    found: list[tuple[str, Any]] = []
    for pair in _leaves(node, "", 0):
        found.append(pair)
        if len(found) == MOST_LEAVES:
            break
    return found


def figure(value: Any) -> float | None:
    """`value` if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def around(found: Any) -> tuple[float, ...]:
    """(low, high) of an interval; empty if it is none."""
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
        return ()
    ends = tuple(end for end in map(figure, found) if end is not None)
    return ends if len(ends) == 2 and ends[0] <= ends[1] else ()


def mapping(node: Any) -> Mapping[str, Any]:
    """`node` if it is a mapping, else an empty one."""
    return node if isinstance(node, Mapping) else {}


def _leaves(node: Any, at: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth < DEEPEST and isinstance(node, Mapping) and node:  # each way ends in a leaf, so that leaves bound the work
        for key, item in node.items():
            yield from _leaves(item, f"{at}.{key}" if at else str(key), depth + 1)
    elif depth < DEEPEST and isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        for place, item in enumerate(node, 1):
            yield from _leaves(item, f"{at}.{place}", depth + 1)
    else:
        yield at, node


def _folder(folder: str, read: Read, files: Callable[[str, str], Sequence[str]]) -> dict[str, Mapping[str, Any] | None]:
    found = {}
    for path in list(files(folder, ".json"))[:200]:
        name = path.rpartition("/")[2].removesuffix(".json")
        found[name] = _json(read(path))
    return found


def _json(content: bytes | None) -> Mapping[str, Any] | None:
    try:
        tree = json.loads(content or b"")
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, Mapping) else None
