"""From measured cells to `evaluate.json`: rows, sweep, and the comparison at matched CLAP-f (PADS-TAL 3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.operating_points import Matched, Path, Point, contrast, match

PUBLISHED = {
    "source": "PADS-TAL slides, table of section 3: full scale (Stable Audio Open size, MelBench and SongDescriber "
    "prompts), matched at CLAP-f ≈ 0.32; absolute values do not compare with other scales, models or embeddings",
    "rows": [
        {"system": "audio", "method": "cads", "mrecall": 0.237, "vendi": 22.591, "kl": 0.669, "fd": 147.730},
        {"system": "audio", "method": "pads", "mrecall": 0.212, "vendi": 24.367, "kl": 0.652, "fd": 139.838},
        {"system": "tal", "method": "cads", "mrecall": 0.391, "vendi": 23.873, "kl": 0.669, "fd": 145.393},
        {"system": "tal", "method": "pads", "mrecall": 0.407, "vendi": 26.075, "kl": 0.626, "fd": 135.542},
    ],
}


def row(cell: Cell, path: Path, measured: Measured, among: Collection[Cell], level: float) -> dict[str, Any]:
    """One cell as a row of `evaluate.json`, with its path."""
    return {**path.named, **measured_row(cell, measured, among, level)}


def measured_row(cell: Cell, measured: Measured, among: Collection[Cell], level: float) -> dict[str, Any]:
    """One cell with what was measured; its setting's label tells it from its system's others `among` the cells."""
    return {
        **named(cell),
        "label": cell.setting.label(tuple(one.setting for one in among if one.system == cell.system)),
        "record": cell.setting.model_dump(mode="json"),
        **measured.values,
        "n": measured.clips,
        "inception": measured.inception,
        "fd_is_singular": measured.fd_is_singular,
        "intervals": {name: bounds and list(bounds) for name, bounds in measured.intervals(level).items()},
    }


def named(cell: Cell) -> dict[str, Any]:
    """What names a cell in files and tables: system, method, the setting's id, and the plain numbers s and w."""
    setting = cell.setting
    return {
        "system": cell.system,
        "method": setting.method_name,
        "setting": setting.id,
        "strength": setting.strength,
        "guidance": setting.w,
    }


def choose(paths: Sequence[Path], tune: Mapping[Cell, Measured], clap_share: float) -> tuple[dict[Cell, Path], str]:
    """The cells that `rows` shows, each with its path, and how they were chosen.

    On tune prompts: the most diverse cell (Vendi) of a path that keeps at least `clap_share` of the CLAP-f of the cell
    where it starts, else the best aligned one. Without tune prompts: the middle strength (the lower one of an even
    number). An unperturbed system is shown where others start, else at its strongest w.
    """
    starts = {path.stops[0].cell for path in paths if not path.is_unperturbed}
    chosen: dict[Cell, Path] = {}
    for path in paths:
        if path.is_unperturbed:
            chosen |= dict.fromkeys([cell for cell in path.own if cell in starts] or path.own[:1], path)
            continue
        chosen[_chosen(path, tune, clap_share)] = path
    rule = (
        f"most diverse (Vendi) on tune prompts among those that keep {clap_share:.0%} of the unperturbed CLAP-f"
        if tune
        else "middle strength of the sweep, as there are no tune prompts"
    )
    return chosen, rule


def _chosen(path: Path, tune: Mapping[Cell, Measured], clap_share: float) -> Cell:
    if not tune:
        return path.own[(len(path.own) - 1) // 2]
    start = path.stops[0].cell
    floor = clap_share * _value(tune[start], "clap_f") if start.is_unperturbed else float("-inf")
    kept = [cell for cell in path.own if _value(tune[cell], "clap_f") >= floor]
    if kept:
        return max(kept, key=lambda cell: _value(tune[cell], "vendi"))
    return max(path.own, key=lambda cell: _value(tune[cell], "clap_f"))


def matched(
    paths: Sequence[Path],
    *,
    fixed: float | None,
    position: float,
    seeds: int,
    baseline: tuple[str, str],
    level: float,
) -> dict[str, Any]:
    """The comparison at matched CLAP-f as it stands in `evaluate.json`.

    Unperturbed systems join along w, the plain way to trade alignment for diversity, but have no say in the target.
    """
    compared = [path for path in paths if not path.is_unperturbed]
    if not compared:
        return _as_json(Matched(None, "no perturbed settings were sampled"), baseline, level)
    others = [path for path in paths if path.is_unperturbed]
    found = match(compared, fixed, position, seeds, others)
    points = sorted(found.points, key=lambda point: paths.index(point.path))
    return _as_json(replace(found, points=tuple(points)), baseline, level)


def as_json(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The paths, each with the ids of its settings, for whoever draws them."""
    return [{**path.named, "settings": [stop.cell.setting.id for stop in path.stops]} for path in paths]


def _as_json(result: Matched, baseline: tuple[str, str], level: float) -> dict[str, Any]:
    against = [point for point in result.points if (point.path.system, point.path.method) == baseline]
    differences = []
    for point in result.points:
        if not against or point is against[0]:
            continue
        for metric in METRICS:
            found = contrast(point, against[0], metric, level)
            if found is not None and metric != "clap_f" and METRICS[metric].about != "signal":
                differences.append(
                    {
                        **point.path.named,
                        "metric": metric,
                        "difference": found.difference,
                        "interval": found.interval and list(found.interval),
                        "share_of_baseline": found.share,
                    }
                )
    return {
        "clap_f": result.target,
        "why": result.why,
        "common_range": result.common and list(result.common),
        "rows": [point_row(point, level) for point in result.points],
        "refused": [{**path.named, "why": why} for path, why in result.refused],
        "baseline": {"system": baseline[0], "method": baseline[1], **(against[0].path.named if against else {})},
        "differences": differences,
        "published": PUBLISHED,
    }


def point_row(point: Point, level: float) -> dict[str, Any]:
    """An interpolated point as a row of `evaluate.json`."""
    target = point.values["clap_f"]
    return {
        **point.path.named,
        **{name: point.values.get(name) for name in METRICS},
        "n": point.bracket[0].measured.clips,
        "intervals": {
            name: bounds and list(bounds)
            for name in METRICS
            if name != "clap_f"
            for bounds in [point.interval(name, level)]
        },
        "bracket": [{**named(end.cell), "clap_f": end.clap_f} for end in point.bracket],
        "tolerance": min(abs(end.clap_f - target) for end in point.bracket),
        "bracketed_share": point.bracketed_share,
    }


def _value(measured: Measured, metric: str) -> float:
    value = measured.values[metric]
    return float("-inf") if value is None else value
