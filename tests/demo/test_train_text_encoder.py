"""Training the text encoder: span corruption that loses nothing, equal encoders from equal seeds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.demo.config import TrainedTextEncoder
from padstal.demo.train_text_encoder import END, FIRST_SENTINEL, corrupt, train

SECTION = TrainedTextEncoder(
    kind="trained",
    captions=20,
    held_out_captions=20,
    fit={"steps": 4, "batch": 8, "learning_rate": 1e-3, "seed": 0},
    width=16,
    layers=1,
    heads=2,
    decoder_layers=1,
    max_length=48,
)
TEXTS = ["jazz, piano, 120 bpm", "a calm ambient piece with synth pad", "", "techno"]


@pytest.mark.slow
def test_equal_seeds_train_equal_encoders_and_the_held_out_loss_is_one_of_bytes():
    runs = [train(TEXTS * 4, TEXTS, SECTION, device=torch.device("cpu")) for _ in range(2)]
    (first, _, losses), (second, _, _) = runs
    assert len(losses) == 4
    assert 0 < first.held_out_loss < 20
    again = second.model.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in first.model.state_dict().items())


def test_heads_that_do_not_share_the_width_are_refused():
    with pytest.raises(ValueError, match="width = 16: expected a multiple of heads = 3"):
        TrainedTextEncoder(**(SECTION.model_dump() | {"heads": 3}))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=0, max_size=120), st.integers(0, 2**31))
def test_span_corruption_loses_nothing(body, seed):
    ids = torch.tensor([byte + 3 for byte in body] + [END])
    source, target = corrupt(ids, torch.Generator().manual_seed(seed))
    assert source[-1] == END
    assert target[-1] == END
    if len(body) < 2:
        return
    spans: dict[int, list[int]] = {}
    for token in target[:-1].tolist():
        if token >= FIRST_SENTINEL:
            spans[token] = []
        else:
            spans[max(spans)].append(token)
    rebuilt = []
    for token in source.tolist():
        rebuilt += spans.pop(token) if token >= FIRST_SENTINEL else [token]
    assert rebuilt == ids.tolist()
    assert not spans
    assert abs((len(target) - 1) - round(0.3 * len(body))) <= len(body) // 8 + 2
