"""hushtag's topics as data, and what must be true of them on the broker.

Each promise leans on some topic setting: counts on retention and on the number of shards, decisions on not being
compacted (compaction keeps the last record, we need the greatest version), time on whose clock stamps a tweet. The
table below has what `hushtag topics create` makes, and `problems_of` is the pure check of what a broker has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from streams.log.decisions import SAY_AGAIN_MS

TWEETS = "tweets"
PARTIALS = "hashtag-partials"
PANES = "hashtag-panes"
EVIDENCE = "hashtag-evidence"
DECISIONS = "suppression-decisions"
MODERATION = "moderation"
POLICY = "policy"
MODELS = "models"
AUDIT = "audit"
DEAD_LETTER = "tweets-dead-letter"

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MIB = 1024 * 1024
FOR_EVER = -1

Partitions = Literal["shards", "one", "free"]
"""As many as HUSHTAG_SHARDS; exactly one; or as many as the operator likes."""
Keep = Literal["short", "window", "expiry", "day", "for ever", "compacted"]
"""The least retention: 15 min + slack, longest window + slack, longest automated expiry + slack, a day, or all."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: how it is made, and what may not be otherwise."""

    name: str
    partitions: Partitions
    keep: Keep
    retention_ms: int
    """Retention that it is made with, unless the policy needs more; FOR_EVER: not by time."""
    max_message_bytes: int
    free_partitions: int = 4
    segment_ms: int = _DAY_MS


@dataclass(frozen=True, slots=True)
class Needs:
    """What the settings and the live policy ask of the topics."""

    shards: int
    max_broker_skew_ms: int
    longest_window_ms: int = _HOUR_MS
    longest_expiry_ms: int = _DAY_MS
    """The longest that an automated decision may last: the policy's `max_automated_hours`."""

    def least_retention_ms(self, keep: Keep) -> int:
        """The least `retention.ms` that keeps the promise; FOR_EVER where nothing may be dropped by time."""
        return {
            "short": 30 * _MINUTE_MS,
            "window": self.longest_window_ms + 15 * _MINUTE_MS,
            "expiry": max(self.longest_expiry_ms, SAY_AGAIN_MS) + _HOUR_MS,
            "day": _DAY_MS,
            "for ever": FOR_EVER,
            "compacted": FOR_EVER,
        }[keep]


