"""Reading `params.yaml`: one section, checked; errors name the key path, the value and what is allowed."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from padstal.core.secrets import REMOVED, looks_secret, redact, without_secrets
from padstal.core.section import KEY, Section
from padstal.core.yaml_text import YamlTextError, parse_yaml

SCALES = ("demo", "study", "full")
LARGEST_INTEGER = 2**53
"""Beyond it readers of JSON and YAML no longer agree on a number."""
DEEPEST = 30
"""Mappings and lists within each other; `params.yaml` has some ten."""
MOST_VALUES = 100_000
"""Mappings, lists and values; `params.yaml` has some three thousand, and aliases of aliases could make billions."""
LONGEST_SHOWN = 200
"""Characters of a wrong value in a message."""
SectionT = TypeVar("SectionT", bound=Section)


class ParamsError(ValueError):
    """`params.yaml` is wrong; the message names every key path, the value found and what is allowed."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The whole of `params.yaml` as plain dictionaries.

    Raises:
        ParamsError: The file is missing, is no YAML mapping, holds what is no plain value, or `scale` is not one of
            `SCALES`.
    """
    try:
        tree = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: not found; run from the repository's root") from None
    except (YamlTextError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: {error}") from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{path}: expected a mapping at the top, found {type(tree).__name__}")
    refused = list(_not_plain(tree, count(1)))
    if refused:
        raise ParamsError("\n".join(refused))
    if tree.get("scale") not in SCALES:
        raise ParamsError(f"scale = {tree.get('scale')!r}: expected one of {', '.join(SCALES)}")
    return tree


def check(model: type[SectionT], raw: Any, at: str) -> SectionT:
    """`raw` as a checked `model`; `at` is its key path, as error messages name it.

    Raises:
        ParamsError: One line for each wrong value.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(redact("\n".join(_explain(one, at, raw) for one in _said_once(error.errors())))) from None


def load_section(path: Path, name: str, model: type[SectionT], scale: str | None = None) -> SectionT:
    """Section `name` of the active scale (or of `scale`), checked against `model`.

    Raises:
        ParamsError: The section is missing or wrong.
    """
    tree = read_yaml(path)
    scale = scale or tree["scale"]
    at = f"scales.{scale}.{name}"
    try:
        raw = tree["scales"][scale][name]
    except (KeyError, TypeError):
        raise ParamsError(f"{at}: missing from {path}") from None
    return check(model, raw, at)


def _said_once(details: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """All but that there are too few entries where one is wrong, which is not counted and said already."""
    for one in details:
        below = [other for other in details if other["loc"][: len(one["loc"])] == one["loc"]]
        if one["type"] != "too_short" or len(below) == 1:
            yield one


def _explain(detail: ErrorDetails, at: str, raw: Any) -> str:
    """One line for a wrong value: its key path below `at`, itself, what is allowed."""
    about_key = detail["type"] in (KEY, "missing")  # the latter of items of a list
    *above, last = detail["loc"] or ("",)
    keys = [*_keys(above, raw), str(last)] if about_key else _keys(detail["loc"], raw)
    path = [*([at] if at else []), *keys]
    where = ".".join(path)
    if about_key:
        return f"{where}: {detail['msg'] if detail['type'] == KEY else 'missing'}"
    found = "" if isinstance(detail["input"], dict) else f" = {_short(path[-1], detail['input'])}"
    match detail["type"]:
        case "tuple_type":
            return f"{where}{found}: expected a list"
        case "value_error":
            said = detail["msg"].removeprefix("Value error, ")
            return f"{where}: {said}" if where else said  # of the whole file
        case _:
            return f"{where}{found}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _short(key: str, found: Any) -> str:
    """A value as a message shows it: as the file has it, no secret, and not all of a long one."""
    if looks_secret(key):
        return REMOVED
    text = redact(repr(without_secrets(list(found)) if isinstance(found, tuple | list) else found))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _keys(loc: Sequence[int | str], raw: Any) -> list[str]:
    """The keys of an error's location, without the tags that pydantic puts behind a union."""
    keys: list[str] = []
    for part in loc:
        if part in (raw if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else ()):
            raw = raw[part]  # type: ignore[index]
            keys.append(str(part))
    return keys


def _not_plain(node: Any, number_of: Iterator[int], at: str = "", depth: int = 0) -> Iterator[str]:
    """What no params are made of, with its key path: keys that are no text, dates, numbers that not all can hold.

    Raises:
        ParamsError: More than `MOST_VALUES`, numbered by `number_of`.
    """
    if next(number_of) > MOST_VALUES:
        raise ParamsError(f"{at}: here are more than {MOST_VALUES} values in all; do aliases (*name) multiply?")
    if depth > DEEPEST:
        yield f"{at}: more than {DEEPEST} mappings and lists within each other; does an alias (*name) name itself?"
    elif isinstance(node, dict):
        for key, child in node.items():
            where = f"{at}.{key}" if at else str(key)
            if isinstance(key, str):
                yield from _not_plain(child, number_of, where, depth + 1)
            else:
                yield f"{where}: a key is a text, found {key!r}; put it in quotes"
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _not_plain(child, number_of, f"{at}.{number}", depth + 1)
    elif isinstance(node, int) and abs(node) > LARGEST_INTEGER:
        yield f"{at}: a number beyond ±2^53, which not every reader holds"
    elif node is not None and not isinstance(node, str | int | float):
        yield f"{at} = {node}: a {type(node).__name__}; put it in quotes if it is a text"
