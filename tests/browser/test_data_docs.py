"""The data docs in a real browser: readable, what a script did works without one, and nobody is asked for anything."""

from pathlib import Path

import pytest
from tests.browser.test_report_page import WIDTHS, Opened, browser, open_report  # noqa: F401
from tests.curation.expectations.test_ingested import LIMITS
from tests.curation.fakes import write_corpus

from padstal.curation.expectations import checkpoint, ingested
from padstal.curation.expectations.config import IngestLimits

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    manifest = write_corpus(root)
    manifest.loc[:20, "licence"] = ""
    manifest.loc[:20, "clip_id"] = [f"<img src=https://far/{number}.png onerror=alert(1)>" for number in range(21)]
    quarantine = manifest.head(0).assign(reason="")
    suite = ingested.suite(IngestLimits(**LIMITS))
    tables = ingested.tables(manifest, quarantine)
    tables["clips"]["licence_verdict"] = ingested.ALLOWED
    checkpoint.run(suite, tables, root / "data_docs")
    return root / "data_docs"


def assert_alone(opened: Opened, folder: Path) -> None:
    """Only pages of this folder were asked for, and the console is quiet."""
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(folder.as_uri())] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_lead_to_each_other_and_ask_nobody(browser, docs: Path, width: int, tmp_path: Path) -> None:  # noqa: F811
    opened = open_report(browser, docs / "index.html", width)
    page = opened.page
    assert "1 of 20 broken" in page.locator("tbody").inner_text()
    page.screenshot(path=str(tmp_path / f"index_{width}.png"), full_page=True)
    for words in ("20 expectations", "results"):
        page.goto((docs / "index.html").as_uri())
        page.locator("tr", has_text="clips").get_by_text(words).click()
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert "few clips are silent" in page.locator("body").inner_text()
        page.screenshot(path=str(tmp_path / f"{words.split()[-1]}_{width}.png"), full_page=True)
        page.locator(".ge-breadcrumbs a").click()
        page.wait_for_load_state("load")
        assert page.title() == "Data docs"
    assert_alone(opened, docs)
    page.context.close()


def test_boxes_open_and_what_holds_can_be_hidden_without_scripts(browser, docs: Path) -> None:  # noqa: F811
    [results] = (docs / "validations" / "clips").rglob("*.html")
    opened = open_report(browser, results, 1280)
    page = opened.page
    assert page.locator("script").count() == 0
    assert page.locator("img").count() == 0  # hostile ids stay text
    box = page.locator(".collapse").first
    assert not box.is_visible()
    page.get_by_text("Show more info...").first.click()
    assert box.is_visible()
    silent, licence = page.get_by_text("few clips are silent"), page.get_by_text("every clip has a licence")
    assert silent.is_visible()
    page.get_by_text("Failed Only").click()
    assert not silent.is_visible()
    assert licence.first.is_visible()
    assert_alone(opened, docs)
    page.context.close()
