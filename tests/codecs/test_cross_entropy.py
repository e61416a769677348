import math

import torch

from padstal.codecs.cross_entropy import text_cross_entropy, token_accuracy


def test_padding_does_not_count():
    ids = torch.tensor([[5, 1, 0, 0]])
    mask = ids != 0
    logits = torch.zeros(1, 4, 8)
    logits[0, 2:, 3] = 50.0  # badly wrong at padding
    assert abs(float(text_cross_entropy(logits, ids, mask)) - math.log(8)) < 1e-6
    logits[0, 0, 5] = logits[0, 1, 1] = 50.0
    assert float(text_cross_entropy(logits, ids, mask)) < 1e-6
    assert float(token_accuracy(logits, ids, mask)) == 1


def test_the_end_token_counts():
    ids = torch.tensor([[1, 0]])  # an empty caption: </s> alone
    logits = torch.zeros(1, 2, 4)
    logits[0, 0, 2] = 10.0
    assert float(text_cross_entropy(logits, ids, ids != 0)) > 9
