"""The gate: whether a challenger becomes champion, decided from measured evidence alone.

A pure function of evidence and thresholds. It promotes only if every check holds, and what is missing or not finite
never holds. With G the challenger's gain in a metric (signed so that more is better) and [G₋, G₊] its paired interval:

    not worse:  G ≥ −margin  or  G₊ ≥ 0                                                                (1)
    better:     G₋ > 0 in one metric of diversity or alignment, at a level corrected for their number    (2)

So equal models are refused (G₋ = 0), and a better challenger is never refused for what a worse one passes. Without a
champion there is no gain to look at: floors, licences, data gates and drift decide.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from padstal.evaluation.metrics import METRICS
from padstal.rights.terms import joint

Interval = tuple[float, float]

FLOORS = ("clap_f_above_chance", "vendi_share", "pmos_share")
"""What is asked of every challenger: alignment above that with others' prompts (the lower end of its interval), and
diversity and quality as shares of what held-out music has."""


@dataclass(frozen=True)
class Figure:
    """A value and its interval; `None` where it could not be computed."""

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class Compared:
    """One metric of both models.

    Attributes:
        challenger, champion: Theirs; the champion's is `None` where there is none.
        gain: Challenger's minus champion's in the direction that is better, paired over prompts.
        sure: Interval of the gain at the level of (2).
    """

    challenger: Figure
    champion: Figure | None = None
    gain: Figure | None = None
    sure: Interval | None = None


@dataclass(frozen=True)
class Drift:
    """What `validate` found in a data set: features compared with the reference, and those that have drifted."""

    compared: int
    drifted: int


@dataclass(frozen=True)
class Evidence:
    """All that the gate looks at.

    Attributes:
        champion: Whether there is a champion to beat.
        prompts: Prompts that figures rest on.
        metrics: Metric → both models' figures.
        floors: Floor → the challenger's figure.
        licences: Licences of the challenger's data.
        refused: Those that the run's policy refuses → why.
        champion_licences: Those of the champion's data; empty where there is no champion.
        gates: Data set → whether it passed the run's gate; `None` where that is not known.
        drift: Data set → its drift; `None` where that is not known.
    """

    champion: bool
    prompts: int
    metrics: Mapping[str, Compared]
    floors: Mapping[str, Figure]
    licences: tuple[str, ...]
    refused: Mapping[str, str]
    champion_licences: tuple[str, ...]
    gates: Mapping[str, bool | None]
    drift: Mapping[str, Drift | None]


@dataclass(frozen=True)
class Thresholds:
    """What the gate asks for; see `operations/config.py` for each. What has a margin is compared."""

    least_prompts: int
    margins: Mapping[str, float]
    better_in: tuple[str, ...]
    floors: Mapping[str, float]
    accepted_licences: tuple[str, ...]
    drifted_features: int

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that are compared, in the order of their table."""
        return tuple(name for name in METRICS if name in self.margins)


@dataclass(frozen=True)
class Check:
    """One question of the gate and its answer.

    Attributes:
        kind: "prompts", "floor", "not worse", "better", "licence", "gate" or "drift".
        name: What of, e.g. a metric.
        threshold: What `value` is held against; `None` where there is no number.
        reason: The answer as one sentence.
    """

    kind: str
    name: str
    passed: bool
    value: float | None
    interval: Interval | None
    threshold: float | None
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The gate's answer, and every check behind it."""

    promote: bool
    checks: tuple[Check, ...]

    @property
    def summary(self) -> str:
        """The answer as one sentence."""
        failed = [check for check in self.checks if not check.passed]
        if not failed:
            gains = [check.name for check in self.checks if check.kind == "better" and check.passed]
            return f"All {len(self.checks)} checks hold{', and the challenger is better' if gains else ''}."
        named = ", ".join(f"{check.kind} ({check.name})" for check in failed)
        return f"{len(failed)} of {len(self.checks)} checks fail: {named}."


