"""Count of sampled texts by language and hour: equals a plain count, also after restarts, in a judge's records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.languages import GROUPS, UNDETERMINED
from models.share import Scale
from streams.constants import HOUR_MS, PANE_MS
from streams.counting.block_counts import FLAGS, GROUP_SHIFT, MAX_GROUPS
from streams.counting.keys import Tags
from streams.judging.language_coverage import LanguageCounter, count_texts
from streams.log.decisions import LanguageCoverage, LanguageTexts, Progress
from streams.windows.pane import Pane
from tests.support.judge_harness import JudgeHarness
from tests.support.panes import build

SCALE = Scale(np.zeros((3, 1, 4)), np.zeros((3, 1, 4)))
PANES_PER_HOUR = HOUR_MS // PANE_MS
Text = tuple[int, bool]
"""Language group plus one, 0 where it was not looked at, and whether it was read."""


def pane_of(number: int, texts: list[Text]) -> Pane:
    scores = np.array([[0.5 if group and read else np.nan] for group, read in texts], np.float32).reshape(-1, 1)
    flags = np.array([group << GROUP_SHIFT | FLAGS for group, _ in texts], np.uint8)
    return replace(build({}, Tags(), number), flags=flags, scores=scores)


def progress(counter: LanguageCounter) -> Progress:
    return Progress(shard=1, settled_ms=0, position=0, replay_offset=0, activations=[], **counter.progress())


texts = st.lists(st.tuples(st.integers(0, MAX_GROUPS), st.booleans()), max_size=4)
histories = st.lists(st.tuples(st.integers(1, 2 * PANES_PER_HOUR), texts, st.booleans()), min_size=1, max_size=12)


@given(histories)
def test_hours_equal_plain_count_of_panes(history: list[tuple[int, list[Text], bool]]) -> None:
    """Panes with gaps, as an idle shard skips them, and new owners that continue from the progress record."""
    counter, number = LanguageCounter(1), -1
    found: list[LanguageCoverage] = []
    looked, read = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for step, some, is_restarted in history:
        number += step
        found += counter.add(pane_of(number, some), SCALE)
        for group, was_read in some:
            if group:
                key = number // PANES_PER_HOUR, (*GROUPS, UNDETERMINED)[min(group - 1, len(GROUPS))]
                looked[key] += 1
                read[key] += was_read
        if is_restarted:
            recovered = LanguageCounter(1)
            recovered.recover(progress(counter))
            counter = recovered
    found += counter.add(pane_of(number + 2 * PANES_PER_HOUR, []), SCALE)
    assert [(one.from_ms, one.to_ms) for one in found] == [
        (hour * HOUR_MS, (hour + 1) * HOUR_MS) for hour in sorted({hour for hour, _ in looked})
    ]
    rows = {(one.from_ms // HOUR_MS, row.language): row for one in found for row in one.languages}
    assert {key: row.texts for key, row in rows.items()} == looked
    assert Counter({key: row.read for key, row in rows.items()}) == read


def test_hour_ends_with_its_last_pane() -> None:
    counter = LanguageCounter(1)
    assert counter.add(pane_of(0, [(1, True), (4, False)]), SCALE) == []
    assert counter.add(pane_of(PANES_PER_HOUR - 1, [(4, False), (0, False)]), SCALE) == [
        LanguageCoverage(
            shard=1, from_ms=0, to_ms=HOUR_MS,
            languages=(LanguageTexts("en", 1, 1), LanguageTexts(GROUPS[3], 2, 0)),
        )
    ]  # fmt: skip
    assert counter.progress() == {"texts_from_ms": -1, "texts": ()}


def test_model_without_languages_counts_under_one_name() -> None:
    counter = LanguageCounter(1)
    [hour] = counter.add(pane_of(PANES_PER_HOUR - 1, [(1, True), (2, False)]), None)
    assert hour.languages == (LanguageTexts(UNDETERMINED, 2, 1),)


def judged(*numbers: int, harness: JudgeHarness | None = None) -> JudgeHarness:
    harness = harness or JudgeHarness()
    for number in numbers:
        harness.count(number, bad=3, good=2)
        harness.advance((number + 1) * PANE_MS)
    return harness


def test_judge_reports_hour_once_and_next_owner_continues() -> None:
    last = PANES_PER_HOUR - 1
    whole = judged(last - 2, last - 1, last, last + 1)
    hours = [one for settled in whole.settled for one in settled.coverage]
    assert hours == [
        LanguageCoverage(shard=0, from_ms=0, to_ms=HOUR_MS, languages=(LanguageTexts(UNDETERMINED, 15, 15),))
    ]  # fmt: skip
    before = judged(last - 2, last - 1)
    after = judged(last, last + 1, harness=before.successor())
    assert [one for settled in (*before.settled, *after.settled) for one in settled.coverage] == hours
    later = judged(last + 2, harness=whole.successor())
    assert [settled.coverage for settled in later.settled] == [[]]


def test_groups_of_another_scorer_are_no_languages_of_ours() -> None:
    theirs = Scale(np.zeros((2, 1, 4)), np.zeros((2, 1, 3)))
    found = count_texts(np.array([0, 1, 1], np.uint8), np.array([True, True, False]), theirs)
    assert found == (LanguageTexts(UNDETERMINED, 3, 2),)
