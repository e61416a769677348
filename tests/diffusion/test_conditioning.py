import pytest
import torch
from tests.diffusion.fakes import POSITIONS, WIDTH, FakeTextEncoder

from padstal.core.protocols import TextStates
from padstal.diffusion.conditioning import Conditioner, Timing, drop


def conditioned(texts: list[str], timing: Timing | None = None):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    timing = timing or Timing.of([0.0] * len(texts), [18.0] * len(texts))
    return Conditioner(WIDTH)(FakeTextEncoder().encode(texts), timing)


def test_padding_rows_are_exactly_zero_and_the_end_of_sequence_is_not() -> None:
    cross = conditioned(["jazz"]).cross_BRC
    assert (cross[0, :5] != 0).all()  # four letters and </s>
    assert torch.equal(cross[0, 5:POSITIONS], torch.zeros(POSITIONS - 5, WIDTH))


def test_rows_are_text_then_seconds_start_then_seconds_total() -> None:
    short = conditioned(["jazz"], Timing.of([3.0], [18.0]))
    later = conditioned(["jazz"], Timing.of([4.0], [18.0]))
    longer = conditioned(["jazz"], Timing.of([3.0], [20.0]))
    assert short.cross_BRC.shape == (1, POSITIONS + 2, WIDTH)
    changed = (short.cross_BRC != later.cross_BRC).any(dim=-1)[0].nonzero().flatten().tolist()
    assert changed == [POSITIONS]
    changed = (short.cross_BRC != longer.cross_BRC).any(dim=-1)[0].nonzero().flatten().tolist()
    assert changed == [POSITIONS + 1]


def test_global_conditioning_is_the_two_seconds_rows() -> None:
    conditioning = conditioned(["jazz"])
    assert torch.equal(conditioning.global_BG, conditioning.cross_BRC[:, -2:].flatten(1))


def test_start_is_rounded_down_and_total_up() -> None:
    timing = Timing.of([3.9, 0.0], [18.02, 18.0])
    assert timing.start_B.tolist() == [3.0, 0.0]
    assert timing.total_B.tolist() == [19.0, 18.0]


def test_seconds_are_clamped_to_512() -> None:
    at_limit = conditioned(["jazz"], Timing.of([0.0], [512.0])).global_BG
    beyond = conditioned(["jazz"], Timing.of([0.0], [9000.0])).global_BG
    assert torch.equal(at_limit, beyond)


def test_dropout_zeroes_whole_samples_at_its_rate() -> None:
    rows = torch.ones(4000, 3, 2)
    dropped = drop(rows, 0.1, torch.Generator().manual_seed(0))
    per_sample = dropped.flatten(1).sum(dim=1)
    assert set(per_sample.tolist()) == {0.0, 6.0}
    assert float((per_sample == 0).float().mean()) == pytest.approx(0.1, abs=0.02)


def test_states_of_another_width_are_refused() -> None:
    states = TextStates(torch.zeros(1, 4, WIDTH + 1), torch.ones(1, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match=f"width {WIDTH + 1}: expected {WIDTH}"):
        Conditioner(WIDTH)(states, Timing.of([0.0], [1.0]))
