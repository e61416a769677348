"""A setting: everything that names a cell of the sampling grid, in one record that is built here and nowhere else.

Params, samples, evaluation, report, promotion and `padstal generate` carry this record; `id` is its name on disk.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, model_validator

from padstal.core.explain import Explained, explain
from padstal.core.protocols import DiversityMethod, Guidance, Solver
from padstal.core.section import Section, value
from padstal.sampling.diversity import METHODS
from padstal.sampling.guidance import GUIDANCE
from padstal.sampling.solvers import SOLVERS

ID_DIGITS = 10
MOST_SETTINGS = 1000
"""Of one sweep."""
SETTINGS = "settings.json"
"""Setting's id → its record, beside samples."""
SYMBOLS = {
    "strength": "s",
    "tau1": "τ1",
    "tau2": "τ2",
    "rescale": "ψ",
    "min_low": "L_min",
    "eta": "η",
    "sigma_min": "σ_min",
    "sigma_max": "σ_max",
}
"""How a label writes a value's name."""


class Sampler(Section):
    """How the way from noise to data is gone."""

    solver: Annotated[Solver, SOLVERS]
    steps: int = value("noise levels", "steps", ge=1)
    sigma_min: float = value("last noise level before 0", "σ_t/α_t", gt=0)
    sigma_max: float = value("first noise level", "σ_t/α_t", gt=0)

    @model_validator(mode="after")
    def _levels_fall(self) -> Any:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min = {self.sigma_min} must be below sigma_max = {self.sigma_max}")
        return self


class Setting(Sampler):
    """Sampler, diversity method and guidance, each with its values."""

    model_config = ConfigDict(ignored_types=(cached_property,))

    method: Annotated[DiversityMethod, METHODS]
    guidance: Annotated[Guidance, GUIDANCE]
    attributes: dict[str, float] = value(
        "what samples are told besides their text, by name, e.g. {quality: 5}; the rest is the system's", default={}
    )

    def __hash__(self) -> int:
        return hash(self.id)

    @cached_property
    def id(self) -> str:
        """Its name: a hash of its kinds and of what differs from their defaults, so a new option renames nothing."""
        kinds = {name: own for name, own in self.values.items() if name.endswith(".kind")}
        return _hash({**dict(_leaves(self.model_dump(exclude_defaults=True))), **kinds})

    @cached_property
    def values(self) -> dict[str, Any]:
        """All of it as plain values by path: {"method.kind": "pads", "method.strength": 0.35, …, "steps": 100}."""
        return dict(_leaves(self.model_dump()))

    @property
    def swept(self) -> str:
        """The value that sweeps go along: the method's strength, or w where there is none."""
        return "method.strength" if "method.strength" in self.values else "guidance.w"

    @property
    def path(self) -> str:
        """Name of the sweep that it lies on: equal for settings that differ in the value that is swept alone."""
        return _hash({name: one for name, one in self.values.items() if name != self.swept})

    @property
    def strength(self) -> float:
        """Its method's, by which a sweep is ordered from weak to strong; 0 where the method has none."""
        return float(self.values.get("method.strength", 0.0))

    @property
    def w(self) -> float:
        """w of its guidance; 1 where the guidance has none."""
        return float(self.values.get("guidance.w", 1.0))

    @property
    def method_name(self) -> str:
        """`kind` of its method: "none", "cads", "pads", …."""
        return str(self.values["method.kind"])

    def label(self, among: "tuple[Setting, ...]" = ()) -> str:
        """In words: the method, s and w, and whatever else tells it from the settings `among`."""
        told = {"method.strength", "guidance.w"} | {
            name for name, own in self.values.items() if any(other.values.get(name, own) != own for other in among)
        }
        if not self.strength:
            told.discard("method.strength")
        return self.named(told)

    def named(self, told: Collection[str]) -> str:
        """In words: the method, and its values at the paths `told`."""
        words = [self.method_name]
        for name, own in self.values.items():
            if name in told and name != "method.kind":
                short = name.rpartition(".")[2]
                words.append(f"{SYMBOLS.get(short, name if short == 'kind' else short)} = {_shown(own)}")
        return " ".join([words[0], ", ".join(words[1:])]).strip()


