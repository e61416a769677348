"""Verdicts come from intervals alone."""

from dataclasses import replace

import pytest

from padstal.reporting.findings import failures, findings, headline
from padstal.reporting.inputs import Inputs


def with_evaluation(inputs: Inputs, **changes: object) -> Inputs:
    return replace(inputs, metrics={**inputs.metrics, "evaluate": {**inputs.evaluation, **changes}})


def verdicts(inputs: Inputs) -> dict[str, str]:
    return {finding.claim: finding.kind for finding in findings(inputs)}


MATCHED = "PADS in the TAL space is more diverse at equal alignment"
LATENT = "The TAL space keeps genres together better than the audio space"


@pytest.mark.parametrize(
    ("interval", "kind"), [((0.5, 2.3), "yes"), ((-0.1, 2.3), "open"), ((-2.0, -0.1), "no"), (None, "open")]
)
def test_the_interval_of_the_difference_decides(
    inputs: Inputs, interval: tuple[float, float] | None, kind: str
) -> None:
    matched = dict(inputs.evaluation["matched"])
    difference = {"system": "tal_dit", "method": "pads", "metric": "vendi", "difference": 1.0}
    matched["differences"] = [{**difference, "interval": interval and list(interval), "share_of_baseline": 0.2}]
    assert verdicts(with_evaluation(inputs, matched=matched))[MATCHED] == kind


def test_a_codec_is_text_aware_by_its_channel_groups_whatever_its_name(inputs: Inputs) -> None:
    assert inputs.text_aware == {"tal"}
    systems = {
        "talkative": {"codec": "audio", "denoiser": "audio_dit"},
        "other": {"codec": "tal", "denoiser": "tal_dit"},
    }
    difference = {"system": "other", "method": "pads", "metric": "vendi", "difference": 1.0, "interval": [0.5, 2.0]}
    matched = {**inputs.evaluation["matched"], "differences": [difference]}
    renamed = replace(with_evaluation(inputs, matched=matched), systems=systems)
    assert verdicts(renamed)[MATCHED] == "yes"
    assert not [claim for claim in verdicts(replace(inputs, models=())) if "space is" in claim]


def test_lower_is_better_for_kl() -> None:
    from padstal.reporting.results_view import direction

    assert direction("kl", (-0.2, -0.1)) == "better"
    assert direction("vendi", (-0.2, -0.1)) == "worse"
    assert direction("ibs", (0.1, 0.2)) == "worse"
    assert direction("kl", (-0.2, 0.1)) == "open"


def test_without_a_common_clap_f_the_claim_is_open_and_the_reason_is_told(inputs: Inputs) -> None:
    refused = with_evaluation(inputs, matched={"clap_f": None, "why": "no CLAP-f is reached by all methods"})
    assert verdicts(refused)[MATCHED] == "open"
    assert any("no CLAP-f is reached by all methods" in sentence for sentence in failures(refused))


@pytest.mark.parametrize(
    ("tal", "audio", "kind"),
    [((0.5, 0.6), (0.2, 0.3), "yes"), ((0.25, 0.35), (0.2, 0.3), "open"), ((0.1, 0.15), (0.2, 0.3), "no")],
)
def test_latent_spaces_must_be_apart(
    inputs: Inputs, tal: tuple[float, float], audio: tuple[float, float], kind: str
) -> None:
    spaces = [
        {
            "codec": name,
            "space": name,
            "pooling": "mean",
            "precision": sum(around) / 2,
            "interval": list(around),
            "chance": 0.1,
            "queries": 9,
        }
        for name, around in (("tal", tal), ("audio", audio))
    ]
    assert verdicts(with_evaluation(inputs, latent_space={"k": 5, "spaces": spaces}))[LATENT] == kind


def test_poolings_that_disagree_leave_the_claim_open(inputs: Inputs) -> None:
    rows = (("tal", "mean", 0.5), ("audio", "mean", 0.2), ("tal", "flat", 0.2), ("audio", "flat", 0.2))
    spaces = [
        {
            "codec": name,
            "space": name,
            "pooling": pooling,
            "precision": p,
            "interval": [p - 0.02, p + 0.02],
            "chance": 0.1,
        }
        for name, pooling, p in rows
    ]
    assert verdicts(with_evaluation(inputs, latent_space={"k": 5, "spaces": spaces}))[LATENT] == "open"


def test_what_does_not_hold_is_listed_among_the_failures(inputs: Inputs) -> None:
    told = " ".join(failures(inputs))
    for finding in findings(inputs):
        assert (finding.claim in told) == (finding.kind != "yes")
    assert "would need extrapolation" in told
    assert "loudness is in range" in told


def test_the_headline_is_about_samples_where_any_finding_is(inputs: Inputs) -> None:
    main = headline(findings(inputs))
    assert main is not None
    assert (main.claim, main.figure, main.system) == (MATCHED, "Vendi +1.40", "tal_dit")
    apart = headline(findings(with_evaluation(inputs, matched={"clap_f": None, "baseline": {"system": "audio_dit"}})))
    assert apart is not None
    assert (apart.figure, apart.system) == ("Vendi 6.50 against 5.00", "audio_dit")
    spaces = headline(findings(with_evaluation(inputs, rows=[], matched={"baseline": {"system": "audio_dit"}})))
    assert spaces is not None
    assert spaces.figure == "Precision 0.520 against 0.300"
    assert headline([]) is None


def test_nothing_is_found_where_nothing_ran(empty: Inputs) -> None:
    assert findings(empty) == []
    assert failures(empty) == ["Nothing was evaluated: there is no evaluate.json of this scale."]


@pytest.mark.parametrize(("low", "told"), [(0.2, True), (0.04, False)])
def test_a_model_that_surely_repeats_its_training_music_is_told_of(inputs: Inputs, low: float, told: bool) -> None:
    row = {"system": "tal_dit", "method": "pads", "copies": 0.3, "intervals": {"copies": [low, 0.5]}}
    found = failures(with_evaluation(inputs, rows=[row], reference={"copies": 0.05}))
    expected = (
        "its training music: 30.0 % of its samples are nearer to a training clip than 95.0 % of held-out music is."
    )
    assert any(expected in sentence for sentence in found) == told
