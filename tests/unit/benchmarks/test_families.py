"""The benchmark of innocent families: batches, fates, counts and goals."""

from __future__ import annotations

import msgspec

from benchmarks.families import InnocentOutcome, batches, figures, missed, outcomes, table
from benchmarks.judged import PublishedDecision, judged, shipped_policy
from devkit.crowds.families import InnocentTag
from devkit.crowds.posts import log_of
from devkit.crowds.texts import FAMILIES
from streams.constants import HOUR_MS, MINUTE_MS
from streams.log.decisions import Action, Decision, ScopeDecision

FATE = InnocentOutcome("sport", 4, "burst", 0.1, settled=False, early=False, contested=False, cases=())
START_MS = 1_768_200_000_000


def published(hashtag: str, action: Action, *, early: bool = False) -> PublishedDecision:
    ruling = ScopeDecision(
        category="abuse", surface="trends", action=action, since_ms=START_MS, expires_at_ms=START_MS + HOUR_MS,
        provisional=early, weight=0.5 if action == "discount" else None,
    )  # fmt: skip
    decision = Decision(
        hashtag=hashtag, display=hashtag, country="IN", rulings=(ruling,),
        version=f"0001.{START_MS:019}.000000000000001", tick_ms=START_MS, settled_ms=START_MS, decided_at_ms=START_MS,
        policy_revision="", model_revision="", provisional=early,
    )  # fmt: skip
    return PublishedDecision(START_MS, decision)


def test_batches_have_each_family_and_the_silent_ones() -> None:
    tags = [tag for batch in batches(12) for tag in batch]
    assert len(tags) == len({tag.hashtag for tag in tags}) == 12 * (len(FAMILIES) + 3)
    assert {tag.family for batch in batches(4, "news") for tag in batch} == {"news"}


def test_fate_names_decisions_and_cases() -> None:
    tags = [InnocentTag("sport", number) for number in range(4)]
    decisions = [
        published(tags[0].hashtag, "suppress", early=True),
        published(tags[1].hashtag, "suppress"),
        published(tags[2].hashtag, "discount"),
        published(tags[3].hashtag, "review"),
    ]
    early, settled, contested, reviewed = outcomes(tags, decisions)
    assert (early.early, early.settled, early.hidden) == (True, False, True)
    assert (settled.early, settled.settled) == (False, True)
    assert contested.contested and contested.cases == ("contested",)
    assert reviewed.cases == ("review",) and not reviewed.hidden and not reviewed.contested


def test_goals_miss_hidden_and_newly_contested() -> None:
    contested = msgspec.structs.replace(FATE, contested=True)
    assert missed([contested], None) == missed([contested], [contested]) == []
    assert missed([contested], [FATE]) == ["contested, and was not: sport / burst / hecklers / 4"]
    assert missed([msgspec.structs.replace(FATE, early=True)], None) == ["hidden, early: sport / burst / hecklers / 4"]


def test_figures_count_by_group_and_table_by_family() -> None:
    fates = [FATE, msgspec.structs.replace(FATE, number=8, settled=True, cases=("review",))]
    row = figures(fates)["sport / burst / hecklers"]
    assert (row["hashtags"], row["settled"], row["review"], row["early"]) == (2, 1, 1, 0)
    assert table(fates).row_count == 1


def test_policy_has_open_breakers_and_judges_an_empty_log() -> None:
    policy = shipped_policy(capped=False)
    assert policy.revision != shipped_policy().revision
    assert judged(log_of([], START_MS, MINUTE_MS, "IN"), policy) == []