class Sweep(Section):
    """Settings that one entry of `sample.sweeps` stands for: wherever it holds a list, each of its items in turn.

    A range `{from: 0.25, to: 2, count: 8}` is the list of so many values at equal distances. The value that stands
    first varies fastest.
    """

    settings: tuple[Setting, ...]

    @model_validator(mode="before")
    @classmethod
    def _expanded(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or set(raw) == {"settings"}:
            return raw
        return {"settings": tuple(Setting.model_validate(one) for one in expanded(raw))}

    def explained(self, at: str) -> Iterator[Explained]:
        """Its values as params have them: one where all settings share it, else the list."""
        found: dict[str, dict[str, Explained]] = {}
        for setting in self.settings:
            for one in explain(setting, at):
                found.setdefault(one.path, {})[one.value] = one
        for shown in found.values():
            one = next(iter(shown.values()))
            yield one if len(shown) == 1 else replace(one, value=f"[{', '.join(shown)}]")


def expanded(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the lists in a tree, as trees without lists; the first list varies fastest.

    Raises:
        ValueError: A list is empty, a range is none, or there are more than `MOST_SETTINGS`.
    """
    trees: list[dict[str, Any]] = [{}]
    for name, content in raw.items():
        choices = _choices(str(name), content)
        count = len(choices) * len(trees)
        if count > MOST_SETTINGS:
            raise ValueError(f"{name}: a sweep of {count} settings, expected {MOST_SETTINGS} at most")
        trees = [{**tree, name: choice} for choice in choices for tree in trees]
    return trees


def of(settings: "tuple[Setting, ...]", wanted: Mapping[str, Any]) -> "tuple[Setting, ...]":
    """Those of `settings` with these values, by path ({"method.kind": "pads"}).

    Raises:
        ValueError: There is none; names what there is.
    """
    found = tuple(one for one in settings if all(one.values.get(name) == own for name, own in wanted.items()))
    if not found:
        asked = ", ".join(f"{name} = {_shown(own)}" for name, own in wanted.items())
        there = "; ".join(dict.fromkeys(one.label(settings) for one in settings))
        raise ValueError(f"{asked}: the grid has no such setting; it has: {there}")
    return found


def read_settings(file: Path) -> dict[str, Setting]:
    """The settings of samples by id, from the file beside them.

    Raises:
        ValueError: One is of another version of padstal.
    """
    records = json.loads(file.read_text(encoding="utf-8"))
    return {name: Setting.model_validate(record) for name, record in records.items()}


def _choices(name: str, content: Any) -> list[Any]:
    if isinstance(content, Mapping):
        if set(content) == {"from", "to", "count"}:
            first, last, count = content["from"], content["to"], content["count"]
            if not all(type(one) in (int, float) for one in (first, last)) or type(count) is not int:
                raise ValueError(f"{name} = {dict(content)}: expected numbers from and to, and a whole count")
            if not 1 <= count <= MOST_SETTINGS:
                raise ValueError(f"{name}.count = {count}: expected 1 to {MOST_SETTINGS}")
            return [first + (last - first) * step / max(1, count - 1) for step in range(count)]
        return list(expanded(content))
    if isinstance(content, list | tuple):
        if not content:
            raise ValueError(f"{name} = []: a sweep needs at least one value")
        return [choice for item in content for choice in (_choices(name, item))]
    return [content]


def _leaves(tree: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for name, content in tree.items():
        if isinstance(content, Mapping):
            yield from _leaves(content, f"{at}{name}.")
        else:
            yield f"{at}{name}", content


def _shown(content: Any) -> str:
    return f"{content:g}" if isinstance(content, float) else str(content)


def _hash(content: Mapping[str, Any]) -> str:
    # as JSON files hold numbers (`write_json`), so that what is read back has the same name
    held = {name: float(f"{one:.6g}") if isinstance(one, float) else one for name, one in content.items()}
    canonical = json.dumps(held, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:ID_DIGITS]
