"""The comment is bounded, says first what matters, and nothing that data chose becomes markup, a link or a mention."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reporting.comparison.test_compare import compared, row

from padstal.reporting.comparison.markdown import LONGEST, Media, foreign, render_markdown
from padstal.reporting.comparison.plots import plots
from padstal.reporting.comparison.record import (
    Change,
    Comparison,
    Count,
    Delta,
    RecordError,
    Revision,
    StageChange,
    read_record,
    write_record,
)

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> [free](https://evil.example) ![p](//evil.example/p.png) "
    "@everyone #1 GH-12 www.evil.example http://evil.example a@evil.example </details> | `code` **b** \u202egnp.exe "
    "\x1b[31m deadbeefdeadbeef $\\frac{1}{2}$ <!-- padstal compare -->\n\n# heading\n| row |"
)
OURS = {"h2", "h3", "ul", "li", "strong", "p", "blockquote", "details", "summary", "sub", "code", "a"}
OURS |= {"table", "thead", "tbody", "tr", "th", "td"}


def hostile(count: int = 3) -> Comparison:
    """A comparison whose every text is hostile."""
    text = HOSTILE[:290]
    empty = compared()
    delta = Delta(text, text, "higher", 1.0, 2.0, (0.0, 1.5), (1.6, 3.0), "better", text)
    return dataclasses.replace(
        empty,
        scale=text,
        base=Revision(text, "not a commit"),
        head=Revision(text, "1" * 40, True),
        notes=(text,) * count,
        remedy=text,
        licences=(Count(text, 0, 5, "new; " + text),) * count,
        metrics=(delta, dataclasses.replace(delta, verdict="not comparable")) * count,
        matched=(delta,) * count,
        checks=(delta,) * count,
        params=(Change(text, text, None),) * count,
        data=(Count(text, 1, 2),) * count,
        stages=(StageChange(text, "changed", (text,) * 9, (text,) * 9),) * count,
        stale=(text,) * count,
    )


class Tags(HTMLParser):
    """Elements and addresses of a rendered comment."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: set[str] = set()
        self.comments: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses |= {str(value) for name, value in attrs if name in ("href", "src")}
        assert {name for name, _ in attrs} <= {"href", "src", "alt", "style", "open"}, attrs

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def rendered(markdown: str) -> Tags:
    from markdown_it import MarkdownIt

    tags = Tags()
    tags.feed(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown))
    return tags


def test_hostile_texts_bring_no_element_no_link_and_no_comment() -> None:
    text = render_markdown(hostile(), Media(closing="[ours](https://ours.example/run)"))
    found = rendered(text)
    assert found.tags <= OURS
    assert found.addresses == {"https://ours.example/run"}
    assert found.comments == []
    for mention in re.findall(r"(?<!&)[@#](.)", text):
        assert not mention.isalnum(), mention
    assert not re.search(r"(?i)gh-\d|://evil|www\.|\u202e|\x1b|deadbeefdead", text)


