"""`padstal lineage`: from a track or clip to every artefact, model and promotion, and from a model back to its data."""

import json
import sys
from pathlib import Path
from typing import Any

from padstal.operations.lineage.facts import sections
from padstal.operations.lineage.view import about, open_past
from padstal.reporting.text import visible


def run(root: Path, wanted: str, *, as_json: bool, page: Path | None) -> int:
    """Print what is known of `wanted`, or write it as a page.

    Raises:
        ValueError: No such thing, or several; or the history cannot be read whole.
    """
    past = open_past(root)
    record = about(past, wanted)
    for name, why in past.stores.unreadable.items():
        print(f"padstal: {name} was left out: {why}", file=sys.stderr)
    if page:
        _write_page(page, wanted, record)
        print(f"page: {page}")
        return 0
    if as_json:
        print(json.dumps(record, indent=2, ensure_ascii=False))
        return 0
    print_sections(record)
    return 0


def print_sections(record: dict[str, Any]) -> None:
    """Print a record for people."""
    for title, pairs in sections(record):
        print(f"\n{visible(title)}" if title else "")
        width = min(28, max((len(name) for name, _ in pairs), default=0))
        for name, text in pairs:
            print(f"  {visible(name):<{width}}  {visible(text)}".rstrip())


def _write_page(path: Path, wanted: str, record: dict[str, Any]) -> None:
    from padstal.core.data.atomic import atomic_file
    from padstal.reporting.clip_view import Facts
    from padstal.reporting.page import template_environment

    groups = [
        Facts(title, tuple((visible(name), visible(text)) for name, text in pairs)) for title, pairs in sections(record)
    ]
    page = template_environment().get_template("lineage.html").render(title=visible(wanted), groups=groups)
    with atomic_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
