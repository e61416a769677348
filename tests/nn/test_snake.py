import pytest
import torch

from padstal.nn.snake import Snake


def snake(dtype: torch.dtype = torch.float64) -> Snake:
    made = Snake(3).to(dtype)
    with torch.no_grad():
        made.log_alpha.copy_(torch.tensor([[0.0], [1.0], [-0.5]]))
        made.log_beta.copy_(torch.tensor([[0.0], [0.7], [-1.0]]))
    return made


def formula(made: Snake, x: torch.Tensor) -> torch.Tensor:
    return x + torch.sin(x * made.log_alpha.exp()) ** 2 / (made.log_beta.exp() + 1e-9)


def gradients(made: Snake, output: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    return torch.autograd.grad((output * weight).sum(), [x, *made.parameters()])


def signal(dtype: torch.dtype) -> torch.Tensor:
    return (3 * torch.randn(2, 3, 50, generator=torch.Generator().manual_seed(0))).to(dtype).requires_grad_()


def test_snake_and_its_gradients_are_the_papers_formula_with_its_own_frequency_a_channel() -> None:
    made, x = snake(), signal(torch.float64)
    torch.testing.assert_close(made(x), formula(made, x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        gradients(made, made(x), x), gradients(made, formula(made, x), x), rtol=1e-10, atol=1e-10
    )
    assert torch.autograd.gradcheck(made, (signal(torch.float64)[..., :4].detach().requires_grad_(),))


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 8e-3)])
def test_half_precision_goes_in_and_out_and_is_float32_between(dtype: torch.dtype, error: float) -> None:
    """What is lost is the rounding of input, output and gradient to `dtype`, and no more."""
    made, x = snake(torch.float32), signal(dtype)
    exact, wide = snake(), x.detach().double().requires_grad_()
    found, expected = gradients(made, made(x), x), gradients(exact, exact(wide), wide)
    assert made(x).dtype == found[0].dtype == dtype
    assert found[1].dtype == torch.float32
    torch.testing.assert_close(made(x).double(), exact(wide), rtol=error, atol=error)
    torch.testing.assert_close(found[0].double(), expected[0], rtol=2 * error, atol=2 * error)
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=2 * error, atol=0.1 * float(theirs.abs().max()) * error)


def test_of_the_signal_one_tensor_is_kept_and_it_is_the_input() -> None:
    kept: list[torch.Tensor] = []
    x = signal(torch.bfloat16)
    with torch.autograd.graph.saved_tensors_hooks(lambda one: kept.append(one) or one, lambda one: one):
        snake(torch.float32)(x)
    assert [one.data_ptr() for one in kept if one.numel() == x.numel()] == [x.data_ptr()]


def test_compiled_it_has_the_same_gradients() -> None:
    made, compiled, x = snake(torch.float32), snake(torch.float32), signal(torch.float32)
    compiled.compile(backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), made(x))
    torch.testing.assert_close(gradients(compiled, compiled(x), x), gradients(made, made(x), x), rtol=1e-4, atol=1e-4)
