"""What differs between two revisions, as one record that is written as JSON and read back from a stranger.

The record holds figures and names, never markup: whoever shows it escapes it. What is read is believed in nothing but
its form. Standard library alone: the job that may write to pull requests runs this and installs nothing.
"""

import json
import math
import types
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

Verdict = Literal["worse", "better", "different", "no clear difference", "open", "unchanged", "not comparable"]
"""Of a figure: "better", "worse" and "different" (nobody knows which is good) if the intervals are apart, "no clear
difference" if they overlap, "not comparable" if another model measured it, "open" without intervals or a figure."""
FORMAT = "padstal-comparison-4"
LARGEST_RECORD = 2**20
"""Bytes; a record of a whole study has about a tenth of it."""


class RecordError(ValueError):
    """A record is not what it should be; the message says where, in words of ours alone."""


@dataclass(frozen=True)
class Revision:
    """One side: the name it was asked by, its commit, and whether files differ from that commit."""

    name: str
    commit: str
    changed: bool = False


@dataclass(frozen=True)
class Change:
    """One param before and after, as text; `None` where a side has no such key."""

    key: str
    base: str | None
    head: str | None


@dataclass(frozen=True)
class Count:
    """One plain figure before and after; `None` where a side does not have it. `note` says what to know of it."""

    name: str
    base: float | None
    head: float | None
    note: str = ""


@dataclass(frozen=True)
class Delta:
    """One measured figure before and after.

    Attributes:
        group: What was measured ("tal_dit · pads"); metrics of one group stand together.
        better: "higher", "lower", or "" where neither is known to be good.
        base_interval: (low, high); empty where there is none.
        note: What to know of the comparison ("strength 0.6 → 0.3").
    """

    group: str
    metric: str
    better: Literal["higher", "lower", ""]
    base: float | None
    head: float | None
    base_interval: tuple[float, ...]
    head_interval: tuple[float, ...]
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True)
class StageChange:
    """A stage whose record in `dvc.lock` differs: why it ran again, and which outputs have other bytes now."""

    stage: str
    kind: Literal["changed", "new", "gone"]
    because: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything that `padstal compare` found, most important first.

    Attributes:
        notes: What is missing or limits the comparison, one sentence each.
        remedy: What to do about metrics that do not compare; "" where all do.
        licences: Tracks under each; a note says what a change means.
        data: Files, clips and artists, the quarantine by reason, and the share of each caption decision.
        stale: Stages of HEAD whose params in `dvc.lock` are not those of `params.yaml`: they have to run again.
    """

    scale: str
    base: Revision
    head: Revision
    notes: tuple[str, ...]
    remedy: str
    licences: tuple[Count, ...]
    metrics: tuple[Delta, ...]
    matched: tuple[Delta, ...]
    checks: tuple[Delta, ...]
    params: tuple[Change, ...]
    data: tuple[Count, ...]
    stages: tuple[StageChange, ...]
    stale: tuple[str, ...]


def write_record(comparison: Comparison) -> str:
    """The comparison as JSON, the same text each time."""
    content = {"format": FORMAT, "comparison": asdict(comparison)}
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=True) + "\n"


def read_record(content: bytes) -> Comparison:
    """The comparison that `write_record` wrote; everything else is refused.

    Raises:
        RecordError: Too long, no JSON, an unknown or missing key, a wrong type.
    """
    if len(content) > LARGEST_RECORD:
        raise RecordError(f"the record has {len(content)} bytes: expected at most {LARGEST_RECORD}")
    try:
        tree = json.loads(content.decode("utf-8"), parse_constant=_finite, parse_int=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        raise RecordError("the record is no JSON of finite numbers") from None
    if not isinstance(tree, dict) or set(tree) != {"format", "comparison"} or tree["format"] != FORMAT:
        raise RecordError(f"the record is not of format {FORMAT}")
    found: Comparison = _value(Comparison, tree["comparison"], "comparison")
    return found


def _value(kind: Any, node: Any, at: str) -> Any:
    """`node` of a JSON tree as a value of the type `kind`."""
    options = get_args(kind)
    if get_origin(kind) is types.UnionType:
        return None if node is None else _value(options[0], node, at)
    if get_origin(kind) is Literal:
        if node not in options:
            raise RecordError(f"{at}: not one of the words expected")
        return node
    if get_origin(kind) is tuple:
        if not isinstance(node, list):
            raise RecordError(f"{at}: expected a list")
        return tuple(_value(options[0], item, f"{at}[{place}]") for place, item in enumerate(node))
    if hints := get_type_hints(kind) if is_dataclass(kind) else {}:
        if not isinstance(node, dict) or set(node) != set(hints):
            raise RecordError(f"{at}: expected an object of {', '.join(hints)}")
        return kind(**{name: _value(hints[name], item, f"{at}.{name}") for name, item in node.items()})
    if type(node) is not kind:
        raise RecordError(f"{at}: expected {kind.__name__}")
    return node


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value
