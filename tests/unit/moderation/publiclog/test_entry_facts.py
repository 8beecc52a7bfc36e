"""Facts of an entry: what a statement or a published report says of its record, and nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from moderation.outward.report.publications import ReportPublished, encode_publication
from moderation.publiclog.entry_facts import decision_facts, override_facts, ruling_facts
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.leaf_fields import fields_of
from streams.log.topic_specs import MODERATION
from tests.support.statement_builders import NOW_MS, decision, order_ruling, override, ruling


def restrictions(facts: str | None) -> list[dict[str, Any]]:
    assert facts is not None
    listed: list[dict[str, Any]] = json.loads(facts)["restrictions"]
    return listed


def test_decision_has_one_restriction_for_each_category_and_action() -> None:
    decided = decision(ruling(), ruling("search"), ruling("search", "discount", category="abuse", weight=0.4))
    found = restrictions(decision_facts(decided))
    assert [(one["measure"], one["category"], one["most_surfaces"], one["weight"]) for one in found] == [
        ("reduced", "hateful_conduct", ["search", "trends"], 1.0),
        ("discounted", "abuse", ["search"], 0.4),
    ]
    assert (found[0]["source"], found[0]["ends_ms"]) == ("automated", NOW_MS + 3_600_000)


@pytest.mark.parametrize("name", ["burst", "copies"])
def test_signal_that_the_record_lacks_is_left_out(name: str) -> None:
    """A signal that hushtag has later does not change the facts of earlier records."""
    assert name not in restrictions(decision_facts(decision(ruling())))[0]["evidence"]


def test_facts_hold_no_ids_of_tweets_and_no_person() -> None:
    for facts in (
        decision_facts(decision(ruling())),
        override_facts(override()),
        ruling_facts(order_ruling("withheld", 0, 0, 1)),
    ):
        assert facts is not None
        assert not any(f'"{name}"' in facts for name in ("actor", "sampled", "17", "ann", "lee"))


def test_decision_of_a_person_gives_bounds_of_surfaces_and_beginning() -> None:
    [found] = restrictions(override_facts(override()))
    assert (found["most_surfaces"], found["latest_began_ms"]) == (["search", "trends"], NOW_MS)
    assert not {"surfaces", "began_ms"} & found.keys()
    assert override_facts(override(action="allow")) is None
    assert decision_facts(decision(ruling(action="review"))) is None


def test_ruling_names_neither_order_nor_target() -> None:
    ruled = order_ruling("suspended", 1, 1, 3)
    [found] = restrictions(ruling_facts(ruled))
    assert (found["measure"], found["country"], found["source"], found["ends_ms"]) == ("suspended", "*", "human", 0)
    assert ruled.order not in json.dumps(found)
    assert not {"target", "reference", "decision"} & found.keys()
    assert ruling_facts(order_ruling("declined", 1, 1, 3)) is None


def test_published_report_opens_its_files_and_no_person() -> None:
    value, key = encode_publication(ReportPublished(
        id="p1", target="transparency-2026-11-02-to-2026-11-07-world", country="*", from_ms=0, to_ms=1, made_at_ms=1,
        files={"report.json": "0" * 64}, actor="ann", reason="monthly", at_ms=NOW_MS))  # fmt: skip
    fields = fields_of(AuditInput(SourcePosition(MODERATION, 0, 7, NOW_MS), key, value))
    assert (fields["type"], fields["action"], fields["reason"]) == ("report", "published", None)
    assert json.loads(str(fields["facts"])) == {
        "name": "transparency-2026-11-02-to-2026-11-07-world",
        "files": {"report.json": "0" * 64},
    }
