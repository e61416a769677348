"""Truths about the gate, for any evidence: better never turns pass into fail, equals and gaps are refused."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.evaluation import metrics
from padstal.operations.config import FloorParams, GateParams
from padstal.operations.promotion.gate import Compared, Drift, Evidence, Figure, decide

FLOORS = tuple(FloorParams.model_fields)
METRICS = {name: one.sign for name, one in metrics.METRICS.items()}
NUMBERS = st.floats(-3, 3)
WIDTHS = st.floats(0, 2)
LICENCES = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0")


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    value = draw(NUMBERS)
    return Figure(value, (value - draw(WIDTHS), value + draw(WIDTHS)))


@st.composite
def comparisons(draw: st.DrawFn, sign: int) -> Compared:
    before, now = draw(figures()), draw(figures())
    gain = sign * (now.value - before.value)
    low, high = draw(WIDTHS), draw(WIDTHS)
    sure = Figure(gain, (gain - low * 1.2, gain + high * 1.2))
    return Compared(now, before, Figure(gain, (gain - low, gain + high)), sure)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    champion = draw(st.booleans())
    metrics = {name: draw(comparisons(sign)) for name, sign in METRICS.items()}
    if not champion:
        metrics = {name: Compared(one.challenger) for name, one in metrics.items()}
    return Evidence(
        champion=champion,
        prompts=draw(st.integers(1, 40)),
        metrics=metrics,
        floors={name: draw(figures()) for name in FLOORS},
        licences=tuple(draw(st.lists(st.sampled_from(LICENCES), min_size=1, unique=True))),
        refused={},
        champion_licences=tuple(draw(st.lists(st.sampled_from(LICENCES), min_size=1, unique=True))) if champion else (),
        gates={"ingest": True, "curate": draw(st.sampled_from([True, True, True, False, None]))},
        drift={"ingest": draw(st.builds(Drift, st.integers(0, 3), st.integers(0, 3))), "curate": Drift(5, 0)},
    )


@st.composite
def thresholds(draw: st.DrawFn) -> GateParams:
    return GateParams(
        least_prompts=draw(st.integers(2, 20)),
        margins={name: draw(st.floats(0, 0.5)) for name in METRICS},
        better_in=("clap_f", "vendi", "ibs", "mrecall"),
        floors=FloorParams(**{name: draw(st.floats(-2 if name == "clap_f_above_chance" else 0, 1)) for name in FLOORS}),
        accepted_licences=(),
        drifted_features=draw(st.integers(0, 2)),
    )


def shifted(figure: Figure | None, by: float) -> Figure | None:
    if figure is None:
        return None
    return Figure(figure.value + by, (figure.interval[0] + by, figure.interval[1] + by))


def improved(found: Evidence, name: str, by: float) -> Evidence:
    """The challenger better by `by` in a metric or floor."""
    if name in FLOORS:
        floors = {**found.floors, name: shifted(found.floors[name], by)}
        return dataclasses.replace(found, floors=floors)
    one, sign = found.metrics[name], METRICS[name]
    better = Compared(
        challenger=shifted(one.challenger, sign * by),
        champion=one.champion,
        gain=shifted(one.gain, by),
        sure=shifted(one.sure, by),
    )
    return dataclasses.replace(found, metrics={**found.metrics, name: better})


PASSING = Evidence(
    champion=True,
    prompts=20,
    metrics={
        name: Compared(
            Figure(1.5, (1.4, 1.6)), Figure(1.0, (0.9, 1.1)), Figure(0.5, (0.3, 0.7)), Figure(0.5, (0.2, 0.8))
        )
        for name in METRICS
    },
    floors={name: Figure(0.5, (0.4, 0.6)) for name in FLOORS},
    licences=("CC-BY-4.0",),
    refused={},
    champion_licences=("CC-BY-4.0",),
    gates={"ingest": True, "curate": True},
    drift={"ingest": Drift(5, 0), "curate": Drift(5, 0)},
)
LIMITS = GateParams(
    least_prompts=16,
    margins=dict.fromkeys(METRICS, 0.02),
    better_in=("clap_f", "vendi"),
    floors=FloorParams(**dict.fromkeys(FLOORS, 0.1)),
    accepted_licences=(),
    drifted_features=0,
)


@pytest.mark.slow
@given(evidence(), thresholds(), st.sampled_from([*METRICS, *FLOORS]), st.floats(0, 3))
@settings(max_examples=150)
def test_a_better_challenger_passes_every_check_that_a_worse_one_passed(
    found: Evidence, limits: GateParams, name: str, by: float
) -> None:
    before, after = decide(found, limits), decide(improved(found, name, by), limits)
    for old, new in zip(before.checks, after.checks, strict=True):
        assert new.passed or not old.passed, (old, new)
    assert after.promote or not before.promote


@pytest.mark.slow
@given(evidence(), thresholds())
@settings(max_examples=60)
def test_an_equal_challenger_is_refused_as_not_better(found: Evidence, limits: GateParams) -> None:
    same = {
        name: Compared(one.challenger, one.challenger, *[Figure(0.0, (0.0, 0.0))] * 2)
        for name, one in found.metrics.items()
    }
    verdict = decide(dataclasses.replace(found, champion=True, metrics=same), limits)
    assert not verdict.promote
    [better] = [check for check in verdict.checks if check.kind == "better"]
    assert not better.passed
    assert all(check.passed for check in verdict.checks if check.kind == "not worse")


@pytest.mark.slow
@given(evidence(), thresholds(), st.sampled_from(list(METRICS)), st.sampled_from([math.nan, math.inf, None]))
@settings(max_examples=60)
def test_what_is_missing_or_not_a_number_is_refused(
    found: Evidence, limits: GateParams, name: str, value: float | None
) -> None:
    figure = None if value is None else Figure(value, (0.0, 0.0))
    one = dataclasses.replace(found.metrics[name], challenger=figure)
    assert not decide(dataclasses.replace(found, metrics={**found.metrics, name: one}), limits).promote
    without = {other: figures for other, figures in found.metrics.items() if other != name}
    assert not decide(dataclasses.replace(found, metrics=without), limits).promote


@pytest.mark.slow
@given(evidence(), thresholds())
@settings(max_examples=60)
def test_it_promotes_exactly_if_every_check_holds_and_each_says_why(found: Evidence, limits: GateParams) -> None:
    verdict = decide(found, limits)
    assert verdict.promote == all(check.passed for check in verdict.checks)
    assert all(check.reason.endswith(".") and check.reason.count("\n") == 0 for check in verdict.checks)
    assert decide(found, limits) == verdict


def test_evidence_that_holds_everywhere_promotes() -> None:
    assert decide(PASSING, LIMITS).promote


@pytest.mark.parametrize("part", ["value", "interval", "gain", "sure", "champion"])
@pytest.mark.parametrize("name", ["clap_f", "fd"])
def test_each_part_of_a_comparison_is_needed(name: str, part: str) -> None:
    one = PASSING.metrics[name]
    assert one.gain is not None
    broken = {
        "value": dataclasses.replace(one, gain=Figure(math.nan, one.gain.interval)),
        "interval": dataclasses.replace(one, gain=Figure(one.gain.value, (math.nan, 1.0))),
        "gain": dataclasses.replace(one, gain=None),
        "sure": dataclasses.replace(one, sure=None),
        "champion": dataclasses.replace(one, champion=None),
    }[part]
    others = {
        other: dataclasses.replace(figures, gain=Figure(0.0, (-0.1, 0.1)), sure=Figure(0.0, (-0.1, 0.1)))
        for other, figures in PASSING.metrics.items()
    }
    metrics = {**(others if part == "sure" else PASSING.metrics), name: broken}
    assert not decide(dataclasses.replace(PASSING, metrics=metrics), LIMITS).promote


@pytest.mark.parametrize(
    ("gain", "interval", "passes"),
    [
        (-0.5, (-0.7, -0.3), False),  # surely worse
        (-0.5, (-1.1, 0.1), True),  # may be chance
        (-0.015, (-0.018, -0.012), True),  # surely worse, within the margin of 2 % of 1.0
        (-0.021, (-0.03, -0.01), False),
    ],
)
def test_worse_means_beyond_the_interval_and_beyond_the_margin(
    gain: float, interval: tuple[float, float], passes: bool
) -> None:
    one = dataclasses.replace(PASSING.metrics["pmos"], gain=Figure(gain, interval))
    verdict = decide(dataclasses.replace(PASSING, metrics={**PASSING.metrics, "pmos": one}), LIMITS)
    assert verdict.promote is passes


def test_quality_alone_is_no_reason_to_promote() -> None:
    level = {name: dataclasses.replace(one, sure=Figure(0.5, (-0.1, 0.9))) for name, one in PASSING.metrics.items()}
    level["pmos"] = PASSING.metrics["pmos"]
    verdict = decide(dataclasses.replace(PASSING, metrics=level), LIMITS)
    assert [check.kind for check in verdict.checks if not check.passed] == ["better"]


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"refused": {"CC-BY-4.0": "denied"}}, "licence"),
        ({"licences": ()}, "licence"),
        ({"licences": ("CC-BY-4.0", "CC-BY-NC-4.0")}, "licence"),
        ({"licences": ("a licence nobody knows",)}, "licence"),
        ({"champion_licences": ()}, "licence"),
        ({"gates": {"ingest": True, "curate": False}}, "gate"),
        ({"gates": {"ingest": True, "curate": None}}, "gate"),
        ({"drift": {"ingest": Drift(5, 1)}}, "drift"),
        ({"drift": {"ingest": None}}, "drift"),
        ({"drift": {"ingest": Drift(0, 0)}}, "drift"),
        ({"prompts": 15}, "prompts"),
    ],
)
def test_data_and_design_are_asked_about_too(change: dict[str, object], failing: str) -> None:
    verdict = decide(dataclasses.replace(PASSING, **change), LIMITS)  # type: ignore[arg-type]
    assert {check.kind for check in verdict.checks if not check.passed} == {failing}
    assert failing in verdict.summary


def test_licences_that_ask_for_less_or_are_accepted_may_come_in() -> None:
    free = dataclasses.replace(PASSING, licences=("CC0-1.0", "CC-BY-4.0"))
    assert decide(free, LIMITS).promote
    shared = dataclasses.replace(PASSING, licences=("CC-BY-SA-4.0",))
    assert not decide(shared, LIMITS).promote
    assert decide(shared, LIMITS.model_copy(update={"accepted_licences": ("CC-BY-SA-4.0",)})).promote


def test_without_a_champion_drift_has_nothing_to_be_measured_against() -> None:
    alone = dataclasses.replace(
        PASSING,
        champion=False,
        champion_licences=(),
        drift={"ingest": Drift(0, 0)},
        metrics={name: Compared(one.challenger) for name, one in PASSING.metrics.items()},
    )
    assert decide(alone, LIMITS).promote
    floors = {**alone.floors, "pmos_share": Figure(0.05, (0.04, 0.06))}
    assert not decide(dataclasses.replace(alone, floors=floors), LIMITS).promote


def test_alignment_must_be_above_chance_beyond_doubt() -> None:
    floors = {**PASSING.floors, "clap_f_above_chance": Figure(0.5, (0.05, 0.9))}
    assert not decide(dataclasses.replace(PASSING, floors=floors), LIMITS).promote
    floors["clap_f_above_chance"] = None
    assert not decide(dataclasses.replace(PASSING, floors=floors), LIMITS).promote
