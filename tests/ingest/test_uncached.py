"""Bytes go to a file and come from it whole, whether the system can do without keeping them in memory or not."""

import errno
import os
from pathlib import Path

import pytest

from padstal.ingest.uncached import read_at, write_at

BYTES = os.urandom(10_000)


def copied(tmp_path: Path) -> bytes:
    """`BYTES` written behind a gap, read back in pieces of odd lengths."""
    room, found = bytearray(3_001), b""
    with (tmp_path / "file").open("w+b", buffering=0) as file:
        write_at(file.fileno(), memoryview(BYTES), 77)
        while count := read_at(file.fileno(), memoryview(room), 77 + len(found)):
            found += room[:count]
    assert (tmp_path / "file").read_bytes() == bytes(77) + BYTES
    return found


def without(flags_error: OSError | None, most: int):
    """A system call that refuses flags, or has none to refuse, and moves so many bytes at most."""

    def limited(call):
        def moved(file, buffers, at, flags=0):
            if flags and flags_error:
                raise flags_error
            return call(file, [buffer[:most] for buffer in buffers], at)

        return moved

    return limited


@pytest.mark.parametrize("refusal", [None, OSError(errno.EOPNOTSUPP, "Operation not supported")])
@pytest.mark.parametrize("known", [True, False])
def test_all_arrives_where_flags_are_refused_or_unknown_and_calls_end_early(tmp_path, monkeypatch, refusal, known):
    assert copied(tmp_path) == BYTES
    if not known:
        monkeypatch.setattr("padstal.ingest.uncached._DONTCACHE", 0)
    for name in ("preadv", "pwritev"):
        monkeypatch.setattr(os, name, without(refusal, 999)(getattr(os, name)))
    assert copied(tmp_path) == BYTES


def test_other_errors_are_raised(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with path.open("rb") as file, pytest.raises(OSError, match="Bad file descriptor"):
        write_at(file.fileno(), memoryview(b"x"), 0)
    with path.open("wb") as file, pytest.raises(OSError, match="Bad file descriptor"):
        read_at(file.fileno(), memoryview(bytearray(1)), 0)
