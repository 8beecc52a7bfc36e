"""The table of topics and the check of their settings, without a broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.log.topic_specs import (
    AUDIT,
    DEAD_LETTER,
    DECISIONS,
    EVIDENCE,
    MODERATION,
    PANES,
    PARTIALS,
    POLICY,
    SHORT_PANES,
    SHOWN_TEXTS,
    SPEC_BY_NAME,
    SPECS,
    TWEETS,
    TopicDescription,
    TopicNeeds,
    all_problems,
    configs_to_make,
    partitions_to_make,
    problems_of,
)

NEEDS = TopicNeeds(shards=8, max_broker_skew_ms=500)
BROKER_DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "min.insync.replicas": "1",
    "unclean.leader.election.enable": "false",
}


def made(name: str, *, create_time: bool = False, replicas: int = 1, **changed: str) -> TopicDescription:
    spec = SPEC_BY_NAME[name]
    configs = BROKER_DEFAULTS | configs_to_make(spec, NEEDS, create_time=create_time, replicas=replicas)
    changes = {key.replace("_", "."): value for key, value in changed.items()}
    return TopicDescription(partitions_to_make(spec, NEEDS.shards), replicas, configs | changes)


def problem_settings(name: str, found: TopicDescription | None, needs: TopicNeeds = NEEDS) -> list[str]:
    return [problem.setting for problem in problems_of(name, SPEC_BY_NAME[name], found, needs, bootstrap="b:1")]


@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("create_time", [False, True])
def test_created_topics_pass_the_check(name: str, replicas: int, create_time: bool) -> None:
    assert problem_settings(name, made(name, replicas=replicas, create_time=create_time)) == []


def test_missing_topic_is_a_problem() -> None:
    (problem,) = problems_of("x.tweets", SPEC_BY_NAME[TWEETS], None, NEEDS, bootstrap="b:1")
    assert (problem.topic, problem.command) == ("x.tweets", "hushtag topics create")


@pytest.mark.parametrize("name", [PARTIALS, DECISIONS, PANES, EVIDENCE])
def test_wrong_number_of_shards_is_a_problem(name: str) -> None:
    wrong = TopicDescription(4, 1, made(name).configs)
    (problem,) = problems_of(name, SPEC_BY_NAME[name], wrong, NEEDS, bootstrap="b:1")
    assert (problem.setting, problem.value, problem.needed) == ("partitions", "4", "8")
    assert problem.command == f"kafka-topics.sh --bootstrap-server b:1 --delete --topic {name} && hushtag topics create"


def test_topics_that_agree_suggest_another_setting() -> None:
    found = {f"p.{spec.name}": made(spec.name) for spec in SPECS}
    problems = all_problems(found, "p.", TopicNeeds(shards=16, max_broker_skew_ms=500), bootstrap="b:1")
    assert {problem.command for problem in problems} == {"export HUSHTAG_SHARDS=8"}
    found["p.hashtag-panes"] = TopicDescription(3, 1, made(PANES).configs)
    problems = all_problems(found, "p.", TopicNeeds(shards=8, max_broker_skew_ms=500), bootstrap="b:1")
    assert [(problem.topic, problem.command.split()[0]) for problem in problems] == [
        ("p.hashtag-panes", "kafka-topics.sh")
    ]


@pytest.mark.parametrize("name", [MODERATION, POLICY, AUDIT])
def test_moderation_policy_and_audit_need_one_partition(name: str) -> None:
    assert problem_settings(name, TopicDescription(2, 1, made(name).configs)) == ["partitions"]


@pytest.mark.parametrize("name", [TWEETS, DEAD_LETTER])
def test_tweets_and_dead_letters_take_any_partitions(name: str) -> None:
    assert problem_settings(name, TopicDescription(17, 1, made(name).configs)) == []


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_compaction_outside_compacted_topics_is_a_problem(policy: str) -> None:
    for spec in SPECS:
        found = made(spec.name, cleanup_policy=policy)
        wrong = policy != {"compacted": "compact", "erasable": "compact,delete"}.get(spec.keep)
        assert problem_settings(spec.name, found) == ["cleanup.policy"] * wrong


def test_moderation_must_be_compacted() -> None:
    assert problem_settings(MODERATION, made(MODERATION, cleanup_policy="delete")) == ["cleanup.policy"]


@pytest.mark.parametrize("name", [DECISIONS, MODERATION, PARTIALS, PANES, SHORT_PANES])
def test_producer_timestamps_are_a_problem_where_time_matters(name: str) -> None:
    described = made(name, message_timestamp_type="CreateTime")
    (problem,) = problems_of(name, SPEC_BY_NAME[name], described, NEEDS, bootstrap="b:1")
    assert (problem.setting, problem.alter_to) == ("message.timestamp.type", "LogAppendTime")


@pytest.mark.parametrize(
    ("name", "least_ms"),
    [
        (TWEETS, 30 * 60_000),
        (PARTIALS, 30 * 60_000),
        (PANES, 435 * 60_000),
        (SHORT_PANES, 390 * 60_000),
        (DECISIONS, 25 * 3_600_000),
        (EVIDENCE, 86_400_000),
        (DEAD_LETTER, 86_400_000),
    ],
)
def test_retention_below_the_least_is_a_problem(name: str, least_ms: int) -> None:
    assert problem_settings(name, made(name, retention_ms=str(least_ms))) == []
    assert problem_settings(name, made(name, retention_ms="-1")) == []
    (problem,) = problems_of(
        name, SPEC_BY_NAME[name], made(name, retention_ms=str(least_ms - 1)), NEEDS, bootstrap="b:1"
    )
    assert (problem.setting, problem.needed) == ("retention.ms", f"at least {least_ms}")
    assert problem.alter_to is not None
    assert int(problem.alter_to) >= least_ms
    assert problem.command.endswith(f"--entity-name {name} --add-config retention.ms={problem.alter_to}")


def test_shown_texts_may_not_outlast_the_appeal_period() -> None:
    needs = replace(NEEDS, appeal_ms=30 * 86_400_000)
    assert configs_to_make(SPEC_BY_NAME[SHOWN_TEXTS], needs)["retention.ms"] == str(needs.appeal_ms)
    for retention_ms in ("-1", str(needs.appeal_ms + 1)):
        assert problem_settings(SHOWN_TEXTS, made(SHOWN_TEXTS, retention_ms=retention_ms), needs) == ["retention.ms"]
    assert problem_settings(SHOWN_TEXTS, made(SHOWN_TEXTS, retention_ms="1000"), needs) == []


def test_shown_texts_must_be_erased_within_a_day() -> None:
    found = made(SHOWN_TEXTS, max_compaction_lag_ms=str(2**63 - 1))
    assert problem_settings(SHOWN_TEXTS, found) == ["max.compaction.lag.ms"]
    (problem,) = problems_of("t", SPEC_BY_NAME[SHOWN_TEXTS], made(SHOWN_TEXTS, cleanup_policy="delete"), NEEDS,
                             bootstrap="b:1")  # fmt: skip
    assert problem.alter_to == "compact,delete"
    assert problem.command.endswith("--add-config cleanup.policy=[compact,delete]")


def test_retention_follows_the_policy() -> None:
    longer = TopicNeeds(
        shards=8, max_broker_skew_ms=500, longest_window_ms=86_400_000, longest_expiry_ms=7 * 86_400_000
    )
    assert problem_settings(PANES, made(PANES, retention_ms="86400000"), longer) == ["retention.ms"]
    (problem,) = problems_of(DECISIONS, SPEC_BY_NAME[DECISIONS], made(DECISIONS), longer, bootstrap="b:1")
    assert problem.alter_to == str(7 * 86_400_000 + 3_600_000)
    for spec in SPECS:
        configs = BROKER_DEFAULTS | configs_to_make(spec, longer)
        assert problem_settings(spec.name, TopicDescription(made(spec.name).partitions, 1, configs), longer) == []
    shorter = TopicNeeds(shards=8, max_broker_skew_ms=500, longest_expiry_ms=3_600_000)
    assert problem_settings(DECISIONS, made(DECISIONS, retention_ms="46800000"), shorter) == []
    assert problem_settings(DECISIONS, made(DECISIONS, retention_ms="46799999"), shorter) == ["retention.ms"]


def test_panes_reach_back_from_the_oldest_partials() -> None:
    def wrong(**partials: str) -> list[str]:
        found = {"p." + spec.name: made(spec.name) for spec in SPECS} | {"p." + PARTIALS: made(PARTIALS, **partials)}
        return [problem.topic for problem in all_problems(found, "p.", NEEDS, bootstrap="b:1")]

    assert wrong() == []
    assert wrong(retention_ms=str(12 * 3_600_000)) == ["p." + SHORT_PANES]
    assert wrong(retention_ms="-1") == ["p." + PANES, "p." + SHORT_PANES]


def test_audit_topic_needs_endless_retention() -> None:
    assert problem_settings(AUDIT, made(AUDIT, retention_ms="31536000000")) == ["retention.ms"]
    assert problem_settings(AUDIT, made(AUDIT, retention_bytes="1000")) == ["retention.bytes"]


def test_create_time_needs_a_bound_on_clock_skew() -> None:
    assert problem_settings(TWEETS, made(TWEETS, message_timestamp_type="CreateTime")) == [
        "message.timestamp.after.max.ms"
    ]
    bounded = made(TWEETS, create_time=True)
    assert problem_settings(TWEETS, bounded) == []
    assert problem_settings(TWEETS, bounded, TopicNeeds(shards=8, max_broker_skew_ms=499)) == [
        "message.timestamp.after.max.ms"
    ]
    # For topics that only workers write, the clock matters only where `_STAMPED` lists them.
    assert problem_settings(EVIDENCE, made(EVIDENCE, message_timestamp_type="CreateTime")) == []


def test_replication_settings_that_lose_writes_are_problems() -> None:
    assert problem_settings(DECISIONS, made(DECISIONS, unclean_leader_election_enable="true")) == [
        "unclean.leader.election.enable"
    ]
    assert problem_settings(DECISIONS, made(DECISIONS, min_insync_replicas="2")) == ["min.insync.replicas"]
    assert problem_settings(DECISIONS, made(DECISIONS, replicas=3, min_insync_replicas="2")) == []


def test_problem_names_topic_setting_value_and_reason() -> None:
    (problem,) = problems_of("x.audit", SPEC_BY_NAME[AUDIT], made(AUDIT, retention_ms="1"), NEEDS, bootstrap="b:1")
    for word in ("x.audit", "retention.ms", "1", "-1 (for ever)", "never cut"):
        assert word in str(problem)
