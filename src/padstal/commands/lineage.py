"""`padstal lineage`: from a track or clip to every artefact, model and promotion, and from a model back to its data."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from padstal.operations.lineage.view import about, open_past
from padstal.reporting.text import visible


def run(root: Path, wanted: str, *, as_json: bool) -> int:
    """Print what is known of `wanted`.

    Raises:
        ValueError: No such thing, or several; or the history cannot be read whole.
    """
    past = open_past(root)
    record = about(past, wanted)
    for name, why in past.runs.stores.unreadable.items():
        print(f"padstal: {name} was left out: {why}", file=sys.stderr)
    print_record(record, as_json=as_json)
    return 0


def print_record(record: dict[str, Any], *, as_json: bool) -> None:
    """Print a record: as JSON for machines, as YAML for people."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    if not as_json:
        plain = json.loads(text)  # in which nothing is there twice, so that YAML has no anchors
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
        lines = [(len(line) - len(line.lstrip()), line) for line in text.splitlines()]
        text = "\n".join(" " * indent + visible(line) for indent, line in lines)
    print(text)
