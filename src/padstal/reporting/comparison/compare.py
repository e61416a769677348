"""Two sides to one comparison."""

from padstal.reporting.comparison import data, lock
from padstal.reporting.comparison import metrics as evaluation
from padstal.reporting.comparison.record import Comparison
from padstal.reporting.comparison.side import Side, mapping


def compare(base: Side, head: Side, scale: str) -> Comparison:
    """What differs between `base` and `head` at `scale`; both were read at that scale."""
    return Comparison(
        scale=scale,
        base=base.revision,
        head=head.revision,
        notes=tuple(note[:1_000] for note in [*_notes(base, head, scale), *base.notes, *head.notes]),
        licences=tuple(data.licences(base, head)),
        metrics=tuple(evaluation.metrics(base, head)[:1_000]),
        matched=tuple(evaluation.matched(base, head)[:1_000]),
        checks=tuple(evaluation.checks(base, head)[:1_000]),
        params=tuple(lock.params(base, head, scale)),
        inactive=tuple(lock.inactive(base, head, scale)),
        data=tuple(data.counts(base, head)),
        quarantine=tuple(data.quarantine(base, head)),
        captions=tuple(data.captions(base, head)),
        stages=tuple(lock.stages(base, head)),
        stale=tuple(lock.stale(head)),
        outputs=tuple(lock.outputs(base, head, scale)),
        figures=tuple(evaluation.figures(base, head)[:2_000]),
        timings=tuple(data.timings(base, head)),
    )


def _notes(base: Side, head: Side, scale: str) -> list[str]:
    notes = []
    for side in (base, head):
        if side.active and side.active != scale:
            notes.append(f"{side.revision.name} has scale {side.active} active; it is compared at {scale}.")
        locked = lock.scales(side)
        if locked and scale not in locked:
            notes.append(
                f"dvc.lock of {side.revision.name} is of scale {', '.join(sorted(locked))[:200]}, not {scale}."
            )
    for side in (base, head):
        if not evaluation.named_by_systems(side.evaluation):
            notes.append(
                f"{side.revision.name} was evaluated by a version that named models and perturbations, not systems and "
                "settings: its results are not compared; those of the foundation models and of the data are."
            )
    ours, theirs = (mapping(side.evaluation.get("design")) for side in (base, head))
    if ours and theirs:
        moved = sorted(str(key) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
        if moved:
            notes.append(f"The evaluations were designed differently ({', '.join(moved)}).")
    heard = sorted(evaluation.changed_ears(base, head))
    if heard:
        notes.append(
            f"Other foundation models heard HEAD ({', '.join(heard)}): figures that rest on them are not compared."
        )
    return notes
