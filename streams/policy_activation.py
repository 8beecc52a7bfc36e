"""Put a policy live through the `policy` topic, without a policy file: for the command, the API and the console.

The record names the live record that it was compared with. If another policy went live meanwhile, all readers refuse
the record (`streams.log.policy_order`), and the writer finds that out by reading it back. Workers read the topic every
few seconds and activate its live record on every shard, so a writer needs no right on the shards' logs.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from streams.clock import monotonic_seconds, now_ms
from streams.constants import PANE_MS
from streams.errors import EXIT_NO, CallerMistake, DependencyAway, HushtagError, PolicyError, TopicsError
from streams.log.newest import newest_log_time_ms
from streams.log.policies import PolicyRecord, PolicyTopic, WorkerReport, encode_policy_record, read_policy_topic
from streams.log.policy_order import policy_key
from streams.log.producer import Sender
from streams.log.topic_specs import POLICY
from streams.log.topics import find_problems, needs_of, topics_error
from streams.policy import Policy, parse_policy
from streams.policy.diff import differences
from streams.policy.places import with_serial
from streams.policy.proposal import GONE_MS, needs_restart
from streams.settings import Settings

SERIAL_MAX = 2**52
"""Greatest serial that a change may bring along, half of what a policy can have: each later one needs a greater."""
_DEADLINE_SECONDS = 15.0


class PolicyOvertaken(HushtagError):
    """Another policy is live than the one that the change was compared with; the change was not applied."""

    exit_code = EXIT_NO

    def __init__(self, live: PolicyRecord | None, expected: str) -> None:
        """Build the message.

        Args:
            live: the live record; None without one.
            expected: revision that the change was compared with.
        """
        self.live = live
        by = f"policy {live.revision} (serial {live.serial}) by {live.actor or live.proposed_by}" if live else "none"
        super().__init__(
            f"{by} is live, not {expected or 'none'}: nothing was changed",
            fix="compare the change with the live policy (hushtag policy status), then apply it again if still wanted",
        )


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """A checked policy, compared with the live one."""

    policy: Policy
    """With a serial above the live one."""
    text: bytes
    """The policy as YAML, comments included, with that serial."""
    changes: tuple[str, ...]
    """Differences from the live policy, as text; empty: there are none."""
    live: PolicyRecord
    sequence: int
    """Offset of the live record."""


def draft_policy(topic: PolicyTopic, text: bytes, *, shards: int, if_live: str | None = None) -> PolicyDraft:
    """Check a policy and compare it with the live one. Pure.

    Args:
        topic: content of the `policy` topic.
        text: the policy as YAML.
        shards: number of shards that share its caps.
        if_live: revision, or its first digits, that must be live; None: any.

    Raises:
        PolicyError: the policy is bad.
        CallerMistake: no policy is live yet, or the serial would leave no room for later ones.
        PolicyOvertaken: another revision is live.
    """
    policy = parse_policy(text, "the new policy", shards=shards)
    live = topic.live
    if if_live is not None and (live is None or not if_live or not live.revision.startswith(if_live)):
        raise PolicyOvertaken(live, if_live)
    if live is None:
        raise CallerMistake("no policy is live yet", fix="start a worker: it makes the policy of its file live")
    if policy.serial > max(SERIAL_MAX, live.serial):
        raise CallerMistake(
            f"serial {policy.serial} leaves no room for later policies", fix=f"set it to {live.serial + 1}"
        )
    if policy.serial <= live.serial:
        text = with_serial(text, live.serial + 1)
        policy = parse_policy(text, "the new policy", shards=shards)
    changes = tuple(differences(Policy.from_canonical(live.policy), policy))
    return PolicyDraft(policy, text, changes, live, topic.sequence)


def earlier_policy(topic: PolicyTopic, revision: str | None) -> PolicyRecord:
    """Return the record of an earlier policy. Pure.

    Args:
        topic: content of the `policy` topic.
        revision: revision, or its first digits; None: the one before the live policy.

    Raises:
        CallerMistake: there is no such policy, or more than one.
    """
    records = [record for _, record in topic.kept.values()]
    if revision is None:
        if len(records) < 2:
            raise CallerMistake("there is no policy before the live one", fix="`hushtag policy apply` puts one live")
        return records[-2]
    matches = [record for record in records if record.revision.startswith(revision)]
    if len(matches) != 1:
        recent = ", ".join(record.revision for record in records[-5:]) or "none"
        count = len(matches) or "no"
        raise CallerMistake(f"{count} revisions begin with {revision!r}", fix=f"the last ones are {recent}")
    return matches[0]


def text_of(record: PolicyRecord) -> str:
    """Return a policy as its author wrote it, or its canonical form where the text was not kept."""
    return record.text or json.dumps(json.loads(record.policy), indent=2, ensure_ascii=False) + "\n"


def workers_there(topic: PolicyTopic, at_ms: int) -> list[WorkerReport]:
    """Return the last reports of the workers that are not gone, by name."""
    present = (report for report in topic.reports.values() if at_ms - report.at_ms < GONE_MS)
    return sorted(present, key=lambda report: report.worker)


def restarts_for(topic: PolicyTopic, policy: Policy, at_ms: int) -> list[str]:
    """Return the workers that need a restart for a policy; without any report, compare with the live policy."""
    assert topic.live is not None
    workers = workers_there(topic, at_ms)
    if not workers:
        return list(needs_restart(Policy.from_canonical(topic.live.policy).valves.max_automated_hours, policy))
    by_reason: dict[str, list[str]] = {}
    for worker in workers:
        for line in needs_restart(worker.began_hours, policy):
            by_reason.setdefault(line, []).append(worker.worker)
    return [f"{', '.join(names)}: {line}" for line, names in by_reason.items()]


async def publish_policy(
    settings: Settings, draft: PolicyDraft, *, actor: str, reason: str
) -> tuple[PolicyRecord, int]:
    """Write the record of a draft and read it back.

    Args:
        settings: address of the broker, and the prefix of topic names.
        draft: the policy, compared with the live one.
        actor: person who puts it live.
        reason: text for the record.

    Returns:
        The record and its offset, which is the sequence of its activation.

    Raises:
        PolicyOvertaken: another policy went live meanwhile; the record has no effect.
        PolicyError: a worker cannot follow the policy while it runs, or the topics keep too little for it.
        DependencyAway: the broker does not answer.
    """
    topic = await read_policy_topic(settings)
    if topic.sequence != draft.sequence:
        raise PolicyOvertaken(topic.live, draft.live.revision)
    await check_that_workers_can_follow(settings, topic, draft.policy)
    record = PolicyRecord(
        revision=draft.policy.revision,
        serial=draft.policy.serial,
        policy=draft.policy.canonical,
        model_revision=draft.live.model_revision,
        # Workers send the activation some seconds later: with two panes it is there before its tick settles.
        from_tick_ms=(await newest_log_time_ms(settings) // PANE_MS + 2) * PANE_MS,
        proposed_at_ms=now_ms(),
        proposed_by=actor,
        text=draft.text.decode("utf-8"),
        actor=actor,
        reason=reason,
        changes=draft.changes,
        via="topic",
        before=draft.sequence,
    )
    offset = await _send(settings, record)
    topic = await _read_past(settings, topic, offset)
    if offset in topic.refused:
        raise PolicyOvertaken(topic.live, draft.live.revision)
    return record, offset


async def check_that_workers_can_follow(settings: Settings, topic: PolicyTopic, policy: Policy) -> None:
    """Refuse a policy that a running worker could follow only in part.

    Raises:
        PolicyError: a worker needs a restart first, or the topics keep too little for the windows.
    """
    at_ms = now_ms()
    reasons = {
        f"worker {report.worker}: {line}"
        for report in topic.reports.values()
        if at_ms - report.at_ms < GONE_MS
        for line in needs_restart(report.began_hours, policy)
    }
    if reasons:
        fix = "put the new value into the workers' policy file, restart them one by one, and apply the policy again"
        raise PolicyError("; ".join(sorted(reasons)), fix=fix)
    live = topic.live
    if live is not None and policy.longest_window_ms <= Policy.from_canonical(live.policy).longest_window_ms:
        return
    problems = await asyncio.to_thread(find_problems, settings, needs=needs_of(settings, policy))
    if problems:
        error: TopicsError = topics_error(problems)
        raise PolicyError(f"the topics keep too little for it: {error}", fix=error.fix)


async def _send(settings: Settings, record: PolicyRecord) -> int:
    sender = Sender(settings, deadline_seconds=_DEADLINE_SECONDS)
    await sender.start()
    try:
        value, key = encode_policy_record(record), policy_key(record.revision)
        (ack,) = await sender.acknowledged([await sender.send(settings.topic(POLICY), 0, value, key=key)])
        return int(ack.offset)
    except DependencyAway as error:
        raise DependencyAway(
            f"{error}; it is not known whether the policy was written",
            fix="check with `hushtag policy status` once Kafka answers, then apply it again if it is missing",
        ) from None
    finally:
        await sender.stop()


async def _read_past(settings: Settings, topic: PolicyTopic, offset: int) -> PolicyTopic:
    began = monotonic_seconds()
    while topic.end <= offset:
        topic = await read_policy_topic(settings, topic)
        if monotonic_seconds() - began > _DEADLINE_SECONDS:
            raise DependencyAway(
                f"{settings.topic(POLICY)}: the record written at {offset} cannot be read back",
                fix="check with `hushtag policy status` once Kafka answers",
            )
    return topic
