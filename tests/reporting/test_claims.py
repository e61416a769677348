"""Every data stage's claims are told, each with its figure, and those that fail are among what failed."""

from dataclasses import replace
from typing import Any

import pytest

from padstal.reporting.claims_view import Claim, broken_claims, claims, stage_claims
from padstal.reporting.findings import failures
from padstal.reporting.inputs import Inputs
from padstal.reporting.summary import render_summary


def with_truth(inputs: Inputs, **changes: Any) -> Inputs:
    truth = {**inputs.evaluation["truth"], **changes}
    return replace(inputs, metrics={**inputs.metrics, "evaluate": {**inputs.evaluation, "truth": truth}})


def found(inputs: Inputs, start: str) -> Claim:
    (claim,) = (row for row in claims(inputs) if row.claim.startswith(start))
    return claim


def test_every_data_stage_claims_something(inputs: Inputs) -> None:
    assert list(dict.fromkeys(row.stage for row in claims(inputs))) == [
        "ingest",
        "validate",
        "score",
        "caption",
        "curate",
    ]


def test_a_claim_holds_or_not_by_its_bound(inputs: Inputs) -> None:
    near = found(inputs, "recall: planted near")
    assert (near.figure, near.against, near.verdict) == ("0.830", "at least 0.950", "does not hold")
    assert found(inputs, "precision: what was taken for planted near").verdict == "holds"
    exact = found(inputs, "recall: planted exact")
    assert (exact.interval, exact.verdict, exact.n) == ("[0.600, 1.00]", "holds", "6")
    assert found(inputs, "planted near-duplicates that are in").verdict == "does not hold"
    assert found(inputs, "files with clipping").figure == "1 refused, 0 repaired"
    assert not [row for row in claims(inputs) if "with noise" in row.claim]


@pytest.mark.parametrize(
    ("interval", "verdict"), [([0.2, 0.8], "holds"), ([0.05, 0.8], "open"), ([0.0, 0.05], "does not hold")]
)
def test_what_is_to_beat_chance_holds_only_where_its_interval_does(
    inputs: Inputs, interval: list[float], verdict: str
) -> None:
    captions = inputs.evaluation["truth"]["captions"]
    wrong = {**captions["wrong"], "precision_interval": interval}
    changed = with_truth(inputs, captions={**captions, "wrong": wrong})
    assert found(changed, "precision: rejected captions").verdict == verdict


def test_claims_stand_in_the_summary_and_broken_ones_among_what_failed(inputs: Inputs) -> None:
    assert "What ingest claims, against what was planted" in render_summary(inputs, title="padstal")
    broken = broken_claims(inputs)
    assert len(broken) == 2
    assert set(broken) <= set(failures(inputs))


def test_without_planted_truth_there_are_no_claims(inputs: Inputs) -> None:
    nothing = replace(inputs, metrics={**inputs.metrics, "evaluate": {**inputs.evaluation, "truth": {"left": None}}})
    assert stage_claims(nothing) == []
    partial = with_truth(inputs, quality=None, captions=None, unlikely=None, screening={}, sound_files_kept=None)
    assert {row.stage for row in claims(partial)} == {"ingest", "validate", "curate"}
