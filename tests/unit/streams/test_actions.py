"""The table of actions: its facts, and a new action as one row."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

from hushtag_client import registers

from streams.actions import ACTION_OF_VERB, ACTIONS, FLAGGING, FORMS, HIDING, row_of
from streams.log.moderation import Verb
from tests.support.paths import ROOT


def test_client_knows_every_action_of_a_register() -> None:
    set_by_people = {ACTION_OF_VERB[verb] for verb in get_args(Verb)}
    assert {*registers.ACTIONS} == FLAGGING | set_by_people | {"clear"}
    assert registers.HIDING == HIDING and registers.FLAGGING == FLAGGING


def test_stronger_actions_leave_less_of_a_hashtag() -> None:
    order = [*ACTIONS]
    assert order[: len(FORMS)] == [*FORMS], "an action that surfaces apply is weaker than one that they do not"
    assert [row.hides for row in ACTIONS.values()] == sorted((row.hides for row in ACTIONS.values()), reverse=True)


def test_actions_that_surfaces_apply_have_words_everywhere() -> None:
    for row in (ACTIONS[action] for action in FLAGGING):
        assert all((row.label, row.place, row.sentence, row.done, row.moment, row.change)), row.name
        assert row.state != row_of("").state and row.tone != row_of("").tone, row.name
        assert row.hides or not row.awaits_person


def test_action_of_a_later_version_has_no_effect() -> None:
    row = row_of("added_later")
    assert row.name == "added_later" and not (row.hides or row.weighs or row.statement or row.mode)


def test_new_action_is_one_row() -> None:
    """Run each place that asks the table in a process whose table has one more row."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.label_row"]
    done = subprocess.run(
        [*command, "tests/unit/streams/label_action.py"], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout + done.stderr
