"""What DVC would say of two revisions: params that differ, stages that ran again and why, models with other bytes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from padstal.core.dvc_lock import LockedPath, LockedStage, mapping
from padstal.reporting.checks_view import leaves, value_at
from padstal.reporting.comparison.record import Change, StageChange
from padstal.reporting.comparison.side import Side, either


def params(base: Side, head: Side, scale: str) -> list[Change]:
    """Params of the compared scale that differ, as flat keys ("train_vae.tal.training.steps")."""
    return _changes(*(_flat(mapping(mapping(side.params.get("scales")).get(scale))) for side in (base, head)))


def stages(base: Side, head: Side) -> list[StageChange]:
    """Stages whose lock differs, in HEAD's order."""
    found = []
    for name in either(base.stages, head.stages):
        before, after = base.stages.get(name), head.stages.get(name)
        if before is None or after is None:
            found.append(StageChange(name, "new" if before is None else "gone", (), ()))
            continue
        because, outputs = _because(before, after), _differing(before.outs, after.outs)
        if because or outputs:
            found.append(StageChange(name, "changed", tuple(because), tuple(outputs)))
    return found


def stale(side: Side) -> list[str]:
    """Stages whose params in `dvc.lock` are not those of `params.yaml`."""
    return [
        name
        for name, stage in side.stages.items()
        for locked in [stage.params.get("params.yaml", {})]
        if any(_flat(value_at(side.params, str(key))) != _flat(value) for key, value in locked.items())
    ]


def _flat(node: Any) -> dict[str, str]:
    return {".".join(keys): _text(value) for keys, value in leaves(node)}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    keys = either(before, after)
    return [Change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _text(value: Any) -> str:
    """A param as YAML has it; DVC writes 1e-05, which YAML 1.1 takes for a text."""
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


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
    return [path for path in either(ours, theirs) if ours.get(path) != theirs.get(path)]
