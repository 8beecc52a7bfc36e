"""Recount of a report from the public log: entries of its days, and numbers that follow from them."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from moderation.outward.report.facts import ReportFacts
from moderation.outward.report.log_entries import CountedEntries, EntryCounter, RecountDiffers
from moderation.outward.report.openings import OpeningsFile
from moderation.outward.report.published_report import publish
from streams.errors import CallerMistake, DependencyAway
from streams.log.moderation import Override, encode_moderation
from tests.support.orders_world import NOW_MS
from tests.support.report_cases import DAY_MS, facts_of, order_world

FEBRUARY = 18_659 * DAY_MS  # 2021-02-01
ENTRIES = {"order/received/IN": 1, "override/allow/IN": 2, "override/allow/DE": 1, "record": 7}


@pytest.fixture
def facts() -> ReportFacts:
    world, _ = order_world()
    with_effect = {"order/received/IN": 1, "override/allow/IN": 2, "override/allow/DE": 1}
    return replace(facts_of(world, []), by_people={"allow": 3}, with_effect=with_effect)


def counted(**changes: int) -> CountedEntries:
    return CountedEntries("checkpoint", 40, ENTRIES | changes, "2021-02-01", "2021-02-28")


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        (None, {"override/block/IN": 1, "override/block/DE": 1, "policy": 1}),
        ("IN", {"override/block/IN": 1}),
    ],
)
def test_counter_counts_days_and_country_of_the_report(country: str | None, expected: dict[str, int]) -> None:
    counter = EntryCounter(FEBRUARY, FEBRUARY + 28 * DAY_MS, country)
    rows = [("override/block/IN", "2021-02-01"), ("override/block/DE", "2021-02-28"), ("policy", "2021-02-03")]
    for type_, day in [*rows, ("override/block/IN", "2021-01-31"), ("order/received/IN", "2021-03-01"), ("note", None)]:
        counter.add(type_, day)
    found = counter.at("checkpoint", 6)
    assert (found.by_type, found.first_day, found.last_day) == (expected, "2021-02-01", "2021-02-28")


def test_part_of_a_day_is_not_recounted(facts: ReportFacts) -> None:
    counter = EntryCounter(FEBRUARY, FEBRUARY + DAY_MS + 1)
    counter.add("policy", "2021-02-01")
    found = counter.at("checkpoint", 1)
    assert (found.published()["entries"], found.published()["first_day"]) == (None, None)
    assert found.counted(facts) == facts


def test_report_names_checkpoint_and_entries(facts: ReportFacts) -> None:
    published = publish(facts, log=counted()).facts
    assert published["log"] == {
        "checkpoint": "checkpoint", "size": 40, "first_day": "2021-02-01", "last_day": "2021-02-28", "entries": ENTRIES,
    }  # fmt: skip
    assert published["decisions_by_people"] == {"allow": 3}
    assert publish(facts).facts["log"] is None


def test_facts_name_the_entries_of_their_numbers() -> None:
    world, _ = order_world()
    world.log.append(*encode_moderation(Override(
        id="o", hashtag="*", display="*", country="IN", surfaces=("trends",), actor="a", reason="r", at_ms=NOW_MS,
        action="allow", expires_at_ms=NOW_MS + DAY_MS)))  # fmt: skip
    assert facts_of(world, []).with_effect == {"order/received/IN": 1, "override/pause/IN": 1}
    assert facts_of(world, [], country="DE").with_effect == {}


def test_entries_without_effect_are_counted(facts: ReportFacts) -> None:
    published = publish(facts, log=counted(**{"override/block/IN": 1, "order/received/IN": 3})).facts
    assert published["decisions_by_people"] == {"allow": 3, "block": 1}
    assert (published["orders"], published["orders_by_country"]) == (3, {"IN": 3})


def test_report_with_more_than_the_log_is_refused(facts: ReportFacts) -> None:
    with pytest.raises(RecountDiffers, match="override/allow/DE: the report counts 1, and the log has 0"):
        publish(facts, log=counted(**{"override/allow/DE": 0}))


def test_openings_are_a_line_each(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("openings") / "openings.jsonl"
    file = OpeningsFile()
    file.add("AA", "override/block/IN", "BB", "2021-02-01")
    file.add("CC", "note", "DD", None)
    file.copy_to(path)
    lines = path.read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        [0, "AA", "override/block/IN", "BB", "2021-02-01"],
        [1, "CC", "note", "DD", None],
    ]
    assert (file.lines, len(file.sha256)) == (2, 64)


def test_openings_lie_in_the_folder_without_a_name(tmp_path: Path) -> None:
    file = OpeningsFile(tmp_path)
    file.add("AA", "note", "BB", None)
    assert os.fstat(file._file.fileno()).st_dev == tmp_path.stat().st_dev
    assert not list(tmp_path.iterdir())


def test_openings_on_a_full_disk_are_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = OpeningsFile(tmp_path)

    def write(data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file, "_file", SimpleNamespace(write=write))
    with pytest.raises(DependencyAway, match="No space left on device"):
        file.add("AA", "note", "BB", None)
    with pytest.raises(CallerMistake, match="cannot be written"):
        OpeningsFile(tmp_path / "none")
