"""The table of topics and its check, without a broker."""

from __future__ import annotations

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
    SPEC_OF,
    SPECS,
    TWEETS,
    Described,
    Needs,
    all_problems,
    configs_to_make,
    partitions_to_make,
    problems_of,
)

NEEDS = Needs(shards=8, max_broker_skew_ms=500)
BROKER_DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str(2**63 - 1),
    "min.insync.replicas": "1",
    "unclean.leader.election.enable": "false",
}


def made(name: str, *, create_time: bool = False, replicas: int = 1, **changed: str) -> Described:
    spec = SPEC_OF[name]
    configs = BROKER_DEFAULTS | configs_to_make(spec, NEEDS, create_time=create_time, replicas=replicas)
    changes = {key.replace("_", "."): value for key, value in changed.items()}
    return Described(partitions_to_make(spec, NEEDS.shards), replicas, configs | changes)


def settings_at_fault(name: str, found: Described | None, needs: Needs = NEEDS) -> list[str]:
    return [problem.setting for problem in problems_of(name, SPEC_OF[name], found, needs, bootstrap="b:1")]


@pytest.mark.parametrize("name", [spec.name for spec in SPECS])
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("create_time", [False, True])
def test_what_create_makes_passes_the_check(name: str, replicas: int, create_time: bool) -> None:
    assert settings_at_fault(name, made(name, replicas=replicas, create_time=create_time)) == []


def test_a_missing_topic() -> None:
    (problem,) = problems_of("x.tweets", SPEC_OF[TWEETS], None, NEEDS, bootstrap="b:1")
    assert (problem.topic, problem.command) == ("x.tweets", "hushtag topics create")


@pytest.mark.parametrize("name", [PARTIALS, DECISIONS, PANES, EVIDENCE])
def test_shards_must_agree(name: str) -> None:
    wrong = Described(4, 1, made(name).configs)
    (problem,) = problems_of(name, SPEC_OF[name], wrong, NEEDS, bootstrap="b:1")
    assert (problem.setting, problem.value, problem.needed) == ("partitions", "4", "8")
    assert problem.command == f"kafka-topics.sh --bootstrap-server b:1 --delete --topic {name} && hushtag topics create"


def test_topics_that_agree_among_themselves_want_another_setting() -> None:
    found = {f"p.{spec.name}": made(spec.name) for spec in SPECS}
    problems = all_problems(found, "p.", Needs(shards=16, max_broker_skew_ms=500), bootstrap="b:1")
    assert {problem.command for problem in problems} == {"export HUSHTAG_SHARDS=8"}
    found["p.hashtag-panes"] = Described(3, 1, made(PANES).configs)
    problems = all_problems(found, "p.", Needs(shards=8, max_broker_skew_ms=500), bootstrap="b:1")
    assert [(problem.topic, problem.command.split()[0]) for problem in problems] == [
        ("p.hashtag-panes", "kafka-topics.sh")
    ]


@pytest.mark.parametrize("name", [MODERATION, POLICY, AUDIT])
def test_one_partition(name: str) -> None:
    assert settings_at_fault(name, Described(2, 1, made(name).configs)) == ["partitions"]


@pytest.mark.parametrize("name", [TWEETS, DEAD_LETTER])
def test_any_number_of_partitions(name: str) -> None:
    assert settings_at_fault(name, Described(17, 1, made(name).configs)) == []


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_no_compaction_but_where_it_belongs(policy: str) -> None:
    for spec in SPECS:
        found = made(spec.name, cleanup_policy=policy)
        fault = spec.keep != "compacted" or policy != "compact"
        assert settings_at_fault(spec.name, found) == ["cleanup.policy"] * fault


def test_people_s_decisions_are_never_deleted() -> None:
    assert settings_at_fault(MODERATION, made(MODERATION, cleanup_policy="delete")) == ["cleanup.policy"]


@pytest.mark.parametrize("name", [MODERATION, PARTIALS, PANES])
def test_where_time_matters_the_broker_gives_it(name: str) -> None:
    described = made(name, message_timestamp_type="CreateTime")
    (problem,) = problems_of(name, SPEC_OF[name], described, NEEDS, bootstrap="b:1")
    assert (problem.setting, problem.mendable) == ("message.timestamp.type", "LogAppendTime")