def decide(evidence: Evidence, thresholds: Thresholds) -> Verdict:
    """The verdict; the same evidence and thresholds give the same one."""
    checks = [
        _prompts(evidence, thresholds),
        *(_floor(name, evidence.floors.get(name), thresholds.floors[name]) for name in FLOORS),
    ]
    if evidence.champion:
        checks += [
            _not_worse(name, evidence.metrics.get(name), thresholds.margins[name]) for name in thresholds.metrics
        ]
        checks.append(_better(evidence, thresholds))
    else:
        checks += [_measured(name, evidence.metrics.get(name)) for name in thresholds.metrics]
    checks += [_policy(evidence), _more_restrictive(evidence, thresholds)]
    checks += [_gate(name, evidence.gates[name]) for name in sorted(evidence.gates)]
    checks += [_drift(name, evidence.drift[name], evidence.champion, thresholds) for name in sorted(evidence.drift)]
    if not evidence.gates or not evidence.drift:
        checks.append(Check("gate", "data", False, None, None, None, "Nothing is known of the data's gates and drift."))
    return Verdict(all(check.passed for check in checks), tuple(checks))


def _prompts(evidence: Evidence, thresholds: Thresholds) -> Check:
    least = thresholds.least_prompts
    passed = evidence.prompts >= least
    reason = f"{evidence.prompts} frozen prompts, {'at least' if passed else 'fewer than'} the {least} asked for."
    return Check("prompts", "frozen prompts", passed, float(evidence.prompts), None, float(least), reason)


def _floor(name: str, figure: Figure | None, floor: float) -> Check:
    """An absolute demand; what has an interval must have its lower end there where chance alone gives 0."""
    if figure is None or not _finite(figure.value):
        return Check("floor", name, False, None, None, floor, f"{name} could not be measured.")
    value, bounds = _value(figure), _interval(figure.interval)
    held = value
    if name == "clap_f_above_chance":
        if bounds is None:
            return Check("floor", name, False, value, None, floor, f"{name} has no interval.")
        held = bounds[0]
    passed = held >= floor
    said = f"{'reaches' if passed else 'is below'} {_number(floor)}"
    where = f"the lower end of its interval, {_number(held)}, {said}" if held != value else f"which {said}"
    reason = f"{name} is {_number(value)}, {where}."
    return Check("floor", name, passed, value, bounds, floor, reason)


def _measured(name: str, found: Compared | None) -> Check:
    """Without a champion a metric must at least be there, so that the next challenger has something to beat."""
    passed = found is not None and _finite(found.challenger.value)
    value = _value(found.challenger) if found is not None and passed else None
    bounds = _interval(found.challenger.interval) if found is not None else None
    reason = f"{name} is {_number(value)}; there is no champion yet." if passed else f"{name} could not be measured."
    return Check("measured", name, passed, value, bounds, None, reason)


def _not_worse(name: str, found: Compared | None, share: float) -> Check:
    gain = _complete(found)
    if found is None or gain is None:
        return Check("not worse", name, False, None, None, None, f"{name} could not be compared: a figure is missing.")
    assert found.champion is not None
    before, now = _value(found.champion), _value(found.challenger)
    value, bounds = gain
    margin = share * abs(before)
    passed = value >= -margin or bounds[1] >= 0  # (1)
    if value >= 0:
        said = f"{name} went from {_number(before)} to {_number(now)}, which is no worse."
    elif value >= -margin:
        said = f"{name} went from {_number(before)} to {_number(now)}, within the margin of {_number(margin)}."
    elif passed:
        said = f"{name} went from {_number(before)} to {_number(now)}, which may be chance: the interval reaches 0."
    else:
        said = (
            f"{name} is worse beyond doubt and margin: from {_number(before)} to {_number(now)}, "
            f"interval of the gain {_between(bounds)}, margin {_number(margin)}."
        )
    return Check("not worse", name, passed, value, bounds, -margin, said)


