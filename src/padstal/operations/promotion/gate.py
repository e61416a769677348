"""The gate: whether a challenger becomes champion, decided from measured evidence alone.

A pure function of evidence and what is asked for. It promotes only if every check holds, and what is missing or not
finite never holds. With G the challenger's gain in a metric (signed so that more is better) and [G₋, G₊] its paired
interval:

    not worse:  G ≥ −margin  or  G₊ ≥ 0                                                                (1)
    better:     G₋ > 0 in one metric of diversity or alignment, at a level corrected for their number    (2)

So equal models are refused (G₋ = 0), and a better challenger is never refused for what a worse one passes. Without a
champion there is no gain to look at: floors, licences, data gates and drift decide.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from padstal.operations.config import GateParams
from padstal.rights.terms import joint

Interval = tuple[float, float]


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
class Check:
    """One question of the gate and its answer.

    Attributes:
        kind: "prompts", "floor", "measured", "not worse", "better", "licence", "gate" or "drift".
        name: What of, e.g. a metric.
        reason: The answer as one sentence, with its numbers.
    """

    kind: str
    name: str
    passed: bool
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


def decide(evidence: Evidence, asked: GateParams) -> Verdict:
    """The verdict; the same evidence and demands give the same one."""
    checks = [
        _prompts(evidence, asked),
        *(_floor(name, evidence.floors.get(name), floor) for name, floor in asked.floors.model_dump().items()),
    ]
    if evidence.champion:
        checks += [_not_worse(name, evidence.metrics.get(name), asked.margins[name]) for name in asked.metrics]
        checks.append(_better(evidence, asked))
    else:
        checks += [_measured(name, evidence.metrics.get(name)) for name in asked.metrics]
    checks += [_policy(evidence), _more_restrictive(evidence, asked)]
    checks += [_gate(name, evidence.gates[name]) for name in sorted(evidence.gates)]
    checks += [_drift(name, evidence.drift[name], evidence.champion, asked) for name in sorted(evidence.drift)]
    if not evidence.gates or not evidence.drift:
        checks.append(Check("gate", "data", False, "Nothing is known of the data's gates and drift."))
    return Verdict(all(check.passed for check in checks), tuple(checks))


def _prompts(evidence: Evidence, asked: GateParams) -> Check:
    least = asked.least_prompts
    passed = evidence.prompts >= least
    reason = f"{evidence.prompts} frozen prompts, {'at least' if passed else 'fewer than'} the {least} asked for."
    return Check("prompts", "frozen prompts", passed, reason)


def _floor(name: str, figure: Figure | None, floor: float) -> Check:
    """An absolute demand; where chance alone gives 0, the lower end of the interval must reach it."""
    value = _value(figure)
    held, where = value, "which"
    if name == "clap_f_above_chance":
        held = _bounds(figure)[0]
        where = f"the lower end of its interval, {_number(held)},"
    passed = not math.isnan(value) and held >= floor
    said = f"{'reaches' if passed else 'does not reach'} {_number(floor)}"
    return Check("floor", name, passed, f"{name} is {_number(value)}, {where} {said}.")


def _measured(name: str, found: Compared | None) -> Check:
    """Without a champion a metric must at least be there, so that the next challenger has something to beat."""
    value = _value(found.challenger if found else None)
    return Check("measured", name, not math.isnan(value), f"{name} is {_number(value)}; there is no champion yet.")


def _not_worse(name: str, found: Compared | None, share: float) -> Check:
    if not _whole(found):
        return Check("not worse", name, False, f"{name} could not be compared: a figure is missing.")
    before, gain, bounds = _value(found.champion), _value(found.gain), _bounds(found.gain)
    margin = share * abs(before)
    passed = gain >= -margin or bounds[1] >= 0  # (1)
    said = "is no worse beyond doubt and margin" if passed else "is worse beyond doubt and margin"
    went = f"from {_number(before)} to {_number(_value(found.challenger))}"
    reason = f"{name} {said}: {went}, gain in {_between(bounds)}, margin {_number(margin)}."
    return Check("not worse", name, passed, reason)


def _better(evidence: Evidence, asked: GateParams) -> Check:
    known = {
        name: (_value(found.gain), sure)
        for name in asked.better_in
        if _whole(found := evidence.metrics.get(name)) and not math.isnan((sure := _ends(found.sure))[0])
    }
    better = {name: (gain, sure) for name, (gain, sure) in known.items() if sure[0] > 0}  # (2)
    shown = ", ".join(f"{name} by {_number(gain)} {_between(sure)}" for name, (gain, sure) in (better or known).items())
    if better:
        return Check("better", ", ".join(better), True, f"Better beyond doubt: {shown}.")
    reason = f"Not better: no gain in alignment or diversity is above 0 beyond doubt ({shown or 'none was measured'})."
    return Check("better", "alignment or diversity", False, reason)


def _policy(evidence: Evidence) -> Check:
    if not evidence.licences:
        return Check("licence", "policy", False, "No licence of the data is known.")
    if evidence.refused:
        shown = "; ".join(f"{name} ({why})" for name, why in sorted(evidence.refused.items()))
        return Check("licence", "policy", False, f"The run's policy refuses {shown}.")
    reason = f"The run's policy allows all licences of the data: {', '.join(evidence.licences)}."
    return Check("licence", "policy", True, reason)


def _more_restrictive(evidence: Evidence, asked: GateParams) -> Check:
    """Whether whoever observes the champion's licences (and those accepted) observes the challenger's too."""
    if not evidence.champion:
        return Check("licence", "mix", True, "There is no champion whose licences could ask for less.")
    known = (*evidence.champion_licences, *asked.accepted_licences)
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
        return Check("licence", "mix", False, reason)
    reason = "The challenger's licences ask for nothing that the champion's, or those accepted, do not."
    return Check("licence", "mix", True, reason)


def _gate(name: str, passed: bool | None) -> Check:
    said = {True: "passed its gate", False: "did not pass its gate", None: "has no record of its gate"}[passed]
    return Check("gate", name, passed is True, f"The data set of {name} {said}.")


def _drift(name: str, drift: Drift | None, champion: bool, asked: GateParams) -> Check:
    most = asked.drifted_features
    if drift is None:
        return Check("drift", name, False, f"Nothing is known of the drift of {name}.")
    if not drift.compared:
        remedy = "; `padstal profile` makes one." if champion else ", and there is no champion yet."
        return Check("drift", name, not champion, f"{name} was compared with no reference{remedy}")
    passed = drift.drifted <= most
    reason = (
        f"{drift.drifted} of {drift.compared} features of {name} have drifted from the reference, "
        f"{'within' if passed else 'above'} the {most} allowed."
    )
    return Check("drift", name, passed, reason)


def _whole(found: Compared | None) -> TypeGuard[Compared]:
    """Whether no part of a comparison is missing, but for `sure`."""
    if found is None:
        return False
    parts = (_value(found.champion), _value(found.challenger), _value(found.gain), *_bounds(found.gain))
    return not any(map(math.isnan, parts))


def _value(figure: Figure | None) -> float:
    """A figure's value; NaN where it is missing or not finite."""
    value = math.nan if figure is None or figure.value is None else figure.value
    return value if math.isfinite(value) else math.nan


def _bounds(figure: Figure | None) -> Interval:
    return _ends(figure.interval if figure else None)


def _ends(bounds: Interval | None) -> Interval:
    """An interval's ends; NaN unless they are two finite numbers in order."""
    known = bounds is not None and all(map(math.isfinite, bounds)) and bounds[0] <= bounds[1]
    return bounds if bounds is not None and known else (math.nan, math.nan)


def _number(value: float) -> str:
    return "not measured" if math.isnan(value) else f"{value:.4g}"


def _between(bounds: Interval) -> str:
    return f"[{_number(bounds[0])}, {_number(bounds[1])}]"
