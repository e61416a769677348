"""Two sides to one comparison."""

import re

from padstal.core.dvc_lock import mapping, outs_of
from padstal.reporting.comparison import data, lock
from padstal.reporting.comparison import metrics as evaluation
from padstal.reporting.comparison.record import Comparison
from padstal.reporting.comparison.side import Side

REMEDY = (
    "Make both on one machine (dvc repro of each commit), or take both from one DVC remote (padstal pull), "
    "then compare again."
)


def compare(base: Side, head: Side, scale: str) -> Comparison:
    """What differs between `base` and `head` at `scale`; both were read at that scale."""
    return Comparison(
        scale=scale,
        base=base.revision,
        head=head.revision,
        notes=(*_notes(base, head, scale), *base.notes, *head.notes),
        remedy=_remedy(base, head),
        licences=tuple(data.licences(base, head)),
        metrics=tuple(evaluation.metrics(base, head)),
        matched=tuple(evaluation.matched(base, head)),
        checks=tuple(evaluation.checks(base, head)),
        params=tuple(lock.params(base, head, scale)),
        data=tuple(data.counts(base, head)),
        stages=tuple(lock.stages(base, head)),
        stale=tuple(lock.stale(head)),
    )


def _remedy(base: Side, head: Side) -> str:
    """Why figures do not compare, and what to do about it; "" if they do."""
    heard = evaluation.changed_ears(base, head)
    if not heard:
        return ""
    made = {path: stage for stage in lock.stages(base, head) for path in stage.outputs if "/foundation/" in path}
    unprovoked = all(not stage.because for stage in made.values())
    why = "; the same code, data and params made them, so another processor did" if unprovoked else ""
    return f"Other foundation models heard {head.revision.name} ({', '.join(sorted(heard))}){why}. {REMEDY}"


def _notes(base: Side, head: Side, scale: str) -> list[str]:
    notes = []
    for side in (base, head):
        if side.params.get("scale", scale) != scale:
            notes.append(f"{side.revision.name} has scale {side.params['scale']} active; it is compared at {scale}.")
        locked = {path.split("/")[1] for path in outs_of(side.stages) if re.match("(data|models)/[^/]+/", path)}
        if locked and scale not in locked:
            notes.append(f"dvc.lock of {side.revision.name} is of scale {', '.join(sorted(locked))}, not {scale}.")
    ours, theirs = (mapping(side.evaluation.get("design")) for side in (base, head))
    if ours and theirs:
        moved = sorted(str(key) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
        if moved:
            notes.append(f"The evaluations were designed differently ({', '.join(moved)}).")
    return notes
