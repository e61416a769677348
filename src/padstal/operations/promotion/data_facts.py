"""What a revision's small files in git say of its data: licences, gates, drift."""

import json
from collections.abc import Mapping
from typing import Any

from padstal.core.revisions import Tree
from padstal.operations.promotion.gate import Drift
from padstal.rights.licence import normalise

DATA_SETS = ("ingest", "curate")


def licences(tree: Tree, scale: str) -> tuple[str, ...]:
    """Licences of all clips that were let in; empty where that is not known."""
    found = _metrics(tree, scale, "validate_ingest").get("clips_of_licence")
    return tuple(sorted({normalise(str(name)) for name in found})) if isinstance(found, Mapping) else ()


def gates(tree: Tree, scale: str) -> dict[str, bool | None]:
    """Data set → whether it passed its gate; one that stops a run leaves neither metrics nor an out in `dvc.lock`."""
    outs = tree.outs()
    return {
        name: (f"data/{scale}/gate/{name}" in outs) if _metrics(tree, scale, f"gate_{name}") else None
        for name in DATA_SETS
    }


def drift(tree: Tree, scale: str) -> dict[str, Drift | None]:
    """Data set → what `validate` found against its reference."""
    found: dict[str, Drift | None] = {}
    for name in DATA_SETS:
        metrics = _metrics(tree, scale, f"validate_{name}")
        compared, drifted = metrics.get("features_compared"), metrics.get("features_drifted")
        known = isinstance(compared, int) and isinstance(drifted, int)
        found[name] = Drift(compared, drifted) if known else None  # type: ignore[arg-type]
    return found


def _metrics(tree: Tree, scale: str, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(tree.read(f"reports/{scale}/metrics/{name}.json") or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
