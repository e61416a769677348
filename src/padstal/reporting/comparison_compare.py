"""Two sides to one comparison."""

from padstal.reporting import comparison_data, comparison_lock, comparison_metrics
from padstal.reporting.comparison import Comparison
from padstal.reporting.comparison_side import Side, mapping


def compare(base: Side, head: Side, scale: str) -> Comparison:
    """What differs between `base` and `head` at `scale`; both were read at that scale."""
    return Comparison(
        scale=scale,
        base=base.revision,
        head=head.revision,
        notes=tuple(note[:1_000] for note in [*_notes(base, head, scale), *base.notes, *head.notes]),
        licences=tuple(comparison_data.licences(base, head)),
        metrics=tuple(comparison_metrics.metrics(base, head)[:1_000]),
        matched=tuple(comparison_metrics.matched(base, head)[:1_000]),
        checks=tuple(comparison_metrics.checks(base, head)[:1_000]),
        params=tuple(comparison_lock.params(base, head, scale)),
        inactive=tuple(comparison_lock.inactive(base, head, scale)),
        data=tuple(comparison_data.counts(base, head)),
        quarantine=tuple(comparison_data.quarantine(base, head)),
        captions=tuple(comparison_data.captions(base, head)),
        stages=tuple(comparison_lock.stages(base, head)),
        stale=tuple(comparison_lock.stale(head)),
        outputs=tuple(comparison_lock.outputs(base, head, scale)),
        figures=tuple(comparison_metrics.figures(base, head)[:2_000]),
        timings=tuple(comparison_data.timings(base, head)),
    )


def _notes(base: Side, head: Side, scale: str) -> list[str]:
    notes = []
    for side in (base, head):
        if side.active and side.active != scale:
            notes.append(f"{side.revision.name} has scale {side.active} active; it is compared at {scale}.")
        locked = comparison_lock.scales(side)
        if locked and scale not in locked:
            notes.append(
                f"dvc.lock of {side.revision.name} is of scale {', '.join(sorted(locked))[:200]}, not {scale}."
            )
    for side in (base, head):
        if not comparison_metrics.named_by_systems(side.evaluation):
            notes.append(
                f"{side.revision.name} was evaluated by a version that named models and perturbations, not systems and "
                "settings: its results are not compared; those of the foundation models and of the data are."
            )
    ours, theirs = (mapping(side.evaluation.get("design")) for side in (base, head))
    if ours and theirs:
        moved = sorted(str(key) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key))
        if moved:
            notes.append(f"The evaluations were designed differently ({', '.join(moved)}).")
    heard = sorted(comparison_metrics.changed_ears(base, head))
    if heard:
        notes.append(
            f"Other foundation models heard HEAD ({', '.join(heard)}): figures that rest on them are not compared."
        )
    return notes
