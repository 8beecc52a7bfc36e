"""`hushtag policy shadow`: judge live traffic under a second policy; nothing is published."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.inputs import load_policy_file, since_ms
from streams.cli.options import JsonLines, NewPolicy, Page
from streams.cli.policy_shadow_view import ShadowView
from streams.clock import now_ms
from streams.errors import CallerMistake
from streams.progress import progress_bar
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.backtest import Impact
    from streams.log.evidence import EvidenceRecord
    from streams.policy import Policy
    from streams.policy.activation import Activation

KEEP_MS = 24 * 3_600_000
"""Age up to which differences are kept."""
_FORGET_EVERY_MS = 3_600_000
_SHARD_WAIT_MS = 30_000
"""Lag of one shard after which the view no longer waits for it."""


def shadow(
    new: NewPolicy,
    since: Annotated[
        str, typer.Option(metavar="DURATION", help="How much of the past to begin with: 30m, 24h, ...; at most a week.")
    ] = "1h",
    once: Annotated[bool, typer.Option("--once", help="Print the present differences and exit.")] = False,
    html: Page = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            help="Serve Prometheus metrics on this port of HUSHTAG_METRICS_HOST; 0: any free port.",
            min=0,
            max=65535,
            show_default="no metrics",
        ),
    ] = None,
    as_json: JsonLines = False,
) -> None:
    """Judge live traffic under a second policy and show where it differs from the live one, now and over time.

    Reads the evidence of each settled tick, with the policy that the judges used. Nothing is published, no text is
    scored again, no worker is affected. Runs until stopped, and rewrites the --html page every minute. With --json it
    prints one object a tick; with --once one object with everything.
    """
    settings = load_settings()
    policy = load_policy_file(new, settings.shards)
    back_ms = since_ms(since)
    view = ShadowView(policy, once=once, html=html, as_json=as_json)
    if metrics_port is not None:
        view.serve(settings, metrics_port)
    with view:
        asyncio.run(_follow(settings, policy, back_ms, view, once=once))


async def _follow(settings: Settings, policy: Policy, back_ms: int, view: ShadowView, *, once: bool) -> None:
    """Judge evidence under both policies and update the view at each settled tick, until the end or a signal."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    following = asyncio.ensure_future(_judge(settings, policy, back_ms, view, once=once))
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        for task in (following, stopping):
            task.cancel()
        await asyncio.gather(following, stopping, return_exceptions=True)


async def _judge(settings: Settings, policy: Policy, back_ms: int, view: ShadowView, *, once: bool) -> None:
    from streams.backtest import Impact
    from streams.log.evidence import decode_evidence_record
    from streams.log.reading import LogReader, connection

    history = _PolicyHistory(settings)
    impact = Impact(await history.begin(), policy, history=history.policies)
    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        from_ms = now_ms() - back_ms
        bounds = await reader.bounds()
        starts = {one: await reader.offset_at(one, from_ms) for one in reader.partitions}
        total = sum(bounds[one].end - (start or bounds[one].begin) for one, start in starts.items())
        with progress_bar() as bar:
            task = bar.add_task("", total=total)
            async for batch in reader.to_end(starts, {one: bounds[one].end for one in starts}):
                for record in batch:
                    await _add(impact, history, decode_evidence_record(record.value))
                bar.advance(task, len(batch))
        impact.follow()
        view(impact)
        if once:
            return
        shown_ms, forget_ms = impact.to_ms, impact.to_ms + _FORGET_EVERY_MS
        async with aclosing(reader.follow({one: bounds[one].end for one in starts})) as batches:
            async for batch_or_end in batches:
                if batch_or_end is not None:
                    for record in batch_or_end:
                        await _add(impact, history, decode_evidence_record(record.value))
                elif impact.to_ms > shown_ms and (impact.level or impact.to_ms - shown_ms > _SHARD_WAIT_MS):
                    shown_ms = impact.to_ms
                    if impact.to_ms >= forget_ms:
                        impact.forget(impact.to_ms - KEEP_MS)
                        forget_ms = impact.to_ms + _FORGET_EVERY_MS
                    view(impact)


async def _add(impact: Impact, history: _PolicyHistory, record: EvidenceRecord) -> None:
    await history.load(record.conditions.policy_revision)
    impact.add(record)


class _PolicyHistory:
    """Policies that the evidence was judged under, by revision; each is read when it first occurs."""

    def __init__(self, settings: Settings) -> None:
        self.policies: dict[str, Policy] = {}
        self._settings = settings
        self._kept: dict[str, Activation] = {}

    async def begin(self) -> Policy:
        """Read the live policy."""
        from streams.log.policies import read_policies

        self._kept = await read_policies(self._settings)
        if not self._kept:
            raise CallerMistake("no policy was ever live here", fix="start a worker first")
        return await self.load(next(reversed(self._kept)))

    async def load(self, revision: str) -> Policy:
        """Return a policy, read from the `policy` topic if needed: it was kept there before any judge applied it."""
        from streams.log.policies import read_policies
        from streams.policy import Policy

        if revision not in self.policies:
            if revision not in self._kept:
                self._kept = await read_policies(self._settings)
            if revision not in self._kept:
                raise CallerMistake(
                    f"the evidence was judged under policy {revision}, which the `policy` topic does not hold",
                    fix="read less of the past, with --since",
                )
            self.policies[revision] = Policy.from_canonical(self._kept[revision].policy)
        return self.policies[revision]
