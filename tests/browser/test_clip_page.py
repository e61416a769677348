"""The page of a clip in a real browser: it plays, it fits the window, hostile captions stay text, nobody is asked."""

from pathlib import Path

import pytest
from tests.browser.test_report_page import WIDTHS, assert_quiet, browser, open_report  # noqa: F401
from tests.reporting.half import HOSTILE_PATH, curated

from padstal.reporting.catalogue import find, read_catalogue
from padstal.reporting.clip_page import write_page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    catalogue = read_catalogue(curated(folder))
    file = folder / "clip.html"
    write_page(file, catalogue, find(catalogue, HOSTILE_PATH))
    return file


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_window_and_hostile_captions_are_only_text(browser, page: Path, width: int, tmp_path: Path) -> None:  # noqa: F811
    opened = open_report(browser, page, width)
    shown = opened.page
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("script").count() == 0
    assert "<script>alert('caption')</script>" in shown.locator("main").inner_text()
    shown.screenshot(path=str(tmp_path / f"clip_{width}.png"), full_page=True)
    assert_quiet(opened, page)
    shown.context.close()


def test_the_clip_plays_and_its_pictures_are_drawn(browser, page: Path) -> None:  # noqa: F811
    opened = open_report(browser, page, 1280, scheme="dark")
    shown = opened.page
    assert shown.locator("audio").count() == 5
    seconds = shown.evaluate(
        """async () => {
          const audio = document.querySelector("audio");
          audio.muted = true;
          await audio.play();
          await new Promise((done) => { audio.ontimeupdate = () => audio.currentTime > 0.05 && done(); });
          return [audio.currentTime, audio.duration];
        }"""
    )
    assert 0.05 < seconds[0] <= seconds[1]
    assert seconds[1] == pytest.approx(1.024, abs=0.1)
    assert shown.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert shown.locator("svg.chart path.line").first.bounding_box()["width"] > 400
    assert_quiet(opened, page)
    shown.context.close()
