"""A record as people read it: headings with pairs of name and text."""

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN = 20
"""Rows of a list that are shown; JSON has them all."""
SHOWN_INSIDE = 3
"""Values of a list within a row that are shown."""
Section = tuple[str, list[tuple[str, str]]]


def sections(record: Mapping[str, Any], title: str = "") -> Iterator[Section]:
    """Single values first, then a section for each list and mapping; what is empty says "none"."""
    single = [(_words(name), _text(value)) for name, value in record.items() if not isinstance(value, list | dict)]
    yield title, [(name, text) for name, text in single if text]
    for name, value in record.items():
        if name == "versions" and isinstance(value, list):
            for one in value:
                yield from sections(one, f"Model {one['path']} {one['md5'][:8]}")
        elif isinstance(value, list | dict):
            rows = [_row(one) for one in value.items()] if isinstance(value, dict) else [_row(one) for one in value]
            more = [("…", f"{len(rows) - SHOWN} more; --json lists all")] if len(rows) > SHOWN else []
            yield _words(name).capitalize(), [*rows[:SHOWN], *more] or [("none", "")]


def _row(value: Any) -> tuple[str, str]:
    """A mapping is named by its first value, anything else by itself."""
    if isinstance(value, tuple):
        return _text(value[0]), _text(value[1])
    if isinstance(value, Mapping) and value:
        name, *_ = value
        return _text(value[name]), _text({key: one for key, one in value.items() if key != name})
    return _text(value), ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(name)} {text}" for name, one in value.items() if (text := _text(one)))
    if isinstance(value, list | tuple):
        told = [text for one in value[:SHOWN_INSIDE] if (text := _text(one))]
        return ", ".join(told) + (f" and {len(told_more)} more" if (told_more := value[SHOWN_INSIDE:]) else "")
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
