"""The page: complete, self-contained, deterministic, safe with hostile texts, and never broken by what is missing."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml
from tests.reporting.conftest import SHOWN, sections
from tests.reporting.finished import HOSTILE

from padstal.core.paths import Paths
from padstal.reporting import inputs as reading
from padstal.reporting.cards import model_cards
from padstal.reporting.compose import PLACEHOLDER, compose_report, script_json
from padstal.reporting.inputs import STAGES, Inputs, read_inputs
from padstal.reporting.listen_view import OPENING_CLIPS
from padstal.reporting.page import SECTIONS, render_page
from padstal.reporting.summary import render_summary


class Elements(HTMLParser):
    """Element names with their attributes, and all text outside scripts and styles."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page(inputs: Inputs) -> str:
    return render_page(inputs, model_cards(inputs), **SHOWN)


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


def test_the_stages_are_those_of_the_dag() -> None:
    from pathlib import Path

    dag = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text(encoding="utf-8"))
    assert list(dag["stages"]) == list(STAGES)


def test_every_section_is_there(elements: Elements) -> None:
    assert [attributes["id"] for attributes in elements.named("section")] == [name for name, _ in SECTIONS]


def test_the_same_inputs_give_the_same_bytes(page: str, finished: Paths) -> None:
    again = read_inputs(finished, sections(finished))
    assert render_page(again, model_cards(again), **SHOWN) == page


def test_a_hostile_caption_is_only_text(page: str, elements: Elements) -> None:
    assert HOSTILE in elements.text
    assert "<script>alert" not in page
    assert len(elements.named("script")) == 2
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]


def test_nothing_is_fetched(page: str, elements: Elements) -> None:
    for tag, attributes in elements.found:
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_names_the_script_that_is_there(page: str) -> None:
    import base64
    import hashlib

    for tag in ("script", "style"):
        content = re.findall(f"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        assert len(content) == 1
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page or f"{tag}-src 'sha256-{digest}'" in page


def test_samples_of_a_row_share_their_seed_and_every_method_is_there(elements: Elements) -> None:
    labels = [a["aria-label"] for a in elements.named("button") if "screen" in (a.get("class") or "")]
    opening, *played = [label for label in labels if label and "DiT" in label][OPENING_CLIPS - 1 :]
    assert opening == "Play TAL DiT · PADS, s = 0.25, w = 7"
    assert len(played) == 2 * 6
    assert len(set(played)) == 6
    assert "Play TAL DiT · PADS, s = 0.25, w = 7" in played


def test_the_page_begins_with_the_main_figure_and_what_it_sounds_like(page: str, empty: Inputs) -> None:
    start = page.index('<section id="overview">')
    figure, sound, others = (page.index(part, start) for part in ('"figure">Vendi +1.40', "<audio", "What else this"))
    assert figure < sound < others
    assert page.count("PADS in the TAL space is more diverse at equal alignment.</strong>") == 1
    assert 'class="figure"' not in render_page(empty, [], **SHOWN)


def test_every_metric_without_a_value_says_so(elements: Elements) -> None:
    assert "not measured" in elements.text


def test_no_time_or_revision_is_in_the_hashed_page(page: str, finished: Paths) -> None:
    assert page.count(PLACEHOLDER) == 1
    assert not re.search(r"20\d\d-\d\d-\d\d", page)
    assert str(finished.root) not in page


def test_composing_writes_the_record_and_leaves_the_page(page: str, finished: Paths) -> None:
    finished.page.write_text(page, encoding="utf-8")
    composed = compose_report(finished)
    assert composed == finished.report
    assert '"wall_seconds": 155.2' in composed.read_text(encoding="utf-8")
    assert finished.page.read_text(encoding="utf-8") == page


def test_composing_without_a_page_says_what_to_run(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="dvc repro report"):
        compose_report(Paths(tmp_path, "demo"))


def test_a_record_cannot_end_its_script() -> None:
    assert "<" not in script_json({"machine": "</script><script>alert(1)</script>"})


def test_a_scale_of_which_nothing_ran_still_has_a_page(empty: Inputs) -> None:
    written = Elements(render_page(empty, model_cards(empty), **SHOWN))
    assert [attributes["id"] for attributes in written.named("section")] == [name for name, _ in SECTIONS]
    assert "Nothing was evaluated" in written.text
    assert "Nothing was evaluated" in render_summary(empty, title="padstal")


@pytest.mark.parametrize(
    "missing", ["manifest", "dataset", "scores", "captions", "verdict", "quarantine", "removed", "clip_audio"]
)
def test_no_single_missing_artefact_breaks_the_page(inputs: Inputs, missing: str) -> None:
    without = replace(inputs, samples=(), reconstructions=inputs.reconstructions[:1], **{missing: None})
    assert "</html>" in render_page(without, model_cards(without), **SHOWN)
    assert render_summary(without, title="padstal")


def test_sweeps_stand_side_by_side_where_they_keep_equal_shares_of_alignment(inputs: Inputs) -> None:
    text = Elements(render_page(replace(inputs, samples=(), reconstructions=()), [], **SHOWN)).text
    assert "Where 90.0 % of the alignment above chance is kept" in text
    assert "Where 50.0 % of the alignment above chance is kept" in text
    assert "at 90.0 %: comes down to 95% of the alignment." in text
    assert "TAL DiT, mean of 2 trainings, with intervals over trainings and prompts" in text


def test_metrics_of_none_are_not_measured(inputs: Inputs) -> None:
    rows = [{**row, "vendi": None, "intervals": None} for row in inputs.evaluation["rows"]]
    evaluation = {
        "rows": rows,
        "matched": {"clap_f": None, "why": "too few seeds"},
        "truth": None,
        "foundation": {"tagger_genre": None},
    }
    without = replace(inputs, samples=(), reconstructions=(), metrics={"evaluate": evaluation})
    text = Elements(render_page(without, [], **SHOWN)).text
    assert "too few seeds" in text
    assert "not measured" in text


def test_reading_is_complete(inputs: Inputs) -> None:
    assert {field for field in reading.Inputs.__dataclass_fields__ if getattr(inputs, field) is None} == set()


def test_the_summary_says_the_same_and_is_safe(inputs: Inputs) -> None:
    summary = render_summary(inputs, title="padstal")
    assert summary == render_summary(inputs, title="padstal")
    assert summary.startswith("# padstal: demo scale")
    assert "do not compare with published ones" in summary
    assert "| TAL DiT | PADS | s = 0.25, w = 7 |" in summary
    assert "<" not in summary.replace("&#60;", "")
