"""Texts scored ahead of their tick: only the work moves, what settles stays the same."""

from __future__ import annotations

import gc
import random
import weakref
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.constants import PANE_MS
from streams.judging.ticks import UnscoredTexts
from streams.log.panes import encode_pane
from streams.scoring import TextScorer, score_batches, silent
from tests.support.judge_harness import SCORER, SUPPRESS, JudgeHarness, activation
from tests.support.word_policy import WordScorer


class Contrary(WordScorer):
    """Scorer with the opposite scores of `WordScorer`."""

    revision = "c" * 12

    def score(self, texts):
        return 1 - super().score(texts)


CONTRARY = TextScorer(Contrary())
BOTH = {SCORER.revision: SCORER, CONTRARY.revision: CONTRARY}


def begun() -> JudgeHarness:
    """Return a judge whose first pane has settled; the watermark of both sources is its end."""
    harness = JudgeHarness()
    harness.tweet(0, "a", range(3))
    harness.advance(PANE_MS, early=False)
    return harness


def ahead(harness: JudgeHarness) -> list[UnscoredTexts]:
    """Score everything that waits; return the slices."""
    found = []
    while harness.judge.may_score_ahead and (texts := harness.judge.next_ahead()) is not None:
        texts.score(score_batches([texts.batch], BOTH.get, 2))
        found.append(texts)
    assert not harness.judge.may_score_ahead
    return found


def encoded(harness: JudgeHarness) -> list[bytes]:
    """Return the settled panes as records."""
    judge = harness.judge
    return [
        record for one in harness.settled for pane in one.panes for record in encode_pane(pane, 0, judge.state.tags)
    ]


def test_tick_scores_only_what_was_not_scored_ahead():
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    harness.reach(2 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
    assert [len(one.entries) for one in ahead(harness)] == [5]
    harness.tweet(1, "a", [15])
    assert ahead(harness) == [], "each pane is scored ahead once"
    harness.reach(3 * PANE_MS, 0, 1, watermark_ms=2 * PANE_MS)
    job = harness.judge.next_tick()
    assert job is not None and job.texts.batch.lines.count(b"\n") == 1


@pytest.mark.parametrize("slices", [1, 9])
def test_settled_pane_is_released(slices):
    """Its texts leave the memory, also when some still wait to be scored and no other pane follows."""
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    harness.reach(2 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
    pane = weakref.ref(harness.judge.state.open.panes[1])
    with patch("streams.judging.ahead_scoring.SLICE_TEXTS", 2):
        for _ in range(slices):
            if (texts := harness.judge.next_ahead()) is not None:
                texts.score(SCORER(texts.batch.lines))
    texts = None
    harness.reach(3 * PANE_MS, 0, 1, watermark_ms=2 * PANE_MS)
    harness.settle()
    gc.collect()
    assert pane() is None
    assert not harness.judge.may_score_ahead


@pytest.mark.parametrize("reached", [(2 * PANE_MS + 999, 2 * PANE_MS + 1_000), (2 * PANE_MS + 1_000, PANE_MS)])
def test_pane_waits_until_every_source_has_passed_it(reached):
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    for source, newest_ms in enumerate(reached):
        harness.reach(newest_ms, source, watermark_ms=PANE_MS)
    assert ahead(harness) == []


def test_idle_source_does_not_hold_back_scoring():
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    harness.reach(2 * PANE_MS + 1_000, 0, watermark_ms=PANE_MS)
    harness.reach(0, 1, watermark_ms=2 * PANE_MS - 1)
    assert len(ahead(harness)) == 1


def test_tags_below_the_floor_are_not_scored_ahead():
    """`score_floor` is 2; settled tweets of the window and those of all open panes count."""
    harness = begun()
    for pane, tag in ((1, "a"), (1, "b"), (1, "c"), (2, "b"), (2, "d"), (3, "c")):
        harness.tweet(pane, tag, [100 * pane + ord(tag)])
    harness.reach(4 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
    texts = [one.batch.lines.count(b"\n") for one in ahead(harness)]
    assert texts == [3, 1, 1], "a, b and c of pane 1, b of pane 2, c of pane 3"


def test_changed_model_scores_again():
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    harness.reach(2 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
    assert [one.batch.model for one in ahead(harness)] == [SCORER.revision]
    harness.write(msgspec.structs.replace(activation(SUPPRESS, 1, PANE_MS), model_revision=CONTRARY.revision))
    harness.reach(3 * PANE_MS, 0, 1, watermark_ms=2 * PANE_MS)
    job = harness.judge.next_tick()
    assert job is not None and job.texts.batch.model == CONTRARY.revision and job.texts.batch.lines.count(b"\n") == 5


def test_compacted_pane_is_chosen_again():
    """Compaction renumbers the entries of a pane, and may drop some of them."""
    harness = begun()
    with patch("streams.judging.ahead_scoring.SLICE_TEXTS", 40), patch("streams.windows.open_pane._COMPACT_AT", 100):
        for tag in "bac":
            harness.tweet(1, tag, range(10, 40))
        harness.reach(2 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
        first = harness.judge.next_ahead()
        assert first is not None
        first.score(SCORER(first.batch.lines))
        harness.tweet(1, "b", range(10, 40))
        assert harness.judge.state.open.panes[1] is not first.pane
        ahead(harness)
    harness.reach(3 * PANE_MS, 0, 1, watermark_ms=2 * PANE_MS)
    job = harness.judge.next_tick()
    assert job is not None and job.texts.batch.lines == b""


def test_missing_model_leaves_the_texts_to_the_tick():
    harness = begun()
    harness.tweet(1, "a", range(10, 15))
    harness.reach(2 * PANE_MS + 1_000, 0, 1, watermark_ms=PANE_MS)
    texts = harness.judge.next_ahead()
    assert texts is not None
    texts.score(silent(texts.batch.lines, 2))
    harness.reach(3 * PANE_MS, 0, 1, watermark_ms=2 * PANE_MS)
    job = harness.judge.next_tick()
    assert job is not None and job.texts.batch.lines.count(b"\n") == 5


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_settled_panes_equal_those_without_scoring_ahead(seed):
    """Panes are compacted between two slices, tweets arrive late, and early decisions score some texts too."""
    rng = random.Random(seed)
    plain, scored = begun(), begun()
    with patch("streams.judging.ahead_scoring.SLICE_TEXTS", 3), patch("streams.windows.open_pane._COMPACT_AT", 12):
        for pane in range(1, 8):
            for _ in range(rng.randrange(12)):
                at, tag = max(pane - rng.randrange(2), 1), rng.choice("abc")
                authors = [rng.randrange(60) for _ in range(rng.randrange(1, 6))]
                for one in (plain, scored):
                    one.tweet(at, tag, authors)
                if rng.random() < 0.5 and (texts := scored.judge.next_ahead()) is not None:
                    texts.score(SCORER(texts.batch.lines))
            settled_ms = max(pane - 1, 1) * PANE_MS
            for one in (plain, scored):
                one.reach((pane + 1) * PANE_MS + 2_000, 0, 1, watermark_ms=settled_ms)
                one.decisions += one.settle()
            if rng.random() < 0.5:
                scored.decide_early()
    assert encoded(plain) == encoded(scored)
