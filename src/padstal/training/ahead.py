"""Batches drawn while the step before them works: a GPU that waits for none."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
END = object()


def ahead(items: Iterable[ItemT]) -> Iterator[ItemT]:
    """The same items in the same order, each made by one thread from the moment that the one before was taken."""
    rest = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, rest, END)
        while (item := coming.result()) is not END:
            coming = thread.submit(next, rest, END)
            yield item  # type: ignore[misc]
