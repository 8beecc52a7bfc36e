"""Every place where an action counts, with the row of `tests.support.label_row`; `test_actions.py` runs this file."""

from __future__ import annotations

from dataclasses import replace

from hushtag_client.registers import Register
from msgspec.structs import replace as changed

from moderation.console.case_places import places_now
from moderation.console.case_words import action_words
from moderation.console.hashtag_view import cause_of, places_of
from moderation.console.hashtag_words import measure_words
from moderation.console.held import filter_choices
from moderation.domain.appeals.items import items_of
from moderation.domain.restrictions.collection import active_restrictions
from moderation.outward.notify.changes import changes_of
from moderation.outward.statements.dsa import dsa_statement
from moderation.outward.statements.text import user_text
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.leaf_fields import fields_of
from moderation.views.held import held_tags
from streams.actions import MODES
from streams.backtest.comparison import PolicyOutcome, effect_of
from streams.backtest.spells import Spell
from streams.backtest.text import side_in_words
from streams.explain.changes import would_clear
from streams.explain.evidence_report import EvidenceReport
from streams.explain.explanation import Explanation
from streams.explain.flag_text import action_of
from streams.explain.hashtag_report import HashtagReport
from streams.explain.sentence import sentence_of
from streams.flags.decision_fold import DecisionFold, strongest
from streams.flags.overrides import OverrideHistory
from streams.judging.circuit_breakers import newly_hiding
from streams.judging.flag_renewal import RENEWED
from streams.judging.hysteresis import decide_early
from streams.judging.key_state import KeyState
from streams.judging.levels import OVER, UNDER
from streams.log.decisions import Decision, encode_record, version_of
from streams.log.topic_specs import DECISIONS
from streams.policy import parse_policy
from streams.policy.schema import policy_schema
from tests.support.explanations import NOW_MS, POLICY_TEXT, decision, history, override, report, scope
from tests.support.rule_results import RULE, SCOPE, TICK, result, step

IN_2023_MS = 1_700_000_000_000
LABELS = replace(RULE, mode="label")


def labelled(*others: str) -> Decision:
    return decision(1, *(scope(action=action) for action in ("label", *others)), country="IN")


def flag_of(*actions: str) -> Register:
    [register] = DecisionFold(longest_expiry_ms=1, max_broker_skew_ms=0).apply(labelled(*actions))
    return register


def test_policy_takes_its_mode() -> None:
    policy = parse_policy(POLICY_TEXT.replace("mode: suppress", "mode: label"), "policy.yaml")
    assert not policy.rule("hateful_conduct", "trends", "IN").hides
    assert '"label"' in str(policy_schema()).replace("'", '"')


def test_judge_begins_renews_and_ends_it() -> None:
    began = step(None, OVER, TICK, LABELS)
    assert began is not None and began.action == "label" and began.weight is None
    renewed = step(began, OVER, TICK + 60_000, LABELS)
    assert renewed is not None and renewed.expires_at_ms > began.expires_at_ms and "label" in RENEWED
    ended = step(renewed, UNDER, TICK + 120_000, LABELS)
    assert ended is not None and ended.action == "clear" and not ended.lapsed


def test_breakers_do_not_count_it_and_nothing_is_labelled_early() -> None:
    began = step(None, OVER, TICK, LABELS)
    assert began is not None and newly_hiding({}, {SCOPE: began}) == {}
    assert decide_early(result(OVER), None, LABELS, TICK, scope=SCOPE, protected=False) is None


def test_next_owner_recovers_it() -> None:
    assert [ruling.action for ruling in KeyState.read_back(labelled()).settled.values()] == ["label"]


def test_flag_has_the_strongest_action_of_a_surface() -> None:
    assert flag_of().action == "label"
    assert [flag_of(other).action for other in ("suppress", "hold", "discount", "review", "shadow")] == [
        "suppress", "hold", "discount", "label", "label",
    ]  # fmt: skip
    assert strongest([scope(action="review")]) is None


def test_explanations_word_it() -> None:
    assert action_of(flag_of()) == "Labelled"
    assert sentence_of(Explanation(report(labelled()), EvidenceReport())).startswith(
        "#Tag is shown with a label on trends in India, by the pipeline for hateful conduct ("
    )
    allowed = HashtagReport("tag", [labelled()], history(override("o1", "allow")), None, NOW_MS)
    assert "without that it is labelled (harmful share" in sentence_of(Explanation(allowed, EvidenceReport()))
    assert would_clear("label", LABELS, None, 1)[0].startswith("the upper bound of its harmful share falls below 0.2")
    assert would_clear("label", RULE, None, 1) == ["the next tick settles: the mode is suppress now"]


def test_impact_of_a_policy_words_it() -> None:
    began = step(None, OVER, TICK, LABELS)
    assert began is not None and effect_of(Spell(0, TICK, began)) == "flagged"
    side = PolicyOutcome("label", 0, 1, 4.0, 9, 9, 0.5, 0.6, 0.4)
    assert side_in_words(side) == "labelled 01-01 00:00:00, 4.0 min"


def test_statement_has_its_words_and_code() -> None:
    [restriction] = active_restrictions(report(labelled()))
    assert restriction.measure == "labelled" and measure_words("labelled") == "labelled"
    assert user_text(restriction, "en").startswith("#Tag has a label in the list of trends for viewers in India.\n")
    stated = dsa_statement(replace(restriction, country="FR", began_ms=IN_2023_MS, ends_ms=IN_2023_MS + 1))
    assert stated is not None and stated.decision_visibility == ["DECISION_VISIBILITY_CONTENT_LABELLED"]
    assert stated.decision_facts.startswith("The hashtag has a label on trends for viewers in FR. ")


def test_people_are_not_asked_about_it() -> None:
    assert items_of(labelled(), share=1.0, secret=b"") == []


def test_console_words_it() -> None:
    people = OverrideHistory()
    [place] = places_now("tag", [labelled()], people, NOW_MS, show_legal=True)
    assert (place.words, place.tone) == ("visible, with a label", "wait")
    assert action_words("show", {place.action}) == "Show in full"
    places = places_of(report(labelled()), hide_numbers=False, show_legal=True)
    assert ("label", "with a label", "IN") in [(place.badge, place.state, place.country) for place in places]
    assert cause_of(flag_of(), "wins", NOW_MS, hide_numbers=False, show_legal=True).state == "with a label"
    assert ("label", "with a label") in filter_choices(held_tags([labelled()], people, NOW_MS))["state"]
    assert MODES["label"].effect == "labels"


def test_held_list_has_it() -> None:
    [held] = held_tags([labelled()], OverrideHistory(), NOW_MS)
    assert (held.register.action, held.surfaces) == ("label", ["trends"])


def test_audit_entry_and_message_name_it() -> None:
    entry = fields_of(AuditInput(SourcePosition(DECISIONS, 0, 7, NOW_MS), b"", encode_record(labelled())))
    assert (entry["type"], entry["action"]) == ("decision/label/IN", "label")
    began = changed(labelled(), version=version_of(1, TICK), tick_ms=labelled().rulings[0].since_ms)
    assert [change.kind for change in changes_of(began)] == ["labelled"]
