"""What each value of a section is: its path, value, unit, meaning and limits, as a person reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from padstal.core.kinds import Kinds
from padstal.core.secrets import redact
from padstal.core.section import Section


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
            yield Explained(path, redact(_shown(content)), _unit(field), _meaning(field), _allowed(field))


def type_at(model: type[Section], location: Sequence[int | str], name: str) -> type[Section] | None:
    """The section that `location` of an error of pydantic leads to from `model`; of several the one of that name.

    Args:
        model: Where the location begins.
        location: Keys and numbers.
        name: Of the class or, of a table's kinds, its `kind`; "" where there can be one alone.
    """
    held: Any = model
    for part in location:
        held = _held(held, part)
    found = list(_types(held))
    if len(found) == 1 and name in ("", found[0].__name__):
        return found[0]
    found += _within(found)
    return next((one for one in found if name and name in (one.__name__, *_kind_of(one))), None)


def part_of(model: type[Section], key: int | str) -> FieldInfo | None:
    """The field of a section that params call `key`."""
    return next((field for name, field in model.model_fields.items() if key in (name, field.alias)), None)


def said_of(field: FieldInfo) -> str:
    """One line on a value: what it is, its unit and limits."""
    unit, allowed = _unit(field), _allowed(field)
    return _meaning(field) + (f", in {unit}" if unit else "") + (f" ({allowed})" if allowed else "")


def names_of(model: type[Section]) -> tuple[str, ...]:
    """The keys of a section, as params call them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _held(annotation: Any, part: int | str) -> Any:
    """What `part` of a value of this type is: a field's type, or for a tag that pydantic puts in, that kind's."""
    for model in _types(annotation):
        field = part_of(model, part)
        if field is not None:
            return (field.annotation, *field.metadata)
        kind = model.model_fields.get("kind")
        if kind is not None and part in get_args(kind.annotation):
            return model
        if model.model_config.get("extra") == "allow":
            return model.__annotations__["__pydantic_extra__"]
    for model in _within(list(_types(annotation))):  # of what a section makes of several (a sweep's settings)
        field = part_of(model, part)
        if field is not None:
            return (field.annotation, *field.metadata)
    return annotation  # an entry of a list, or a key of a mapping


def _kind_of(model: type[Section]) -> tuple[str, ...]:
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation) if kind else ()


def _within(models: Sequence[type[Section]]) -> list[type[Section]]:
    """The sections that fields of `models` hold."""
    return [inner for one in models for field in one.model_fields.values() for inner in _types(field.annotation)]


def _types(annotation: Any) -> Iterator[type[Section]]:
    """All sections that a type is made of."""
    if isinstance(annotation, Kinds):
        yield from annotation.members
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    else:
        for part in annotation if isinstance(annotation, tuple) else get_args(annotation):
            yield from _types(part)


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


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _meaning(field: FieldInfo) -> str:
    """Its description; a tag that tells the members of a union apart has none."""
    tag = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
    return field.description or ("which kind this is" if tag else "")


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(field.annotation))
    signs = {Gt: (">", "gt"), Ge: ("≥", "ge"), Lt: ("<", "lt"), Le: ("≤", "le")}
    limits = [
        f"{signs[type(limit)][0]} {getattr(limit, signs[type(limit)][1]):g}"
        for limit in field.metadata
        if type(limit) in signs
    ]
    return ", ".join(limits)
