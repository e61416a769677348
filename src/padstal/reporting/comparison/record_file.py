"""A comparison as JSON, and back: what is read is believed in nothing but its form.

Standard library alone: the job that may write to pull requests runs this and installs nothing.
"""

import json
import math
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from padstal.reporting.comparison.record import AtMost, Comparison

FORMAT = "padstal-comparison-1"
LARGEST_RECORD = 2**20
"""Bytes; a record of a whole study has about a tenth of it."""

RecordT = TypeVar("RecordT")


class RecordError(ValueError):
    """A record is not what it should be; the message says where, in words of ours alone."""


def write_record(comparison: Comparison) -> str:
    """The comparison as JSON, the same text each time."""
    content = {"format": FORMAT, "comparison": asdict(comparison)}
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=True) + "\n"


def read_record(content: bytes) -> Comparison:
    """The comparison that `write_record` wrote; everything else is refused.

    Raises:
        RecordError: Too long, no JSON, an unknown or missing key, a wrong type, a text or list over its length.
    """
    if len(content) > LARGEST_RECORD:
        raise RecordError(f"the record has {len(content)} bytes: expected at most {LARGEST_RECORD}")
    try:
        tree = json.loads(content.decode("utf-8"), parse_constant=_refuse, parse_int=_whole, parse_float=_finite)
    except RecordError:
        raise
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise RecordError("the record is no JSON") from None
    if not isinstance(tree, dict) or set(tree) != {"format", "comparison"} or tree["format"] != FORMAT:
        raise RecordError(f"the record is not of format {FORMAT}")
    return _build(Comparison, tree["comparison"], "comparison")


def _build(kind: type[RecordT], node: Any, at: str) -> RecordT:
    if not isinstance(node, dict):
        raise RecordError(f"{at}: expected an object")
    assert is_dataclass(kind)
    known = {field.name: field for field in fields(kind)}
    if not set(node) <= set(known):
        raise RecordError(f"{at}: unknown keys")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in node]
    if missing:
        raise RecordError(f"{at}: {missing[0]} is missing")
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{name: _value(hints[name], item, f"{at}.{name}") for name, item in node.items()})


def _value(kind: Any, node: Any, at: str) -> Any:
    longest = math.inf
    if get_origin(kind) is Annotated:
        kind, *marks = get_args(kind)
        longest = min((mark.count for mark in marks if isinstance(mark, AtMost)), default=math.inf)
    if get_origin(kind) in (Union, types.UnionType):
        if node is None and type(None) in get_args(kind):
            return None
        [kind] = [option for option in get_args(kind) if option is not type(None)]
        return _value(kind, node, at)
    if get_origin(kind) is Literal:
        if not isinstance(node, str) or node not in get_args(kind):
            raise RecordError(f"{at}: not one of the words expected")
        return node
    if get_origin(kind) is tuple:
        if not isinstance(node, list) or len(node) > longest:
            raise RecordError(f"{at}: expected a list of at most {longest} items")
        return tuple(_value(get_args(kind)[0], item, f"{at}[{place}]") for place, item in enumerate(node))
    if isinstance(kind, type) and is_dataclass(kind):
        return _build(kind, node, at)
    if kind is float and isinstance(node, int | float) and not isinstance(node, bool):
        return float(node)
    if type(node) is not kind:
        raise RecordError(f"{at}: expected {kind.__name__}")
    if isinstance(node, str) and len(node) > longest:
        raise RecordError(f"{at}: {len(node)} characters, expected at most {longest}")
    return node


def _refuse(name: str) -> float:
    raise RecordError("the record has a number that is not finite")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _whole(digits: str) -> float:
    return _finite(digits)
