"""What each value of a section is: its path, value, unit, meaning and limits, as a person reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from padstal.core.secrets import redact
from padstal.core.section import Section, limits_of, meaning_of, unit_of


@dataclass(frozen=True)
class Explained:
    """One value.

    Attributes:
        path: Key path, e.g. "scales.demo.ingest.sample_rate".
        value: As it stands in the file.
        unit: Its unit; "" where it has none.
        meaning: One sentence.
        allowed: Limits or choices; "" where the type says it all.
    """

    path: str
    value: str
    unit: str
    meaning: str
    allowed: str


def explain(section: Section, at: str) -> Iterator[Explained]:
    """All values of `section`, whose key path is `at`, nested sections included; one may explain itself (a sweep)."""
    own = getattr(section, "explained", None)
    if own is not None:
        yield from own(at)
        return
    for name, one in (section.model_extra or {}).items():
        for where, inner in _sections(one, f"{at}.{name}" if at else name):
            yield from explain(inner, where)
    for name, field in type(section).model_fields.items():
        path = f"{at}.{field.alias or name}" if at else field.alias or name
        content = getattr(section, name)
        nested = list(_sections(content, path))
        if nested:
            for where, inner in nested:
                yield from explain(inner, where)
        else:
            yield Explained(path, redact(_shown(content)), unit_of(field), meaning_of(field), limits_of(field))


def _sections(content: Any, path: str) -> Iterator[tuple[str, Section]]:
    if isinstance(content, Section):
        yield path, content
    elif isinstance(content, dict):
        for key, item in content.items():
            yield from _sections(item, f"{path}.{key}")
    elif isinstance(content, tuple | list):
        for number, item in enumerate(content):
            yield from _sections(item, f"{path}.{number}")


def _shown(content: Any) -> str:
    if content is None:
        return "null"
    if isinstance(content, bool):
        return str(content).lower()
    if isinstance(content, float):
        return f"{content:g}"
    if isinstance(content, tuple | list):
        return f"[{', '.join(_shown(item) for item in content)}]"
    if isinstance(content, dict):
        return f"{{{', '.join(f'{key}: {_shown(item)}' for key, item in content.items())}}}"
    return str(content)
