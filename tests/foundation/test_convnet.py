"""The convolutional body takes any length."""

import torch

from padstal.foundation.convnet import ConvNet


def test_any_length_gives_features_of_one_width():
    torch.manual_seed(0)
    network = ConvNet(bands=16, width=16, depth=2, features=5).eval()
    for frames in (8, 33, 100):
        assert network(torch.randn(2, 16, frames)).shape == (2, 5)