@pytest.mark.parametrize(
    ("name", "least_ms"),
    [
        (TWEETS, 30 * 60_000),
        (PARTIALS, 30 * 60_000),
        (PANES, 75 * 60_000),
        (DECISIONS, 25 * 3_600_000),
        (EVIDENCE, 86_400_000),
        (DEAD_LETTER, 86_400_000),
    ],
)
def test_retention(name: str, least_ms: int) -> None:
    assert settings_at_fault(name, made(name, retention_ms=str(least_ms))) == []
    assert settings_at_fault(name, made(name, retention_ms="-1")) == []
    (problem,) = problems_of(name, SPEC_OF[name], made(name, retention_ms=str(least_ms - 1)), NEEDS, bootstrap="b:1")
    assert (problem.setting, problem.needed) == ("retention.ms", f"at least {least_ms}")
    assert problem.mendable is not None
    assert int(problem.mendable) >= least_ms
    assert problem.command.endswith(f"--entity-name {name} --add-config retention.ms={problem.mendable}")


def test_retention_follows_the_policy() -> None:
    longer = Needs(shards=8, max_broker_skew_ms=500, longest_window_ms=86_400_000, longest_expiry_ms=7 * 86_400_000)
    assert settings_at_fault(PANES, made(PANES, retention_ms="86400000"), longer) == ["retention.ms"]
    (problem,) = problems_of(DECISIONS, SPEC_OF[DECISIONS], made(DECISIONS), longer, bootstrap="b:1")
    assert problem.mendable == str(7 * 86_400_000 + 3_600_000)
    for spec in SPECS:
        configs = BROKER_DEFAULTS | configs_to_make(spec, longer)
        assert settings_at_fault(spec.name, Described(made(spec.name).partitions, 1, configs), longer) == []
    shorter = Needs(shards=8, max_broker_skew_ms=500, longest_expiry_ms=3_600_000)
    assert settings_at_fault(DECISIONS, made(DECISIONS, retention_ms="46800000"), shorter) == []
    assert settings_at_fault(DECISIONS, made(DECISIONS, retention_ms="46799999"), shorter) == ["retention.ms"]


def test_the_audit_log_is_kept_for_ever() -> None:
    assert settings_at_fault(AUDIT, made(AUDIT, retention_ms="31536000000")) == ["retention.ms"]
    assert settings_at_fault(AUDIT, made(AUDIT, retention_bytes="1000")) == ["retention.bytes"]


def test_a_clock_ahead_is_refused_by_the_broker() -> None:
    assert settings_at_fault(TWEETS, made(TWEETS, message_timestamp_type="CreateTime")) == [
        "message.timestamp.after.max.ms"
    ]
    bounded = made(TWEETS, create_time=True)
    assert settings_at_fault(TWEETS, bounded) == []
    assert settings_at_fault(TWEETS, bounded, Needs(shards=8, max_broker_skew_ms=499)) == [
        "message.timestamp.after.max.ms"
    ]
    # Of what we write ourselves a clock is asked only where the table below says so.
    assert settings_at_fault(DECISIONS, made(DECISIONS, message_timestamp_type="CreateTime")) == []


def test_writes_that_could_be_lost_or_never_acknowledged() -> None:
    assert settings_at_fault(DECISIONS, made(DECISIONS, unclean_leader_election_enable="true")) == [
        "unclean.leader.election.enable"
    ]
    assert settings_at_fault(DECISIONS, made(DECISIONS, min_insync_replicas="2")) == ["min.insync.replicas"]
    assert settings_at_fault(DECISIONS, made(DECISIONS, replicas=3, min_insync_replicas="2")) == []


def test_each_problem_says_all() -> None:
    (problem,) = problems_of("x.audit", SPEC_OF[AUDIT], made(AUDIT, retention_ms="1"), NEEDS, bootstrap="b:1")
    for word in ("x.audit", "retention.ms", "1", "-1 (for ever)", "never cut"):
        assert word in str(problem)
