"""Methods compared by how much alignment they keep, and the setting to choose for it.

    r = (c − c_chance) / (c_start − c_chance)                                                                      (1)

c is CLAP-f, c_start that of the system without a method, c_chance that of its samples with one another's prompts. So
r = 1 is the system alone and r = 0 music that heeds no prompt, in any model. At r = 0.9, 0.75, … each sweep is
interpolated between neighbours (`operating_points`), and the plain way, less guidance, is one of them.

Shape suffixes: R draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from padstal.evaluation.bootstrap import interval
from padstal.evaluation.comparison import point_row
from padstal.evaluation.grid import Cell
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.operating_points import LEAST_BRACKETED, Path, Point, Stop, at

AREA_FROM = 0.5
AREA_POINTS = 11


@dataclass(frozen=True)
class Frontier:
    """A sweep from the system alone on, towards less alignment; without a method, one that is held against it."""

    path: Path
    start: Stop

    @property
    def chance(self) -> float:
        """c_chance, of the system's unperturbed samples."""
        found = self.start.measured.clap_f_chance
        assert found is not None  # `frontiers`
        return found

    @property
    def above_chance(self) -> float:
        """c_start − c_chance."""
        return self.start.clap_f - self.chance

    def retention(self, stop: Stop) -> float:
        """(1)."""
        return (stop.clap_f - self.chance) / self.above_chance

    def at(self, share: float, draws: int) -> Point | None:
        """The sweep where r = `share`; `None` where it does not come down to it. Each draw has its own c_start."""
        start_R = self.start.measured.draws["clap_f"][:draws]
        target_R = self.chance + share * (start_R - self.chance)
        return at(self.path, self.chance + share * self.above_chance, target_R, draws)

    def width(self, point: Point) -> float:
        """How far apart the two settings that `point` lies between are, in units of r."""
        before, after = point.bracket
        return abs(self.retention(before) - self.retention(after))


def frontiers(paths: Sequence[Path]) -> tuple[list[Frontier], list[tuple[Path, str]]]:
    """The sweeps that have a start, and those that have none, each with the reason."""
    found, refused = [], []
    alone: dict[str, Stop] = {}
    for path in paths:
        stops = path.stops
        start = stops[0]
        if path.is_unperturbed:  # less guidance than where methods start, or than the grid's first setting
            starts = {other.stops[0].cell for other in paths if not other.is_unperturbed}
            first = next((place for place, stop in enumerate(stops) if stop.cell in starts), 0)
            stops = stops[first:]
            # another kind of guidance, or another level, is held against the system's first
            start = stops[0] if stops[0].cell in starts else alone.get(path.system, stops[0])
            alone.setdefault(path.system, start)
        if not start.cell.is_unperturbed:
            refused.append((path, "the grid has no unperturbed setting with its guidance and sampler"))
        elif start.measured.clap_f_chance is None:
            refused.append((path, "one prompt: chance needs two"))
        elif start.clap_f <= start.measured.clap_f_chance:
            refused.append((path, f"unperturbed, CLAP-f is {start.clap_f:.4f}, not above chance"))
        else:
            found.append(Frontier(replace(path, stops=stops), start))
    return found, refused


def retentions(paths: Sequence[Path]) -> dict[Cell, float]:
    """r of every cell of a sweep that has a start."""
    return {stop.cell: one.retention(stop) for one in frontiers(paths)[0] for stop in one.path.stops}


def at_retention(paths: Sequence[Path], shares: Sequence[float], widest: float, level: float) -> dict[str, Any]:
    """All sweeps at each retention, as it stands in `evaluate.json`: `rows`, `refused` and `area`.

    Args:
        paths: The sweeps.
        shares: r to compare at.
        widest: Most that the two settings around such a point may lie apart, in units of r; else it is refused.
        level: Of the intervals.
    """
    found, refused = frontiers(paths)
    rows: list[dict[str, Any]] = []
    out: list[dict[str, Any]] = [{**path.named, "retention": None, "why": why} for path, why in refused]
    for share in shares:
        for one in found:
            point, why = _reached(one, share, widest)
            if point is None:
                out.append({**one.path.named, "retention": share, "why": why})
                continue
            rows.append({**point_row(point, level), "retention": share, "bracket_width": one.width(point)})
    return {"rows": rows, "refused": out, "area": [row for one in found for row in _area(one, widest, level)]}


def choose_setting(evaluation: Mapping[str, Any], system: str, retain: float, by: str) -> list[Mapping[str, Any]]:
    """Measured settings of a system that keep at least `retain` of its alignment, most diverse first.

    Args:
        evaluation: `evaluate.json`.
        system: Its name.
        retain: Least r.
        by: Metric of diversity.

    Raises:
        ValueError: No such metric, nothing measured of that system, it has no alignment, or nothing keeps so much.
    """
    diversity = {name for name, metric in METRICS.items() if metric.about == "diversity"}
    if by not in diversity:
        raise ValueError(f"{by!r} is no metric of diversity: expected one of {', '.join(sorted(diversity))}")
    measured = [row for row in evaluation.get("sweep") or [] if row.get("system") == system]
    own = [row for row in measured if row.get("retention") is not None]
    if not measured:
        raise ValueError(f"system {system!r}: no setting was evaluated; run `dvc repro evaluate`")
    if not own:
        refused = (evaluation.get("retention") or {}).get("refused") or []
        why = next((one["why"] for one in refused if one["system"] == system), "it was evaluated by another version")
        raise ValueError(f"{system}: no setting has a share of the alignment to keep: {why}")
    kept = [row for row in own if row["retention"] >= retain and row.get(by) is not None]
    if not kept:
        most = max(row["retention"] for row in own)
        raise ValueError(f"no setting of {system} keeps {retain:.0%} of its alignment; the most is {most:.0%}")
    return sorted(kept, key=lambda row: -METRICS[by].sign * row[by])


def _reached(one: Frontier, share: float, widest: float) -> tuple[Point | None, str]:
    point = one.at(share, one.path.draws)
    if point is None:
        least = min(one.retention(stop) for stop in one.path.stops)
        return None, f"comes down to {least:.0%} of the alignment"
    if (width := one.width(point)) > widest:
        ends = " and ".join(stop.cell.setting.label() for stop in point.bracket)
        return None, f"{ends} lie {width:.0%} apart, more than {widest:.0%}: sweep values between them"
    return point, ""


def _area(one: Frontier, widest: float, level: float) -> list[dict[str, Any]]:
    """Mean of each metric of diversity over r from `AREA_FROM` to 1, where the whole way is measured."""
    points = [_reached(one, float(share), widest)[0] for share in np.linspace(AREA_FROM, 1.0, AREA_POINTS)]
    reached = [point for point in points if point is not None]
    if len(reached) < len(points):
        return []
    told = []
    for name, metric in METRICS.items():
        if metric.about == "diversity" and all(name in point.values for point in reached):
            value = float(np.mean([point.values[name] for point in reached]))
            draws_R = np.mean([point.draws[name] for point in reached], axis=0)
            enough = np.isfinite(draws_R).mean() >= LEAST_BRACKETED
            bounds = interval(draws_R, value, level, metric.limits) if enough else None
            told.append({**one.path.named, "metric": name, "value": value, "interval": bounds and list(bounds)})
    return told
