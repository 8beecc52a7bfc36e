"""hushtag's topics as data, and the pure check of their settings on a broker.

Each promise needs a topic setting. Counts need retention and a fixed number of shards. Decisions must not be compacted,
since compaction keeps the last record and we need the greatest version. Time depends on whose clock stamps a tweet.
`hushtag topics create` creates the topics of the table below; `problems_of` checks the topics of a broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS
from streams.log.decisions import REPEAT_LAPSED_MS

TWEETS = "tweets"
PARTIALS = "hashtag-partials"
PANES = "hashtag-panes"
"""Panes of a minute and of 15 minutes, and records of side inputs: read back for the longest window."""
SHORT_PANES = "hashtag-short-panes"
"""Panes of ten seconds: read back for the short windows alone."""
EVIDENCE = "hashtag-evidence"
DECISIONS = "suppression-decisions"
MODERATION = "moderation"
POLICY = "policy"
MODELS = "models"
AUDIT = "audit"
"""Leaves of the public log's Merkle tree, in order."""
AUDIT_OPENINGS = "audit-openings"
"""Salts and values of each leaf by the number of its entry; an erased entry has a record without a value."""
AUDIT_ERASURES = "audit-erasures"
"""Type and period of each erased entry, with their salts, by its number."""
AUDIT_CHECKPOINTS = "audit-checkpoints"
"""Signed state of the audit log, and the published checkpoint with its cosignatures."""
SHOWN_TEXTS = "shown-texts"
"""Encrypted texts that people have read, by tweet id; a deleted tweet has a record without a value."""
NOTIFICATIONS = "notifications"
DEAD_LETTER = "tweets-dead-letter"
INTERNAL_DEAD_LETTER = "internal-dead-letter"
"""Unreadable records of hushtag's own topics. A tweet never goes here."""

_MIB = 1024 * 1024
FOR_EVER = -1

Partitions = Literal["shards", "one", "free"]
"""Number of partitions: HUSHTAG_SHARDS; exactly one; or the operator's choice."""
Keep = Literal["short", "window", "short window", "expiry", "day", "for ever", "compacted", "erasable"]
"""Least retention: 15 min + slack, longest window + slack, longest automated expiry + slack, a day, or everything.

The windows are those before the oldest replay point, so they add to the retention of `hashtag-partials`. `short window`
is a quarter of an hour. `erasable` is compacted, and keeps nothing beyond the appeal period.
"""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """Settings of one topic."""

    name: str
    partitions: Partitions
    keep: Keep
    retention_ms: int
    """Retention of a new topic, unless the policy needs more; FOR_EVER: no limit by time."""
    max_message_bytes: int
    free_partitions: int = 4
    segment_ms: int = DAY_MS


@dataclass(frozen=True, slots=True)
class TopicNeeds:
    """Requirements of the settings and the live policy on the topics."""

    shards: int
    max_broker_skew_ms: int
    longest_window_ms: int = HOUR_MS
    longest_expiry_ms: int = DAY_MS
    """Longest duration of an automated decision: the policy's `max_automated_hours`."""
    appeal_ms: int = 183 * DAY_MS
    """Time in which a decision can be appealed: HUSHTAG_APPEAL_DAYS."""
    replay_ms: int = 6 * HOUR_MS
    """Retention of `hashtag-partials`, from which a judge replays; FOR_EVER: no limit."""

    def least_retention_ms(self, keep: Keep) -> int:
        """Return the least `retention.ms` that keeps the promise; FOR_EVER where time may drop nothing."""
        return {
            "short": 30 * MINUTE_MS,
            "window": self._before_replay_ms(self.longest_window_ms),
            "short window": self._before_replay_ms(15 * MINUTE_MS),
            "expiry": max(self.longest_expiry_ms, REPEAT_LAPSED_MS) + HOUR_MS,
            "day": DAY_MS,
            "for ever": FOR_EVER,
            "compacted": FOR_EVER,
            "erasable": self.appeal_ms,
        }[keep]

    def _before_replay_ms(self, window_ms: int) -> int:
        return FOR_EVER if self.replay_ms == FOR_EVER else self.replay_ms + window_ms + 15 * MINUTE_MS

    def beside(self, topics: Mapping[str, TopicDescription], prefix: str) -> TopicNeeds:
        """Return the needs on a broker: with the retention of its `hashtag-partials`, if it has them."""
        partials = topics.get(prefix + PARTIALS)
        return self if partials is None else replace(self, replay_ms=int(partials.configs.get("retention.ms", "-1")))


