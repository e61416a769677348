"""What a params section is: an immutable record whose every value has a unit, an explanation and limits."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name that params choose freely; files and stages' items are called by it."""
Count = Annotated[int, Field(ge=1, le=1024)]
Seed = Annotated[int, Field(ge=0, le=2**53)]
FftSize = Annotated[int, Field(ge=4, le=2**16)]
"""Entries of lists; the last, of a window of an STFT whose hop is a quarter of it."""
KEY = "key"
"""Type of errors about keys that are not known, or missing."""


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values do not change in reading (`true` is no 1) nor after."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True, defer_build=True)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Lists are tuples; errors about keys (of type `KEY`) say what this section knows of them."""
        try:
            return handler({name: _with_tuples(one) for name, one in raw.items()} if isinstance(raw, Mapping) else raw)
        except ValidationError as error:
            told = [cls._told(one) for one in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, told) from None

    @classmethod
    def _told(cls, error: ErrorDetails) -> InitErrorDetails:
        kind: str | PydanticCustomError = error["type"]
        own = len(error["loc"]) == 1
        if kind == "extra_forbidden" and own:
            known = ", ".join(field.alias or name for name, field in cls.model_fields.items())
            kind = PydanticCustomError(KEY, f"unknown key; expected {known}")  # type: ignore[arg-type]
        elif kind == "missing" and own:
            fields = (one for name, one in cls.model_fields.items() if error["loc"][0] in (name, one.alias))
            said = "".join(f"; {text}" for text in map(_said_of, fields) if text)
            kind = PydanticCustomError(KEY, f"missing{said}")  # type: ignore[arg-type]
        elif kind == KEY:
            kind = PydanticCustomError(KEY, error["msg"])  # type: ignore[arg-type]
        return InitErrorDetails(type=kind, loc=error["loc"], input=error["input"], ctx=error.get("ctx", {}))


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


def _said_of(field: FieldInfo) -> str:
    """One line on a value: what it is, its unit and limits."""
    unit, allowed = unit_of(field), limits_of(field)
    return meaning_of(field) + (f", in {unit}" if unit else "") + (f" ({allowed})" if allowed else "")


def unit_of(field: FieldInfo) -> str:
    """Unit of a value; "" for none."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def meaning_of(field: FieldInfo) -> str:
    """Its description; a tag that tells the members of a union apart has none."""
    tag = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
    return field.description or ("which kind this is" if tag else "")


def limits_of(field: FieldInfo) -> str:
    """Limits or choices of a value; "" where its type says it all."""
    if get_origin(field.annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(field.annotation))
    signs = {Gt: (">", "gt"), Ge: ("≥", "ge"), Lt: ("<", "lt"), Le: ("≤", "le")}
    limits = [
        f"{signs[type(limit)][0]} {getattr(limit, signs[type(limit)][1]):g}"
        for limit in field.metadata
        if type(limit) in signs
    ]
    return ", ".join(limits)
