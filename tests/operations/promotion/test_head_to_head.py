"""Figures of a comparison head to head: pairing, signs, shares and chance, on features whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
import yaml
from tests.operations.promotion.world import ROOT

from padstal.evaluation.hear import Heard
from padstal.evaluation.judged import Prompts, Reference
from padstal.operations.config import PromoteParams
from padstal.operations.promotion import head_to_head as both
from padstal.operations.promotion.gate import Figure
from padstal.operations.promotion.head_to_head import HeadToHead, above_chance

P, I, D, G = 12, 4, 24, 4  # noqa: E741
RAW = yaml.safe_load((ROOT / "params.yaml").read_text())["promote"]
PARAMS = PromoteParams.model_validate(RAW | {"seed": 1, "draws": 200, "confidence": 0.95})


def head_to_head(challenger: Heard, champion: Heard | None, prompts: Prompts, reference: Reference) -> HeadToHead:
    return both.head_to_head(challenger, champion, prompts, reference, PARAMS, neighbours=2)


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def world(seed: int = 0) -> tuple[Prompts, Reference]:
    generator = np.random.default_rng(seed)
    genre_P = np.arange(P) % G
    text_PD = unit(np.eye(D)[genre_P] + 0.2 * np.eye(D)[4 + np.arange(P)])
    posterior_PG = (0.7 * np.eye(G) + 0.075)[genre_P]
    return Prompts(text_PD, genre_P, posterior_PG), Reference(music(text_PD[:, None], 0.3, 3.0, generator), genre_P)


def music(text_PID: np.ndarray, spread: float, pmos: float, generator: np.random.Generator) -> Heard:
    """Clips near their texts, further away with `spread`; [P, I] in front if the texts have it."""
    lead = text_PID.shape[:2] if text_PID.shape[1] > 1 else text_PID.shape[:1]
    base = text_PID if text_PID.shape[1] > 1 else text_PID[:, 0]
    clap = unit(base[..., None, :] + spread * generator.standard_normal((*lead, 1, text_PID.shape[-1])))
    odds = np.exp(4 * clap[..., 0, :G])
    features = clap[..., 0, :8].astype(np.float32)
    quality = np.full(lead, pmos) + 0.05 * generator.standard_normal(lead)
    return Heard(
        clap,
        (odds / odds.sum(-1, keepdims=True)).astype(np.float32),
        features,
        quality.astype(np.float32),
        np.zeros((*quality.shape, 3)),
    )


def played(prompts: Prompts, spread: float, pmos: float = 3.0, seed: int = 5) -> Heard:
    text_PID = np.repeat(prompts.text_PD[:, None], I, axis=1)
    return music(text_PID, spread, pmos, np.random.default_rng(seed))


def test_a_model_against_itself_gains_exactly_nothing_in_anything() -> None:
    prompts, reference = world()
    found = head_to_head(played(prompts, 0.2), played(prompts, 0.2), prompts, reference)
    for name in PARAMS.margins:
        one = found.metrics[name]
        assert one.gain == one.sure == Figure(0, (0, 0)), name


def test_more_spread_gains_diversity_and_loses_alignment_whichever_way_a_metric_counts() -> None:
    prompts, reference = world()
    found = head_to_head(played(prompts, 0.3), played(prompts, 0.05), prompts, reference)
    gains = {name: one.gain.value for name, one in found.metrics.items() if one.gain}
    assert gains["vendi"] > 0
    assert gains["ibs"] > 0
    assert gains["clap_f"] < 0
    back = head_to_head(played(prompts, 0.05), played(prompts, 0.3), prompts, reference)
    for name, gain in gains.items():
        other = back.metrics[name].gain
        assert other is not None
        assert other.value == pytest.approx(-gain)


def test_pairing_makes_the_interval_of_a_difference_narrow() -> None:
    prompts, reference = world()
    before, now = played(prompts, 0.2), played(prompts, 0.2, pmos=3.1)
    hard = np.linspace(-1, 1, P)[:, None].astype(np.float32)
    before, now = (replace(x, pmos_N=x.pmos_N + hard) for x in (before, now))
    one = head_to_head(now, before, prompts, reference).metrics["pmos"]
    assert one.gain is not None
    assert one.challenger is not None
    assert one.gain.interval[0] == pytest.approx(0.1, abs=1e-5)
    assert one.challenger.interval[1] - one.challenger.interval[0] > 0.5


def test_the_corrected_interval_is_the_wider() -> None:
    prompts, reference = world()
    one = head_to_head(played(prompts, 0.3, seed=1), played(prompts, 0.2, seed=2), prompts, reference).metrics["clap_f"]
    assert one.gain is not None
    assert one.sure is not None
    assert one.sure.interval[0] < one.gain.interval[0] < one.gain.interval[1] < one.sure.interval[1]


def test_music_that_heeds_no_prompt_is_no_better_than_chance() -> None:
    prompts, _ = world()
    counts = np.ones((50, P), dtype=np.int64)
    heeds, ignores = played(prompts, 0.05), played(Prompts(prompts.text_PD[:1].repeat(P, 0), *[np.zeros(P)] * 2), 0.05)
    above, level = (
        above_chance(heeds, prompts.text_PD, counts, 0.95),
        above_chance(ignores, prompts.text_PD, counts, 0.95),
    )
    assert above is not None
    assert level is not None
    assert above.value > 0.5
    assert abs(level.value) < 0.05


def test_shares_are_of_held_out_music_and_missing_where_there_is_too_little_of_it() -> None:
    prompts, reference = world()
    found = head_to_head(played(prompts, 0.3, pmos=1.5), None, prompts, reference)
    shares = [found.floors[name] for name in ("pmos_share", "vendi_share")]
    assert [share.value for share in shares if share] == [pytest.approx(0.5, abs=0.03), pytest.approx(1, abs=0.2)]
    assert all(one.champion is None and one.gain is None for one in found.metrics.values())
    few = Reference(reference.heard.take(np.arange(P - 1)), reference.genre_M[: P - 1])
    assert head_to_head(played(prompts, 0.3), None, prompts, few).floors["vendi_share"] is None