SPECS: tuple[TopicSpec, ...] = (
    TopicSpec(TWEETS, "free", "short", 6 * _HOUR_MS, 2 * _MIB, segment_ms=10 * _MINUTE_MS),
    TopicSpec(PARTIALS, "shards", "short", 6 * _HOUR_MS, 4 * _MIB, segment_ms=10 * _MINUTE_MS),
    TopicSpec(PANES, "shards", "window", 26 * _HOUR_MS, 4 * _MIB, segment_ms=_HOUR_MS),
    TopicSpec(EVIDENCE, "shards", "day", 7 * _DAY_MS, 4 * _MIB),
    TopicSpec(DECISIONS, "shards", "expiry", 3 * _DAY_MS, 4 * _MIB),
    TopicSpec(MODERATION, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(POLICY, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(MODELS, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(AUDIT, "one", "for ever", FOR_EVER, 4 * _MIB),
    # The original bytes and the headers of origin: more than any tweet.
    TopicSpec(DEAD_LETTER, "free", "day", 14 * _DAY_MS, 4 * _MIB, free_partitions=1),
)
SPEC_OF: Mapping[str, TopicSpec] = {spec.name: spec for spec in SPECS}


def partitions_to_make(spec: TopicSpec, shards: int) -> int:
    """How many partitions a new topic gets."""
    return {"shards": shards, "one": 1, "free": spec.free_partitions}[spec.partitions]


def configs_to_make(spec: TopicSpec, needs: Needs, *, create_time: bool = False, replicas: int = 1) -> dict[str, str]:
    """The settings of a new topic.

    Args:
        create_time: `tweets` keeps its producers' timestamps, which a backfill wants; it is then not dropped by time.
        replicas: with three or more, a write must reach two.
    """
    configs = {"max.message.bytes": str(spec.max_message_bytes), "retention.bytes": "-1"}
    if spec.keep == "compacted":
        configs |= {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": str(_DAY_MS)}
    else:
        configs |= {
            "cleanup.policy": "delete",
            "retention.ms": str(max(spec.retention_ms, needs.least_retention_ms(spec.keep))),
            "segment.ms": str(spec.segment_ms),
            "message.timestamp.type": "LogAppendTime",
        }
    if spec.name == MODERATION:
        # What is said of an account counts from the record's log time on: the broker's clock, not a moderator's. Of a
        # speaker that an earlier version entered only the last record stands; a judge that begins again soon after
        # must find the one before it, too.
        configs |= {"message.timestamp.type": "LogAppendTime", "min.compaction.lag.ms": str(_HOUR_MS)}
    if spec.name == TWEETS and create_time:
        configs |= {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": str(needs.max_broker_skew_ms),
            "retention.ms": str(FOR_EVER),
        }
    if replicas >= 3:
        configs["min.insync.replicas"] = "2"
    return configs


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as the broker has it. `configs` holds every setting, defaults included."""

    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that breaks a promise, and the command that mends it."""

    topic: str
    setting: str
    """A topic setting, or `partitions`, or `topic` where it is missing."""
    value: str
    needed: str
    why: str
    command: str
    mendable: str | None = None
    """The value that `hushtag topics create --alter` sets; None where it cannot."""

    def __str__(self) -> str:
        if self.setting == "topic":
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.setting} is {self.value or 'not set'}, needed: {self.needed} ({self.why})"


def all_problems(found: Mapping[str, Described], prefix: str, needs: Needs, *, bootstrap: str) -> list[Problem]:
    """All that is wrong with hushtag's topics on a broker.

    Args:
        found: what the broker has, by full name.
        prefix: before each name of the table.
        bootstrap: for the commands.
    """
    problems = [
        problem
        for spec in SPECS
        for problem in problems_of(prefix + spec.name, spec, found.get(prefix + spec.name), needs, bootstrap=bootstrap)
    ]
    sharded = {
        there.partitions for spec in SPECS if spec.partitions == "shards" if (there := found.get(prefix + spec.name))
    }
    if len(sharded) == 1:  # they agree with each other: it is the setting that is off
        command = f"export HUSHTAG_SHARDS={sharded.pop()}"
        of_shards = {prefix + spec.name for spec in SPECS if spec.partitions == "shards"}
        problems = [
            replace(problem, command=command)
            if problem.setting == "partitions" and problem.topic in of_shards
            else problem
            for problem in problems
        ]
    return problems


def problems_of(name: str, spec: TopicSpec, found: Described | None, needs: Needs, *, bootstrap: str) -> list[Problem]:
    """All that is wrong with one topic.

    Args:
        name: its name on the broker, with the prefix.
        found: None where it does not exist.
        bootstrap: for the commands.
    """
    if found is None:
        why = "hushtag needs it, and a topic made by subscribing would have the wrong settings"
        return [Problem(name, "topic", "missing", "present", why, "hushtag topics create")]
    problems: list[Problem] = []

    def wrong(setting: str, needed: str, why: str, mend: str) -> None:
        command = (
            f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {name} "
            f"--add-config {setting}={mend}"
        )
        problems.append(Problem(name, setting, found.configs.get(setting, ""), needed, why, command, mend))

    _check_partitions(name, spec, found, needs, bootstrap, problems)
    get = found.configs.get
    compacting = "compact" in get("cleanup.policy", "delete")
    deleting = "delete" in get("cleanup.policy", "delete")
    if spec.keep == "compacted":
        if not compacting or deleting:
            wrong("cleanup.policy", "compact", "the latest record of each key must stay for ever", "compact")
    else:
        if compacting:
            why = "compaction keeps the last record of a key, not the greatest version"
            wrong("cleanup.policy", "delete", why if spec.name == DECISIONS else "every record counts", "delete")
        retention_ms, least_ms = (int(get("retention.ms", "-1")), needs.least_retention_ms(spec.keep))
        if retention_ms != FOR_EVER and (least_ms == FOR_EVER or retention_ms < least_ms):
            wrong("retention.ms", _at_least(least_ms), _why_kept(spec.keep), str(max(least_ms, spec.retention_ms)))
    if int(get("retention.bytes", "-1")) != -1 and not (spec.keep == "compacted" and not deleting):
        wrong("retention.bytes", "-1", "a limit by size drops records before their time", "-1")
    if get("unclean.leader.election.enable", "false") == "true":
        wrong("unclean.leader.election.enable", "false", "an unclean leader loses acknowledged records", "false")
    if int(get("min.insync.replicas", "1")) > found.replicas:
        needed = f"at most {found.replicas}, the number of replicas"
        wrong("min.insync.replicas", needed, "no write can be acknowledged", str(found.replicas))
    if spec.name in _STAMPED and get("message.timestamp.type", "CreateTime") != "LogAppendTime":
        wrong("message.timestamp.type", "LogAppendTime", _STAMPED[spec.name], "LogAppendTime")
    if spec.name == TWEETS and get("message.timestamp.type", "CreateTime") == "CreateTime":
        ahead_ms = int(get("message.timestamp.after.max.ms", str(2**63 - 1)))
        if ahead_ms > needs.max_broker_skew_ms:
            why = (
                "one producer's clock ahead would settle everything early; or use message.timestamp.type=LogAppendTime"
            )
            limit = str(needs.max_broker_skew_ms)
            wrong("message.timestamp.after.max.ms", f"at most {limit} (HUSHTAG_MAX_BROKER_SKEW_MS)", why, limit)
    return problems


_STAMPED = {
    MODERATION: "what is said of an account counts from the record's time on, and a moderator's clock may be off",
    PARTIALS: "idle sources are told what time it is by the broker's clock, and a worker's may be off",
    PANES: "after a restart they are looked up by the broker's time, and a worker's clock may be off",
}
"""Topics whose records the broker must stamp, and why."""


def _check_partitions(
    name: str, spec: TopicSpec, found: Described, needs: Needs, bootstrap: str, problems: list[Problem]
) -> None:
    if spec.partitions == "free":
        return
    needed = needs.shards if spec.partitions == "shards" else 1
    if found.partitions == needed:
        return
    again = f"kafka-topics.sh --bootstrap-server {bootstrap} --delete --topic {name} && hushtag topics create"
    if spec.partitions == "one":
        why, command = "its records have one order", again
    else:
        why, command = ("a shard is one partition of each of these topics; HUSHTAG_SHARDS says how many", again)
    problems.append(Problem(name, "partitions", str(found.partitions), str(needed), why, command))


def _at_least(retention_ms: int) -> str:
    return "-1 (for ever)" if retention_ms == FOR_EVER else f"at least {retention_ms}"


def _why_kept(keep: Keep) -> str:
    return {
        "short": "after a restart up to 15 minutes are read again, with slack",
        "window": "after a restart the panes of the longest window are read back",
        "expiry": "a decision must outlast the longest automated suppression, and a lapsed one until it is said again",
        "day": "people look into it the next day",
        "for ever": "the audit log is never cut",
        "compacted": "",
    }[keep]
