import pytest
import torch

from padstal.codecs.alignment import TEMPERATURE, alignment_loss, contrastive_loss


def test_it_is_the_mean_square_over_all_elements_with_gradient_to_both():
    a, b = (torch.randn(2, 3, 4, requires_grad=True) for _ in range(2))
    loss = alignment_loss(a, b)
    torch.testing.assert_close(loss, torch.nn.functional.mse_loss(a, b))
    loss.backward()
    torch.testing.assert_close(a.grad, 2 * (a - b).detach() / 24)
    torch.testing.assert_close(b.grad, -a.grad)


@pytest.mark.parametrize("loss", [alignment_loss, contrastive_loss])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match="expected equal"):
        loss(torch.zeros(2, 3, 4), torch.zeros(2, 3, 1))


def test_contrast_is_least_where_each_clip_is_nearest_to_its_own_text():
    a, b = torch.randn(5, 3, 4), torch.randn(5, 3, 4)
    own, other, constant = (
        float(contrastive_loss(zm, zp)) for zm, zp in ((a, 2 * a), (a, a.roll(1, 0)), (torch.ones_like(a),) * 2)
    )
    assert own < constant < other
    assert constant == pytest.approx(torch.tensor(5.0).log(), rel=1e-5), "what constant means give"
    cosine = torch.nn.functional.cosine_similarity(a.flatten(1)[:, None], b.flatten(1)[None], dim=2) / TEMPERATURE
    expected = -(cosine.log_softmax(1).diagonal() + cosine.log_softmax(0).diagonal()).mean() / 2
    torch.testing.assert_close(contrastive_loss(a, b), expected)
