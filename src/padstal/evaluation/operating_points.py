"""Methods compared at equal alignment: every metric interpolated along a sweep to one CLAP-f (PADS-TAL 3).

A path is a system's cells that differ in one value alone: the method's strength, weakest first, from the cell without
the method on; without a method it goes along w, strongest first. Where its CLAP-f first crosses the target between
neighbouring cells j and j+1,

    u = (c* − c_j) / (c_{j+1} − c_j),   m(c*) = (1 − u) m_j + u m_{j+1}                                 (1)

Nothing is extrapolated: a path that does not reach the target is refused with a reason. Each bootstrap draw of prompts
re-interpolates, with one draw shared by all paths, so that differences are paired.

Shape suffixes: J cells of a path, R draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from padstal.evaluation.bootstrap import Interval, interval
from padstal.evaluation.grid import Cell
from padstal.evaluation.measure import Measured
from padstal.evaluation.metrics import METRICS

FEWEST_SEEDS = 3
LEAST_BRACKETED = 0.9
"""An interval is given only where at least this share of the draws reaches the target."""


@dataclass(frozen=True)
class Stop:
    """One measured cell of a path."""

    cell: Cell
    measured: Measured

    @property
    def clap_f(self) -> float:
        value = self.measured.values["clap_f"]
        assert value is not None
        return value


@dataclass(frozen=True)
class Path:
    """A sweep.

    Attributes:
        label: The method, and what tells the path from the method's others; unique within a system.
    """

    label: str
    stops: tuple[Stop, ...]

    @property
    def system(self) -> str:
        return self.stops[0].cell.system

    @property
    def method(self) -> str:
        return self.stops[-1].cell.setting.method_name

    @property
    def is_unperturbed(self) -> bool:
        return self.stops[-1].cell.is_unperturbed

    @property
    def name(self) -> str:
        return f"{self.system} {self.label}"

    @property
    def own(self) -> tuple[Cell, ...]:
        """Its cells with the method."""
        return tuple(stop.cell for stop in self.stops if stop.cell.is_unperturbed == self.is_unperturbed)

    def clap_f(self) -> np.ndarray:
        """CLAP-f of the stops, [1, J]."""
        return np.array([[stop.clap_f for stop in self.stops]])

    def clap_f_draws(self, draws: int) -> np.ndarray:
        """The first so many draws of it, [R, J]."""
        return np.stack([stop.measured.draws["clap_f"][:draws] for stop in self.stops], axis=1)

    @property
    def draws(self) -> int:
        """R that all of its stops have of every metric."""
        return min(len(own_R) for stop in self.stops for own_R in stop.measured.draws.values())

    @property
    def named(self) -> dict[str, str]:
        """What names it in files."""
        return {"system": self.system, "method": self.method, "path": self.label}

    @property
    def span(self) -> str:
        return f"[{self.clap_f().min():.4f}, {self.clap_f().max():.4f}]"


def paths(measured: Mapping[Cell, Measured]) -> list[Path]:
    """All sweeps of the grid, in its order."""
    sweeps: dict[tuple[str, str], list[Cell]] = {}
    for cell in measured:
        sweeps.setdefault((cell.system, cell.setting.path), []).append(cell)
    firsts = [(system, cells[0].setting) for (system, _), cells in sweeps.items()]
    found = []
    for (system, _), cells in sweeps.items():
        first = cells[0].setting
        others = [one.values for of, one in firsts if of == system and one.method_name == first.method_name]
        told = {name for name, own in first.values.items() if any(other.get(name, own) != own for other in others)}
        if first.swept == "guidance.w":
            ordered = sorted(cells, key=lambda cell: -cell.setting.w)
        else:
            start = [cell for cell in measured if cell.starts(cells[0])]
            ordered = [*start, *sorted(cells, key=lambda cell: cell.setting.strength)]
        label = first.named(told - {first.swept})
        found.append(Path(label, tuple(Stop(cell, measured[cell]) for cell in ordered)))
    return found


@dataclass(frozen=True)
class Point:
    """A method at the target.

    Attributes:
        values, draws: Metric → interpolated value, and its draws [R] (NaN where a draw does not reach the target).
        bracket: The two stops that the target lies between.
        bracketed_share: Share of draws that reach the target.
    """

    path: Path
    values: dict[str, float]
    draws: dict[str, np.ndarray]
    bracket: tuple[Stop, Stop]
    bracketed_share: float

    def interval(self, metric: str, level: float) -> Interval | None:
        """Interval of a metric; `None` where too few draws reach the target."""
        if self.bracketed_share < LEAST_BRACKETED or metric not in self.draws:
            return None
        return interval(self.draws[metric], self.values[metric], level, METRICS[metric].limits)


@dataclass(frozen=True)
class Matched:
    """All methods at one CLAP-f; `target` is `None` where there is none, and `why` says so."""

    target: float | None
    why: str
    points: tuple[Point, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()
    common: tuple[float, float] | None = None


def crossing(clap_RJ: np.ndarray, target_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each path first reaches its target: stop j [R] (−1 where it never does) and share u [R] of (1)."""
    before_RJ, after_RJ = clap_RJ[:, :-1], clap_RJ[:, 1:]
    reached_RJ = (before_RJ - target_R[:, None]) * (after_RJ - target_R[:, None]) <= 0
    j_R = reached_RJ.argmax(axis=1)
    rows = np.arange(len(clap_RJ))
    before_R, after_R = before_RJ[rows, j_R], after_RJ[rows, j_R]
    gap_R = after_R - before_R
    u_R = np.where(gap_R == 0, 0.0, (target_R - before_R) / np.where(gap_R == 0, 1.0, gap_R))
    return np.where(reached_RJ.any(axis=1), j_R, -1), u_R


