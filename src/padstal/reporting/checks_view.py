"""Nested figures as rows: checks against planted truth with their chance levels, metrics of any stage, params of the scale."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from padstal.reporting.text import finite, interval, number, words

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
    """Figures of a section of `evaluate.json`, with chance levels found as `chance` inside or `…_chance` beside them."""
    found: list[Check] = []
    _collect(section, [], found)
    return found


def flat(section: Any, prefix: str = "", show: Callable[[Any], str] = number) -> list[tuple[str, str]]:
    """Every leaf of nested mappings as (path in words, text); `show` writes a value."""
    if isinstance(section, Mapping):
        named = [(f"{prefix} › {words(str(key))}" if prefix else words(str(key)), node) for key, node in section.items()]
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
        found.append(_check(here, node[key], node))
        rest = {name: item for name, item in node.items() if name not in (key, *_BESIDE)}
        _collect(rest, path, found)
        return
    for name, item in node.items():
        if name.endswith("_chance") and name.removesuffix("_chance") in node:
            continue
        if name == "n" or isinstance(item, str):  # `n` stands beside the figure, words stand elsewhere on the page
            continue
        if name.endswith("_interval") and name.removesuffix("_interval") in node:
            continue
        here = [*path, words(str(name))]
        if isinstance(item, Mapping):
            _collect(item, here, found)
        elif item is None or isinstance(item, int | float):
            beside = {"chance": node.get(f"{name}_chance"), "interval": node.get(f"{name}_interval"), "n": node.get("n")}
            found.append(_check(here, item, beside))


def _check(path: list[str], value: Any, beside: Mapping[str, Any]) -> Check:
    chance, around = beside.get("chance"), beside.get("interval")
    usable = finite(value) and finite(chance) and chance > 0
    return Check(
        " › ".join(path),
        number(value),
        interval(*around) if isinstance(around, Sequence) and len(around) == 2 else "",
        number(chance) if finite(chance) else "",
        f"{value / chance:.1f}×" if usable else "",
        number(beside["n"]) if beside.get("n") is not None else "",
    )
