"""Flags in words and numbers."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hushtag_client.registers import Reason, Register

from streams.explain import flag_text

EVIDENCE = {"upper": 0.9, "established_upper": 0.7, "authors": 120, "established": 41}


def register(action: Any, *reasons: Reason, **more: Any) -> Register:
    fields: dict[str, Any] = {"category": "hateful_conduct", "evidence": EVIDENCE, "expires_at_ms": 1}
    return Register(version="1", action=action, hashtag="x", surface="trends", reasons=reasons, **(fields | more))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("suppress", "Suppressed"),
        ("hold", "On hold for review"),
        ("discount", "Ranked by its established accounts"),
    ],
)
def test_action_has_words(action, words):
    assert flag_text.action_of(register(action)) == words


@pytest.mark.parametrize(
    ("signal", "value", "label", "in_words"),
    [
        ("harmful_share_lower", 0.5, "Harmful share", "50–90%"),
        ("established_share_lower", 0.5, "Harmful share of established accounts", "50–70%"),
        ("coordinated_share_lower", 0.5, "Harmful share of the other accounts", "50%"),
        ("innocent_past", 340.0, "Established accounts without harm before", "340"),
        ("young", 0.5, "Young accounts", "50%"),
    ],
)
def test_reason_has_label_and_interval(signal, value, label, in_words):
    found = flag_text.reason_in_words(Reason(signal=signal, value=value, threshold=0.4), EVIDENCE)
    assert (found.signal, found.value) == (label, in_words)
    assert 0 < found.fill <= found.reach <= 1


def test_one_line_names_authors_that_decided():
    all_of_them = register("suppress", Reason(signal="harmful_share_lower", value=0.5, threshold=0.45))
    assert flag_text.one_line(all_of_them) == "harmful share 0.50–0.90 ≥ 0.45, 120 authors"
    own = register(
        "suppress",
        Reason(signal="established_share_lower", value=0.5, threshold=0.45),
        Reason(signal="innocent_past", value=340, threshold=100),
    )
    assert flag_text.one_line(own) == (
        "harmful share of established accounts 0.50–0.70 ≥ 0.45, 41 of 120 authors, "
        "established accounts without harm before 340 ≥ 100"
    )


@pytest.mark.parametrize(
    ("evidence", "part"),
    [
        (EVIDENCE, "34% of its authors are established and are not known to write harm;"),
        (EVIDENCE | {"established_upper": 0.1}, "34% of its authors are established and write no harm;"),
        ({}, "30% of its authors are established and write no harm;"),
    ],
)
def test_one_line_of_discount_has_established_part(evidence, part):
    reason = Reason(signal="coordinated_share_lower", value=0.8, threshold=0.45)
    found = flag_text.one_line(register("discount", reason, weight=0.3, evidence=evidence))
    assert found == f"contested. {part} the others write hateful conduct: ranked by the established alone"


def test_flag_text_doctests():
    assert doctest.testmod(flag_text).failed == 0


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"scored": -16, "unread": {"ta": 16}}, "0% of 16 sampled authors (Tamil 16 not read)"),
        ({"unread": {"<b>": 1, "bn": float("nan"), "te": 0.5, "mr": -2}}, "0% of 1 sampled authors (<b> 1 not read)"),
        ({"scored": "many", "unread": ["ta"]}, ""),
        ({"scored": 64, "unread": {}}, ""),
    ],
)
def test_read_part_of_any_evidence_has_words_or_none(evidence: dict[str, Any], words: str) -> None:
    assert flag_text.read_part(evidence) == words
