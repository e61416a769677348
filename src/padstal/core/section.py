"""What a params section is: an immutable record whose every value has a unit, an explanation and limits."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name that params choose freely; files and stages' items are called by it."""
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
"""Entries of lists."""


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values do not change in reading (`true` is no 1) nor after."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_are_tuples(cls, raw: Any) -> Any:
        return {name: _with_tuples(one) for name, one in raw.items()} if isinstance(raw, Mapping) else raw


def _with_tuples(node: Any) -> Any:
    """A list as the tuple that sections hold; sections within see to their own."""
    return tuple(_with_tuples(item) for item in node) if isinstance(node, list) else node


def value(doc: str, unit: str = "", **limits: Any) -> Any:
    """A value of a section; required, unless a `default` is among the limits.

    Args:
        doc: What it is, in one sentence.
        unit: Its unit ("Hz", "s", "LUFS", "steps"); empty where it has none.
        **limits: pydantic's limits (`gt`, `ge`, `lt`, `le`, `min_length`, …).
    """
    return Field(description=doc, json_schema_extra={"unit": unit}, **limits)
