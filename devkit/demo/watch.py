"""Watch the system from outside: the surfaces' JSON as any client sees it, the flags, and the worker's metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpx
from hushtag_client import AsyncFlagsClient
from hushtag_client.registers import ANY_HASHTAG, FLAGGING, HIDING, Register
from prometheus_client.parser import text_string_to_metric_families

from devkit.demo.prepare import PREPARED
from devkit.demo.state import COUNTRY, DemoState, TrendRow
from devkit.demo.timeline import Timeline, TimelineEvent
from devkit.demo.verdict import DemoVerdict
from streams.actions import WEIGHING
from streams.clock import now_ms
from streams.explain import flag_text

POLL_SECONDS = 0.25
_METRICS_SECONDS = 1.0
_TIMEOUT_SECONDS = 5.0


class Watcher:
    """Observer that feeds the verdict, the timeline and the view's state. `on_event` receives each new event."""

    def __init__(
        self,
        state: DemoState,
        verdict: DemoVerdict,
        timeline: Timeline,
        flags: AsyncFlagsClient,
        metrics_url: str,
        on_event: Callable[[TimelineEvent], None],
    ) -> None:
        self._state = state
        self._verdict = verdict
        self._timeline = timeline
        self._flags = flags
        self._metrics_url = metrics_url
        self._on_event = on_event

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            httpx.HTTPError: a surface answers with an error, or is away.
        """
        stop = self._flags.listen(self._saw_flags)
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_surfaces(client))
                tasks.create_task(self._watch_metrics(client))
        finally:
            stop()

    def _countries(self) -> list[str]:
        """List the countries with a campaign now, and that of the view."""
        now = now_ms()
        running = (campaign.story for campaign in self._verdict.campaigns.values())
        return sorted({COUNTRY} | {story.country for story in running if story.from_ms <= now < story.to_ms})

    async def _watch_surfaces(self, client: httpx.AsyncClient) -> None:
        while True:
            for country in self._countries():
                with suppress(httpx.TimeoutException):  # slow under load; the show checks that it runs
                    await self._look(client, country)
            self._state.now_ms = now_ms()
            registers = _unprepared(self._flags.registers())
            in_force = [register for register in registers if register.in_force(self._state.now_ms)]
            self._state.held = [register for register in in_force if register.action in FLAGGING]
            self._state.by_people = [register for register in in_force if register.source == "human"]
            self._happened(self._timeline.tick(self._state.now_ms))
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self, client: httpx.AsyncClient, country: str) -> None:
        answer = await _json(client, f"{self._state.trends_url}/api/trends", country=country)
        at_ms = now_ms()
        tags = [row["hashtag"] for row in answer["trends"]]
        self._verdict.saw_list(at_ms, "trends", country, tags)
        self._happened(self._timeline.saw_trends(at_ms, country, tags))
        if country == COUNTRY:
            self._state.rows = [
                TrendRow(row["rank"], row["hashtag"], row["display"], row["tweets"], row["sparkline"])
                for row in answer["trends"]
            ]
        for prefix in ("", *self._prefixes(country)):
            answer = await _json(client, f"{self._state.search_url}/api/suggest", country=country, q=prefix)
            tags = [row["hashtag"] for row in answer["suggestions"]]
            self._verdict.saw_list(now_ms(), "search", country, tags)

    def _prefixes(self, country: str) -> list[str]:
        """List search prefixes for running campaigns: half of each hashtag."""
        campaigns = [campaign.story for campaign in self._verdict.campaigns.values()]
        now = now_ms()
        return [
            story.hashtag[: max(len(story.hashtag) // 2, 1)]
            for story in campaigns
            if story.country == country and story.from_ms <= now < story.to_ms
        ]

    async def _watch_metrics(self, client: httpx.AsyncClient) -> None:
        while True:
            try:
                response = await client.get(self._metrics_url)
                self._read_metrics(response.text)
            except httpx.HTTPError:
                pass  # the metrics are only displayed; other code checks that the worker is alive
            self._state.health.flags_current = self._flags.status().fresh
            await asyncio.sleep(_METRICS_SECONDS)

    def _read_metrics(self, text: str) -> None:
        health = self._state.health
        totals: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "hushtag_source_lag_seconds":
                    totals[sample.name] = max(totals.get(sample.name, 0.0), sample.value)
                elif sample.name == "hushtag_policy_info":
                    self._saw_policy(sample.labels.get("revision", ""))
                elif sample.name == "hushtag_model_info":
                    health.model_revision = sample.labels.get("revision", "")
                else:
                    totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
        health.counted = int(totals.get("hushtag_tweets_total", 0))
        health.dead_letters = int(totals.get("hushtag_dead_letters_total", 0))
        health.duplicates = int(totals.get("hushtag_duplicates_total", 0))
        health.controls = int(totals.get("hushtag_control_messages_total", 0))
        health.lag_seconds = totals.get("hushtag_source_lag_seconds", 0.0)

    def _saw_policy(self, revision: str) -> None:
        before, self._state.health.policy_revision = self._state.health.policy_revision, revision
        if before and revision != before:
            self._verdict.saw_other_policy(now_ms())
            self._happened([TimelineEvent(now_ms(), "lifted", f"policy {revision} is in force instead of {before}")])

    def _saw_flags(self, registers: list[Register]) -> None:
        at_ms, registers = now_ms(), _unprepared(registers)
        for register in registers:
            if register.hashtag == ANY_HASHTAG:
                until_ms = register.expires_at_ms if register.action == "allow" else at_ms
                self._verdict.saw_pause(at_ms, register.field, until_ms)
                continue
            if register.source != "automated":
                self._verdict.saw_person(register.hashtag)
                continue
            if register.action in WEIGHING:
                why = flag_text.one_line(register)
                self._verdict.saw_discount(at_ms, register.hashtag, register.country, why)
            else:
                self._verdict.saw_flag(
                    at_ms,
                    register.hashtag,
                    register.surface,
                    register.country,
                    hides=register.action in HIDING,
                    provisional=register.provisional,
                )
        self._happened(self._timeline.saw_flags(at_ms, registers))

    def _happened(self, events: list[TimelineEvent]) -> None:
        for event in events:
            self._state.events.append(event)
            self._on_event(event)


def _unprepared(registers: Iterable[Register]) -> list[Register]:
    """Leave out the hashtags of prepared records, which do not occur in the demo's tweets."""
    return [register for register in registers if register.hashtag not in PREPARED]


async def _json(client: httpx.AsyncClient, url: str, **query: str) -> Any:
    response = await client.get(url, params=query)
    response.raise_for_status()
    return json.loads(response.content)
