"""Reading `params.yaml`: one section, checked; errors name the key path, the value and what is allowed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from padstal.core.secrets import REMOVED, looks_secret, redact, without_secrets
from padstal.core.section import Section

SCALES = ("demo", "study", "full")
SectionT = TypeVar("SectionT", bound=Section)


class ParamsError(ValueError):
    """`params.yaml` is wrong; the message names every key path, the value found and what is allowed."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The whole of `params.yaml` as plain dictionaries.

    Raises:
        ParamsError: The file is missing, is no YAML mapping, or `scale` is not one of `SCALES`.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: not found; run from the repository's root") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {redact(str(error))}") from None
    if not isinstance(tree, dict):
        raise ParamsError(f"{path}: expected a mapping at the top, found {type(tree).__name__}")
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
        raise ParamsError(redact("\n".join(explained(error, at, raw)))) from None


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


def explained(error: ValidationError, at: str, raw: Any) -> Iterator[str]:
    """One line for each wrong value: key path below `at`, value, what is allowed."""
    for detail in error.errors():
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):  # a kind of a table (`core/kinds.py`) checks its own values
            where = ".".join([*([at] if at else []), *_keys(detail["loc"], raw)])
            yield from explained(inner, where, detail["input"])
        else:
            yield _explain(detail, at, raw)


def _explain(detail: Any, at: str, raw: Any) -> str:
    path = [*([at] if at else []), *_keys(detail["loc"], raw, missing=detail["type"] == "missing")]
    where = ".".join(path)
    found = "" if isinstance(detail["input"], dict) else f" = {_shown(path[-1], detail['input'])}"
    match detail["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key; `padstal params` lists the known ones"
        case "missing":
            return f"{where}: missing; `padstal params` explains it"
        case "value_error":
            return f"{where}: {detail['msg'].removeprefix('Value error, ')}"
        case _:
            return f"{where}{found}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _shown(key: str, value: Any) -> str:
    """A value as a message may repeat it: an unknown key's never, for it may be anything."""
    return REMOVED if looks_secret(key) else repr(without_secrets(value) if isinstance(value, list) else value)


def _keys(loc: tuple[int | str, ...], raw: Any, *, missing: bool = False) -> list[str]:
    """The keys of an error's location, without the tags that pydantic puts behind a union; a `missing` one is last."""
    keys: list[str] = []
    for part in loc:
        if part in (raw if isinstance(raw, dict) else range(len(raw)) if isinstance(raw, list) else ()):
            raw = raw[part]  # type: ignore[index]
            keys.append(str(part))
    return [*keys, str(loc[-1])] if missing else keys
