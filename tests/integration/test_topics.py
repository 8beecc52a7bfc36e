"""Topics on a real Kafka: created with the right settings; wrong settings are found with the fixing commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from streams.cli import topics as topics_cli
from streams.errors import DependencyAway, TopicsError
from streams.log.admin import admin_client
from streams.log.topic_specs import AUDIT, DECISIONS, MODERATION, PARTIALS, SPECS, TWEETS
from streams.log.topics import check_topics, create_topics, find_problems
from streams.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def alter(settings: Settings, topic: str, configs: dict[str, str]) -> None:
    with admin_client(settings) as admin:
        answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.topic(topic), configs)])
    assert set(answer["topic"].values()) == {"OK"}


def test_created_topics_pass_the_check(settings: Settings) -> None:
    missing = find_problems(settings)
    assert [(problem.topic, problem.setting) for problem in missing] == [
        (settings.topic(spec.name), "topic") for spec in SPECS
    ]
    made = create_topics(settings, tweets_partitions=3)
    assert all(one.created for one in made)
    assert {one.topic: one.partitions for one in made}[settings.topic(TWEETS)] == 3
    check_topics(settings)
    again = create_topics(settings)
    assert [(one.topic, one.partitions) for one in again] == [(one.topic, one.partitions) for one in made]
    assert not any(one.created for one in again)


def test_refused_topic_is_named_with_the_reason(settings: Settings) -> None:
    with pytest.raises(TopicsError, match=r"topic \S+ cannot be created: .*replication factor"):
        create_topics(settings, replicas=2)


def test_wrong_settings_are_found_and_altered(topics: Settings) -> None:
    alter(topics, TWEETS, {"message.timestamp.type": "CreateTime"})
    alter(topics, PARTIALS, {"retention.ms": "60000", "cleanup.policy": "compact,delete"})
    alter(topics, DECISIONS, {"cleanup.policy": "compact", "retention.bytes": "1000000"})
    alter(topics, MODERATION, {"cleanup.policy": "delete"})
    alter(topics, AUDIT, {"retention.ms": "604800000"})
    found = {(problem.topic.removeprefix(topics.topic_prefix), problem.setting) for problem in find_problems(topics)}
    assert found == {
        (TWEETS, "message.timestamp.after.max.ms"),
        (PARTIALS, "retention.ms"),
        (PARTIALS, "cleanup.policy"),
        (DECISIONS, "cleanup.policy"),
        (DECISIONS, "retention.bytes"),
        (MODERATION, "cleanup.policy"),
        (AUDIT, "retention.ms"),
    }
    with pytest.raises(TopicsError) as caught:
        check_topics(topics)
    for topic, setting in found:
        assert f"{topics.topic(topic)}: {setting} is " in str(caught.value)
        assert f"--entity-name {topics.topic(topic)} --add-config {setting}=" in caught.value.fix
    create_topics(topics, alter=True)
    check_topics(topics)


def test_wrong_number_of_shards_is_found(topics: Settings) -> None:
    other = topics.model_copy(update={"shards": 2})
    problems = find_problems(other)
    assert {problem.setting for problem in problems} == {"partitions"}
    assert len(problems) == sum(spec.partitions == "shards" for spec in SPECS)
    assert {problem.command for problem in problems} == {"export HUSHTAG_SHARDS=4"}


def test_create_time_is_bounded(settings: Settings) -> None:
    create_topics(settings, create_time=True)
    check_topics(settings)
    stricter = settings.model_copy(update={"max_broker_skew_ms": 100})
    assert [problem.setting for problem in find_problems(stricter)] == ["message.timestamp.after.max.ms"]


def test_missing_broker_is_reported(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka": "127.0.0.1:9", "start_deadline_seconds": 1.0})
    lines: list[str] = []
    with pytest.raises(DependencyAway, match="did not answer within 1 s"):
        check_topics(away, report=lines.append)
    assert lines == ["waiting up to 1 s for Kafka at 127.0.0.1:9"]


def test_topics_commands_create_check_and_alter(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSHTAG_KAFKA", settings.kafka)
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", settings.topic_prefix)
    app = typer.Typer()
    topics_cli.register(app)
    runner = CliRunner()
    before = runner.invoke(app, ["topics", "check", "--json"])
    assert before.exit_code == 2
    assert [json.loads(line)["topic"] for line in before.stdout.splitlines()] == [
        settings.topic(spec.name) for spec in SPECS
    ]
    made = runner.invoke(app, ["topics", "create", "--json", "--partitions", "2"])
    assert made.exit_code == 0
    assert [json.loads(line)["created"] for line in made.stdout.splitlines()] == [True] * len(SPECS)
    assert runner.invoke(app, ["topics", "check", "--json"]).stdout == ""
    after = runner.invoke(app, ["topics", "check"])
    assert (after.exit_code, after.stdout) == (0, "all topics have the settings that they need\n")
    assert "acks=all" in after.stderr, "no broker shows how producers write"
    alter(settings, AUDIT, {"retention.ms": "604800000"})
    wrong = runner.invoke(app, ["topics", "check"])
    assert wrong.exit_code == 2
    assert f"--entity-name {settings.topic(AUDIT)} --add-config retention.ms=-1" in wrong.stdout
    altered = runner.invoke(app, ["topics", "create", "--alter"])
    assert "altered: retention.ms=-1" in altered.stdout
    assert runner.invoke(app, ["topics", "check"]).exit_code == 0


def test_topics_check_uses_the_needs_of_the_policy(
    topics: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUSHTAG_KAFKA", topics.kafka)
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", topics.topic_prefix)
    monkeypatch.setenv("HUSHTAG_SHARDS", str(topics.shards))
    monkeypatch.setenv("HUSHTAG_POLICY", str(tmp_path / "policy.yaml"))
    app = typer.Typer()
    topics_cli.register(app)
    runner = CliRunner()
    without = runner.invoke(app, ["topics", "check"])
    assert without.exit_code == 0
    assert "automated decisions up to 24 h are assumed; set HUSHTAG_POLICY" in " ".join(without.stderr.split())
    shipped = Path("config/policy.yaml").read_text()
    (tmp_path / "policy.yaml").write_text(shipped.replace("max_automated_hours: 24", "max_automated_hours: 168"))
    wrong = runner.invoke(app, ["topics", "check"])
    assert wrong.exit_code == 2
    assert "suppression-decisions: retention.ms is 259200000, needed: at least 608400000" in wrong.stdout
    altered = runner.invoke(app, ["topics", "create", "--alter"])
    assert "altered: retention.ms=608400000" in altered.stdout
    assert runner.invoke(app, ["topics", "check"]).exit_code == 0
