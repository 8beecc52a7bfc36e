"""Create and check hushtag's topics on a broker; `topic_specs` has the table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError

from streams.constants import DAY_MS
from streams.errors import TopicsError
from streams.log.admin import Report, admin_client, describe_existing, missing_right, require_configs
from streams.log.topic_specs import (
    SPECS,
    TWEETS,
    TopicDescription,
    TopicNeeds,
    TopicProblem,
    all_problems,
    configs_to_make,
    partitions_to_make,
    problems_of,
)
from streams.policy import Policy
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class TopicResult:
    """The result of `create_topics` for one topic."""

    topic: str
    partitions: int
    created: bool
    altered: tuple[str, ...] = ()
    """Settings that were changed, each as `name=value`."""


def needs_of(settings: Settings, policy: Policy | None = None) -> TopicNeeds:
    """Return what the topics must satisfy; without a policy, for windows of an hour and decisions of a day."""
    needs = TopicNeeds(
        shards=settings.shards,
        max_broker_skew_ms=settings.max_broker_skew_ms,
        appeal_ms=settings.appeal_days * DAY_MS,
    )
    if policy is None:
        return needs
    return replace(needs, longest_window_ms=policy.longest_window_ms, longest_expiry_ms=policy.max_automated_ms)


def create_topics(
    settings: Settings,
    *,
    tweets_partitions: int | None = None,
    replicas: int = -1,
    create_time: bool = False,
    alter: bool = False,
    needs: TopicNeeds | None = None,
    report: Report = lambda line: None,
) -> list[TopicResult]:
    """Create every missing topic. Existing topics stay unchanged, unless `alter`.

    Args:
        settings: address of the broker, and the prefix of topic names.
        tweets_partitions: partitions of a new `tweets`; 4 by default.
        replicas: copies of each partition; -1: the broker's default.
        create_time: a new `tweets` keeps its producers' timestamps (for a backfill).
        alter: change the settings that `check_topics` would report.
        needs: requirements that the topics must meet; None: computed from the settings.
        report: prints one line about what the command waits for.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
        TopicsError: the broker refuses.
    """
    needs = needs or needs_of(settings)
    results: list[TopicResult] = []
    with admin_client(settings, report=report) as admin:
        topics = _describe_all(admin, settings)
        needs = needs.beside(topics, settings.topic_prefix)
        for spec in SPECS:
            name = settings.topic(spec.name)
            if (existing := topics.get(name)) is not None:
                problems = problems_of(name, spec, existing, needs, bootstrap=settings.kafka) if alter else []
                changes = {problem.setting: problem.alter_to for problem in problems if problem.alter_to is not None}
                if changes:
                    with missing_right(settings, "AlterConfigs", name):
                        _alter(admin, name, changes)
                altered = tuple(f"{key}={value}" for key, value in changes.items())
                results.append(TopicResult(name, existing.partitions, False, altered))
                continue
            partitions = partitions_to_make(spec, settings.shards)
            if spec.name == TWEETS and tweets_partitions is not None:
                partitions = tweets_partitions
            configs = configs_to_make(spec, needs, create_time=create_time, replicas=replicas)
            with missing_right(settings, "Create", name):
                created = _create(admin, name, partitions, replicas, configs)
            results.append(TopicResult(name, partitions, created))
        admin.wait_for_topics([result.topic for result in results], timeout_ms=30_000)
    return results


def find_problems(
    settings: Settings, *, needs: TopicNeeds | None = None, report: Report = lambda line: None
) -> list[TopicProblem]:
    """Return everything on the broker that breaks a promise.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    needs = needs or needs_of(settings)
    with admin_client(settings, report=report) as admin:
        topics = _describe_all(admin, settings)
    return all_problems(topics, settings.topic_prefix, needs, bootstrap=settings.kafka)


def check_topics(settings: Settings, *, needs: TopicNeeds | None = None, report: Report = lambda line: None) -> None:
    """Refuse topics that break a promise: the first step of a worker.

    Raises:
        TopicsError: all problems, with the commands that fix them.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    if problems := find_problems(settings, needs=needs, report=report):
        raise topics_error(problems)


def topics_error(problems: Sequence[TopicProblem]) -> TopicsError:
    """Return one error that lists all problems and the commands that fix them."""
    lines = ["the topics on the broker do not keep hushtag's promises:"]
    lines += [f"  {problem}" for problem in problems]
    commands = list(dict.fromkeys(problem.command for problem in problems))
    if any(problem.alter_to is not None for problem in problems):
        commands.append("(all settings at once: hushtag topics create --alter)")
    return TopicsError("\n".join(lines), fix="\n".join(commands))


def _describe_all(admin: Any, settings: Settings) -> dict[str, TopicDescription]:
    present = describe_existing(admin, [settings.topic(spec.name) for spec in SPECS], settings)
    if not present:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(present)]
    # Only "all" includes the values that are the broker's defaults.
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    require_configs(configs, settings)
    return {
        name: TopicDescription(
            partitions=len(topic["partitions"]),
            replicas=min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=1),
            configs={key: entry["value"] for key, entry in configs[name].items() if entry["value"] is not None},
        )
        for name, topic in present.items()
    }


def _create(admin: Any, name: str, partitions: int, replicas: int, configs: Mapping[str, str]) -> bool:
    """Create one topic per call: the client raises at the first error and would hide the others."""
    wish = {name: {"num_partitions": partitions, "replication_factor": replicas, "configs": dict(configs)}}
    try:
        admin.create_topics(wish)
    except TopicAlreadyExistsError:  # another process created it in the meantime
        return False
    except AuthorizationError:
        raise
    except KafkaError as error:
        raise TopicsError(f"topic {name} cannot be created: {error}", fix="see the broker's message above") from None
    return True


def _alter(admin: Any, name: str, configs: Mapping[str, str]) -> None:
    answer = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(configs))])
    result = answer["topic"][name]
    if result != "OK":
        raise TopicsError(f"topic {name} cannot be altered: {result}", fix="see the broker's message above")
