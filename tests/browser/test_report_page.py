"""The report in a real browser: it is readable, it plays, the console is quiet, and no server is asked for anything."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.reporting.finished import lock, write_finished_scale

from padstal.reporting.cards import model_cards
from padstal.reporting.compose import compose_report
from padstal.reporting.inputs import read_inputs
from padstal.reporting.page import render_page

pytestmark = pytest.mark.slow

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (1280, 400)


@dataclass
class Opened:
    """A page in the browser with everything that went wrong or went out."""

    page: object
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    path = os.environ.get("PADSTAL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium found: run scripts/install_system.sh (or set PADSTAL_CHROMIUM to a browser)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    paths = write_finished_scale(tmp_path_factory.mktemp("finished"))
    inputs = read_inputs(paths, _sections(paths.params))
    shown = {"captions_shown": 30, "prompts_shown": 3, "reconstructions_shown": 2}
    (paths.root / "dvc.lock").write_text(lock("demo", "score", "caption", "ingest", "encode@tal"))
    paths.page.write_text(render_page(inputs, model_cards(inputs), title="padstal", **shown), encoding="utf-8")
    return compose_report(paths)


def open_report(browser: object, report: Path, width: int, scheme: str = "light") -> Opened:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[attr-defined]
    opened = Opened(context.new_page())
    page = opened.page
    page.on(
        "console", lambda message: opened.errors.append(message.text) if message.type in ("error", "warning") else None
    )  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: opened.errors.append(str(error)))  # type: ignore[attr-defined]
    page.on("request", lambda request: opened.requests.append(request.url))  # type: ignore[attr-defined]
    page.goto(report.as_uri())  # type: ignore[attr-defined]
    page.wait_for_load_state("load")  # type: ignore[attr-defined]
    return opened


def assert_quiet(opened: Opened, report: Path) -> None:
    assert opened.errors == []
    assert [url[:80] for url in opened.requests if not url.startswith("data:") and url != report.as_uri()] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(browser, report: Path, width: int, tmp_path: Path) -> None:
    opened = open_report(browser, report, width)
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=str(tmp_path / f"report_{width}.png"), full_page=True)
    assert_quiet(opened, report)
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_fit_and_their_words_stand_in_lines(browser, report: Path, width: int) -> None:
    opened = open_report(browser, report, width)
    page = opened.page
    page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth)
            .map((box) => box.getAttribute("aria-label"))"""
    )
    assert cut == []
    narrow = page.evaluate(
        """() => [...document.querySelectorAll("th, td")].flatMap((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom))).size;
            const words = cell.innerText.split(/\\s+/).length;
            return words > 6 && words < 2 * lines ? [cell.innerText] : [];
        })"""
    )
    assert narrow == []
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_sound_and_the_headline_figure_are_in_the_first_screen(browser, report: Path, width: int) -> None:
    opened = open_report(browser, report, width)
    page = opened.page
    for part in (".headline .figure", ".opening .clip .screen"):
        box = page.locator(part).first.bounding_box()
        assert box["y"] + box["height"] <= 900, part
    clip = page.locator(".opening .clip").first
    clip.locator(".screen").click()
    assert not clip.locator("audio").evaluate("(audio) => audio.paused")
    assert_quiet(opened, report)
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_sample_plays_and_stops(browser, report: Path, width: int) -> None:
    opened = open_report(browser, report, width)
    page = opened.page
    clip = page.locator("#listen .clip").first
    clip.locator(".screen").click()
    clip.evaluate(
        """(clip) => new Promise((done, fail) => {
            const audio = clip.querySelector("audio");
            const until = Date.now() + 10000;
            const look = () => {
                if (audio.currentTime > 0.2) done();
                else if (Date.now() > until) fail("stands still");
                else setTimeout(look, 50);
            };
            look();
        })"""
    )
    assert "on" in clip.get_attribute("class")
    other = page.locator("#listen .clip").nth(1)
    other.locator(".screen").click()
    assert clip.evaluate("(clip) => clip.querySelector('audio').paused")
    other.locator(".screen").press("Enter")
    assert other.evaluate("(clip) => clip.querySelector('audio').paused")
    assert_quiet(opened, report)
    page.context.close()


def test_a_row_plays_one_clip_after_the_other(browser, report: Path) -> None:
    opened = open_report(browser, report, 1280)
    page = opened.page
    row = page.locator("#listen .take").first
    row.locator(".play-row").click()
    row.locator(".clip").nth(1).locator("audio").evaluate(
        """(audio) => new Promise((done, fail) => {
            const until = Date.now() + 15000;
            const look = () => {
                if (!audio.paused) done();
                else if (Date.now() > until) fail("does not follow");
                else setTimeout(look, 50);
            };
            look();
        })"""
    )
    assert_quiet(opened, report)
    page.context.close()


def test_captions_are_filtered_and_hostile_ones_are_only_text(browser, report: Path) -> None:
    opened = open_report(browser, report, 1280)
    page = opened.page
    rows = page.locator("#caption-table tbody tr")
    before = rows.count()
    page.fill("#caption-words", "<script>alert")
    assert rows.evaluate_all("(rows) => rows.filter((row) => !row.hidden).length") == 1
    page.fill("#caption-words", "")
    page.select_option("#caption-decision", "replaced")
    left = rows.evaluate_all("(rows) => rows.filter((row) => !row.hidden).map((row) => row.dataset.decision)")
    assert 0 < len(left) < before
    assert set(left) == {"replaced"}
    assert page.locator("script").count() == 2
    assert_quiet(opened, report)
    page.context.close()


def test_the_record_of_this_machine_is_drawn(browser, report: Path) -> None:
    opened = open_report(browser, report, 1280)
    rows = opened.page.locator("#record-here tbody tr")
    assert [text.split("\t")[0] for text in rows.all_inner_texts()] == [
        "ingest",
        "train_vae@tal",
        "evaluate",
        "report",
    ]
    told = opened.page.locator("#record-here").inner_text()
    assert "4 of 7 stages, 4.3 min" in told
    assert "From the cache, as another run had made it: score, caption, encode@tal." in told
    opened.page.context.close()


def test_a_bar_that_is_over_its_budget_can_be_told_from_one_that_is_just_full(browser, report: Path) -> None:
    opened = open_report(browser, report, 1280)
    assert opened.page.locator("#record-here .meter.over").count() == 1
    bars = opened.page.evaluate(
        """() => [...document.querySelectorAll("#record-here .meter")].map((bar) => ({
            told: bar.parentElement.innerText.trim(), whole: bar.clientWidth,
            fill: bar.querySelector("i").getBoundingClientRect().width,
            budget: bar.querySelector("b").getBoundingClientRect().right - bar.getBoundingClientRect().left,
        }))"""
    )
    assert [bar["told"] for bar in bars] == ["29 %", "111 %", "37 %", "7 %"]
    for bar in bars:
        assert bar["fill"] / bar["budget"] == pytest.approx(float(bar["told"].split()[0]) / 100, abs=0.03)
        assert bar["fill"] <= bar["whole"]
    assert_quiet(opened, report)
    opened.page.context.close()


def test_without_a_record_the_page_says_so(browser, report: Path) -> None:
    page_without = report.with_name("page.html")
    opened = open_report(browser, page_without, 400, scheme="dark")
    assert "No run record on this machine" in opened.page.locator("#record-here").inner_text()
    assert_quiet(opened, page_without)
    opened.page.context.close()


def _sections(params: Path) -> dict[str, object]:
    import yaml

    tree = yaml.safe_load(params.read_text(encoding="utf-8"))
    return tree["scales"][tree["scale"]]
