import pytest
import torch

from padstal.codecs.alignment import alignment_loss


def test_it_is_the_mean_square_over_all_elements_with_gradient_to_both():
    a, b = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(2))
    loss = alignment_loss(a, b)
    torch.testing.assert_close(loss, torch.nn.functional.mse_loss(a, b))
    loss.backward()
    torch.testing.assert_close(a.grad, 2 * (a - b).detach() / 24)
    torch.testing.assert_close(b.grad, -a.grad)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match="expected equal"):
        alignment_loss(torch.zeros(2, 3, 4), torch.zeros(2, 3, 1))
