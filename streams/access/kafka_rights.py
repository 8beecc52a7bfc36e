"""Kafka's rights of a role: as values, as lines of `kafka-acls.sh`, and set by the admin client."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.access.roles import ALL, Role
from streams.errors import CallerMistake
from streams.settings import Settings

_FLAGS = {"topic": "--topic", "group": "--group", "transactional_id": "--transactional-id"}

_ORDER = ("Create", "Read", "Write", "Describe", "DescribeConfigs", "AlterConfigs")


@dataclass(frozen=True, slots=True)
class KafkaRight:
    """Operations that a principal may do on one resource, or on all whose names begin with `name`."""

    resource_type: str
    """`topic`, `group` or `transactional_id`."""
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False

    def as_json(self, principal: str) -> dict[str, str | list[str]]:
        """Return the right of a principal as a JSON object."""
        return {
            "principal": principal,
            "permission": "Allow",
            "operations": list(self.operations),
            "resource_type": self.resource_type,
            "name": self.name,
            "pattern": "prefixed" if self.prefixed else "literal",
        }

    def as_command(self, principal: str, servers: str) -> str:
        """Return the line of `kafka-acls.sh` that grants the right to a principal."""
        words = ["kafka-acls.sh", "--bootstrap-server", servers, "--add", "--allow-principal", principal]
        for operation in self.operations:
            words += ["--operation", operation]
        words += [_FLAGS[self.resource_type], self.name]
        return shlex.join(words + (["--resource-pattern-type", "prefixed"] if self.prefixed else []))


def kafka_rights(roles: Sequence[Role], *, prefix: str = "", group: str = "hushtag") -> list[KafkaRight]:
    """Return the rights of a user with some roles.

    Args:
        roles: roles of the user; the rights add up.
        prefix: the topic prefix, `HUSHTAG_TOPIC_PREFIX`.
        group: the consumer group, `HUSHTAG_GROUP`.
    """
    rights = []
    for topic in ALL:
        operations = [operation for role in roles for operation in _on_topic(role, topic)]
        if operations:
            rights.append(KafkaRight("topic", prefix + topic, tuple(_without_implied(operations))))
    if any(role.group for role in roles):
        rights.append(KafkaRight("group", prefix + group, ("Read",), prefixed=True))
    for name in sorted({role.transactional_id for role in roles} - {""}):
        rights.append(KafkaRight("transactional_id", prefix + name, ("Write",)))
    return rights


def _on_topic(role: Role, topic: str) -> list[str]:
    operations = []
    if topic in role.reads:
        operations.append("Read")
    if topic in role.writes:
        operations.append("Write")
    if role.checks:
        operations += ["Describe", "DescribeConfigs"]
    if role.creates:
        operations += ["Create", "AlterConfigs"]
    return operations


def _without_implied(operations: Sequence[str]) -> list[str]:
    """Drop repetitions, and what Kafka grants with another right: Read and Write include Describe."""
    distinct = set(operations)
    if distinct & {"Read", "Write"}:
        distinct.discard("Describe")
    if "AlterConfigs" in distinct:
        distinct.discard("DescribeConfigs")
    return [operation for operation in _ORDER if operation in distinct]


def apply_kafka_rights(settings: Settings, rights: Sequence[KafkaRight], principal: str) -> None:
    """Grant the rights to a principal; those that it has already stay. Blocks.

    Raises:
        DependencyAway: no broker answers.
        BrokerRefuses: this user may not alter rights.
        CallerMistake: the cluster has no authorizer.
    """
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ACLResourcePatternType, ResourcePattern, ResourceType
    from kafka.errors import SecurityDisabledError

    from streams.log.admin import admin_client, missing_right

    def rule(right: KafkaRight, operation: str) -> Any:
        pattern = ACLResourcePatternType.PREFIXED if right.prefixed else ACLResourcePatternType.LITERAL
        kind = ResourceType[right.resource_type.upper()]
        return ACL(
            principal=principal,
            host="*",
            operation=ACLOperation[_constant(operation)],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(kind, right.name, pattern),
        )

    rules = [rule(right, operation) for right in rights for operation in right.operations]
    if not rules:
        return
    with admin_client(settings) as admin, missing_right(settings, "Alter"):
        for error in admin.create_acls(rules)["failed"]:
            if issubclass(error, SecurityDisabledError):
                raise CallerMistake(
                    f"Kafka at {settings.kafka} has no authorizer, so everyone may do everything",
                    fix="set authorizer.class.name on the brokers (hushtag up --secure does)",
                )
            raise error


def _constant(operation: str) -> str:
    """Return the constant of kafka-python.

    >>> _constant("DescribeConfigs")
    'DESCRIBE_CONFIGS'
    """
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).lstrip("_").upper()