SPECS: tuple[TopicSpec, ...] = (
    TopicSpec(TWEETS, "free", "short", 6 * HOUR_MS, 2 * _MIB, segment_ms=10 * MINUTE_MS),
    TopicSpec(PARTIALS, "shards", "short", 6 * HOUR_MS, 4 * _MIB, segment_ms=10 * MINUTE_MS),
    TopicSpec(PANES, "shards", "window", 31 * HOUR_MS, 4 * _MIB, segment_ms=HOUR_MS),
    TopicSpec(SHORT_PANES, "shards", "short window", 12 * HOUR_MS, 4 * _MIB, segment_ms=10 * MINUTE_MS),
    TopicSpec(EVIDENCE, "shards", "day", 7 * DAY_MS, 4 * _MIB),
    TopicSpec(DECISIONS, "shards", "expiry", 3 * DAY_MS, 4 * _MIB),
    TopicSpec(MODERATION, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(POLICY, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(MODELS, "one", "compacted", FOR_EVER, 4 * _MIB),
    TopicSpec(AUDIT, "one", "for ever", FOR_EVER, 1 * _MIB),
    TopicSpec(AUDIT_OPENINGS, "one", "compacted", FOR_EVER, 1 * _MIB),
    TopicSpec(AUDIT_ERASURES, "one", "compacted", FOR_EVER, 1 * _MIB),
    TopicSpec(AUDIT_CHECKPOINTS, "one", "compacted", FOR_EVER, 1 * _MIB),
    TopicSpec(SHOWN_TEXTS, "one", "erasable", 0, 1 * _MIB),
    TopicSpec(NOTIFICATIONS, "one", "compacted", FOR_EVER, 4 * _MIB),
    # A record has the original bytes and the headers of origin, so it is larger than any tweet.
    TopicSpec(DEAD_LETTER, "free", "day", 14 * DAY_MS, 4 * _MIB, free_partitions=1),
    TopicSpec(INTERNAL_DEAD_LETTER, "free", "day", 14 * DAY_MS, 4 * _MIB, free_partitions=1),
)
SPEC_BY_NAME: Mapping[str, TopicSpec] = {spec.name: spec for spec in SPECS}


def partitions_to_make(spec: TopicSpec, shards: int) -> int:
    """Return the number of partitions of a new topic."""
    return {"shards": shards, "one": 1, "free": spec.free_partitions}[spec.partitions]


def configs_to_make(
    spec: TopicSpec, needs: TopicNeeds, *, create_time: bool = False, replicas: int = 1
) -> dict[str, str]:
    """Return the settings of a new topic.

    Args:
        spec: specification of the topic.
        needs: requirements that the settings must meet.
        create_time: `tweets` keeps its producers' timestamps, for a backfill; time then drops none of its records.
        replicas: with three or more, a write must reach two.
    """
    configs = {"max.message.bytes": str(spec.max_message_bytes), "retention.bytes": "-1"}
    if spec.keep == "compacted":
        configs |= {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": str(DAY_MS)}
    elif spec.keep == "erasable":
        configs |= {
            "cleanup.policy": "compact,delete",
            "retention.ms": str(needs.appeal_ms),
            "max.compaction.lag.ms": str(DAY_MS),
            "segment.ms": str(spec.segment_ms),
            "message.timestamp.type": "LogAppendTime",
        }
    else:
        configs |= {
            "cleanup.policy": "delete",
            "retention.ms": str(max(spec.retention_ms, needs.least_retention_ms(spec.keep))),
            "segment.ms": str(spec.segment_ms),
            "message.timestamp.type": "LogAppendTime",
        }
    if spec.name == MODERATION:
        # An account fact counts from the log time of its record, which must come from the broker's clock. A judge that
        # recovers must also find the record before the last one of a key, so compaction waits for an hour.
        configs |= {"message.timestamp.type": "LogAppendTime", "min.compaction.lag.ms": str(HOUR_MS)}
    # A delivered message's next record has no content, and an erased entry's has no value: the earlier one goes.
    if spec.name in (NOTIFICATIONS, AUDIT_OPENINGS):
        configs |= {"max.compaction.lag.ms": str(DAY_MS)}
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
class TopicDescription:
    """A topic as the broker describes it; `configs` has every setting, defaults included."""

    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicProblem:
    """One setting that breaks a promise, and the command that fixes it."""

    topic: str
    setting: str
    """A topic setting, or `partitions`, or `topic` for a missing topic."""
    value: str
    needed: str
    why: str
    command: str
    alter_to: str | None = None
    """The value that `hushtag topics create --alter` sets; None if it cannot change the setting."""

    def __str__(self) -> str:
        if self.setting == "topic":
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.setting} is {self.value or 'not set'}, needed: {self.needed} ({self.why})"


def all_problems(
    topics: Mapping[str, TopicDescription], prefix: str, needs: TopicNeeds, *, bootstrap: str
) -> list[TopicProblem]:
    """Return all problems of hushtag's topics on a broker.

    Args:
        topics: the topics on the broker, by full name.
        prefix: the prefix of every topic name.
        needs: requirements that the topics must meet.
        bootstrap: the servers, for the commands.
    """
    needs = needs.beside(topics, prefix)
    problems = [
        problem
        for spec in SPECS
        for problem in problems_of(prefix + spec.name, spec, topics.get(prefix + spec.name), needs, bootstrap=bootstrap)
    ]
    sharded = {
        there.partitions for spec in SPECS if spec.partitions == "shards" if (there := topics.get(prefix + spec.name))
    }
    if len(sharded) == 1:  # the topics agree with each other, so the setting is wrong
        command = f"export HUSHTAG_SHARDS={sharded.pop()}"
        of_shards = {prefix + spec.name for spec in SPECS if spec.partitions == "shards"}
        problems = [
            replace(problem, command=command)
            if problem.setting == "partitions" and problem.topic in of_shards
            else problem
            for problem in problems
        ]
    return problems


def problems_of(
    name: str, spec: TopicSpec, topic: TopicDescription | None, needs: TopicNeeds, *, bootstrap: str
) -> list[TopicProblem]:
    """Return all problems of one topic.

    Args:
        name: its name on the broker, with the prefix.
        spec: specification of the topic.
        topic: None for a missing topic.
        needs: requirements that the topic must meet.
        bootstrap: the servers, for the commands.
    """
    if topic is None:
        why = "hushtag needs it, and a topic created by subscribing would have the wrong settings"
        return [TopicProblem(name, "topic", "missing", "present", why, "hushtag topics create")]
    problems: list[TopicProblem] = []

    def wrong(setting: str, needed: str, why: str, alter_to: str) -> None:
        value = f"[{alter_to}]" if "," in alter_to else alter_to
        command = (
            f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics --entity-name {name} "
            f"--add-config {setting}={value}"
        )
        problems.append(TopicProblem(name, setting, topic.configs.get(setting, ""), needed, why, command, alter_to))

    _check_partitions(name, spec, topic, needs, bootstrap, problems)
    get = topic.configs.get
    compacting = "compact" in get("cleanup.policy", "delete")
    deleting = "delete" in get("cleanup.policy", "delete")
    if spec.keep == "compacted":
        if not compacting or deleting:
            wrong("cleanup.policy", "compact", "the latest record of each key must stay for ever", "compact")
    elif spec.keep == "erasable":
        if not compacting or not deleting:
            why = "the text of a deleted tweet must be erased, and every text with the appeal period"
            wrong("cleanup.policy", "compact,delete", why, "compact,delete")
        retention_ms = int(get("retention.ms", "-1"))
        if not 0 <= retention_ms <= needs.appeal_ms:
            why = "no text may outlast the appeal period, HUSHTAG_APPEAL_DAYS"
            wrong("retention.ms", f"at most {needs.appeal_ms}", why, str(needs.appeal_ms))
        if int(get("max.compaction.lag.ms", str(2**63 - 1))) > DAY_MS:
            wrong("max.compaction.lag.ms", f"at most {DAY_MS}", "a deleted tweet's text must be erased", str(DAY_MS))
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
    if int(get("min.insync.replicas", "1")) > topic.replicas:
        needed = f"at most {topic.replicas}, the number of replicas"
        wrong("min.insync.replicas", needed, "no write can be acknowledged", str(topic.replicas))
    if spec.name in _STAMPED and get("message.timestamp.type", "CreateTime") != "LogAppendTime":
        wrong("message.timestamp.type", "LogAppendTime", _STAMPED[spec.name], "LogAppendTime")
    if spec.name == TWEETS and get("message.timestamp.type", "CreateTime") == "CreateTime":
        ahead_ms = int(get("message.timestamp.after.max.ms", str(2**63 - 1)))
        if ahead_ms > needs.max_broker_skew_ms:
            why = "a producer's clock ahead would settle everything early; or use message.timestamp.type=LogAppendTime"
            limit = str(needs.max_broker_skew_ms)
            wrong("message.timestamp.after.max.ms", f"at most {limit} (HUSHTAG_MAX_BROKER_SKEW_MS)", why, limit)
    return problems


_LOOKED_UP = "after a restart panes are looked up by the broker's time, and a worker's clock may be wrong"
_STAMPED = {
    DECISIONS: "publish ends people's decisions by the broker's time, since a judge's clock may be wrong",
    MODERATION: "a decision begins at its record's time, and a moderator's clock may be wrong",
    PARTIALS: "idle sources advance by the broker's clock, since a worker's clock may be wrong",
    PANES: _LOOKED_UP,
    SHORT_PANES: _LOOKED_UP,
}
"""Topics whose records the broker must stamp, each with the reason."""


def _check_partitions(
    name: str, spec: TopicSpec, topic: TopicDescription, needs: TopicNeeds, bootstrap: str, problems: list[TopicProblem]
) -> None:
    if spec.partitions == "free":
        return
    needed = needs.shards if spec.partitions == "shards" else 1
    if topic.partitions == needed:
        return
    again = f"kafka-topics.sh --bootstrap-server {bootstrap} --delete --topic {name} && hushtag topics create"
    if spec.partitions == "one":
        why = "its records have one order"
    else:
        why = "a shard is one partition of each of these topics; HUSHTAG_SHARDS sets the number"
    problems.append(TopicProblem(name, "partitions", str(topic.partitions), str(needed), why, again))


def _at_least(retention_ms: int) -> str:
    return "-1 (for ever)" if retention_ms == FOR_EVER else f"at least {retention_ms}"


def _why_kept(keep: Keep) -> str:
    return {
        "short": "after a restart up to 15 minutes are read again, with slack",
        "window": "after a restart the longest window before the oldest hashtag-partials is read back",
        "short window": "after a restart 15 minutes before the oldest hashtag-partials are read back",
        "expiry": "a decision must outlast the longest automated suppression, and a lapsed one its next refresh",
        "day": "people inspect the topic the next day",
        "for ever": "the audit log is never cut",
        "compacted": "",
        "erasable": "",
    }[keep]
