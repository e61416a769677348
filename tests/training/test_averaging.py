import torch

from padstal.training.averaging import average_of, update_average


def test_the_average_follows_its_recurrence():
    module = torch.nn.Linear(1, 1)
    average = average_of(module)
    expected = average.weight.clone()
    for step in range(30):
        with torch.no_grad():
            module.weight.fill_(float(step))
        update_average(average, module, 0.9, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    torch.testing.assert_close(average.weight, expected)
    assert not average.weight.requires_grad
