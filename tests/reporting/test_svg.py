"""Charts as SVG."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.reporting import svg

HOSTILE = "<script>alert(1)</script>&"


def chart(lines: list[svg.Line], **axes: object) -> ElementTree.Element:
    return ElementTree.fromstring(svg.line_chart(lines, svg.Axes("x", "y", **axes), title="t", description="d"))  # type: ignore[arg-type]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_inside_and_are_few(low: float, span: float) -> None:
    found = svg.ticks(low, low + span)
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in found)
    assert 1 <= len(found) <= 8


@pytest.mark.parametrize(
    ("value", "step", "label"),
    [(0.25, 0.05, "0.25"), (2.5, 0.5, "2.5"), (-40, 10, "\u221240"), (20_000, 5000, "20k"), (0.225, 0.025, "0.225")],
)
def test_tick_labels_have_the_decimals_they_need(value: float, step: float, label: str) -> None:
    assert svg.tick_label(value, step) == label


def test_a_higher_value_is_drawn_higher_and_a_larger_one_further_right() -> None:
    root = chart([svg.Line("a", [svg.Mark(0, 0), svg.Mark(1, 2)], shape="circle")])
    low, high = root.findall(".//circle")
    assert float(high.attrib["cy"]) < float(low.attrib["cy"])
    assert float(high.attrib["cx"]) > float(low.attrib["cx"])


def test_error_bars_span_their_interval() -> None:
    root = chart([svg.Line("a", [svg.Mark(0.5, 1, (0, 1), (0, 2))], shape="square")], x_range=(0, 1), y_range=(0, 2))
    path = root.find(".//path[@class='error']")
    assert path is not None
    left, right = svg.LEFT, svg.WIDTH - svg.RIGHT
    assert path.attrib["d"].startswith(f"M{left:.1f} ")
    assert f"H{right:.1f}" in path.attrib["d"]


def test_texts_from_outside_stay_texts() -> None:
    root = chart([svg.Line(HOSTILE, [svg.Mark(0, 0, hover=HOSTILE)], shape="circle")])
    assert root.find(".//script") is None
    assert root.findtext(".//circle/title") == HOSTILE


def test_a_chart_names_and_describes_itself() -> None:
    root = chart([svg.Line("a", [svg.Mark(0, 0)])])
    assert root.attrib["role"] == "img"
    assert (root.findtext("title"), root.findtext("desc")) == ("t", "d")


def test_one_point_and_none_are_drawn_without_an_error() -> None:
    assert chart([svg.Line("a", [svg.Mark(3, 3)], shape="diamond")]).find(".//path[@class='mark']") is not None
    assert "not measured" in svg.line_chart([], svg.Axes("x", "y"), title="t", description="d")


def test_bars_of_a_histogram_are_as_high_as_their_counts() -> None:
    drawn = svg.histogram([0, 1, 2], [("a", "c0", [1, 3])], svg.Axes("x", "y"), title="t", description="d")
    first, second = ElementTree.fromstring(drawn).findall(".//rect")
    assert float(second.attrib["height"]) == pytest.approx(3 * float(first.attrib["height"]), rel=0.01)


def test_range_bars_start_at_zero() -> None:
    drawn = svg.range_bars([("a", 0.5, (0.4, 0.6), "c0"), ("b", -0.5, None, "c1")], "x", title="t", description="d")
    first, second = ElementTree.fromstring(drawn).findall(".//g/rect")
    right_of_second = float(second.attrib["x"]) + float(second.attrib["width"])
    assert float(first.attrib["x"]) == pytest.approx(right_of_second, abs=0.15)
