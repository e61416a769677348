import pytest
import torch
from tests.diffusion.fakes import POSITIONS, WIDTH, FakeTextEncoder

from padstal.core.protocols import Conditioning, TextStates
from padstal.diffusion.conditioning import TimingConditioner
from padstal.diffusion.text_conditioning import TextConditioner


def timing(start: list[float], total: list[float]) -> dict[str, torch.Tensor]:
    return {"seconds_start": torch.tensor(start), "seconds_total": torch.tensor(total)}


def conditioned(texts: list[str], told: dict[str, torch.Tensor] | None = None) -> Conditioning:
    torch.manual_seed(0)
    told = told or timing([0.0] * len(texts), [18.0] * len(texts))
    return TimingConditioner(WIDTH)(FakeTextEncoder().encode(texts), told)


def test_padding_rows_are_exactly_zero_and_the_end_of_sequence_is_not() -> None:
    cross = conditioned(["jazz"]).text_BLC
    assert (cross[0, :5] != 0).all()  # four letters and </s>
    assert torch.equal(cross[0, 5:], torch.zeros(POSITIONS - 5, WIDTH))


def test_seconds_rows_are_start_then_total() -> None:
    short, later, longer = (
        conditioned(["jazz"], timing([start], [total])).others["seconds"][0]
        for start, total in ((3.0, 18.0), (4.0, 18.0), (3.0, 20.0))
    )
    assert short.shape == (2, WIDTH)
    assert (short != later).any(dim=-1).tolist() == [True, False]
    assert (short != longer).any(dim=-1).tolist() == [False, True]


def test_global_conditioning_is_the_two_seconds_rows() -> None:
    others = conditioned(["jazz"]).others
    assert torch.equal(others["global"], others["seconds"].flatten(1))


def test_start_is_rounded_down_and_total_up() -> None:
    rough, rounded = conditioned(["jazz"], timing([3.9], [18.02])), conditioned(["jazz"], timing([3.0], [19.0]))
    assert torch.equal(rough.others["global"], rounded.others["global"])


def test_seconds_are_clamped_to_512() -> None:
    at_limit = conditioned(["jazz"], timing([0.0], [512.0])).others["global"]
    beyond = conditioned(["jazz"], timing([0.0], [9000.0])).others["global"]
    assert torch.equal(at_limit, beyond)


def test_the_null_is_zero_on_text_and_seconds_and_keeps_the_global_conditioning_and_the_mask() -> None:
    torch.manual_seed(0)
    conditioner = TimingConditioner(WIDTH)
    told = conditioner(FakeTextEncoder().encode(["jazz"]), timing([3.0], [18.0]))
    null = conditioner.null(told)
    assert not null.text_BLC.any()
    assert not null.others["seconds"].any()
    assert torch.equal(null.others["global"], told.others["global"])
    assert torch.equal(null.mask_BL, told.mask_BL)


def test_where_takes_each_sample_whole_from_one_of_two() -> None:
    first, second = conditioned(["jazz", "rock"]), conditioned(["slow rock", "x"])
    mixed = first.where(torch.tensor([True, False]), second)
    assert torch.equal(mixed.text_BLC, torch.stack([first.text_BLC[0], second.text_BLC[1]]))
    assert torch.equal(mixed.mask_BL, torch.stack([first.mask_BL[0], second.mask_BL[1]]))
    assert torch.equal(mixed.others["global"][1], second.others["global"][1])


def test_states_of_another_width_are_refused() -> None:
    states = TextStates(torch.zeros(1, 4, WIDTH + 1), torch.ones(1, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match=f"width {WIDTH + 1}: expected {WIDTH}"):
        TimingConditioner(WIDTH)(states, timing([0.0], [1.0]))


def test_without_text_one_learned_row_stands_and_the_level_is_kept() -> None:
    torch.manual_seed(0)
    conditioner = TextConditioner(WIDTH, quality=True)
    told = conditioner(FakeTextEncoder().encode(["jazz", "slow rock"]), {"quality": torch.tensor([2.0, 5.0])})
    null = conditioner.null(told)
    assert torch.equal(null.text_BLC[:, 0], conditioner.null_row_C.expand(2, -1))
    assert not null.text_BLC[:, 1:].any()
    assert null.mask_BL.sum(1).tolist() == [1, 1]
    assert null.others["quality"].tolist() == [2.0, 5.0]
