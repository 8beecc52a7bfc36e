"""Users of a secured stack, each with the rights of some roles alone, or without one of them."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from kafka.admin import ACLFilter, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePatternFilter
from kafka.admin import ResourceType as Kind

from devkit.stack import KafkaCluster, LocalStack
from streams.access.kafka_rights import KafkaRight, apply_kafka_rights, kafka_rights
from streams.access.redis_rights import apply_redis_rights, redis_rights
from streams.access.roles import roles_named
from streams.settings import Settings
from tests.support.public_log import LOG_KEY
from tests.support.workers import environment

T = TypeVar("T")
_numbers = itertools.count(1)


class Secured:
    """One topic prefix on a secured stack.

    Args:
        stack: a stack with `secure`.
        unique: a name for the topics' prefix and the group.
    """

    def __init__(self, stack: LocalStack, unique: str) -> None:
        assert isinstance(stack.kafka_server, KafkaCluster) and stack.logins is not None
        self.stack, self.cluster, self.logins = stack, stack.kafka_server, stack.logins
        self.admin = Settings.model_validate(
            {
                "kafka": stack.kafka,
                "redis_url": stack.redis_url,
                "topic_prefix": f"{unique}.",
                "group": unique,
                "shards": 2,
                "metrics_port": 0,
                "start_deadline_seconds": 60,
                "encoder": "off",
                "policy": Path("config/policy.yaml"),
                "audit_key": LOG_KEY.encode(),
                "audit_log_key": str(LOG_KEY.public_key),
                **stack.logins.kafka_settings(),
            }
        )
        """Settings of the administrator."""

    def user(self, *roles: str, without: str = "", mutual_tls: bool = False) -> Settings:
        """Make a user with the rights of some roles, and return its settings.

        Args:
            roles: names of roles; none: a user without any right.
            without: an operation and a resource to leave out, such as `Read tweets`; or a Redis command, `redis get`.
            mutual_tls: whether it logs in by its certificate.
        """
        name = f"{'-'.join(roles) or 'without-rights'}-{next(_numbers)}"
        found = roles_named(roles)
        rights = kafka_rights(found, prefix=self.admin.topic_prefix, group=self.admin.group)
        rights = [one for right in rights if (one := self._less(right, without)) is not None]
        apply_kafka_rights(self.admin, rights, f"User:{name}")
        changes: dict[str, Any] = {}
        if (redis := redis_rights(found)) is not None:
            kept = tuple(one for one in redis.commands if f"redis {one}" != without)
            password = self.logins.password(name)
            apply_redis_rights(self.admin.redis_url, replace(redis, commands=kept), name, password=password)
            changes["redis_url"] = self.stack.valkey_server.url_of(name)
        if mutual_tls:
            unset = dict.fromkeys(("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password"))
            login = {**unset, **self.logins.mutual_tls_settings(name), "kafka": self.cluster.mutual_bootstrap}
        else:
            self.cluster.add_user(name)
            login = dict(self.logins.kafka_settings(name))
        self._wait_for(f"User:{name}", sum(len(one.operations) for one in rights))
        given = self.admin.model_dump(exclude_defaults=True) | login | changes
        return Settings.model_validate({key: value for key, value in given.items() if value is not None})

    def _less(self, right: KafkaRight, without: str) -> KafkaRight | None:
        operation, _, name = without.partition(" ")
        if right.name != self.admin.topic_prefix + name:
            return right
        left = tuple(one for one in right.operations if one != operation)
        return replace(right, operations=left) if left else None

    def _wait_for(self, principal: str, rules: int) -> None:
        """Wait until every broker applies the rules of a user."""
        wanted = ACLFilter(
            principal=principal, host=None, operation=ACLOperation.ANY, permission_type=ACLPermissionType.ANY,
            resource_pattern=ResourcePatternFilter(Kind.ANY, None, ACLResourcePatternType.ANY),
        )  # fmt: skip
        deadline = time.monotonic() + 30
        for node in self.cluster.brokers:
            with self.cluster.admin(at=node) as admin:
                while len(admin.describe_acls(wanted)[0]) < rules:
                    assert time.monotonic() < deadline, f"{node.name} does not apply the rights of {principal}"
                    time.sleep(0.05)


def run(settings: Settings, *arguments: str, seconds: float = 120, **more: object) -> subprocess.CompletedProcess[str]:
    """Run a command with these settings and accept any exit code."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments],
        env=environment(settings, **more), capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def succeed(settings: Settings, *arguments: str, codes: Sequence[int] = (0,), **more: object) -> str:
    """Run a command that must not be refused, and return its output."""
    done = run(settings, *arguments, **more)  # type: ignore[arg-type]
    said = done.stdout + done.stderr
    assert done.returncode in codes, f"{arguments}: exit {done.returncode}\n{said[-3000:]}"
    assert "does not permit" not in said and "no permissions" not in said, said[-3000:]
    return done.stdout


def blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in its own loop."""
    return asyncio.run(work)
