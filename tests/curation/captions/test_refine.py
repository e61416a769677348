import math

import numpy as np
import pytest

from padstal.curation.captions.config import Thresholds
from padstal.curation.captions.merge import Merged, Refusal
from padstal.curation.captions.refine import GENERATED, Decision, decide, refine
from padstal.curation.captions.refinement import beside

KEEP = Thresholds(rho1=0.1, rho2=0.1, rho3=0.25, neither_fits="keep")
DROP = Thresholds(rho1=0.1, rho2=0.1, rho3=0.25, neither_fits="unconditional")
UP, DOWN, NAN = 0.1 + 1e-12, 0.1, math.nan
DIFFERENT, ALIKE = 0.25 - 1e-12, 0.25


@pytest.mark.parametrize(
    ("original", "a", "b", "c", "expected"),
    [
        ("To", UP, UP, DIFFERENT, Decision.FUSED),
        ("To", UP, UP, ALIKE, Decision.REDUNDANT),
        ("To", UP, UP, NAN, Decision.REDUNDANT),
        ("To", DOWN, UP, DIFFERENT, Decision.REPLACED),
        ("To", DOWN, UP, ALIKE, Decision.REPLACED),
        ("", NAN, UP, NAN, Decision.CAPTIONED),
        ("  ", UP, UP, DIFFERENT, Decision.CAPTIONED),
        ("To", UP, DOWN, DIFFERENT, Decision.KEPT),
        ("To", UP, DOWN, ALIKE, Decision.KEPT),
        ("To", UP, NAN, NAN, Decision.KEPT),
        ("To", NAN, UP, NAN, Decision.REPLACED),
        ("To", DOWN, DOWN, DIFFERENT, Decision.KEPT_UNFIT),
        ("To", NAN, NAN, NAN, Decision.KEPT_UNFIT),
        ("", NAN, DOWN, NAN, Decision.UNCONDITIONAL),
        ("", NAN, NAN, NAN, Decision.UNCONDITIONAL),
    ],
)
def test_every_row_of_the_table_with_strict_thresholds(original, a, b, c, expected):
    assert decide(original, "Tg", a, b, c, at=KEEP) is expected


def test_an_empty_generated_caption_never_fits():
    assert decide("To", " ", UP, UP, DIFFERENT, at=KEEP) is Decision.KEPT
    assert decide("", "", NAN, UP, NAN, at=KEEP) is Decision.UNCONDITIONAL


def test_where_neither_fits_the_original_may_be_dropped_instead():
    assert decide("To", "Tg", DOWN, DOWN, ALIKE, at=DROP) is Decision.UNCONDITIONAL
    assert decide("To", "Tg", UP, DOWN, ALIKE, at=DROP) is Decision.KEPT


def test_each_threshold_belongs_to_its_caption():
    at = Thresholds(rho1=0.5, rho2=0.2, rho3=0.25, neither_fits="keep")
    assert decide("To", "Tg", 0.3, 0.4, 0.0, at=at) is Decision.KEPT
    assert decide("To", "Tg", 0.1, 0.6, 0.0, at=at) is Decision.REPLACED


def run(rows, merged, score, at=KEEP, *, refusal=None, whole=True):
    original, generated, a, b, c = zip(*rows, strict=True)
    asked = []

    def fit(clips, texts):
        asked.append((clips, texts))
        return np.full(len(texts), score)

    refined = refine(
        list(original),
        list(generated),
        np.array(a),
        np.array(b),
        np.array(c),
        thresholds=at,
        merge=lambda t_o, t_g: [Merged(merged, refusal) for _ in t_o],
        fit=fit,
        heard_whole=lambda texts: [whole] * len(texts),
    )
    return refined, asked


