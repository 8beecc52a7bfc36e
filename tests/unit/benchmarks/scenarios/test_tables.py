"""Tables of the scenarios: one row for each kind, variant and share."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from benchmarks.scenarios import tables
from benchmarks.scenarios.goals import goals
from benchmarks.scenarios.verdicts import HashtagOutcome, Verdict
from tests.support.scenario_outcomes import outcome

TAGS = [
    *(outcome(share=0.6, settled_seconds=float(second)) for second in range(10, 110, 10)),
    outcome(share=1.0, source="davidson", language="hi"),
    outcome("protest", "after", hidden_seconds=12.0, weight=0.4),
    outcome("unread", "", language="ta", not_assessed=True),
]


def shown(table: Table) -> list[list[str]]:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.getvalue().splitlines() if "│" in line]


def test_campaigns_are_counted_by_source_and_language() -> None:
    assert shown(tables.campaigns(TAGS)) == [
        ["open", "60%", "-", "10 of 10", "10 of 10"],
        ["open", "100%", "0 of 1", "-", "0 of 1"],
    ]


def test_times_are_median_and_ninetieth_percentile() -> None:
    assert shown(tables.times(TAGS)) == [
        ["open", "60%", "10", "55", "90", "100"],
        ["open", "100%", "0", "-", "-", "-"],
    ]


def test_innocents_and_unread_languages_have_a_table_each() -> None:
    assert shown(tables.innocents(TAGS)) == [["protest", "after", "1", "1", "0", "1", "0", "12"]]
    assert shown(tables.unread(TAGS)) == [["ta", "1", "0", "0", "1"]]


def test_goals_are_shown_as_met_or_missed() -> None:
    rows = shown(tables.of_goals(goals([Verdict(TAGS)])))
    assert len(rows) == 6
    assert {row[1] for row in rows} == {"met", "MISSED"}


def left_out(*more: HashtagOutcome) -> list[HashtagOutcome]:
    return [replace(one, source="uli_en") for one in (*TAGS, *more)]


def test_picture_leaves_out_texts_that_the_model_knows() -> None:
    known = [outcome(share=0.6), outcome(share=1.0, labels=300)]
    assert tables.picture([*left_out(), *known]) == tables.picture(left_out())


def test_picture_has_a_line_for_each_number_of_labels() -> None:
    drawn = tables.picture(left_out(outcome(share=0.6, labels=300)))
    assert drawn.startswith("<svg")
    assert drawn.count("<polyline") == 2
    assert "300 labels" in drawn
