import torch

from padstal.nn.snake import Snake


def test_snake_is_the_papers_formula_with_its_own_frequency_a_channel():
    snake = Snake(2)
    with torch.no_grad():
        snake.log_alpha[1] = torch.log(torch.tensor(3.0))
        snake.log_beta[1] = torch.log(torch.tensor(3.0))
    x = torch.linspace(-2, 2, 9).expand(1, 2, 9)
    y = snake(x)
    torch.testing.assert_close(y[0, 0], x[0, 0] + torch.sin(x[0, 0]) ** 2)
    torch.testing.assert_close(y[0, 1], x[0, 1] + torch.sin(3 * x[0, 1]) ** 2 / 3)
