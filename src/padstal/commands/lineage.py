"""`padstal lineage`: from a track or clip to every artefact, model and promotion, and from a model back to its data."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from padstal.operations.lineage.runs import read_runs
from padstal.operations.lineage.view import about
from padstal.reporting.text import visible

SHOWN = 20


def run(root: Path, wanted: str, *, as_json: bool) -> int:
    """Print what is known of `wanted`.

    Raises:
        ValueError: No such thing, or several; or the history cannot be read whole.
    """
    runs = read_runs(root)
    record = about(runs, wanted)
    for name, why in runs.stores.unreadable.items():
        print(f"padstal: {name} was left out: {why}", file=sys.stderr)
    print_record(record, as_json=as_json)
    return 0


def print_record(record: dict[str, Any], *, as_json: bool) -> None:
    """Print a record: as JSON for machines, as YAML for people, who see the first `SHOWN` of a list."""
    if as_json:
        print(json.dumps(record, indent=2, ensure_ascii=False))
        return
    for line in yaml.safe_dump(_brief(record), sort_keys=False, allow_unicode=True, width=120).splitlines():
        print(" " * (len(line) - len(line.lstrip())) + visible(line))


def _brief(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _brief(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        more = [f"… {len(value) - SHOWN} more; --json lists all"] if len(value) > SHOWN else []
        return [*map(_brief, value[:SHOWN]), *more]
    return value
