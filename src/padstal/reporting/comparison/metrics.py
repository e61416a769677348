"""What the evaluation of two revisions says of each other: figures, intervals, and a verdict that intervals decide.

Two intervals that are apart make a difference clear; where they overlap, nothing is claimed. This is stricter than an
interval of the difference, which would need both runs' values of each prompt. Figures heard by different foundation
models are not compared at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.core.dvc_lock import mapping, outs_of
from padstal.evaluation.metrics import METRICS, Better
from padstal.reporting.comparison.record import Delta, Verdict
from padstal.reporting.comparison.side import Side, around, either, figure, leaves

_BESIDE = ("chance", "interval", "n", "times_chance", "quantiles", "paper")
"""What stands beside a figure and is none itself."""


@dataclass(frozen=True)
class _Figure:
    """A value of one side, and its interval; empty where there is none."""

    value: float | None = None
    interval: tuple[float, ...] = ()


_Figures = dict[tuple[str, str], _Figure]
"""(group, metric) → what a side has of it."""


def metrics(base: Side, head: Side) -> list[Delta]:
    """Each metric of each method at its chosen setting."""
    rows = [_rows(side.evaluation.get("rows")) for side in (base, head)]
    before, after = (
        {
            (group, metric): _Figure(figure(row.get(metric)), around(mapping(row.get("intervals")).get(metric)))
            for group, row in side.items()
            for metric in METRICS
            if figure(row.get(metric)) is not None
        }
        for side in rows
    )
    notes = {group: _moved(rows[0].get(group, {}), rows[1].get(group, {})) for group in either(*rows)}
    return _deltas(before, after, changed_ears(base, head) | changed_embedders(base, head), notes)


def matched(base: Side, head: Side) -> list[Delta]:
    """Each difference to the baseline at matched CLAP-f; its interval lies around a difference."""
    sides = [mapping(side.evaluation.get("matched")) for side in (base, head)]
    targets = [figure(side.get("clap_f")) for side in sides]
    note = "" if targets[0] == targets[1] else f"matched at CLAP-f {_said(targets[0])} → {_said(targets[1])}"
    if sides[0].get("baseline") != sides[1].get("baseline"):
        note = "other baseline"
    before, after = (
        {
            (_group(row), str(row.get("metric"))): _Figure(figure(row.get("difference")), around(row.get("interval")))
            for row in _list(side.get("differences"))
        }
        for side in sides
    )
    notes = {group: note for group, _ in either(before, after)}
    return _deltas(before, after, changed_ears(base, head) | changed_embedders(base, head), notes)


def checks(base: Side, head: Side) -> list[Delta]:
    """Checks of the foundation models, of planted truth, of reconstructions, and of the latent spaces."""
    return _deltas(dict(_checks(base.evaluation)), dict(_checks(head.evaluation)))


def changed_ears(base: Side, head: Side) -> frozenset[str]:
    """Foundation models whose bytes differ between the sides, by what `dvc.lock` says."""
    before, after = (
        {path.rpartition("/")[2]: out.md5 for path, out in outs_of(side.stages).items() if "/foundation/" in path}
        for side in (base, head)
    )
    return frozenset(role for role in before.keys() & after.keys() if before[role] != after[role])


def changed_embedders(base: Side, head: Side) -> frozenset[str]:
    """Metrics that the sides take of different embedders."""
    before, after = (mapping(mapping(side.evaluation.get("foundation")).get("origin")) for side in (base, head))
    return frozenset(metric for metric in METRICS if before.get(metric) != after.get(metric))


def decide(
    better: Better,
    base: float | None,
    head: float | None,
    base_interval: Sequence[float],
    head_interval: Sequence[float],
) -> Verdict:
    """The verdict on one figure."""
    if base is None or head is None:
        return "open"
    if base == head and tuple(base_interval) == tuple(head_interval):
        return "unchanged"
    if not base_interval or not head_interval:
        return "open"
    if head_interval[0] > base_interval[1]:
        return "different" if not better else ("better" if better == "higher" else "worse")
    if head_interval[1] < base_interval[0]:
        return "different" if not better else ("better" if better == "lower" else "worse")
    return "no clear difference"


def _deltas(
    before: _Figures,
    after: _Figures,
    heard: frozenset[str] = frozenset(),
    notes: Mapping[str, str] | None = None,
) -> list[Delta]:
    """A verdict on each figure; `heard` are foundation models that differ, `notes` say what to know of a group."""
    found = []
    for group, metric in either(before, after):
        base, head = (side.get((group, metric), _Figure()) for side in (before, after))
        better = METRICS[metric].better if metric in METRICS else ""
        verdict = decide(better, base.value, head.value, base.interval, head.interval)
        note = (notes or {}).get(group, "")
        others = heard.intersection((*METRICS[metric].ears, metric) if metric in METRICS else ())
        ears = sorted("embedder" if ear == metric else ear for ear in others)
        if ears and base.value is not None and head.value is not None:
            verdict = "not comparable"
            note = "; ".join(part for part in (note, f"heard by another {' and '.join(ears)}") if part)
        found.append(Delta(group, metric, better, base.value, head.value, base.interval, head.interval, verdict, note))
    return found


def _checks(evaluation: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], _Figure]]:
    for section in ("foundation", "truth", "reconstruction"):
        for name, found in _figures(mapping(evaluation.get(section))):
            yield (section, name), found
    for row in _list(mapping(evaluation.get("latent_space")).get("spaces")):
        pooling = f", {row.get('pooling')}" if row.get("pooling") else ""
        name = f"precision of neighbours: {row.get('space')}{pooling}"
        yield ("latent spaces", name), _Figure(figure(row.get("precision")), around(row.get("interval")))


def _figures(node: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, _Figure]]:
    """Every figure below `node` by its path; a `value` is called by what holds it."""
    for key, item in node.items():
        path = f"{at}.{key}" if at else str(key)
        value = figure(item)
        if isinstance(item, Mapping):
            yield from _figures(item, path)
        elif key == "value":
            yield at, _Figure(value, around(node.get("interval")))
        elif value is not None and key not in _BESIDE and not key.startswith("n_") and not key.endswith("_chance"):
            yield path, _Figure(value, around(node.get(f"{key}_interval")))


def _rows(found: Any) -> dict[str, Mapping[str, Any]]:
    """Rows by system and sweep; where a sweep has several, the later ones by their labels."""
    rows: dict[str, Mapping[str, Any]] = {}
    for row in _list(found):
        group = _group(row)
        rows[group if group not in rows else f"{row.get('system')} · {row.get('label')}"] = row
    return rows


def _group(row: Mapping[str, Any]) -> str:
    return f"{row.get('system')} · {row.get('path') or row.get('method')}"


def _moved(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """How the chosen setting moved, in words."""
    before, after = (dict(leaves(mapping(row.get("record")))) for row in (ours, theirs))
    names = [name for name in either(before, after) if before.get(name) != after.get(name)] if ours and theirs else []
    return ", ".join(f"{name} {_said(before.get(name))} → {_said(after.get(name))}" for name in names)


def _list(node: Any) -> list[Mapping[str, Any]]:
    return [row for row in node if isinstance(row, Mapping)] if isinstance(node, list) else []


def _said(value: Any) -> str:
    return "none" if value is None else str(value) if figure(value) is None else f"{value:g}"
