"""A missing right, a wrong authority and a wrong password: exit code 2, with a message that names what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from devkit.stack.certificates import Certificates
from streams.log.reading import connection
from streams.settings import Settings
from tests.support.secured import Secured, blocking, run

pytestmark = [pytest.mark.cluster, pytest.mark.long, pytest.mark.timeout(300)]

CASES = [
    (("worker",), "Read tweets", ("worker",), "lacks Describe", "topic {}tweets"),
    (("worker",), "DescribeConfigs policy", ("worker",), "lacks DescribeConfigs", "topic {}policy"),
    (("worker",), "Write hashtag-partials", ("worker",), "lacks Write", "topic {}hashtag-partials"),
    (("worker",), "Read moderation", ("worker",), "lacks Describe", "topic {}moderation"),
    (("trends",), "Read tweets", ("trends", "--port", "0"), "lacks Describe", "topic {}tweets"),
    (("moderation",), "Read moderation", ("moderation", "list"), "lacks Read", "topic {}moderation"),
    (("moderation",), "Write moderation", ("block", "#a", "--reason", "r"), "lacks Write", "topic {}moderation"),
    (("audit",), "Read audit", ("audit", "run", "--once"), "lacks Read", "topic {}audit"),
    (("audit",), "Write audit-writer", ("audit", "run", "--once"), "lacks Write", "id {}audit-writer"),
    (
        ("publisher",),
        "Write audit-checkpoints-writer",
        ("audit", "publish", "--once", "--to", "{folder}"),
        "lacks Write",
        "id {}audit-checkpoints-writer",
    ),
    (("explain",), "Read suppression-decisions", ("explain", "#a"), "lacks Describe", "topic {}suppression-decisions"),
    (("topics",), "Describe tweets", ("topics", "check"), "lacks Describe", "topic {}tweets"),
    ((), "", ("topics", "check"), "lacks Describe", "topic {}"),
    ((), "", ("policy", "status"), "lacks Describe", "topic {}policy"),
]


async def send(settings: Settings, topic: str) -> None:
    async with AIOKafkaProducer(**connection(settings), acks="all") as producer:
        await producer.send_and_wait(settings.topic(topic), b"x", key=b"k", partition=0)


@pytest.mark.parametrize(("roles", "without", "command", "right", "resource"), CASES)
def test_missing_right_on_kafka_is_named(
    secured: Secured, tmp_path: Path, roles, without: str, command, right: str, resource: str
) -> None:
    for topic in ("moderation", "audit"):  # an empty topic has nothing that could be refused
        blocking(send(secured.admin, topic))
    settings = secured.user(*roles, without=without)
    arguments = [one.format(folder=tmp_path / "log") for one in command]
    done = run(settings, *arguments, start_deadline_seconds=20)
    assert done.returncode == 2, done.stdout[-500:] + done.stderr[-3000:]
    said = done.stdout + done.stderr
    assert f"User:{settings.kafka_sasl_username}" in said and right in said, said[-3000:]
    assert resource.format(settings.topic_prefix) in said, said[-3000:]


def test_missing_group_ends_worker_with_its_name(secured: Secured) -> None:
    settings = secured.user("worker").model_copy(update={"group": "another"})
    done = run(settings, "worker", start_deadline_seconds=20)
    assert done.returncode == 2, done.stderr[-3000:]
    assert f"lacks Read on group {settings.topic_prefix}another" in done.stderr, done.stderr[-3000:]


@pytest.mark.parametrize("command", ["info", "evalsha", "get"])
def test_missing_command_of_redis_is_named(secured: Secured, command: str) -> None:
    settings = secured.user("publish", without=f"redis {command}")
    done = run(settings, "worker", "--stages", "publish", start_deadline_seconds=20)
    assert done.returncode == 2, done.stderr[-3000:]
    assert "does not permit" in done.stderr and command in done.stderr.lower(), done.stderr[-3000:]


COMMANDS = [("worker",), ("topics", "check"), ("policy", "status"), ("trends", "--port", "0"), ("moderation", "list")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_wrong_authority_is_reported_as_tls(secured: Secured, tmp_path: Path, command: tuple[str, ...]) -> None:
    other = Certificates(tmp_path / "other").ca_file
    done = run(secured.admin.model_copy(update={"kafka_ssl_cafile": other}), *command, start_deadline_seconds=20)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "TLS with Kafka" in said and "certificate verify failed" in said, said[-3000:]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one[0])
def test_wrong_password_is_reported_as_login(secured: Secured, command: tuple[str, ...]) -> None:
    wrong = {**secured.admin.model_dump(exclude_defaults=True), "kafka_sasl_password": "wrong"}
    done = run(Settings.model_validate(wrong), *command, start_deadline_seconds=20)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "refuses the login of User:admin" in said, said[-3000:]


def test_broker_that_asks_for_a_certificate_is_reported_as_tls(secured: Secured) -> None:
    unset = dict.fromkeys(("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"))
    given = {**secured.admin.model_dump(exclude_defaults=True), **unset, "kafka_security_protocol": "SSL"}
    given |= {"kafka": secured.cluster.mutual_bootstrap}
    without = Settings.model_validate({key: value for key, value in given.items() if value is not None})
    done = run(without, "topics", "check", start_deadline_seconds=20)
    assert done.returncode == 2 and "TLS with Kafka" in done.stderr, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("change", "words"),
    [("password", "refuses the login"), ("authority", "TLS with")],
)
def test_refused_redis_ends_worker_at_once(secured: Secured, tmp_path: Path, change: str, words: str) -> None:
    url = secured.admin.redis_url
    if change == "password":
        url = url.replace(secured.logins.password("admin"), "wrong")
    else:
        url = url.replace(str(secured.logins.certificates.ca_file), str(Certificates(tmp_path / "other").ca_file))
    done = run(secured.admin.model_copy(update={"redis_url": url}), "worker", "--stages", "publish")
    assert done.returncode == 2 and words in done.stderr, done.stderr[-3000:]