def test_a_table_row_stays_one_row() -> None:
    for line in render_markdown(hostile()).splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
            assert len(re.findall(r"(?<!\\)\|", line)) in (4, 5, 6, 7)


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_a_foreign_text_is_one_line_without_markup(text: str) -> None:
    shown = foreign(text)
    assert "\n" not in shown
    assert not re.search(r"[<>]|(?<!\\)[`*\[\]|]|[@#]\w|://|(?i:www)\.", re.sub(r"&#\d+;", "&", shown))
    assert rendered(f"| a |\n|---|\n| x{shown} |").tags <= {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize(("count", "limit"), [(50, 20_000), (200, LONGEST)])
def test_the_comment_is_bounded_and_says_what_was_left_out(count: int, limit: int) -> None:
    text = render_markdown(hostile(count), limit=limit)
    assert len(text.encode()) <= limit
    assert "more, in the comparison's JSON" in text
    assert text.count("<details>") == text.count("</details>")


def test_a_limit_below_the_headings_is_refused() -> None:
    with pytest.raises(ValueError, match="limit = 100 bytes"):
        render_markdown(hostile(), limit=100)


def test_what_matters_comes_first() -> None:
    def edit(files: dict) -> None:
        row(files).update(vendi=3.0)
        row(files)["intervals"]["vendi"] = [2.5, 3.5]
        files["reports/demo/metrics/ingest.json"]["licences"]["CC-BY-ND-4.0"] = 3
        files["params.yaml"]["scales"]["demo"]["ingest"]["seed"] = 2

    text = render_markdown(compared(edit))
    order = ["**Licences:** 1 new (CC-BY-ND-4.0)", "**Metrics:** 1 better", "### Licences", "no adapted works"]
    order += [
        "### Metrics with a clear difference",
        "| TAL DiT · PADS | Vendi ↑ | 2.00 [1.80, 2.20] | 3.00 [2.50, 3.50] |",
    ]
    order += ["### Params", "| ingest.seed | 1 | 2 |", "Nothing to show: "]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "**Stale:** params.yaml moved past dvc.lock (ingest)" in text


def test_equal_sides_make_a_short_comment() -> None:
    text = render_markdown(compared())
    assert "8 unchanged (of 8)" in text
    assert "|" not in text


def test_metrics_that_do_not_compare_stand_apart_with_what_to_do() -> None:
    def edit(files: dict) -> None:
        files["dvc.lock"]["stages"]["prepare@clap"]["outs"][0]["md5"] = "d" * 32 + ".dir"

    found = compared(edit)
    text = render_markdown(found)
    assert "**Metrics:** 2 unchanged, 6 not comparable (of 8)." in text
    assert "**Not comparable:** Other foundation models heard head (clap)" in text
    assert "Metrics with a clear difference" not in text.partition("Nothing to show")[0]
    rest = text.partition("<details><summary>Figures that do not compare (6 rows)</summary>")[2]
    assert rest.startswith("\n\nOther foundation models heard head (clap)")
    assert "Make both on one machine" in rest
    assert plots(found) == {}, "a picture of them would compare them"


def test_a_record_comes_back_as_it_was() -> None:
    for comparison in (compared(), hostile(), compared(lambda files: row(files).update(vendi=None))):
        assert read_record(write_record(comparison).encode()) == comparison


def _with(**changes: object) -> bytes:
    tree = json.loads(write_record(compared()))
    tree["comparison"].update(changes)
    return json.dumps(tree).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": "other", "comparison": {}}',
        b"[" * 50_000,
        b" " * (2**20 + 1),
        _with(scale=3),
        _with(extra=1),
        _with(stale="ab"),
        _with(notes=None),
        _with(base={"name": "x"}),
        _with(data=[{"name": "x", "base": True, "head": None}]),
        _with(data=[{"name": "x", "base": "1", "head": None}]),
        _with(stages=[{"stage": "x", "kind": "<b>", "because": [], "outputs": []}]),
        _with(data=[{"name": "x", "base": 1, "head": None}]).replace(b'"base": 1,', b'"base": NaN,'),
        _with(data=[{"name": "x", "base": 1, "head": None}]).replace(b'"base": 1,', b'"base": 1e999,'),
        _with(data=[{"name": "x", "base": 1, "head": None}]).replace(b'"base": 1,', b'"base": ' + b"9" * 5000 + b","),
    ],
)
def test_a_record_of_another_form_is_refused_without_its_words(content: bytes) -> None:
    with pytest.raises(RecordError) as raised:
        read_record(content)
    assert "<b>" not in str(raised.value)


def test_plots_are_files_of_their_own_and_escape_names() -> None:
    import xml.etree.ElementTree as ET

    assert plots(compared()) == {}
    drawn = plots(compared(lambda files: row(files).update(vendi=2.1, model="<script>x</script>")))
    assert "vendi.svg" in drawn
    for text in drawn.values():
        root = ET.fromstring(text)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
