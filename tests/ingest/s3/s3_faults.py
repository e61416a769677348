"""What can go wrong with a store, as rules that a test gives to `S3Server`."""

import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "cut",  # the line closes at `at_byte` of the body
    "reset",  # the same, with a TCP reset
    "stall",  # nothing more comes after `at_byte`, for `seconds`
    "slow_down",  # 503 SlowDown
    "internal",  # 500 InternalError
    "flip",  # one bit of the body at `at_byte` is wrong
    "wrong_checksum",  # the checksums and the ETag's digest in the headers are of other bytes
    "expired",  # 400 ExpiredToken
    "denied",  # 403 AccessDenied
    "replace",  # the object becomes `content` while it is sent, and the line closes at `at_byte`
    "remove",  # the object goes while it is sent, and the line closes at `at_byte`
    "half_page",  # a listing that ends in the middle, with the length that fits
]


@dataclass
class Fault:
    """One rule.

    Attributes:
        kind: What goes wrong.
        operation: S3's name of the request ("GetObject", "ListObjectsV2", …); "" for any.
        key: Of the object; None for any.
        times: Requests that it befalls.
        after: Matching requests that it lets through first.
        at_byte: Where in the body; a body that is shorter goes through whole.
        seconds: How long.
        content: New content.
    """

    kind: Kind
    operation: str = "GetObject"
    key: str | None = None
    times: int = 1
    after: int = 0
    at_byte: int = 0
    seconds: float = 60.0
    content: bytes = b""


class Faults:
    """Rules in the order they were given; each request meets at most one."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def take(self, operation: str, key: str) -> Fault | None:
        """The fault that befalls this request, if any."""
        with self._lock:
            for fault in self._rules:
                if fault.times > 0 and fault.operation in ("", operation) and fault.key in (None, key):
                    if fault.after > 0:
                        fault.after -= 1
                    else:
                        fault.times -= 1
                        return fault
        return None
