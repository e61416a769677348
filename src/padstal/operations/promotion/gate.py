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
    """A value and its interval."""

    value: float
    interval: Interval

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.interval[0]:.4g}, {self.interval[1]:.4g}]"


@dataclass(frozen=True)
class Compared:
    """One metric of both models; `None` is what could not be computed, or has no champion.

    Attributes:
        challenger, champion: Theirs.
        gain: Challenger's minus champion's in the direction that is better, paired over prompts.
        sure: The gain with its interval at the level of (2).
    """

    challenger: Figure | None
    champion: Figure | None = None
    gain: Figure | None = None
    sure: Figure | None = None


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
        floors: Floor → the challenger's figure; `None` where it could not be computed.
        licences: Licences of the challenger's data.
        refused: Those that the run's policy refuses → why.
        champion_licences: Those of the champion's data; empty where there is no champion.
        gates: Data set → whether it passed the run's gate; `None` where that is not known.
        drift: Data set → its drift; `None` where that is not known.
    """

    champion: bool
    prompts: int
    metrics: Mapping[str, Compared]
    floors: Mapping[str, Figure | None]
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
    return Verdict(all(check.passed for check in checks), tuple(checks))


def _prompts(evidence: Evidence, asked: GateParams) -> Check:
    least = asked.least_prompts
    passed = evidence.prompts >= least
    reason = f"{evidence.prompts} frozen prompts, {'at least' if passed else 'fewer than'} the {least} asked for."
    return Check("prompts", "frozen prompts", passed, reason)


def _floor(name: str, figure: Figure | None, floor: float) -> Check:
    """An absolute demand; where chance alone gives 0, the lower end of the interval must reach it."""
    if not _known(figure):
        return Check("floor", name, False, f"{name} is not measured.")
    held, of = figure.value, ""
    if name == "clap_f_above_chance":
        held, of = figure.interval[0], "the lower end of its interval "
    said = f"{of}{'reaches' if held >= floor else 'does not reach'} {floor:.4g}"
    return Check("floor", name, held >= floor, f"{name} is {figure}: {said}.")


def _measured(name: str, found: Compared | None) -> Check:
    """Without a champion a metric must at least be there, so that the next challenger has something to beat."""
    figure = found.challenger if found else None
    shown = figure if _known(figure) else "not measured"
    return Check("measured", name, _known(figure), f"{name} is {shown}; there is no champion yet.")


def _not_worse(name: str, found: Compared | None, share: float) -> Check:
    if found is None or not (_known(found.champion) and _known(found.challenger) and _known(found.gain)):
        return Check("not worse", name, False, f"{name} could not be compared: a figure is missing.")
    margin = share * abs(found.champion.value)
    passed = found.gain.value >= -margin or found.gain.interval[1] >= 0  # (1)
    said = "is no worse beyond doubt and margin" if passed else "is worse beyond doubt and margin"
    went = f"from {found.champion.value:.4g} to {found.challenger.value:.4g}"
    return Check("not worse", name, passed, f"{name} {said}: {went}, gain {found.gain}, margin {margin:.4g}.")


def _better(evidence: Evidence, asked: GateParams) -> Check:
    found = {name: evidence.metrics[name] for name in asked.better_in if name in evidence.metrics}
    gains = {
        name: one.sure
        for name, one in found.items()
        if _known(one.sure) and _known(one.champion) and _known(one.challenger)
    }
    better = {name: gain for name, gain in gains.items() if gain.interval[0] > 0}  # (2)
    shown = ", ".join(f"{name} by {gain}" for name, gain in (better or gains).items())
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


def _known(figure: Figure | None) -> TypeGuard[Figure]:
    """Whether a figure is there, and all of it finite."""
    return figure is not None and all(map(math.isfinite, (figure.value, *figure.interval)))
