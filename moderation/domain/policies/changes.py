"""Changes of the live policy through the topic `policy`, by the functions that the commands use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.log.policies import PolicyRecord, PolicyTopic
from streams.policy import PolicyFileError, Problem, policy_warnings
from streams.policy_activation import (
    PolicyDraft,
    PolicyOvertaken,
    draft_policy,
    earlier_policy,
    publish_policy,
    restarts_for,
    text_of,
)
from streams.settings import Settings

Publish = Callable[[PolicyDraft, str, str], Awaitable[tuple[PolicyRecord, int]]]
"""Draft, actor and reason to the record and its offset."""


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """Result of a check: the problems of a text, or the draft."""

    problems: tuple[Problem, ...] = ()
    draft: PolicyDraft | None = None
    warnings: tuple[Problem, ...] = ()
    """Keys that never take effect."""
    restarts: tuple[str, ...] = ()
    """Workers that could not follow the policy without a restart; it is refused while there are any."""


class PolicyChanges:
    """Writer of policies to the topic.

    Args:
        topic: reads the topic up to its present end.
        publish: writes a draft.
        shards: number of shards that share the caps of a policy.
        clock: present time, Unix time in ms.
    """

    def __init__(
        self,
        topic: Callable[[], Awaitable[PolicyTopic]],
        publish: Publish,
        shards: int,
        *,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._clock = clock
        self._topic, self._publish, self.shards = topic, publish, shards
        self._one = asyncio.Lock()  # a hostile text takes seconds of a core

    async def check(self, text: str) -> PolicyCheck:
        """Check a text and compare it with the live policy.

        Raises:
            CallerMistake: no policy is live yet.
        """
        topic = await self._topic()
        try:
            draft = await self._draft(topic, text)
        except PolicyFileError as error:
            return PolicyCheck(error.problems)
        warnings = await asyncio.to_thread(policy_warnings, draft.policy, draft.text, "the new policy")
        restarts = tuple(restarts_for(topic, draft.policy, self._clock()))
        return PolicyCheck(draft=draft, warnings=tuple(warnings), restarts=restarts)

    async def propose(self, text: str, *, if_live: str, actor: str, reason: str) -> tuple[PolicyRecord, int]:
        """Put a policy live; a repetition by the same person returns the first record.

        Args:
            text: the policy as YAML.
            if_live: revision that the change was compared with.
            actor: person who puts it live.
            reason: text for the record.

        Returns:
            The record and its offset.

        Raises:
            PolicyFileError: the policy is bad.
            PolicyError: a running worker cannot follow it.
            CallerMistake: it changes nothing, or no policy is live yet.
            PolicyOvertaken: another policy is live than `if_live`.
            DependencyAway: Kafka does not answer.
        """
        topic = await self._topic()
        draft = await self._draft(topic, text)
        live = draft.live
        if not draft.changes:
            if (live.actor, live.reason, live.via) == (actor, reason, "topic"):
                return live, topic.sequence
            raise CallerMistake(f"nothing changes: {live.revision} is live", fix="change a setting first")
        if not if_live or not live.revision.startswith(if_live):
            raise PolicyOvertaken(live, if_live)
        written = await self._publish(draft, actor, reason)
        await self._topic()
        return written

    async def restore(self, revision: str, *, if_live: str, actor: str, reason: str) -> tuple[PolicyRecord, int]:
        """Put an earlier policy live again, under a new serial; raises the errors of `propose`."""
        earlier = earlier_policy(await self._topic(), revision)
        return await self.propose(text_of(earlier), if_live=if_live, actor=actor, reason=reason)

    async def _draft(self, topic: PolicyTopic, text: str) -> PolicyDraft:
        async with self._one:
            raw = text.encode("utf-8", "surrogatepass")
            return await asyncio.to_thread(draft_policy, topic, raw, shards=self.shards)


def publisher(settings: Settings) -> Publish:
    """Return the writer to the configured topic."""

    async def publish(draft: PolicyDraft, actor: str, reason: str) -> tuple[PolicyRecord, int]:
        return await publish_policy(settings, draft, actor=actor, reason=reason)

    return publish
