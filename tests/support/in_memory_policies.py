"""The topic `policy` and kept evidence in memory, behind the services of the API."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from moderation.domain.policies.backtests import Backtests
from moderation.domain.policies.changes import PolicyChanges
from moderation.domain.policies.shadow import OnTick, Shadows
from streams.backtest import Impact
from streams.clock import now_ms
from streams.errors import DependencyAway
from streams.log.evidence import EvidenceRecord
from streams.log.policies import PolicyRecord, PolicyTopic, WorkerReport
from streams.log.policies import policy_topic as policy_topic_of
from streams.policy import Policy, parse_policy
from streams.policy_activation import PolicyDraft

SHIPPED = Path("config/policy.yaml").read_bytes()
POLICY = parse_policy(SHIPPED, "config/policy.yaml")


def record_of(text: bytes, **more: object) -> PolicyRecord:
    """Return the record of a policy's text."""
    policy = parse_policy(text, "test.yaml")
    plain = PolicyRecord(
        revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision="m", from_tick_ms=0,
        proposed_at_ms=1, proposed_by="worker", reason="first", text=text.decode(),
    )  # fmt: skip
    return replace(plain, **more)


class InMemoryPolicies:
    """Policies and evidence; it outlives a server that is started again.

    Args:
        records: records of the topic, the last one live.
        evidence: kept evidence.
    """

    def __init__(
        self, records: Sequence[PolicyRecord] = (record_of(SHIPPED),), evidence: Sequence[EvidenceRecord] = ()
    ) -> None:
        self.records = list(records)
        self.evidence = list(evidence)
        self.reports: dict[str, WorkerReport] = {}
        self.away = False
        """Whether Kafka does not answer to a write."""
        self.wait_seconds = 0.0
        """Time that reading each record of the evidence takes."""

    async def topic(self) -> PolicyTopic:
        return policy_topic_of(list(enumerate(self.records)), self.reports, len(self.records), {}, 0)

    async def publish(self, draft: PolicyDraft, actor: str, reason: str) -> tuple[PolicyRecord, int]:
        if self.away:
            raise DependencyAway("Kafka does not answer", fix="repeat it later")
        from_tick_ms = now_ms() // 10_000 * 10_000 + 20_000
        record = record_of(
            draft.text, from_tick_ms=from_tick_ms, proposed_at_ms=now_ms(), proposed_by=actor, actor=actor,
            reason=reason, changes=draft.changes, via="topic", before=draft.sequence,
        )  # fmt: skip
        self.records.append(record)
        return self.records[-1], len(self.records) - 1

    async def feed(self, since_ms: int) -> AsyncGenerator[tuple[EvidenceRecord, int, int], None]:
        for done, record in enumerate(self.evidence, 1):
            time.sleep(self.wait_seconds)
            yield record, done, len(self.evidence)

    def follow(
        self, policy: Policy, on_tick: OnTick, on_read: Callable[[int, int], None], ends: Callable[[], bool]
    ) -> None:
        impact = Impact(Policy.from_canonical(self.records[-1].policy), policy)
        for record in self.evidence:
            impact.add(record)
        on_read(len(self.evidence), len(self.evidence))
        impact.finish()
        on_tick(impact)
        deadline = time.monotonic() + 20  # a test that fails does not stop it
        while not ends() and time.monotonic() < deadline:
            time.sleep(0.01)

    def services(self) -> tuple[PolicyChanges, Backtests, Shadows]:
        return PolicyChanges(self.topic, self.publish, 8), Backtests(self.feed), Shadows(self.follow)
