"""The run-cache: each entry's name is a hash of what it says (DVC 3.67, `dvc/stage/cache.py`), so a wrong one shows."""

import re
from dataclasses import dataclass

from padstal.core.dvc_objects import RUNS
from padstal.operations.integrity.locations import Entry, Place

_NAME = re.compile(rf"{RUNS}(?P<head>[0-9a-f]{{2}})/(?P<key>[0-9a-f]{{64}})/(?P<value>[0-9a-f]{{64}})")
NOT_HASHED = ["size", "nfiles"]
"""Keys that DVC leaves out of the hash, at any depth."""


@dataclass(frozen=True)
class CorruptRun:
    """An entry that is wrong, and how."""

    entry: Entry
    detail: str


def check_runs(place: Place) -> tuple[int, list[CorruptRun]]:
    """How many entries a place holds, and those that are wrong.

    Raises:
        StoreError: The place does not answer.
    """
    from concurrent.futures import ThreadPoolExecutor

    def one(entry: Entry) -> CorruptRun | None:
        if not _NAME.fullmatch(entry.key):
            return CorruptRun(entry, "no entry's name; left by a killed run")
        try:
            detail = fault(entry.key, place.read(entry.key))
        except FileNotFoundError:
            return None
        return CorruptRun(entry, detail) if detail else None

    entries = sorted(place.entries(RUNS), key=lambda entry: entry.key)
    with ThreadPoolExecutor(place.jobs) as pool:
        return len(entries), [bad for bad in pool.map(one, entries) if bad]


def fault(key: str, content: bytes) -> str:
    """What is wrong with an entry; "" for nothing."""
    from dvc.utils import dict_sha256
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml

    name = _NAME.fullmatch(key)
    if not name or not name["key"].startswith(name["head"]):
        return "no entry's name"
    try:
        entry = parse_yaml(content.decode("utf-8"), key)
        value = dict_sha256(entry, exclude=NOT_HASHED)
        asked = dict_sha256({**entry, "outs": [out["path"] for out in entry.get("outs", [])]}, exclude=NOT_HASHED)
    except (YAMLFileCorruptedError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"unreadable: {type(error).__name__}"
    if value != name["value"]:
        return "it says something else than its name"
    return "" if asked == name["key"] else "it lies under another run's name"
