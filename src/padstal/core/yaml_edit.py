"""Setting values in the text of a YAML file; every other character, comments and layout too, stays as it is."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode

from padstal.core.yaml_text import parse_yaml

PLAIN = re.compile(r"[\w.+/-]+")
"""Texts that need no quotes, if they are no numbers and the like."""


def with_values(text: str, values: Mapping[tuple[str, ...], str]) -> str:
    """`text` with the texts `values` at these key paths; a last key that is missing comes before its neighbours' last.

    Keys that a mapping takes over (`<<`) are set where they are written.

    Raises:
        KeyError: No mapping is where a path leads, or something else than one value is at its end.
    """
    root = YAML(typ="safe", pure=True).compose(text)
    edits = sorted((_edit(root, path, value) for path, value in values.items()), reverse=True)
    for start, stop, new in edits:  # from the end: what comes before keeps its place
        text = text[:start] + new + text[stop:]
    return text


def _edit(root: Any, path: tuple[str, ...], value: str) -> tuple[int, int, str]:
    """Where characters are replaced, and by which."""
    *above, key = path
    node = root
    for part in above:
        node = _child(node, part)
    if not isinstance(node, MappingNode) or not node.value:
        raise KeyError(f"{'.'.join(above)}: no mapping with keys")
    plain = PLAIN.fullmatch(value) and parse_yaml(value) == value
    written = value if plain else json.dumps(value)
    old = _child(node, key)
    if isinstance(old, ScalarNode):
        return old.start_mark.index, old.end_mark.index, written
    if old is not None:
        raise KeyError(f"{'.'.join(path)}: no single value")
    last = node.value[-1][0].start_mark
    between = ", " if node.flow_style else "\n" + " " * last.column
    return last.index, last.index, f"{key}: {written}{between}"


def _child(node: Any, key: str) -> Any:
    """The value of a key, also of one that `<<` brings; None where there is none."""
    if not isinstance(node, MappingNode):
        return None
    own = {name.value: child for name, child in node.value}
    if key in own or "<<" not in own:
        return own.get(key)
    merged = own["<<"]
    found = (_child(one, key) for one in ([merged] if isinstance(merged, MappingNode) else merged.value))
    return next((one for one in found if one is not None), None)
