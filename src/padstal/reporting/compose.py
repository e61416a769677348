"""The page that people open: the page that DVC knows, with this machine's record written into it."""

import json
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import atomic_file
from padstal.core.paths import Paths
from padstal.reporting.record import machine_record

PLACEHOLDER = '<script type="application/json" id="record">null</script>'
"""What stands in `page.html` where the record goes; the page's own script draws it."""


def compose_report(paths: Paths) -> Path:
    """Write `index.html` beside `page.html`; returns its path.

    Raises:
        FileNotFoundError: The stage `report` has not run.
        ValueError: `page.html` has no place for a record.
    """
    if not paths.page.is_file():
        raise FileNotFoundError(f"{paths.page}: no such page; `dvc repro report` writes it")
    page = paths.page.read_text(encoding="utf-8")
    if page.count(PLACEHOLDER) != 1:
        raise ValueError(f"{paths.page}: expected one place for the record, found {page.count(PLACEHOLDER)}")
    record = script_json(machine_record(paths))
    with atomic_file(paths.report) as temporary:
        temporary.write_text(page.replace(PLACEHOLDER, PLACEHOLDER.replace("null", record)), encoding="utf-8")
    return paths.report


def script_json(content: Any) -> str:
    """JSON that may stand in a script element: no character of it can end the element or start a comment."""
    text = json.dumps(content, ensure_ascii=True, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
