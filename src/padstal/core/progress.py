"""How long work shows its progress: something that wraps what is iterated over, as tqdm does."""

from collections.abc import Callable, Iterable
from typing import Any

Progress = Callable[..., Iterable[Any]]
"""Items, and by keyword `total` and `unit`, to the same items."""


def silent(items: Iterable[Any], **_: object) -> Iterable[Any]:
    """Shows nothing."""
    return items
