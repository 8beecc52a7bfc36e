"""SVG elements: escaping, bars, sparklines and plots."""

from __future__ import annotations

import doctest
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import svg


def test_texts_and_attributes_are_escaped() -> None:
    drawn = ElementTree.fromstring(svg.document(10, 10, '<"&', "", [svg.label(1, 2, "<b>&", 'a"')]))
    text = next(one for one in drawn.iter() if one.tag.endswith("text"))
    assert (text.text, text.get("class"), drawn.get("aria-label")) == ("<b>&", 'a"', '<"&')


def test_stacked_bar_places_parts_end_to_end() -> None:
    drawn = ElementTree.fromstring(svg.stacked_bar([(25, "a"), (75.0, "b")], "bar"))
    assert [(r.get("x"), r.get("width"), r.get("class")) for r in drawn] == [("0", "25", "a"), ("25", "75", "b")]


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_sparkline_stays_in_its_box(counts: list[int]) -> None:
    line, area = svg.sparkline(counts, 120, 32)
    assert area == f"{line}L120 32L0 32Z"
    for point in line.removeprefix("M").split("L") if counts else []:
        x, y = map(float, point.split())
        assert 0 <= x <= 120
        assert 2 <= y <= 30


def test_unit_plot_spans_its_frame() -> None:
    plot = svg.UnitPlot(side=100, margin=10)
    assert plot.place([(0, 0), (1, 1)]) == [(10, 100), (110, 0)]
    drawn = ElementTree.fromstring(plot.draw(plot.line([(0, 0), (1, 1)], "d"), title="<t>", x="a", y="b"))
    assert drawn.get("aria-label") == "<t>"
    [line] = drawn.iter("polyline")
    assert line.get("points") == "10,100 110,0"


@pytest.mark.parametrize(("value", "written"), [(1.0, "1"), (0.126, "0.13"), (3, "3"), ("", None)])
def test_element_writes_short_numbers_and_omits_empty(value: object, written: str | None) -> None:
    assert ElementTree.fromstring(svg.element("rect", x=value)).get("x") == written


def test_doctests() -> None:
    assert doctest.testmod(svg).failed == 0
