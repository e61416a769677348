"""What DVC would say of two revisions: params that differ, stages that ran again and why, models with other bytes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from padstal.core.dvc_lock import LockedPath, LockedStage, outs_of
from padstal.reporting.comparison.record import Change, Count, Output, StageChange
from padstal.reporting.comparison.side import Side, leaves, mapping

_FLOAT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")
_LONGEST = 1_000


def params(base: Side, head: Side, scale: str) -> list[Change]:
    """Params of the compared scale that differ, as flat keys ("train_vae.tal.training.steps")."""
    sides = [_flat(mapping(side.params.get("scales")).get(scale)) for side in (base, head)]
    return _changes(*sides)[:2_000]


def inactive(base: Side, head: Side, scale: str) -> list[Count]:
    """How many params differ elsewhere: other scales, and the sections that no stage depends on."""
    names: dict[str, list[dict[str, str]]] = {}
    for place, side in enumerate((base, head)):
        others = {f"scale {name}": node for name, node in mapping(side.params.get("scales")).items() if name != scale}
        shared = {str(name): node for name, node in side.params.items() if name != "scales"}
        for name, node in {**shared, **others}.items():
            names.setdefault(name, [{}, {}])[place] = _flat(node)
    found = [(name, len(_changes(*sides))) for name, sides in names.items()]
    return [Count(name[:300], None, float(count)) for name, count in found if count][:50]


def stages(base: Side, head: Side) -> list[StageChange]:
    """Stages whose lock differs, in HEAD's order."""
    found = []
    for name in dict.fromkeys([*head.stages, *base.stages]):
        before, after = base.stages.get(name), head.stages.get(name)
        if before is None or after is None:
            found.append(StageChange(name[:300], "new" if before is None else "gone", (), ()))
            continue
        because, outputs = _because(before, after), _differing(before.outs, after.outs)
        if because or outputs:
            found.append(StageChange(name[:300], "changed", tuple(because[:100]), tuple(outputs[:100])))
    return found[:200]


def stale(side: Side) -> list[str]:
    """Stages whose params in `dvc.lock` are not those of `params.yaml`."""
    found = []
    for name, stage in side.stages.items():
        locked = stage.params.get("params.yaml", {})
        if any(_flat(_at(side.params, str(key))) != _flat(value) for key, value in locked.items()):
            found.append(name[:300])
    return found[:200]


def outputs(base: Side, head: Side, scale: str) -> list[Output]:
    """Models and the curated data set, by MD5; those that differ first."""
    before, after = (outs_of(side.stages) for side in (base, head))
    wanted = (f"models/{scale}/", f"data/{scale}/curate", f"data/{scale}/ingest")
    paths = [path for path in dict.fromkeys([*after, *before]) if path.startswith(wanted)]
    found = [
        Output(path[:300], *(side[path].md5 if path in side else "" for side in (before, after))) for path in paths
    ]
    return sorted(found, key=lambda output: output.base == output.head)[:500]


def scales(side: Side) -> frozenset[str]:
    """Scales whose outputs `dvc.lock` has."""
    paths = (path.split("/") for path in outs_of(side.stages))
    return frozenset(parts[1] for parts in paths if len(parts) > 2 and parts[0] in ("data", "models"))


def _flat(node: Any) -> dict[str, str]:
    return {key[:300]: _text(value) for key, value in leaves(node)} if node is not None else {}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    keys = dict.fromkeys([*after, *before])
    return [Change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _text(value: Any) -> str:
    """A param as YAML has it; long texts cut."""
    if isinstance(value, list | tuple):
        # A list that holds itself (YAML's anchors allow it) ends at the first level.
        items = [("…" if isinstance(item, list | dict) else _text(item)) for item in value[:100]]
        return ("[" + ", ".join(items) + "]")[:_LONGEST]
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        value = float(value)  # DVC writes 1e-05, which YAML 1.1 takes for a text
    if isinstance(value, float):
        return f"{value:.12g}"
    return ("{…}" if isinstance(value, Mapping) else str(value))[:_LONGEST]


def _because(before: LockedStage, after: LockedStage) -> list[str]:
    """Why a stage ran again: its command, its code, its data, its params."""
    told = [] if before.command == after.command else ["its command"]
    changed = _differing(before.deps, after.deps)
    told += [f"code: {path}" for path in changed if path.startswith(("src/", "flows/"))]
    told += [f"data: {path}" for path in changed if not path.startswith(("src/", "flows/"))]
    sides = [_flat(stage.params.get("params.yaml")) for stage in (before, after)]
    return told + [f"param: {change.key}" for change in _changes(*sides)]


def _differing(before: Iterable[LockedPath], after: Iterable[LockedPath]) -> list[str]:
    ours, theirs = ({one.path: one.md5 for one in side} for side in (before, after))
    return [path[:300] for path in dict.fromkeys([*theirs, *ours]) if ours.get(path) != theirs.get(path)]


def _at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = mapping(tree).get(key)
    return tree
