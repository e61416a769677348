"""Nested figures as rows: checks against planted truth with chance levels, metrics of any stage, any params."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.reporting.table import Cell, Table
from padstal.reporting.text import bounds, finite, number, words

_VALUE_KEYS = ("value", "precision", "estimate", "mean", "accuracy", "spearman")
_BESIDE = ("chance", "interval", "n", "times_chance", "why")


@dataclass(frozen=True)
class Check:
    """One figure with what stands beside it: its interval, what chance would give, how many it rests on."""

    name: str
    value: str
    interval: str
    chance: str
    times_chance: str
    n: str


def checks(section: Any) -> list[Check]:
    """Figures of a section of `evaluate.json`; chance levels lie as `chance` inside or as `…_chance` beside them."""
    found: list[Check] = []
    _collect(section, [], found)
    return found


def checks_table(section: Any) -> Table:
    """The same as a table, intervals below the values; chance has columns where any figure has one."""
    found = checks(section)
    beside = any(check.chance for check in found)
    rows = tuple(
        (
            check.name,
            Cell(check.value, below=check.interval),
            *((check.chance or "–", check.times_chance or "–") if beside else ()),
            check.n or "–",
        )
        for check in found
    )
    head = ("check", "value", *(("chance", "ratio") if beside else ()), "n")
    return Table(head, rows, (False, *(True for _ in head[1:])))


def flat(section: Any, prefix: str = "", show: Callable[[Any], str] = number) -> list[tuple[str, str]]:
    """Every leaf of nested mappings as (path in words, text); `show` writes a value."""
    if isinstance(section, Mapping):
        named = [
            (f"{prefix} › {words(str(key))}" if prefix else words(str(key)), node) for key, node in section.items()
        ]
        return [pair for name, node in named for pair in flat(node, name, show)]
    if isinstance(section, Sequence) and not isinstance(section, str):
        if all(isinstance(node, int | float | str | bool) or node is None for node in section):
            return [(prefix, ", ".join(show(node) for node in section) or "none")]
        return [pair for place, node in enumerate(section, 1) for pair in flat(node, f"{prefix} {place}", show)]
    return [(prefix, show(section))]


def _collect(node: Any, path: list[str], found: list[Check]) -> None:
    if not isinstance(node, Mapping):
        return
    key = next((key for key in _VALUE_KEYS if key in node and not isinstance(node[key], Mapping)), None)
    if key is not None and path:
        here = path if key == "value" else [*path, words(key)]
        own = {name: node[f"{key}_{name}"] for name in ("chance", "interval") if f"{key}_{name}" in node}
        found.append(_check(here, node[key], {**node, **own}))
        used = (key, *_BESIDE, f"{key}_chance", f"{key}_interval")
        rest = {name: item for name, item in node.items() if name not in used}
        _collect(rest, path, found)
        return
    for name, item in node.items():
        if name.endswith("_chance") and name.removesuffix("_chance") in node:
            continue
        if (
            name == "n" or name.startswith("n_") or isinstance(item, str)
        ):  # counts stand beside the figure, words elsewhere
            continue
        if name.endswith("_interval") and name.removesuffix("_interval") in node:
            continue
        here = [*path, words(str(name))]
        if isinstance(item, Mapping):
            _collect(item, here, found)
        elif item is None or isinstance(item, int | float):
            beside = {
                "chance": node.get(f"{name}_chance"),
                "interval": node.get(f"{name}_interval"),
                "n": _count(node, str(name)),
            }
            found.append(_check(here, item, beside))


def _count(node: Mapping[str, Any], name: str) -> Any:
    """What a figure rests on: `n_test` for `…_test`, else `n`."""
    ends = [key.removeprefix("n_") for key in node if str(key).startswith("n_")]
    return next((node[f"n_{end}"] for end in ends if name.endswith(f"_{end}")), node.get("n"))


def _check(path: list[str], value: Any, beside: Mapping[str, Any]) -> Check:
    chance = beside.get("chance")
    ratio = value / chance if finite(value) and finite(chance) and chance else None
    return Check(
        " › ".join(path),
        number(value),
        bounds(beside.get("interval")),
        number(chance) if finite(chance) else "",
        f"{ratio:.1f}×" if ratio is not None else "",
        number(beside["n"]) if beside.get("n") is not None else "",
    )
