"""The sentence about a hashtag, and the short explanation."""

from __future__ import annotations

import msgspec
import pytest
from hushtag_client.registers import Register
from hypothesis import given
from hypothesis import strategies as st

from streams.explain.brief import MOST_LINES, brief
from streams.explain.evidence_report import EvidenceReport
from streams.explain.explanation import Explanation
from streams.explain.hashtag_report import HashtagReport
from streams.explain.sentence import sentence_of
from streams.explain.signal_report import BelowFloor
from streams.log.decisions import Decision, version_of
from streams.log.moderation import Override
from tests.support.explanations import (
    EVIDENCE,
    IN_LANGUAGES,
    NOW_MS,
    POLICY,
    SHORT,
    UNREAD_TAG,
    EvidenceTopics,
    decision,
    history,
    override,
    scope,
    signal_report,
    tick,
)

UNTIL = "until 1970-01-01 00:33:20 UTC (17 min)"


def explained(
    *decisions: Decision, people: tuple[Override, ...] = (), evidence: EvidenceReport | None = None, country: str = ""
) -> Explanation:
    report = HashtagReport("tag", decisions, history(*people), None, NOW_MS, country or None)
    return Explanation(report, evidence or EvidenceReport())


def test_hidden_tag_names_places_author_reason_and_end() -> None:
    found = explained(decision(1, scope(), scope("search"), country="IN"))
    assert sentence_of(found) == (
        "#Tag is hidden from trends and search in India by the pipeline for hateful conduct "
        f"(harmful share 0.50–0.70 ≥ 0.35, 40 authors), {UNTIL} unless renewed."
    )


async def test_hidden_tag_names_condition_that_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = EvidenceTopics(monkeypatch)
    topics.write(*tick(10_000, {SHORT: {"tag": {"tweets": 60, "share": 0.9}}}))
    found = explained(decision(1, scope(), policy_revision=POLICY.revision), evidence=await topics.read(NOW_MS))
    assert "; it ends earlier when the upper bound of its harmful share falls below 0.3" in sentence_of(found)


def test_discounted_tag_names_weight_and_reason() -> None:
    discount = Register(
        version="1", action="discount", hashtag="tag", surface="trends", expires_at_ms=2 * NOW_MS, weight=0.34,
        category="abuse", evidence={"authors": 100, "established": 34},
    )  # fmt: skip
    report = HashtagReport("tag", [], history(), [discount], NOW_MS, None)
    text = sentence_of(Explanation(report, EvidenceReport()))
    assert text.startswith("#tag is shown, but its tweets count 34% on trends everywhere, by the pipeline for abuse (")
    assert text.count(". ") == 0
    assert text.endswith(f"ranked by the established alone), {UNTIL} unless renewed.")


def test_automated_hold_is_not_renewed() -> None:
    text = sentence_of(explained(decision(1, scope(action="hold"))))
    assert text.startswith("#Tag is held for review and hidden from trends everywhere by the pipeline")
    assert "renewed" not in text


def test_tag_hidden_by_person_names_actor_and_undo() -> None:
    assert sentence_of(explained(people=(override("a", "block"),))) == (
        f"#Tag is hidden from trends everywhere by ann (news), {UNTIL}, or until a person ends it: hushtag undo tag."
    )
    held = sentence_of(explained(people=(override("a", "hold"),)))
    assert held.endswith(f"by ann (news), {UNTIL}, or until a review decides it.")


def test_tag_hidden_by_order_names_no_person() -> None:
    order = override("a", "block", source="legal", expires_at_ms=0, actor="clerk", reason="secret")
    text = sentence_of(explained(people=(order,)))
    assert "by a legal order, until it is revoked" in text
    assert not {"clerk", "secret"} & set(text.replace("(", " ").replace(")", " ").split())


def test_shown_tag_names_missing_conditions() -> None:
    evidence = EvidenceReport(reports=[signal_report(share=0.05)], seen=True)
    text = sentence_of(explained(evidence=evidence))
    assert text.startswith(
        "#tag is shown everywhere: it would be hidden for hateful conduct on trends with a lower bound of the harmful"
        " share of 0.4"
    )


def test_shown_tag_names_rule_that_lacks_least() -> None:
    evidence = EvidenceReport(reports=[signal_report(share=0.05, tweets=5), signal_report("search")], seen=True)
    assert "on search with 1 more of the corroborating signals (young 0.5)" in sentence_of(explained(evidence=evidence))


def test_shown_tag_below_floor_names_floor() -> None:
    evidence = EvidenceReport(below=[BelowFloor("*", 600_000, 10_000, 10)], seen=True)
    assert sentence_of(explained(evidence=evidence)) == (
        "#tag is shown everywhere: it has fewer than 10 tweets in 10 min, too few to be judged."
    )


def test_allowed_tag_names_actor_and_overruled_decision() -> None:
    text = sentence_of(explained(decision(1, scope()), people=(override("a", "allow"),)))
    assert text.startswith(f"#Tag is shown everywhere: allowed everywhere by ann (news), {UNTIL}; ")
    assert text.endswith("without that the pipeline hides it (harmful share 0.50–0.70 ≥ 0.35, 40 authors).")


