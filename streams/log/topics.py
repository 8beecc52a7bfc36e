"""Makes and checks hushtag's topics on a broker (the table of them is in `topic_specs`)."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
)

from streams.errors import DependencyAway, SettingsError, TopicsError
from streams.log.kafka_security import security_kwargs
from streams.log.topic_specs import (
    SPECS,
    TWEETS,
    Described,
    Needs,
    Problem,
    all_problems,
    configs_to_make,
    partitions_to_make,
    problems_of,
)
from streams.policy import Policy
from streams.settings import Settings

Report = Callable[[str], None]
"""Takes one line on what is waited for."""


@dataclass(frozen=True, slots=True)
class Made:
    """What `create_topics` did for one topic."""

    topic: str
    partitions: int
    created: bool
    altered: tuple[str, ...] = ()
    """Settings that were mended, each `name=value`."""


def needs_of(settings: Settings, policy: Policy | None = None) -> Needs:
    """What the topics must satisfy; without a policy for windows of an hour and automated decisions of a day."""
    needs = Needs(shards=settings.shards, max_broker_skew_ms=settings.max_broker_skew_ms)
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
    needs: Needs | None = None,
    report: Report = lambda line: None,
) -> list[Made]:
    """Make every topic that is missing; those that exist stay as they are, unless `alter`.

    Args:
        tweets_partitions: of a new `tweets`; by default 4.
        replicas: copies of each partition; -1: the broker's default.
        create_time: a new `tweets` keeps its producers' timestamps (for a backfill).
        alter: set the settings that `check_topics` would find fault with.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
        TopicsError: the broker refuses.
    """
    needs = needs or needs_of(settings)
    made: list[Made] = []
    with admin_client(settings, report=report) as admin:
        found = _describe(admin, settings)
        for spec in SPECS:
            name = settings.topic(spec.name)
            if (there := found.get(name)) is not None:
                problems = problems_of(name, spec, there, needs, bootstrap=settings.kafka) if alter else []
                mends = {problem.setting: problem.mendable for problem in problems if problem.mendable is not None}
                if mends:
                    _alter(admin, name, mends)
                made.append(
                    Made(name, there.partitions, False, tuple(f"{key}={value}" for key, value in mends.items()))
                )
                continue
            partitions = partitions_to_make(spec, settings.shards)
            if spec.name == TWEETS and tweets_partitions is not None:
                partitions = tweets_partitions
            configs = configs_to_make(spec, needs, create_time=create_time, replicas=replicas)
            created = _create(admin, name, partitions, replicas, configs)
            made.append(Made(name, partitions, created))
        admin.wait_for_topics([one.topic for one in made], timeout_ms=30_000)
    return made


def find_problems(
    settings: Settings, *, needs: Needs | None = None, report: Report = lambda line: None
) -> list[Problem]:
    """Everything on the broker that breaks a promise; [] if all is well.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    needs = needs or needs_of(settings)
    with admin_client(settings, report=report) as admin:
        found = _describe(admin, settings)
    return all_problems(found, settings.topic_prefix, needs, bootstrap=settings.kafka)


def check_topics(settings: Settings, *, needs: Needs | None = None, report: Report = lambda line: None) -> None:
    """Refuse topics that break a promise: what a worker does first.

    Raises:
        TopicsError: all problems, with the commands that mend them.
        DependencyAway: no broker answers within `start_deadline_seconds`.
    """
    if problems := find_problems(settings, needs=needs, report=report):
        raise topics_error(problems)


def topics_error(problems: Sequence[Problem]) -> TopicsError:
    """One error that tells of all problems, each with its command."""
    lines = ["the topics on the broker do not keep hushtag's promises:"]
    lines += [f"  {problem}" for problem in problems]
    commands = list(dict.fromkeys(problem.command for problem in problems))
    if any(problem.mendable is not None for problem in problems):
        commands.append("(all settings at once: hushtag topics create --alter)")
    return TopicsError("\n".join(lines), fix="\n".join(commands))


@contextmanager
def admin_client(settings: Settings, *, report: Report = lambda line: None) -> Iterator[Any]:
    """kafka-python's admin client, connected; closed at the end.

    Raises:
        DependencyAway: no broker answers within `start_deadline_seconds`.
        SettingsError: the broker refuses our login.
    """
    admin = _connect(settings, report)
    try:
        yield admin
    except AuthorizationError as error:
        raise SettingsError(
            f"Kafka at {settings.kafka} does not permit it: {error}",
            fix="give this user the rights, or use another one",
        ) from None
    finally:
        with _kafka_quiet():
            admin.close()


def _connect(settings: Settings, report: Report) -> Any:
    deadline = time.monotonic() + settings.start_deadline_seconds
    servers = settings.kafka.split(",")
    arguments = security_kwargs(settings) | {
        "bootstrap_servers": servers,
        "client_id": "hushtag-admin",
        "request_timeout_ms": 30_000,
        "reconnect_backoff_max_ms": 1_000,
    }
    error, told = Exception("nobody listens there"), False
    while True:
        # The client logs much and leaves a thread behind when nobody listens: knock first.
        if any(_listens(server) for server in servers):
            try:
                with _kafka_quiet():
                    return KafkaAdminClient(bootstrap_timeout_ms=5_000, **arguments)
            except SaslAuthenticationFailedError as refusal:
                raise SettingsError(
                    f"Kafka at {settings.kafka} refuses our login: {refusal}",
                    fix="check HUSHTAG_KAFKA_SASL_MECHANISM, HUSHTAG_KAFKA_SASL_USERNAME, HUSHTAG_KAFKA_SASL_PASSWORD",
                ) from None
            except KafkaError as failure:
                error = failure
        if not told:
            report(f"waiting up to {settings.start_deadline_seconds:g} s for Kafka at {settings.kafka}")
            told = True
        if time.monotonic() >= deadline:
            raise DependencyAway(
                f"Kafka at {settings.kafka} did not answer within {settings.start_deadline_seconds:g} s: {error}",
                fix="start it (hushtag up), or set HUSHTAG_KAFKA",
            )
        time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2.0):
            return True
    except OSError:
        return False


@contextmanager
def _kafka_quiet() -> Iterator[None]:
    """kafka-python logs each refused connection as an error; we wait for a broker and say so ourselves."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _describe(admin: Any, settings: Settings) -> dict[str, Described]:
    wanted = {settings.topic(spec.name) for spec in SPECS}
    present = sorted(wanted & set(admin.list_topics()))
    if not present:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    # Only "all" has the values that are the broker's defaults.
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        topic["name"]: Described(
            partitions=len(topic["partitions"]),
            replicas=min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=1),
            configs={
                key: entry["value"] for key, entry in configs[topic["name"]].items() if entry["value"] is not None
            },
        )
        for topic in admin.describe_topics(present)
    }


def _create(admin: Any, name: str, partitions: int, replicas: int, configs: Mapping[str, str]) -> bool:
    """One topic per call: the client raises at the first error and would hide the rest."""
    wish = {name: {"num_partitions": partitions, "replication_factor": replicas, "configs": dict(configs)}}
    try:
        admin.create_topics(wish)
    except TopicAlreadyExistsError:  # someone else made it in the meantime
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
