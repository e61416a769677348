"""A suite of expectations as a file has it: name → what is looked at, limits, severity and advice.

    few clips are silent: {between: rms_dbfs, min_value: silence_dbfs, all_but: max_silent_share}

The first key is one of `KINDS` and names a column (none of "rows"); `all_but` is the share of rows that need not
comply, `range` has both limits. A limit is a value, or the name of one. Unless it says otherwise, an expectation is of
the table "clips" and critical.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from padstal.core.yaml_text import parse_yaml
from padstal.curation.expectations.expectation import KINDS, Expectation


def read_suite(file: str, values: Mapping[str, Any]) -> tuple[Expectation, ...]:
    """The expectations of a file beside this one; `values` says what the names of limits stand for."""
    text = (files("padstal.curation.expectations") / file).read_text(encoding="utf-8")
    return tuple(_expectation(name, dict(told), values) for name, told in parse_yaml(text).items())


def _expectation(name: str, told: dict[str, Any], values: Mapping[str, Any]) -> Expectation:
    table, severity, advice = told.pop("table", "clips"), told.pop("severity", "critical"), told.pop("advice", "")
    [kind] = KINDS.keys() & told.keys()
    column = told.pop(kind)
    if "range" in told:
        told["min_value"], told["max_value"] = values[told.pop("range")]
    mostly = 1 - values[told.pop("all_but")] if "all_but" in told else told.pop("mostly", None)
    named = ("min_value", "max_value", "value_set")
    limits = {key: values[own] if key in named and isinstance(own, str) else own for key, own in told.items()}
    return Expectation(name, table, KINDS[kind], column, severity, limits, mostly, advice)
