import threading
from collections.abc import Iterator

import pytest

from padstal.training.ahead import ahead


def test_items_come_in_order_and_the_next_is_made_while_one_is_at_work() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    for number, item in enumerate(ahead(items())):
        assert item == number
        assert all(event.wait(timeout=10) for event in made[: number + 2])
        assert not any(event.is_set() for event in made[number + 2 :])


def test_an_error_of_an_item_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise KeyError("a clip")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(KeyError, match="a clip"):
        next(found)
