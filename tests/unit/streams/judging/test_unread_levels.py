"""Tags whose texts are in languages that the model does not read: nothing hides them, and people are asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.languages import GROUPS
from models.share import Scale
from streams.counting.block_counts import MAX_GROUPS
from streams.judging.author_group import AuthorGroup
from streams.judging.circuit_breakers import scorer_fault
from streams.judging.levels import BETWEEN, CONTESTED, LOW, OVER, OVER_WITHOUT, UNDER, UNREAD, RuleLevels, levels
from streams.log.decisions import DecisionReason
from streams.policy.rules import NO_CORROBORATION, Corroboration, Rule
from streams.policy.shape import Valves
from tests.support.evidence import evidence_table

RULE = Rule(
    "suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 60_000, 600_000, NO_CORROBORATION, min_established=10,
)  # fmt: skip
ASKS = replace(RULE, corroboration=Corroboration(1, (("burst", 3.0),)))
TAMIL = GROUPS.index("ta")


def unread(count: int, group: int = TAMIL) -> np.ndarray:
    counts = np.zeros((1, MAX_GROUPS), np.int64)
    counts[0, group] = count
    return counts


def judged(
    own: tuple[int, float, int], others: tuple[int, float, int] = (0, 0.0, 0), rule: Rule = RULE, **given: object
) -> RuleLevels:
    """Judge a tag of (read, harmful share of these, unread) established authors, and of others."""
    read, n_unread = own[0] + others[0], own[2] + others[2]
    harmful = own[0] * own[1] + others[0] * others[1]
    established = AuthorGroup(
        np.array([own[0] + own[2]]), np.array([own[0]]), np.array([[own[1] if own[0] else np.nan] * 2]),
        scale=given.get("scale"), groups=given.get("groups"), unread=unread(own[2]) if n_unread else None,
    )  # fmt: skip
    table = evidence_table(
        **{
            "tweets": np.array([100]), "authors": np.array([read + n_unread]), "scored": np.array([read]),
            "share": np.array([[harmful / read if read else np.nan] * 2]), "established": established,
            "unread": unread(n_unread) if n_unread else None, **given,
        }
    )  # fmt: skip
    return levels(table, rule, 1, np.zeros(1, bool), 0.95)


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((0, 0.0, 40), (0, 0.0, 0), UNREAD),
        ((0, 0.0, 0), (0, 0.0, 40), UNREAD),
        ((19, 0.9, 21), (0, 0.0, 0), UNREAD),
        ((20, 0.9, 20), (0, 0.0, 0), OVER),
        ((0, 0.0, 0), (19, 0.9, 21), UNREAD),
        ((0, 0.0, 0), (20, 0.9, 20), OVER_WITHOUT),
        ((19, 0.0, 21), (0, 0.0, 0), UNREAD),
        ((60, 0.0, 20), (0, 0.0, 0), UNDER),
        ((0, 0.0, 4), (0, 0.0, 0), LOW),
    ],
)
def test_mostly_unread_tag_has_no_verdict(own, others, expected):
    assert judged(own, others).level[0] == expected


def test_each_group_needs_its_own_texts_read():
    """Hate in Hindi by others: unread established authors keep the tag, and read ones decide."""
    assert judged((0, 0.0, 40), (60, 0.9, 0)).level[0] == CONTESTED
    assert judged((9, 0.9, 12), (60, 0.1, 0)).level[0] != OVER, "the established authors are mostly unread"
    assert judged((60, 0.0, 0), (0, 0.0, 40)).level[0] == UNDER, "the others are unread: they contest nothing"
    assert judged((40, 0.9, 0), (0, 0.0, 60)).level[0] == UNREAD, "most texts of all authors are unread"
    assert judged((40, 0.9, 0), (0, 0.0, 40)).level[0] == OVER, "the established authors are read"


def test_mostly_read_others_alone_contest():
    """The other authors that were read all write harm; they are too small a part of the others."""
    assert judged((60, 0.0, 0), (30, 1.0, 20)).level[0] == CONTESTED
    assert judged((60, 0.0, 0), (30, 1.0, 40)).level[0] == BETWEEN


def test_uncorroborated_unread_tag_is_not_reviewed():
    assert judged((0, 0.0, 40), rule=ASKS).level[0] == LOW
    assert judged((10, 0.3, 40), rule=ASKS).level[0] == BETWEEN
    assert judged((0, 0.0, 40), rule=ASKS, burst=np.array([3.0])).level[0] == UNREAD


def test_zero_floor_judges_by_the_texts_that_were_read():
    lenient = replace(RULE, min_scored=0.0)
    assert judged((10, 0.9, 90), rule=lenient).level[0] == OVER
    assert judged((0, 0.0, 90), rule=lenient).level[0] == LOW


def test_unread_result_names_its_part_and_languages():
    found = judged((8, 0.0, 32)).result(0)
    assert found.reasons[0] == DecisionReason("scored_share", 0.2, 0.5)
    assert found.evidence is not None and found.evidence.unread == {"und": 32}, "another scorer's groups"
    assert (found.evidence.share, found.evidence.lower, found.evidence.upper) == (0.0, 0.0, 1.0)
    scale = Scale(np.tile([0.0, 1.0, 0.0, 0.0], (3, 2, 1)), np.zeros((3, 2, 3)))
    ours = judged((8, 0.0, 32), scale=scale, groups=np.array([[8, 0, 0]])).result(0)
    assert ours.evidence is not None and ours.evidence.unread == {"ta": 32}
    read = judged((40, 0.9, 0)).result(0)
    assert read.evidence is not None and not read.evidence.unread


def test_unread_texts_are_no_fault_of_the_scorer():
    limits = Valves(least_scored=0.5)
    assert scorer_fault(limits, judged((2, 0.0, 48)).table) is None
    silent = judged((2, 0.0, 0), authors=np.array([50])).table
    assert scorer_fault(limits, silent) == DecisionReason("least_scored", 0.04, 0.5)


def silent(own: tuple[int, float, int], others: tuple[int, float, int] = (0, 0.0, 0), rule: Rule = RULE) -> RuleLevels:
    """Judge a tag of (speaking, harmful share of these, silent) established authors, and of others."""
    speaking, harmful = own[0] + others[0], own[0] * own[1] + others[0] * others[1]
    established = AuthorGroup(
        np.array([own[0] + own[2]]), np.array([own[0]]), np.array([[own[1] if own[0] else np.nan] * 2]),
        silent=np.array([own[2]]),
    )  # fmt: skip
    table = evidence_table(
        authors=np.array([speaking + own[2] + others[2]]), scored=np.array([speaking]),
        share=np.array([[harmful / speaking if speaking else np.nan] * 2]), established=established,
        silent=np.array([own[2] + others[2]]),
    )  # fmt: skip
    return levels(table, rule, 1, np.zeros(1, bool), 0.95)


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ((60, 0.9, 0), (0, 0.0, 0), OVER),
        ((50, 0.9, 10), (0, 0.0, 0), OVER),
        ((30, 0.9, 30), (0, 0.0, 0), UNREAD),
        ((20, 0.9, 40), (0, 0.0, 0), UNREAD),
        ((20, 0.9, 0), (0, 0.0, 40), UNREAD),
        ((0, 0.0, 0), (20, 0.9, 40), UNREAD),
        ((20, 0.1, 40), (0, 0.0, 0), BETWEEN),
        ((40, 0.0, 20), (0, 0.0, 0), UNDER),
        ((0, 0.0, 60), (0, 0.0, 0), LOW),
    ],
)
def test_silence_hides_nothing_and_asks_only_where_words_are_over(own, others, expected):
    assert silent(own, others).level[0] == expected


@pytest.mark.parametrize("n_silent", [32, 45, 57])
@pytest.mark.parametrize("hecklers", [0.05, 0.1, 0.2])
def test_mostly_wordless_mourning_with_hecklers_is_not_hidden(n_silent: int, hecklers: float):
    """Half to nine tenths of 64 mourners post pictures; hecklers are a part of all authors, and always write."""
    speaking = 64 - n_silent
    share = min(1.0, 64 * hecklers / speaking)
    assert silent((speaking, share, n_silent)).level[0] < OVER_WITHOUT
    assert silent((0, 0.0, 0), (speaking, share, n_silent)).level[0] < OVER_WITHOUT


def test_mostly_silent_tag_is_not_hidden_at_any_bound():
    lenient = replace(RULE, suppress_at=0.3)
    assert silent((30, 1.0, 34), rule=lenient).level[0] == UNREAD
    assert silent((32, 1.0, 32), rule=lenient).level[0] == OVER


def test_lower_bound_counts_silence_as_clean_and_upper_bound_leaves_it_out():
    found, spoken, clean = (silent((40, share, n)) for share, n in ((0.5, 20), (0.5, 0), (0.0, 0)))
    assert found.everyone.lower[0] < spoken.everyone.lower[0]
    assert found.everyone.upper[0] == spoken.everyone.upper[0] and clean.everyone.lower[0] == 0
    assert found.everyone.lower[0] == silent((60, 0.5 * 40 / 60, 0)).everyone.lower[0]


def test_tag_over_but_for_silence_names_the_bound_and_the_silent_authors():
    found = silent((30, 0.9, 30)).result(0)
    assert found.reasons[0].signal == "speaking_share_lower" and found.reasons[0].value >= RULE.suppress_at
    assert found.evidence is not None and found.evidence.unread == {"zxx": 30}
    assert (found.evidence.lower, found.evidence.upper) == (0.0, 1.0)


def test_silent_authors_are_no_fault_of_the_scorer():
    assert scorer_fault(Valves(least_scored=0.5), silent((5, 0.0, 45)).table) is None


def test_silent_past_keeps_its_innocence():
    """A past of pictures protects a tag as it did when a text without words was a clean one."""
    table = silent((60, 0.9, 0)).table
    past = AuthorGroup(np.array([200]), np.array([4]), np.array([[0.0] * 2]), silent=np.array([60]))
    judged_row = levels(replace(table, past=past), RULE, 1, np.zeros(1, bool), 0.95)
    assert judged_row.innocent[0]


def test_unread_others_dispute_nothing():
    """A discount ends once its verdict rests on texts that were not read."""
    assert judged((60, 0.0, 0), (30, 1.0, 20)).disputed[0]
    assert not judged((60, 0.0, 0), (20, 1.0, 30)).disputed[0]
    assert not judged((40, 0.0, 0), (0, 0.0, 60)).disputed[0], "no bound of texts that nobody has read"


def test_silent_others_end_no_dispute():
    """Bots that post links beside harmful texts must not keep a tag hidden that established authors use otherwise."""
    lenient = replace(RULE, suppress_at=0.3)
    assert silent((60, 0.0, 0), (30, 1.0, 34), rule=lenient).level[0] == CONTESTED
    assert silent((60, 0.0, 0), (20, 1.0, 30)).disputed[0]
