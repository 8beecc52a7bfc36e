"""The table of roles, and what is derived from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hushtag_client import wire

from streams.access.document import tables, with_tables
from streams.access.kafka_rights import KafkaRight, kafka_rights
from streams.access.redis_rights import READ_COMMANDS, WRITE_COMMANDS, redis_rights
from streams.access.roles import ALL, BY_NAME, ROLES, roles_named
from streams.errors import CallerMistake
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION, PARTIALS, TWEETS
from tests.support.paths import ROOT

CLIENT_METHODS = {"aclose", "execute_command", "initialize", "pipeline"}
LUA = sorted((ROOT / "streams" / "flags" / "lua").glob("*.lua"))


def direct_commands(name: str) -> set[str]:
    """Return the Redis commands that a module of the flags calls without a script."""
    source = (ROOT / "streams" / "flags" / name).read_text("utf-8")
    return set(re.findall(r"self\._?redis\.([a-z]+)\(", source)) - CLIENT_METHODS


def test_document_shows_the_table() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    assert with_tables(text) == text, "hushtag acls docs --into docs/security.md"
    assert all(f"| `{role.name}` |" in tables() for role in ROLES)


def test_document_without_marks_is_refused() -> None:
    with pytest.raises(CallerMistake, match="no marks"):
        with_tables("# A page\n")


def test_names_and_topics_of_roles_exist() -> None:
    assert len(BY_NAME) == len(ROLES)
    for role in ROLES:
        assert {*role.reads, *role.writes} <= set(ALL), role.name


def test_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CallerMistake, match="'wroker'") as caught:
        roles_named(["wroker"])
    assert "worker" in caught.value.fix


def test_only_named_roles_write_to_the_logs_that_decide() -> None:
    writers = {topic: {role.name for role in ROLES if topic in role.writes} for topic in ALL}
    assert writers[DECISIONS] == {"worker", "judge"}
    assert writers[PARTIALS] == {"worker", "ingest", "judge", "model"}
    assert writers[MODERATION] <= {"moderation", "api", "operator", "repair", "restore"}
    assert writers[AUDIT] <= {"audit", "restore"}
    assert {role.name for role in ROLES if role.redis == "write"} <= {"worker", "publish", "repair"}


def test_worker_has_the_rights_of_its_stages() -> None:
    stages = roles_named(["ingest", "judge", "publish"])
    assert kafka_rights(roles_named(["worker"])) == kafka_rights(stages)
    assert redis_rights(roles_named(["worker"])) == redis_rights(stages)


def test_trends_reads_tweets_and_nothing_else() -> None:
    assert kafka_rights(roles_named(["trends"]), prefix="p.") == [KafkaRight("topic", f"p.{TWEETS}", ("Read",))]


def test_rights_carry_prefix_group_and_transactional_id() -> None:
    rights = kafka_rights(roles_named(["worker", "audit"]), prefix="p.", group="g")
    assert KafkaRight("group", "p.g", ("Read",), prefixed=True) in rights
    assert KafkaRight("transactional_id", "p.audit-writer", ("Write",)) in rights
    assert all(right.name.startswith("p.") for right in rights)


def test_right_is_printed_for_a_shell_and_as_json() -> None:
    right = KafkaRight("group", "p.g", ("Read",), prefixed=True)
    assert right.as_command("User:CN=a b", "h:1") == (
        "kafka-acls.sh --bootstrap-server h:1 --add --allow-principal 'User:CN=a b' --operation Read "
        "--group p.g --resource-pattern-type prefixed"
    )
    assert right.as_json("User:a") == {
        "principal": "User:a",
        "permission": "Allow",
        "operations": ["Read"],
        "resource_type": "group",
        "name": "p.g",
        "pattern": "prefixed",
    }


@pytest.mark.parametrize("path", LUA, ids=lambda path: path.name)
def test_commands_of_scripts_are_permitted(path: Path) -> None:
    called = {name.lower() for name in re.findall(r"redis\.p?call\('([A-Z]+)'", path.read_text("utf-8"))}
    assert called <= set(WRITE_COMMANDS)


def test_commands_of_the_client_are_permitted() -> None:
    questions = (wire.PollState(), wire.MarkPosition(), wire.ScanRegisters(0), wire.ReadChanges("0-0", 1))
    used = {str(command[0]).lower() for question in questions for command in wire.commands(question)}
    assert used <= set(READ_COMMANDS)


def test_lookup_of_single_hashtags_is_permitted() -> None:
    used = direct_commands("lookup.py")
    assert {"hmget", "hgetall", "hscan"} <= used <= set(READ_COMMANDS)


def test_direct_commands_of_the_store_are_permitted() -> None:
    used = direct_commands("redis_store.py")
    assert {"get", "hscan", "hdel"} <= used <= set(WRITE_COMMANDS)


def test_no_user_may_flush_scripts_or_name_its_client() -> None:
    for role in ROLES:
        rights = redis_rights([role])
        rules = [] if rights is None else rights.rules()
        assert not {"+@scripting", "+script", "+script|flush", "+client|setinfo"} & set(rules), role.name


def test_reader_may_only_read_keys_of_the_contract() -> None:
    rights = redis_rights(roles_named(["reader"]))
    assert rights is not None and rights.keys == "%R~{hushtag}:v1:*"
    assert redis_rights(roles_named(["audit"])) is None