def _better(evidence: Evidence, thresholds: Thresholds) -> Check:
    gains: dict[str, tuple[float, Interval]] = {}
    for name in thresholds.better_in:
        found = evidence.metrics.get(name)
        gain, sure = _complete(found), _interval(found.sure if found else None)
        if gain is not None and sure is not None:
            gains[name] = (gain[0], sure)
    if not gains:
        reason = f"None of {', '.join(thresholds.better_in)} could be compared."
        return Check("better", "alignment or diversity", False, None, None, 0.0, reason)
    best = max(gains, key=lambda name: gains[name][1][0])
    value, sure = gains[best]
    better = [name for name in gains if gains[name][1][0] > 0]  # (2)
    if better:
        shown = ", ".join(f"{name} by {_number(gains[name][0])} {_between(gains[name][1])}" for name in better)
        return Check("better", ", ".join(better), True, value, sure, 0.0, f"Better beyond doubt: {shown}.")
    shown = ", ".join(f"{name} {_number(gain)} {_between(bounds)}" for name, (gain, bounds) in gains.items())
    reason = f"Not better: no gain in alignment or diversity is above 0 beyond doubt ({shown})."
    return Check("better", "alignment or diversity", False, value, sure, 0.0, reason)


def _policy(evidence: Evidence) -> Check:
    if not evidence.licences:
        return Check("licence", "policy", False, None, None, None, "No licence of the data is known.")
    if evidence.refused:
        shown = "; ".join(f"{name} ({why})" for name, why in sorted(evidence.refused.items()))
        return Check("licence", "policy", False, None, None, None, f"The run's policy refuses {shown}.")
    reason = f"The run's policy allows all licences of the data: {', '.join(evidence.licences)}."
    return Check("licence", "policy", True, None, None, None, reason)


def _more_restrictive(evidence: Evidence, thresholds: Thresholds) -> Check:
    """Whether whoever observes the champion's licences (and those accepted) observes the challenger's too."""
    if not evidence.champion:
        reason = "There is no champion whose licences could ask for less."
        return Check("licence", "mix", True, None, None, None, reason)
    known = (*evidence.champion_licences, *thresholds.accepted_licences)
    before = joint(known) if evidence.champion_licences else None
    new = [
        name
        for name in evidence.licences
        if name not in known and (before is None or (terms := joint([name])) is None or not terms.within(before))
    ]
    if new:
        reason = (
            f"The challenger's data ask for more than the champion's: {', '.join(new)}; "
            "name them in promote.accepted_licences if that is meant."
        )
        return Check("licence", "mix", False, None, None, None, reason)
    reason = "The challenger's licences ask for nothing that the champion's, or those accepted, do not."
    return Check("licence", "mix", True, None, None, None, reason)


def _gate(name: str, passed: bool | None) -> Check:
    said = {True: "passed its gate", False: "did not pass its gate", None: "has no record of its gate"}[passed]
    return Check("gate", name, passed is True, None, None, None, f"The data set of {name} {said}.")


def _drift(name: str, drift: Drift | None, champion: bool, thresholds: Thresholds) -> Check:
    most = thresholds.drifted_features
    if drift is None:
        return Check("drift", name, False, None, None, float(most), f"Nothing is known of the drift of {name}.")
    if not drift.compared:
        reason = f"{name} was compared with no reference" + (
            "; `padstal profile` makes one." if champion else ", and there is no champion yet."
        )
        return Check("drift", name, not champion, None, None, float(most), reason)
    passed = drift.drifted <= most
    reason = (
        f"{drift.drifted} of {drift.compared} features of {name} have drifted from the reference, "
        f"{'within' if passed else 'above'} the {most} allowed."
    )
    return Check("drift", name, passed, float(drift.drifted), None, float(most), reason)


def _complete(found: Compared | None) -> tuple[float, Interval] | None:
    """The gain and its interval, if both models' values and both are there."""
    if found is None or found.champion is None or found.gain is None:
        return None
    bounds = _interval(found.gain.interval)
    values = (found.challenger.value, found.champion.value, found.gain.value)
    return (_value(found.gain), bounds) if bounds is not None and all(map(_finite, values)) else None


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _value(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


def _interval(bounds: Interval | None) -> Interval | None:
    """`bounds`, if they are two finite numbers in order."""
    return bounds if bounds is not None and all(map(_finite, bounds)) and bounds[0] <= bounds[1] else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _between(bounds: Interval) -> str:
    return f"[{_number(bounds[0])}, {_number(bounds[1])}]"
