"""Every key of a policy file is in its differences, in the record of a change, and in what the commands print."""

from __future__ import annotations

import pytest

from streams.log.policies import PolicyTopic
from streams.pipeline.policy_comparison import compare, record_to_publish
from streams.policy.diff import WRITTEN_OTHERWISE, differences
from streams.policy.schema import policy_schema
from streams.policy.shape import AS_IN_CATEGORY
from streams.policy_activation import draft_policy
from tests.support.in_memory_policies import record_of
from tests.support.policy_edits import BEFORE, PolicyEdit, every_edit, parsed, text_of

OLD = parsed(text_of(BEFORE))
LIVE = record_of(text_of(BEFORE).encode())
EDITS = every_edit()


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_edit_of_one_key_is_a_line_that_names_it(edit: PolicyEdit) -> None:
    new = parsed(edit.text)
    lines = differences(OLD, new)
    if edit.loc[-1] in ("surface", "country"):
        assert any("min_tweets" in line for line in lines), "the override is in force in another place"
    else:
        assert any(edit.key in line for line in lines), lines
    assert differences(new, OLD), "and back"


def test_walk_visits_every_key_of_schema() -> None:
    visited = {edit.loc[-1] for edit in EDITS}
    blocks = [policy_schema(), *policy_schema()["$defs"].values()]
    filled = {"serial", "categories", "overrides", "curated_terms", "link_domains", "valves", "review", "corroborate"}
    assert visited == {key for block in blocks for key in block["properties"]} - filled


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_record_of_a_change_names_the_edited_key(edit: PolicyEdit) -> None:
    topic = PolicyTopic({LIVE.revision: (0, LIVE)}, {})
    draft = draft_policy(topic, edit.text.encode(), shards=8)
    file_policy = parsed(edit.text.replace('"serial": 1', '"serial": 2'))
    assert draft.changes == tuple(differences(OLD, file_policy))
    comparison = compare(file_policy, topic, model="m", began_hours=168, first=False)
    record = record_to_publish(comparison, newest_ms=0, at_ms=0, worker="w", text="", note=None)
    assert record.changes == draft.changes


def test_small_change_of_a_number_is_a_line_with_both_values() -> None:
    new = parsed(text_of(BEFORE).replace('"suppress_at": 0.5', '"suppress_at": 0.50000001'))
    assert differences(OLD, new) == ["abuse: suppress_at 0.5 → 0.50000001"]


def test_other_overrides_with_equal_rules_are_one_line() -> None:
    new = parsed(text_of(BEFORE).replace('"min_tweets": 60', '"min_tweets": 60, "suppress_at": 0.5'))
    assert new.rule_table == OLD.rule_table and differences(OLD, new) == [WRITTEN_OTHERWISE]


def test_overrides_take_every_key_of_a_category_with_its_limits() -> None:
    blocks = policy_schema()["$defs"]
    category, override = blocks["Category"]["properties"], blocks["RuleOverride"]["properties"]
    assert override.keys() - {"surface", "country"} == category.keys() - {"overrides"}
    for key in category.keys() - {"overrides"}:
        limits = {name: value for name, value in category[key].items() if name != "default"}
        assert override[key] == limits | {"description": AS_IN_CATEGORY}, key
