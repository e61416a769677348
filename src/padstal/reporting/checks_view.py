"""Nested figures as rows: checks against planted truth with chance levels, metrics of any stage, any params."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from padstal.core.dvc_lock import mapping
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import bounds, finite, number, words

_VALUE_KEYS = ("value", "precision", "estimate", "mean", "accuracy", "spearman")
_BESIDE = ("chance", "interval", "n", "times_chance", "why")


@dataclass(frozen=True)
class Check:
    """One figure, named by its keys, with its interval, what chance would give, and how many it rests on."""

    keys: tuple[str, ...]
    value: Any
    interval: Any = None
    chance: Any = None
    n: Any = None

    @property
    def cells(self) -> tuple[str, Cell, str, str, str]:
        """Name, value, chance, ratio to it, n."""
        known, n = finite(self.chance), "–" if self.n is None else number(self.n)
        ratio = f"{self.value / self.chance:.1f}×" if known and self.chance and finite(self.value) else "–"
        value = Cell(number(self.value), below=bounds(self.interval))
        return " › ".join(map(words, self.keys)), value, number(self.chance) if known else "–", ratio, n


def checks_table(section: Any) -> Table:
    """The same as a table, intervals below the values; chance has columns where any figure has one."""
    rows = [check.cells for check in checks(section)]
    if any(row[2] != "–" for row in rows):
        return Table(("check", "value", "chance", "ratio", "n"), tuple(rows), (False, True, True, True, True))
    return Table(("check", "value", "n"), tuple((name, value, n) for name, value, _, _, n in rows), (False, True, True))


def leaves(node: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(keys, value) of every leaf, in order; a list of plain values is one, the items of others count from 1."""
    if isinstance(node, Mapping):
        for key, item in node.items():
            yield from leaves(item, (*at, str(key)))
    elif isinstance(node, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in node):
        for place, item in enumerate(node, 1):
            yield from leaves(item, (*at[:-1], f"{at[-1] if at else ''} {place}"))
    else:
        yield at, node


def value_at(node: Any, path: str) -> Any:
    """What lies at a path of keys with dots between them; `None` where there is nothing."""
    for key in path.split("."):
        node = mapping(node).get(key)
    return node


def flat(section: Any, show: Callable[[Any], str] = number) -> list[tuple[str, str]]:
    """Every leaf of nested mappings as (path in words, text); `show` writes a value."""
    return [
        (
            " › ".join(map(words, keys)),
            ", ".join(map(show, value)) or "none" if isinstance(value, list | tuple) else show(value),
        )
        for keys, value in leaves(section)
    ]


def checks(node: Any, at: tuple[str, ...] = ()) -> Iterator[Check]:
    """Figures of a section of `evaluate.json`; chance levels lie as `chance` inside or as `…_chance` beside them."""
    if not isinstance(node, Mapping):
        return
    key = next((key for key in _VALUE_KEYS if key in node and not isinstance(node[key], Mapping)), None)
    if key is not None and at:
        around, chance = (node.get(f"{key}_{name}", node.get(name)) for name in ("interval", "chance"))
        yield Check(at if key == "value" else (*at, key), node[key], around, chance, node.get("n"))
        used = (key, *_BESIDE, f"{key}_chance", f"{key}_interval")
        yield from checks({name: item for name, item in node.items() if name not in used}, at)
        return
    for name, item in node.items():
        if any(name.endswith(end) and name.removesuffix(end) in node for end in ("_chance", "_interval")):
            continue
        if name == "n" or name.startswith("n_"):  # counts stand beside the figure
            continue
        if isinstance(item, Mapping):
            yield from checks(item, (*at, name))
        elif item is None or isinstance(item, int | float):
            around, chance = node.get(f"{name}_interval"), node.get(f"{name}_chance")
            yield Check((*at, name), item, around, chance, _count(node, name))


def _count(node: Mapping[str, Any], name: str) -> Any:
    """What a figure rests on: `n_test` for `…_test`, else `n`."""
    ends = [key.removeprefix("n_") for key in node if str(key).startswith("n_")]
    return next((node[f"n_{end}"] for end in ends if name.endswith(f"_{end}")), node.get("n"))
