"""What a params section is: an immutable record whose every value has a unit, an explanation and limits."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def value(doc: str, unit: str = "", **limits: Any) -> Any:
    """A value of a section; required, unless a `default` is among the limits.

    Args:
        doc: What it is, in one sentence.
        unit: Its unit ("Hz", "s", "LUFS", "steps"); empty where it has none.
        **limits: pydantic's limits (`gt`, `ge`, `lt`, `le`, `min_length`, …).
    """
    return Field(description=doc, json_schema_extra={"unit": unit}, **limits)
