"""Sources of an explanation: a hashtag's decisions, overrides, flags, evidence and tweets, from Kafka and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from hushtag_client.registers import Register

from streams.constants import HOUR_MS
from streams.errors import FlagStoreUnavailable
from streams.explain.hashtag_report import HashtagReport
from streams.flags.overrides import OverrideHistory
from streams.flags.publish_time import present_ms
from streams.log.decisions import Decision, decision_in
from streams.log.reading import LogReader, connection
from streams.log.topic_specs import DECISIONS, MODERATION
from streams.settings import Settings

if TYPE_CHECKING:  # the imports of evidence and models take a second: only for `gather_explanation`
    from streams.explain.evidence_report import EvidenceReport
    from streams.explain.explanation import Explanation

VOLUME_MS = HOUR_MS
"""Length of the volume that is shown, and of the evidence that is read."""
_PAST = "from the logs: past flags of surfaces, and records that people have edited since, are not kept"


async def gather_explanation(
    settings: Settings, hashtag: str, country: str | None = None, at_ms: int | None = None, *, words: bool = False
) -> Explanation:
    """Gather everything known of a hashtag.

    Args:
        settings: addresses and topic names.
        hashtag: hashtag in its normalised form.
        country: only for viewers in this country; None: all that decisions name, and the world.
        at_ms: a time in the past; None: now.
        words: also read its tweets and ask the model for its words.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
    """
    from streams.explain.explanation import Explanation
    from streams.explain.word_report import gather_words

    report, note = await gather_report(settings, hashtag, country, at_ms)
    countries = [country] if country else ["*", *sorted({decision.country for decision in report.decisions} - {"*"})]
    moment_ms = report.now_ms
    evidence = await gather_evidence(settings, hashtag, countries, moment_ms)
    explanation = Explanation(report, evidence, None, note)
    if words and explanation.known:
        window_ms = max((rule_report.window_ms for rule_report in evidence.reports), default=600_000)
        word_report = await gather_words(settings, hashtag, moment_ms - window_ms, moment_ms, model=evidence.model)
        explanation = Explanation(report, evidence, word_report, note)
    return explanation


async def gather_report(
    settings: Settings,
    hashtag: str,
    country: str | None = None,
    at_ms: int | None = None,
    *,
    clock: Callable[[], int] | None = None,
) -> tuple[HashtagReport, str]:
    """Gather a hashtag's report, and a note where Redis was not read.

    Args:
        settings: addresses and topic names.
        hashtag: hashtag in its normalised form.
        country: only for viewers in this country; None: all that decisions name, and the world.
        at_ms: a time in the past, by the logs alone; None: now.
        clock: the log's time (Unix time in ms); None: this host's, or a running publisher's if they differ.

    Raises:
        DependencyAway: Kafka does not answer.
        TopicsError: a topic is missing.
    """
    if at_ms is not None:
        decisions, people = await asyncio.gather(read_decisions(settings, hashtag), read_overrides(settings, at_ms))
        decisions = [decision for decision in decisions if decision.decided_at_ms <= at_ms]
        return HashtagReport(hashtag, decisions, people, None, at_ms, country), _PAST
    decisions, people, (registers, note) = await asyncio.gather(
        read_decisions(settings, hashtag), read_overrides(settings), _registers(settings, hashtag)
    )
    present = await present_ms(settings.redis_url) if clock is None else clock()
    return HashtagReport(hashtag, decisions, people, registers, present, country), note


async def read_decisions(settings: Settings, hashtag: str | None = None) -> list[Decision]:
    """Read the automated decisions that the topic still has, on one hashtag or on all."""
    needle = b'"hashtag":' + msgspec.json.encode(hashtag) if hashtag is not None else b'"kind":"decision"'
    decisions: list[Decision] = []
    async with LogReader(connection(settings), settings.topic(DECISIONS)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                if (
                    record.value is not None
                    and needle in record.value
                    and (decision := decision_in(record.value)) is not None
                ):
                    decisions.append(decision)
    return decisions


async def read_overrides(settings: Settings, at_ms: int | None = None) -> OverrideHistory:
    """Read the topic `moderation`, up to a time or to its end."""
    history = OverrideHistory()
    async with LogReader(connection(settings), settings.topic(MODERATION)) as reader:
        async for batch in reader.to_end():
            for record in batch:
                if at_ms is None or record.timestamp <= at_ms:
                    history.apply(record.offset, record.key, record.value, record.timestamp)
    return history


async def _registers(settings: Settings, hashtag: str) -> tuple[list[Register] | None, str]:
    from streams.flags.lookup import FlagLookup  # a slow import: not for other commands

    try:
        async with FlagLookup(settings.redis_url) as lookup:
            return await lookup.for_hashtag(hashtag), ""
    except FlagStoreUnavailable as error:
        return None, f"{error}: this is the state of the logs, not of the surfaces"


async def gather_evidence(settings: Settings, hashtag: str, countries: Sequence[str], at_ms: int) -> EvidenceReport:
    """Gather the evidence of a hashtag from the hour before a time."""
    from streams.counting.keys import Sharding
    from streams.explain.evidence_report import PolicyFiles, RecentEvidence, evidence_report
    from streams.log.policies import read_policy_topic

    topic = await read_policy_topic(settings)
    records = {revision: record for revision, (_, record) in topic.kept.items()}
    evidence = RecentEvidence(hashtag, at_ms)
    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        shard = Sharding(len(reader.partitions)).of(hashtag)  # the topic's number, not this shell's setting
        start = await reader.offset_at(shard, at_ms - VOLUME_MS)
        async with aclosing(reader.to_end({shard: start})) as batches:
            async for batch in batches:
                if not all(evidence.add(record) for record in batch):
                    break
    policies = PolicyFiles(records, settings.policy, _text(settings.policy))
    return evidence_report(evidence, policies, hashtag, countries, at_ms)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
