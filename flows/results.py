"""What a person sees of a run in Prefect: a table of its stages, the report's summary, a link to its page."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from flows.repro import StageRun
from flows.workspace import base_folder
from padstal.core.git import git
from padstal.core.params import read_yaml
from padstal.core.paths import Paths

PAGES_VARIABLE, ADDRESS_VARIABLE = "PADSTAL_PAGES", "PADSTAL_PAGES_URL"
KEPT_PAGES = 20
"""Pages that stay; a run's workspace goes when the run ends, so its page is copied out of it."""


def show_stages(runs: Sequence[StageRun]) -> None:
    """The artifact `stages`: what became of each stage, and its wall time."""
    rows: list[dict[str, object]] = [
        {"stage": run.stage, "result": run.result, "wall time (s)": round(run.wall_seconds, 1)} for run in runs
    ]
    rows.append({"stage": "all", "result": "", "wall time (s)": round(sum(run.wall_seconds for run in runs), 1)})
    create_table_artifact(rows, key="stages", description="What became of each stage")


def show_report(root: Path) -> str:
    """The artifacts `report` (the summary) and `page` (a link to the page, copied to where pages stay).

    Gives the link.

    Raises:
        FileNotFoundError: The stage `report` has not run.
    """
    paths = Paths(root, read_yaml(root / "params.yaml")["scale"])
    page = paths.report if paths.report.exists() else paths.page
    if not page.exists():
        raise FileNotFoundError(f"{page.relative_to(root)}: not there; run the stage `report`")
    create_markdown_artifact(
        paths.summary.read_text(encoding="utf-8"), key="report", description="The report's summary"
    )
    link = keep_page(page, f"{git(root, 'rev-parse', '--short=12', 'HEAD')}-{paths.scale}.html")
    create_link_artifact(link, link_text="the report's page", key="page", description="Listen and look")
    return link


def keep_page(page: Path, name: str) -> str:
    """Copy a page to the folder of pages (`PADSTAL_PAGES`), drop the oldest ones; gives its address.

    The address is under `PADSTAL_PAGES_URL`, where a web server shows that folder, else of the file.
    """
    folder = Path(os.environ.get(PAGES_VARIABLE) or base_folder() / "pages")
    folder.mkdir(parents=True, exist_ok=True)
    kept = Path(shutil.copyfile(page, folder / name))
    old = sorted(folder.glob("*.html"), key=lambda file: file.stat().st_mtime)[:-KEPT_PAGES]
    for file in old:
        file.unlink()
    served = os.environ.get(ADDRESS_VARIABLE)
    return f"{served.rstrip('/')}/{name}" if served else kept.resolve().as_uri()