ROWS = [
    ("o0", "g0", 0.3, 0.4, 0.0),
    ("o1", "g1", 0.0, 0.4, 0.0),
    ("o2", "g2", 0.3, 0.0, 0.0),
    ("o3", "g3", 0.0, 0.0, 0.0),
    ("", "g4", NAN, 0.0, NAN),
    ("", "g5", NAN, 0.2, NAN),
    ("o6", "g6", 0.2, 0.4, 0.9),
]


def test_captions_follow_decisions_and_carry_their_similarity():
    refined, asked = run(ROWS, "both", 0.35)
    assert refined.caption == ["both", "g1", "o2", "o3", "", "g5", "g6"]
    np.testing.assert_array_equal(refined.similarity_N, [0.35, 0.4, 0.3, 0.0, NAN, 0.2, 0.4])
    assert asked == [([0], ["both"])]
    assert refined.fused_share == pytest.approx(1 / 7)
    assert refined.filtered_share == pytest.approx(3 / 7)


@pytest.mark.parametrize("score", [0.1, NAN])
def test_a_merged_caption_that_fits_badly_gives_way_to_the_generated_one(score):
    refined, _ = run(ROWS, "both", score)
    assert refined.caption[0] == "g0"
    assert refined.decision[0] is Decision.FUSION_REJECTED
    assert refined.refusal == [Refusal.UNFIT, *[None] * 6]
    assert refined.similarity_N[0] == 0.4
    assert refined.fused_share == 0


def test_a_merged_caption_that_was_refused_or_that_clap_would_cut_is_not_even_compared():
    refined, asked = run(ROWS, "ignored", 0.9, refusal=Refusal.ADDRESS)
    assert (refined.caption[0], refined.refusal[0], asked) == ("g0", Refusal.ADDRESS, [])
    refined, asked = run(ROWS, "both", 0.9, whole=False)
    assert (refined.caption[0], refined.refusal[0], asked) == ("g0", Refusal.CUT, [])
    assert refined.fused_share == 0


def test_refusals_stay_with_their_clips():
    rows = [ROWS[0], ROWS[1], ("o7", "g7", 0.3, 0.4, 0.0), ("o8", "g8", 0.3, 0.4, 0.0)]
    original, generated, a, b, c = zip(*rows, strict=True)
    answers = {"o0": Merged("", Refusal.DECLINED), "o7": Merged("m7"), "o8": Merged("m8")}
    refined = refine(
        list(original),
        list(generated),
        np.array(a),
        np.array(b),
        np.array(c),
        thresholds=KEEP,
        merge=lambda t_o, t_g: [answers[text] for text in t_o],
        fit=lambda clips, texts: np.array([{"m7": 0.1, "m8": 0.5}[text] for text in texts]),
        heard_whole=lambda texts: [True] * len(texts),
    )
    assert refined.caption == ["g0", "g1", "g7", "m8"]
    assert refined.refusal == [Refusal.DECLINED, None, Refusal.UNFIT, None]
    assert [str(d) for d in refined.decision] == ["fusion_rejected", "replaced", "fusion_rejected", "fused"]
    np.testing.assert_array_equal(refined.similarity_N, [0.4, 0.4, 0.4, 0.5])


def test_what_the_captioner_wrote_is_what_is_neither_kept_nor_dropped():
    assert set(Decision) - GENERATED == {Decision.KEPT, Decision.KEPT_UNFIT, Decision.UNCONDITIONAL}


def test_dropped_captions_have_no_similarity():
    refined, _ = run(ROWS, "both", 0.35, at=DROP)
    assert refined.caption[3] == ""
    assert np.isnan(refined.similarity_N[3])


def test_a_share_stands_beside_the_papers_and_rings_from_the_ratio_on():
    assert beside(0.089, 0.089, 3.0)["times"] == pytest.approx(1)
    assert [beside(share, 0.151, 3.0)["alarm"] for share in (0.151, 0.151 * 2.99, 0.151 / 2.99)] == [False] * 3
    assert [beside(share, 0.151, 3.0)["alarm"] for share in (0.151 * 3, 0.0)] == [True] * 2