def test_paused_automation_is_named() -> None:
    stop = override("a", "allow", hashtag="*", display="*")
    text = sentence_of(explained(decision(1, scope()), people=(stop,)))
    assert "automated suppression is paused by ann (news)" in text
    assert "without that the pipeline hides it" in text


def test_unpublished_block_is_named() -> None:
    report = HashtagReport("tag", [], history(override("a", "block", country="IN")), [], NOW_MS, None)
    text = sentence_of(Explanation(report, EvidenceReport()))
    assert text.startswith("#Tag is shown everywhere: ann hides it from trends in India, which is not published yet; ")


def test_protected_tag_is_named() -> None:
    text = sentence_of(explained(evidence=EvidenceReport(reports=[signal_report()], protected=True)))
    assert text == "#tag is shown everywhere: the policy protects it (never_suppress), and no rule acts on it."


def test_reviewed_tag_is_shown() -> None:
    evidence = EvidenceReport(reports=[signal_report()], seen=True)
    text = sentence_of(explained(decision(1, scope(action="review")), evidence=evidence))
    assert text.endswith("it is over the limits for hateful conduct on trends: review, which hides nothing.")


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("contested", "it is contested for hateful conduct on trends: not hidden yet."),
        (
            "over without established authors",
            "it is over the limits without its established authors for hateful conduct",
        ),
    ],
)
def test_shown_tag_names_its_level_in_words(level: str, words: str) -> None:
    reports = [msgspec.structs.replace(signal_report(), level=level)]
    assert words in sentence_of(explained(evidence=EvidenceReport(reports=reports, seen=True)))


def test_unassessed_tag_names_languages_and_no_share() -> None:
    reviewed = msgspec.structs.replace(scope(action="review"), valve="not_assessed")
    evidence = EvidenceReport(reports=[signal_report(scale=IN_LANGUAGES, **UNREAD_TAG)])
    text = sentence_of(explained(decision(1, reviewed), evidence=evidence))
    assert text == (
        "#Tag is shown everywhere: it is not assessed for hateful conduct on trends, read 19% of 64 sampled authors "
        "(Tamil 52 not read), min_scored 50%: no automated decision."
    )


def test_hidden_tag_names_part_that_was_read() -> None:
    read = msgspec.structs.replace(EVIDENCE, unread={"ta": 12})
    text = sentence_of(explained(decision(1, msgspec.structs.replace(scope(), evidence=read))))
    assert "40 authors, read 76% of 50 sampled authors (Tamil 12 not read))" in text


def test_paused_discount_is_named() -> None:
    made = decision(1, msgspec.structs.replace(scope(action="discount"), weight=0.34))
    text = sentence_of(explained(made, people=(override("a", "allow", hashtag="*", display="*"),)))
    assert "; without that its tweets count 34% (" in text


def test_sentence_names_every_place_where_tag_is_hidden() -> None:
    everywhere = override("a", "block", surfaces=("search", "trends"))
    in_india = override("b", "block", country="IN", actor="ben", reason="court")
    sentence, *lines = brief(explained(people=(everywhere, in_india), country="IN"))
    assert sentence.startswith("#Tag is hidden from search everywhere by ann (news), ")
    assert sentence.endswith("; also hidden from trends in India by ben (court).")
    assert not any(line.startswith("also hidden") for line in lines)


@given(st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_brief_has_at_most_fifteen_lines(decisions: int, people: int, hidden: bool) -> None:
    action = "suppress" if hidden else "review"
    made = [
        decision(at, scope(action=action), scope("search"), country=("*", "IN", "US")[at % 3])
        for at in range(decisions)
    ]
    by_people = tuple(
        override(f"o{at}", "block", country=("*", "IN")[at % 2], edits=version_of(at - 2, 0) if at > 1 else "")
        for at in range(people)
    )
    evidence = EvidenceReport(reports=[signal_report(share=0.05), signal_report("search")], seen=True)
    sentence, *lines = brief(explained(*made, people=by_people, evidence=evidence))
    assert sentence.startswith(("#tag is ", "#Tag is "))
    assert len(lines) <= MOST_LINES
    assert lines[-1] == "more: hushtag explain tag --all"


def test_brief_lists_other_places_signals_and_history() -> None:
    found = brief(explained(decision(1, scope(), scope("search")), people=(override("a", "allow", country="IN"),)))
    assert "also shown on trends in India, by ann" in found
    assert "  harmful share lower 0.5, threshold 0.35" in found
    assert "  allow in India by ann: in force (news)" in found
    assert any(line.endswith("everywhere: suppress on trends and search for hateful_conduct") for line in found)


def test_brief_names_source_of_other_places_in_words() -> None:
    ranked = msgspec.structs.replace(scope(action="discount"), weight=0.3)
    discounts = [decision(1, ranked), decision(2, ranked, country="IN")]
    assert "also counts 30% on trends in India, by the pipeline" in brief(explained(*discounts))


def test_brief_shows_large_counts_whole() -> None:
    evidence = EvidenceReport(reports=[signal_report(tweets=123_456, share=0.05)], seen=True)
    assert any(line.startswith("  tweets 123,456, threshold ") for line in brief(explained(evidence=evidence)))
