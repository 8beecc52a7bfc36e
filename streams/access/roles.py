"""The table of roles: each process or command of hushtag, and what it needs of Kafka and Redis.

A user with the rights of its role can do its work and nothing else. The suite `tests/cluster/` runs every role with
these rights alone. Read and Write include Describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.errors import CallerMistake
from streams.log.topic_specs import (
    AUDIT,
    AUDIT_CHECKPOINTS,
    AUDIT_ERASURES,
    AUDIT_OPENINGS,
    DEAD_LETTER,
    DECISIONS,
    EVIDENCE,
    INTERNAL_DEAD_LETTER,
    MODELS,
    MODERATION,
    NOTIFICATIONS,
    PANES,
    PARTIALS,
    POLICY,
    SHORT_PANES,
    SHOWN_TEXTS,
    SPECS,
    TWEETS,
)

RedisAccess = Literal["", "read", "write"]
ALL = tuple(spec.name for spec in SPECS)
_AUDIT_TOPICS = (AUDIT, AUDIT_OPENINGS, AUDIT_ERASURES, AUDIT_CHECKPOINTS)


@dataclass(frozen=True, slots=True)
class Role:
    """A process or a group of commands, and the rights that it needs. Topics are without the prefix."""

    name: str
    runs: str
    """Processes and commands of the role."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    checks: bool = False
    """Whether it describes the settings of every topic, as a worker does at its start."""
    creates: bool = False
    """Whether it creates topics and alters their settings."""
    group: bool = False
    """Whether it joins the consumer groups that begin with the prefix and `HUSHTAG_GROUP`."""
    transactional_id: str = ""
    """Suffix of its transactional id, after the prefix."""
    redis: RedisAccess = ""


_INGEST = Role(
    "ingest",
    "`worker --stages ingest`",
    reads=(TWEETS, MODERATION, POLICY, MODELS, INTERNAL_DEAD_LETTER),
    writes=(PARTIALS, POLICY, MODELS, SHOWN_TEXTS, DEAD_LETTER, INTERNAL_DEAD_LETTER),
    checks=True,
    group=True,
)
_JUDGE = Role(
    "judge",
    "`worker --stages judge`",
    reads=(PARTIALS, PANES, SHORT_PANES, DECISIONS, MODERATION, POLICY, MODELS, INTERNAL_DEAD_LETTER),
    writes=(PARTIALS, PANES, SHORT_PANES, EVIDENCE, DECISIONS, INTERNAL_DEAD_LETTER),
    checks=True,
    group=True,
)
_PUBLISH = Role(
    "publish",
    "`worker --stages publish`",
    reads=(DECISIONS, MODERATION, INTERNAL_DEAD_LETTER),
    writes=(INTERNAL_DEAD_LETTER,),
    checks=True,
    group=True,
    redis="write",
)
_STAGES = (_INGEST, _JUDGE, _PUBLISH)


def _joined(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    listed = {name for names in lists for name in names}
    return tuple(name for name in ALL if name in listed)


ROLES: tuple[Role, ...] = (
    Role(
        "worker",
        "`worker` with all stages",
        reads=_joined(stage.reads for stage in _STAGES),
        writes=_joined(stage.writes for stage in _STAGES),
        checks=True,
        group=True,
        redis="write",
    ),
    *_STAGES,
    Role("reader", "services with hushtag-client, the sidecar, `flags list`, `flags get`", redis="read"),
    Role("trends", "`trends`, `search`", reads=(TWEETS,), redis="read"),
    Role(
        "moderation",
        "`block`, `allow`, `hold`, `undo`, `pause`, `resume`, `moderation`, `orders`, `speakers`, `cases`, `appeal`, "
        "`statement`, `notice`, `audit erase`",
        reads=(TWEETS, MODERATION, POLICY, DECISIONS, PANES, SHORT_PANES, SHOWN_TEXTS, *_AUDIT_TOPICS),
        writes=(MODERATION, SHOWN_TEXTS),
        redis="read",
    ),
    Role(
        "api",
        "`api`, `calibrate`",
        reads=(TWEETS, MODERATION, POLICY, DECISIONS, EVIDENCE, *_AUDIT_TOPICS, SHOWN_TEXTS, MODELS),
        writes=(MODERATION, POLICY, SHOWN_TEXTS, MODELS),
        checks=True,
        redis="read",
    ),
    Role(
        "audit",
        "`audit run`",
        reads=(MODERATION, POLICY, DECISIONS, *_AUDIT_TOPICS),
        writes=_AUDIT_TOPICS,
        transactional_id=f"{AUDIT}-writer",
    ),
    Role(
        "publisher",
        "`audit publish`",
        reads=(AUDIT, AUDIT_CHECKPOINTS),
        writes=(AUDIT_CHECKPOINTS,),
        transactional_id=f"{AUDIT_CHECKPOINTS}-writer",
    ),
    Role(
        "notify",
        "`notify`",
        reads=(MODERATION, DECISIONS, NOTIFICATIONS),
        writes=(NOTIFICATIONS,),
        transactional_id=f"{NOTIFICATIONS}-writer",
    ),
    Role("report", "`report`, `audit verify`, `audit export`", reads=(MODERATION, POLICY, DECISIONS, *_AUDIT_TOPICS)),
    Role(
        "explain",
        "`explain`, `score`, `panes`, `dump` of these topics, `policy impact`, `policy shadow`, `policy status`, "
        "`model status`",
        reads=(TWEETS, PANES, SHORT_PANES, EVIDENCE, DECISIONS, MODERATION, POLICY, MODELS),
        redis="read",
    ),
    Role(
        "policy",
        "`policy apply`, `policy rollback`",
        reads=(TWEETS, EVIDENCE, DECISIONS, MODERATION, POLICY, MODELS),
        writes=(POLICY,),
        checks=True,
    ),
    Role("model", "`model apply`, `model rollback`", reads=(TWEETS, POLICY, MODELS), writes=(POLICY, MODELS, PARTIALS)),
    Role(
        "operator",
        "`skip`, `dead-letters`",
        reads=(TWEETS, PARTIALS, PANES, SHORT_PANES, DECISIONS, MODERATION, DEAD_LETTER, INTERNAL_DEAD_LETTER),
        writes=(TWEETS, MODERATION, DEAD_LETTER),
    ),
    Role("repair", "`flags repair`", writes=(MODERATION,), redis="write"),
    Role("backup", "`backup`", reads=(*_AUDIT_TOPICS, MODERATION, POLICY, MODELS)),
    Role("topics", "`topics create`, `topics check`", checks=True, creates=True),
    Role("producer", "the platform's producers of tweets", writes=(TWEETS,)),
)
BY_NAME = {role.name: role for role in ROLES}


def roles_named(names: Iterable[str]) -> list[Role]:
    """Return the roles of some names.

    Raises:
        CallerMistake: there is no such role.
    """
    requested = list(names)
    if unknown := [name for name in requested if name not in BY_NAME]:
        raise CallerMistake(f"there is no role {unknown[0]!r}", fix=f"use one of {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in dict.fromkeys(requested)]
