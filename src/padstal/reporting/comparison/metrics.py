"""What the evaluation of two revisions says of each other: figures, intervals, and a verdict that intervals decide.

Two intervals that are apart make a difference clear; where they overlap, nothing is claimed. This is stricter than an
interval of the difference, which would need both runs' values of each prompt. Figures heard by different foundation
models are not compared at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from padstal.core.dvc_lock import outs_of
from padstal.evaluation.metrics import METRICS, Better
from padstal.reporting.comparison.record import Delta, Verdict
from padstal.reporting.comparison.side import Side, around, figure, leaves, mapping

_HIGHER = (
    "accuracy",
    "spearman",
    "recall",
    "precision",
    "si_sdr",
    "similarity",
    "roc_area",
    "zero_shot",
    "right_of",
    "tagger_genre",
)
_LOWER = ("loss", "mel_l1", "mrstft", "spectral_distance", "error", "broken", "clipped")
_NO_FIGURE = ("chance", "interval", "n", "why", "times_chance", "mean_spectrum", "untrained", "quantiles", "paper")


def metrics(base: Side, head: Side) -> list[Delta]:
    """Each metric of each method at its chosen setting."""
    heard = changed_ears(base, head)
    before, after = (_rows(side.evaluation.get("rows")) for side in (base, head))
    found = []
    for sweep in _either(before, after):
        ours, theirs = before.get(sweep, {}), after.get(sweep, {})
        moved = _moved(ours, theirs)
        for metric in METRICS:
            found += _delta(" · ".join(sweep), metric, ours, theirs, heard, moved)
    return found


def matched(base: Side, head: Side) -> list[Delta]:
    """Each difference to the baseline at matched CLAP-f; its interval lies around a difference."""
    before, after = (mapping(side.evaluation.get("matched")) for side in (base, head))
    targets = [figure(side.get("clap_f")) for side in (before, after)]
    note = "" if targets[0] == targets[1] else f"matched at CLAP-f {_said(targets[0])} → {_said(targets[1])}"
    if before.get("baseline") != after.get("baseline"):
        note = "other baseline"
    rows = [
        {(*_sweep(row), str(row.get("metric"))): row for row in _list(side.get("differences")) if "system" in row}
        for side in (before, after)
    ]
    heard = changed_ears(base, head)
    found = []
    for key in _either(*rows):
        ours, theirs = ({**row, "intervals": {key[2]: row.get("interval")}} for row in (r.get(key, {}) for r in rows))
        ours[key[2]], theirs[key[2]] = ours.get("difference"), theirs.get("difference")
        found += _delta(" · ".join(key[:2]), key[2], ours, theirs, heard, note)
    return found


def checks(base: Side, head: Side) -> list[Delta]:
    """Checks of the foundation models, of planted truth, of reconstructions, and of the latent spaces."""
    before, after = (_checks(side.evaluation) for side in (base, head))
    return [
        _plain(group, name, before.get((group, name), {}), after.get((group, name), {}))
        for group, name in _either(before, after)
    ]


def figures(base: Side, head: Side) -> list[Delta]:
    """Figures of all stages but evaluation that differ."""
    told = ("evaluate", "ingest", "caption", "curate", "validate")  # these have tables of their own
    sides = [
        {
            (stage, key): {"value": value}
            for stage, content in side.metrics.items()
            if stage not in told
            for key, value in leaves(content)
            if figure(value) is not None
        }
        for side in (base, head)
    ]
    found = [
        _plain(stage, key, sides[0].get((stage, key), {}), sides[1].get((stage, key), {}))
        for stage, key in _either(*sides)
    ]
    return [delta for delta in found if delta.verdict != "unchanged"]


def changed_ears(base: Side, head: Side) -> frozenset[str]:
    """Foundation models whose bytes differ between the sides, by what `dvc.lock` says."""
    before, after = (_foundation(side) for side in (base, head))
    return frozenset(role for role in before.keys() & after.keys() if before[role] != after[role])


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


def direction(name: str) -> Better:
    """Whether a figure of this name is better "higher" or "lower"; "" where its name does not tell."""
    metric = next((one for one in METRICS.values() if name == one.name or name.startswith(f"{one.name}_of")), None)
    if metric is not None:
        return metric.better
    if any(word in name for word in _LOWER):
        return "lower"
    return "higher" if any(word in name for word in _HIGHER) else ""


def _delta(
    group: str,
    metric: str,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    heard: Iterable[str],
    note: str,
) -> list[Delta]:
    base, head = figure(ours.get(metric)), figure(theirs.get(metric))
    if base is None and head is None:
        return []
    before, after = (around(mapping(row.get("intervals")).get(metric)) for row in (ours, theirs))
    better = direction(metric)
    verdict = decide(better, base, head, before, after)
    ears = sorted(set(METRICS[metric].ears if metric in METRICS else ()) & set(heard))
    if ears and base is not None and head is not None:
        verdict = "not comparable"
        note = "; ".join(part for part in (note, f"heard by another {' and '.join(ears)}") if part)
    return [Delta(group[:300], metric[:300], better, base, head, before, after, verdict, note[:1_000])]


def _plain(group: str, name: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Delta:
    base, head = figure(ours.get("value")), figure(theirs.get("value"))
    before, after = (around(row.get("interval")) for row in (ours, theirs))
    better = direction(name.rpartition(".")[2])
    better = better or direction(name)
    verdict = decide(better, base, head, before, after)
    return Delta(group[:300], name[:300], better, base, head, before, after, verdict)


def _checks(evaluation: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for section in ("foundation", "truth", "reconstruction"):
        for key, value in leaves(evaluation.get(section)):
            name = key.removesuffix(".value")
            parts = name.split(".")
            skipped = any(part in _NO_FIGURE or part.startswith("n_") for part in parts) or parts[0] == "origin"
            if figure(value) is not None and not skipped and not name.endswith("_of_originals"):
                parent = evaluation[section]
                for part in parts[:-1]:
                    parent = mapping(mapping(parent).get(part))
                span = mapping(mapping(parent).get(parts[-1])).get("interval", mapping(parent).get("interval"))
                found[section, name] = {"value": value, "interval": span}
    for row in _list(mapping(evaluation.get("latent_space")).get("spaces")):
        pooling = f", {row.get('pooling')}" if row.get("pooling") else ""
        name = f"precision of neighbours: {row.get('space')}{pooling}"
        found["latent spaces", name] = {"value": row.get("precision"), "interval": row.get("interval")}
    return found


def named_by_systems(evaluation: Mapping[str, Any]) -> bool:
    """Whether rows name system and setting; versions before settings wrote model and perturbation."""
    return all("system" in row for row in _list(evaluation.get("rows")))


def _rows(found: Any) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Rows by system and sweep; where a sweep has several, the later ones by their labels."""
    rows: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in _list(found):
        if "system" in row:
            system, sweep = _sweep(row)
            rows[(system, sweep) if (system, sweep) not in rows else (system, str(row.get("label"))[:100])] = row
    return rows


def _sweep(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("system"))[:100], str(row.get("path") or row.get("method"))[:100]


def _moved(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """How the chosen setting moved, in words."""
    before, after = (dict(leaves(mapping(row.get("record")))) for row in (ours, theirs))
    names = [name for name in _either(before, after) if before.get(name) != after.get(name)] if before and after else []
    return ", ".join(f"{name} {_said(before.get(name))} → {_said(after.get(name))}" for name in names[:20])


def _foundation(side: Side) -> dict[str, str]:
    outs = outs_of(side.stages).items()
    return {path.rpartition("/")[2]: out.md5 for path, out in outs if "/foundation/" in path}


def _list(node: Any) -> list[Mapping[str, Any]]:
    return [row for row in node if isinstance(row, Mapping)][:2_000] if isinstance(node, list) else []


def _either(*sides: Mapping[Any, Any]) -> list[Any]:
    """Keys of both sides, in the order of the last side, then what only the first has."""
    *first, last = sides
    return list(dict.fromkeys([*last, *(key for side in first for key in side)]))


def _said(value: Any) -> str:
    return "none" if value is None else str(value)[:50] if figure(value) is None else f"{value:g}"
