"""Each member of a published file is bound to the log, or listed as not verified: each is changed in turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings

from moderation.publiclog.proofs.verify_proof import Refused, equal, read_json, verify_report, verify_statement
from tests.support.changed_files import Answer, Change, File, changes, places, replaced, report, statements, value_at
from tests.support.proof_world import KEYS, world

FILES, LINES = world().files(), world().opening_lines()


def answer_to_statement(file: File) -> Answer | None:
    try:
        return verify_statement(json.dumps(file).encode(), KEYS)
    except Refused:
        return None


def answer_to_report(file: File) -> Answer | None:
    try:
        return verify_report(json.dumps(file).encode(), LINES, FILES.get, KEYS)
    except Refused:
        return None


def is_same(before: File, after: File) -> bool:
    """Return whether two files say the same to a verifier."""
    return equal(read_json(json.dumps(before)), read_json(json.dumps(after)))


def other_values(old: Any) -> list[Any]:
    """List values that could be read in place of another."""
    if isinstance(old, bool):
        return [not old]
    if isinstance(old, int | float):
        return [old + 1, old - 1, 0.5]
    if isinstance(old, str):
        return [old + "x", "human", "abuse", ""]
    return ["x", 7, ["DE"]]


def check(change: Change, answer_to: Callable[[File], Answer | None]) -> None:
    before, after = answer_to(change.before), answer_to(change.after)
    assert before is not None
    assert after is None or change.allows(before, after), (change.path, after)


@pytest.mark.parametrize("file", statements())
def test_each_member_of_a_statement_is_bound_or_listed(file: File) -> None:
    for path in places(file):
        for value in other_values(value_at(file, path)):
            if not is_same(file, changed := replaced(file, path, value)):
                check(Change(file, changed, path), answer_to_statement)


def test_each_number_of_a_report_is_bound_or_listed() -> None:
    for path in places(report()):
        changed = replaced(report(), path, other_values(value_at(report(), path))[0])
        check(Change(report(), changed, path), answer_to_report)


@given(changes(statements()))
@settings(max_examples=400, deadline=None)
def test_changed_statement_is_refused_or_listed(change: Change) -> None:
    assume(not is_same(change.before, change.after))
    check(change, answer_to_statement)


@given(changes((report(),)))
@settings(max_examples=60, deadline=None)
def test_changed_report_is_refused_or_listed(change: Change) -> None:
    assume(not is_same(change.before, change.after))
    check(change, answer_to_report)
