"""What the evaluation of two revisions says of each other: figures, intervals, and a verdict that intervals decide.

Two intervals that are apart make a difference clear; where they overlap, nothing is claimed. This is stricter than an
interval of the difference, which would need both runs' values of each prompt. Figures heard by different foundation
models are not compared at all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from padstal.core.dvc_lock import mapping, outs_of
from padstal.evaluation.metrics import METRICS, Better
from padstal.reporting import checks_view, results_view
from padstal.reporting.comparison.record import Delta, Verdict
from padstal.reporting.comparison.side import Side, either
from padstal.reporting.results_view import Row
from padstal.reporting.text import ends, figure

Figure = tuple[float | None, tuple[float, ...]]
"""A value of one side, and its interval; empty where there is none."""
Figures = Mapping[tuple[str, str], Figure]
"""(group, metric) → what a side has of it."""


def metrics(base: Side, head: Side) -> list[Delta]:
    """Each metric of each method at its chosen setting."""
    sides = [_by_sweep(side.evaluation) for side in (base, head)]
    before, after = (
        {
            (group, metric): (value, results_view.interval_of(row, metric) or ())
            for group, row in side.items()
            for metric in METRICS
            if (value := figure(row.get(metric))) is not None
        }
        for side in sides
    )
    notes = {group: _moved(*(side.get(group, {}) for side in sides)) for group in either(*sides)}
    return _deltas(before, after, changed_ears(base, head) | _changed_embedders(base, head), notes)


def matched(base: Side, head: Side) -> list[Delta]:
    """Each difference to the baseline at matched CLAP-f; its interval lies around a difference."""
    sides = [mapping(side.evaluation.get("matched")) for side in (base, head)]
    targets = [figure(side.get("clap_f")) for side in sides]
    note = "" if targets[0] == targets[1] else f"matched at CLAP-f {_said(targets[0])} → {_said(targets[1])}"
    if sides[0].get("baseline") != sides[1].get("baseline"):
        note = "other baseline"
    before, after = (
        {
            (_group(row), str(row.get("metric"))): (figure(row.get("difference")), ends(row.get("interval")) or ())
            for row in results_view.rows(side, "differences")
        }
        for side in sides
    )
    notes = {group: note for group, _ in either(before, after)}
    return _deltas(before, after, changed_ears(base, head) | _changed_embedders(base, head), notes)


def checks(base: Side, head: Side) -> list[Delta]:
    """Checks of the foundation models, of planted truth, of reconstructions, and of the latent spaces."""
    return _deltas(dict(_checks(base.evaluation)), dict(_checks(head.evaluation)), frozenset(), {})


def changed_ears(base: Side, head: Side) -> frozenset[str]:
    """Foundation models whose bytes differ between the sides, by what `dvc.lock` says."""
    before, after = (
        {path.rpartition("/")[2]: out.md5 for path, out in outs_of(side.stages).items() if "/foundation/" in path}
        for side in (base, head)
    )
    return frozenset(role for role in before.keys() & after.keys() if before[role] != after[role])


def decide(better: Better, base: Figure, head: Figure) -> Verdict:
    """The verdict on one figure."""
    if base == head and base[0] is not None:
        return "unchanged"
    if None in (base[0], head[0]) or not (base[1] and head[1]):
        return "open"
    rises, falls = head[1][0] > base[1][1], head[1][1] < base[1][0]
    if not (rises or falls):
        return "no clear difference"
    return "different" if not better else "better" if rises == (better == "higher") else "worse"


def _changed_embedders(base: Side, head: Side) -> frozenset[str]:
    """Metrics that the sides take of different embedders."""
    before, after = (mapping(mapping(side.evaluation.get("foundation")).get("origin")) for side in (base, head))
    return frozenset(metric for metric in METRICS if before.get(metric) != after.get(metric))


def _deltas(before: Figures, after: Figures, heard: frozenset[str], notes: Mapping[str, str]) -> list[Delta]:
    """A verdict on each figure; `heard` are foundation models that differ, `notes` say what to know of a group."""
    found = []
    for group, metric in either(before, after):
        base, head = (side.get((group, metric), (None, ())) for side in (before, after))
        known = METRICS.get(metric)
        better: Better = known.better if known else ""
        verdict, note = decide(better, base, head), notes.get(group, "")
        ears = sorted("embedder" if ear == metric else ear for ear in heard & {*(known.ears if known else ()), metric})
        if ears and None not in (base[0], head[0]):
            verdict = "not comparable"
            note = "; ".join(part for part in (note, f"heard by another {' and '.join(ears)}") if part)
        found.append(Delta(group, metric, better, base[0], head[0], base[1], head[1], verdict, note))
    return found


def _checks(evaluation: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Figure]]:
    for section in ("foundation", "truth", "reconstruction"):
        for one in checks_view.checks(evaluation.get(section)):
            if (value := figure(one.value)) is not None:
                yield (section, ".".join(one.keys)), (value, ends(one.interval) or ())
    for space in results_view.spaces(evaluation.get("latent_space")):
        yield ("latent spaces", f"precision of neighbours: {space.label}"), (space.precision, space.interval or ())


def _by_sweep(evaluation: Mapping[str, Any]) -> dict[str, Row]:
    """Rows by system and sweep; where a sweep has several, the later ones by their labels."""
    found: dict[str, Row] = {}
    for row in results_view.rows(evaluation):
        group = _group(row)
        found[group if group not in found else f"{row.get('system')} · {row.get('label')}"] = row
    return found


def _group(row: Row) -> str:
    return f"{row.get('system')} · {row.get('path') or row.get('method')}"


def _moved(ours: Row, theirs: Row) -> str:
    """How the chosen setting moved, in words."""
    before, after = (dict(checks_view.leaves(mapping(row.get("record")))) for row in (ours, theirs))
    keys = [key for key in either(before, after) if before.get(key) != after.get(key)] if ours and theirs else []
    return ", ".join(f"{'.'.join(key)} {_said(before.get(key))} → {_said(after.get(key))}" for key in keys)


def _said(value: Any) -> str:
    return "none" if value is None else str(value) if figure(value) is None else f"{value:g}"