def common_range(clap: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest CLAP-f [R] that all paths [R, J_i] span; empty where low > high."""
    low_R = np.max([path_RJ.min(axis=1) for path_RJ in clap], axis=0)
    high_R = np.min([path_RJ.max(axis=1) for path_RJ in clap], axis=0)
    return low_R, high_R


def match(
    paths: list[Path], fixed: float | None, position: float, seeds: int, others: list[Path] | None = None
) -> Matched:
    """All methods at one CLAP-f.

    Args:
        paths: The sweeps to compare.
        fixed: The target; `None` takes it from the sweeps.
        position: Without a fixed target, its place in the range that all paths span: 0 lowest, 1 highest. Paths that
            start from the same unperturbed setting agree trivially at the very top, so stay below 1 there. Each
            bootstrap draw places its own target by the same rule.
        seeds: Samples of different seeds that every prompt has.
        others: Paths that join where they reach the target but have no say in it.

    Raises:
        ValueError: No paths.
    """
    if not paths:
        raise ValueError("no methods to match: expected at least one path")
    if seeds < FEWEST_SEEDS:
        return Matched(None, f"{seeds} sampling seeds a prompt; a comparison needs at least {FEWEST_SEEDS}")
    short = [path for path in paths if len(path.stops) < 2]
    if short:
        return Matched(None, f"{short[0].name} has {len(short[0].stops)} setting; interpolation needs at least 2")
    draws = min(path.draws for path in paths)
    low, high = (float(edge[0]) for edge in common_range([path.clap_f() for path in paths]))
    spans = "; ".join(f"{path.name} spans {path.span}" for path in paths)
    common = (low, high) if low <= high else None
    if fixed is None and common is None:
        return Matched(None, f"no CLAP-f is reached by all methods: {spans}")
    if fixed is None:
        target = low + position * (high - low)
        low_R, high_R = common_range([path.clap_f_draws(draws) for path in paths])
        target_R = np.where(low_R <= high_R, low_R + position * (high_R - low_R), np.nan)
    else:
        target, target_R = fixed, np.full(draws, fixed)
    points, refused = [], []
    for path in [*paths, *(others or [])]:
        point = at(path, target, target_R, draws)
        if point is not None:
            points.append(point)
        elif path in paths:
            refused.append((path, f"spans CLAP-f {path.span} and does not reach {target:.4f}"))
    if not points:
        return Matched(None, f"no method reaches CLAP-f {target:.4f}: {spans}", refused=tuple(refused), common=common)
    why = "; ".join(f"{path.name} {reason}" for path, reason in refused)
    return Matched(target, why, tuple(points), tuple(refused), common)


def at(path: Path, target: float, target_R: np.ndarray, draws: int) -> Point | None:
    """`path` at `target`, and each of its draws at its own; `None` where the path does not reach the target."""
    if len(path.stops) < 2:
        return None
    found_1, share_1 = crossing(path.clap_f(), np.array([target]))
    j, u = int(found_1[0]), float(share_1[0])
    if j < 0:
        return None
    j_R, u_R = crossing(path.clap_f_draws(draws), target_R)
    rows = np.arange(draws)
    values, draws_of = {}, {}
    for metric in path.stops[0].measured.values:
        ends_J = [value for stop in path.stops if (value := stop.measured.values[metric]) is not None]
        if len(ends_J) < len(path.stops):
            continue
        all_RJ = np.stack([stop.measured.draws[metric][:draws] for stop in path.stops], axis=1)
        # (1)
        values[metric] = (1 - u) * ends_J[j] + u * ends_J[j + 1]
        moved_R = (1 - u_R) * all_RJ[rows, j_R] + u_R * all_RJ[rows, (j_R + 1) % len(ends_J)]
        draws_of[metric] = np.where(j_R >= 0, moved_R, np.nan)
    bracket = (path.stops[j], path.stops[j + 1])
    return Point(path, values, draws_of, bracket, float((j_R >= 0).mean()))


@dataclass(frozen=True)
class Contrast:
    """A method minus the baseline at the same CLAP-f, its interval, and the difference as a share of the baseline."""

    difference: float
    interval: Interval | None
    share: float | None


def contrast(point: Point, baseline: Point, metric: str, level: float) -> Contrast | None:
    """Paired contrast of one metric; `None` where either lacks it."""
    if metric not in point.values or metric not in baseline.values:
        return None
    base = baseline.values[metric]
    difference = point.values[metric] - base
    reached = min(point.bracketed_share, baseline.bracketed_share)
    bounds = (
        interval(point.draws[metric] - baseline.draws[metric], difference, level)
        if reached >= LEAST_BRACKETED
        else None
    )
    return Contrast(difference, bounds, difference / base if base else None)
