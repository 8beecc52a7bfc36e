"""Rows of the audit log for people, and filters on them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.rows import AuditFilter, row_of
from moderation.publiclog.sources import is_kept
from streams.constants import HOUR_MS
from streams.log.decisions import LanguageCoverage, LanguageTexts, encode_record


def entry_of(value: bytes | None, topic: str = "moderation", at_ms: int = 0) -> AuditEntry:
    return LogEnd().extend([AuditInput(SourcePosition(topic, 0, 1, at_ms), b"key", value)])[0]


def test_row_of_erased_entry_has_its_number_and_hash() -> None:
    entry = entry_of(b'{"kind":"override","hashtag":"tag","actor":"ann"}')
    erased = AuditEntry(entry.number, entry.leaf, entry.opening.erased())
    row = row_of(erased)
    assert (row.seq, row.kind, row.target, row.actor, row.hash) == (0, "erased", "", "", entry.hash)


def test_row_of_override() -> None:
    record = {
        "kind": "override", "action": "block", "hashtag": "tag", "country": "IN", "actor": "ann", "reason": "r",
    }  # fmt: skip
    row = row_of(entry_of(json.dumps(record).encode(), at_ms=1_500))
    assert (row.kind, row.action, row.target, row.country, row.actor, row.reason) == (
        "override", "block", "tag", "IN", "ann", "r",
    )  # fmt: skip
    assert row.at == "1970-01-01T00:00:01.500+00:00"
    assert row.source == "moderation[0]@1"


@pytest.mark.parametrize(
    ("record", "action", "target"),
    [
        ({"kind": "review_verdict", "verdict": "uphold", "case": "c", "hashtag": "t"}, "uphold", "t"),
        ({"kind": "order_ruling", "outcome": "withheld", "order": "IN-1"}, "withheld", "IN-1"),
        ({"kind": "order_step", "to": "final", "order": "IN-1"}, "final", "IN-1"),
        ({"kind": "speaker", "account": "7"}, "speaker", "7"),
        ({"kind": "case_claim", "case": "c", "hashtag": "t", "take_over": True}, "take over", "t"),
        ({"kind": "case_claim", "case": "c", "hashtag": "t", "take_over": False}, "case_claim", "t"),
        ({"kind": "case_escalation", "case": "c", "hashtag": "t", "team": "legal"}, "legal", "t"),
        ({"kind": "case_note", "case": "c", "hashtag": "t"}, "case_note", "t"),
        ({"kind": "case_skip", "case": "c", "hashtag": "t", "why": "language"}, "language", "t"),
        ({"kind": "text_reading", "case": "c", "hashtag": "t"}, "text_reading", "t"),
    ],
)
def test_row_of_other_kinds(record: dict[str, str], action: str, target: str) -> None:
    row = row_of(entry_of(json.dumps(record).encode()))
    assert (row.kind, row.action, row.target) == (record["kind"], action, target)


def test_row_of_automated_decision() -> None:
    reasons = [{"signal": "harmful_share_lower", "value": 0.41, "threshold": 0.35}]
    rulings = [{"category": "hate", "surface": "trends", "action": "suppress", "reasons": reasons}]
    record = {"kind": "decision", "hashtag": "tag", "country": "*", "actor": "hushtag", "rulings": rulings}
    row = row_of(entry_of(json.dumps(record).encode(), "suppression-decisions"))
    assert (row.action, row.target) == ("suppress", "tag")
    assert row.reason == "hate on trends: suppress (harmful_share_lower 0.41 past 0.35)"


def test_row_of_coverage_has_texts_read_by_language() -> None:
    coverage = LanguageCoverage(
        shard=3, from_ms=HOUR_MS, to_ms=2 * HOUR_MS,
        languages=(LanguageTexts("en", 12, 12), LanguageTexts("ta", 4, 0)),
    )  # fmt: skip
    assert is_kept("suppression-decisions", encode_record(coverage))
    row = row_of(entry_of(encode_record(coverage), "suppression-decisions"))
    assert (row.kind, row.action, row.target, row.actor) == ("coverage", "count", "shard 3", "hushtag")
    assert row.reason == "texts read in the hour from 1970-01-01T01:00:00.000+00:00: 12 of 12 in en, 0 of 4 in ta"
    for value in (b'{"kind":"coverage"}', b'{"kind":"coverage","from_ms":1e99,"languages":[[1],7,{}]}',
                  b'{"kind":"coverage","from_ms":99999999999999999999,"languages":7}'):  # fmt: skip
        assert row_of(entry_of(value, "suppression-decisions")).reason == "texts read in the hour from ?: none"


def test_row_of_discount_has_its_weight() -> None:
    reasons = [{"signal": "coordinated_share_lower", "value": 0.84, "threshold": 0.35}]
    ruling = {"category": "hate", "surface": "trends", "action": "discount", "weight": 0.34, "reasons": reasons}
    record = {"kind": "decision", "hashtag": "tag", "country": "*", "actor": "hushtag", "rulings": [ruling]}
    row = row_of(entry_of(json.dumps(record).encode(), "suppression-decisions"))
    assert row.action == "discount"
    assert row.reason == "hate on trends: discount to 0.34 (coordinated_share_lower 0.84 past 0.35)"


def test_row_of_policy() -> None:
    row = row_of(entry_of(b'{"revision":"abc","serial":4,"proposed_by":"w1"}', "policy"))
    assert (row.kind, row.target, row.actor) == ("policy", "serial 4, revision abc", "w1")
    applied = {
        "revision": "abc", "serial": 4, "proposed_by": "w1", "actor": "asha", "reason": "a campaign",
        "changes": ["abuse: suppress_at 0.5 → 0.4", "never_suppress: with x"],
    }  # fmt: skip
    row = row_of(entry_of(json.dumps(applied).encode(), "policy"))
    assert (row.actor, row.reason) == ("asha", "a campaign: abuse: suppress_at 0.5 → 0.4; never_suppress: with x")
    applied |= {"model_revision": "new", "model_change": {"before": "old", "actor": "ann", "reason": "better"}}
    row = row_of(entry_of(json.dumps(applied).encode(), "policy"))
    assert (row.action, row.target) == ("model", "serial 4, revision abc")
    assert (row.actor, row.reason) == ("ann", "better: model old → new"), (
        "the actor of the model change, not of the policy"
    )


def test_worker_reports_on_policy_files_are_left_out() -> None:
    assert is_kept("policy", b'{"revision":"abc","serial":4,"policy":"{}","proposed_by":"w1"}')
    assert not is_kept(
        "policy", b'{"worker":"w1","file":"policy.yaml","revision":"abc","verdict":"same","why":"","at_ms":1}'
    )
    assert is_kept("policy", b"not JSON") and is_kept("policy", None)


names = st.sampled_from(["kind", "rulings", "reasons", "actor", "hashtag"])
plain = st.recursive(
    st.none() | st.text() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
)


@given(
    st.binary() | plain.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["moderation", "policy", "suppression-decisions"]),
)
def test_row_of_never_fails(value: bytes, topic: str) -> None:
    row = row_of(entry_of(value, topic))
    assert row.hash and all(isinstance(cell, str | int) for cell in row.as_dict().values())


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"kind": "override"}, True),
        ({"kind": "undo"}, False),
        ({"target": "tag"}, True),
        ({"actor": "ben"}, False),
        ({"country": "IN"}, True),
        ({"from_ms": 100}, True),
        ({"from_ms": 101}, False),
        ({"to_ms": 100}, False),
        ({"to_ms": 101}, True),
    ],
)  # fmt: skip
def test_filter_matches(fields: dict[str, Any], matches: bool) -> None:
    entry = entry_of(b'{"kind":"override","hashtag":"tag","actor":"ann","country":"IN"}', at_ms=100)
    assert AuditFilter(**fields).selects(entry, row_of(entry)) is matches


def test_row_of_new_incarnation() -> None:
    record = {
        "incarnation": 2,
        "why": "restore",
        "shards": 8,
        "at_ms": 1,
        "actor": "asha",
        "reason": "the cluster burnt",
    }
    row = row_of(entry_of(msgspec.json.encode(record), "policy"))
    assert (row.kind, row.action, row.target, row.actor, row.reason) == (
        "incarnation", "restore", "incarnation 2, 8 shards", "asha", "the cluster burnt"
    )  # fmt: skip
