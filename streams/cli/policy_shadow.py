"""`hushtag policy shadow`: a second policy beside the live one, on live traffic; it publishes nothing."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.files import load_policy_file
from streams.cli.impact import duration_ms
from streams.cli.policy_shadow_view import View
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
"""How far back differences are remembered."""
_FORGET_EVERY_MS = 3_600_000
_PATIENCE_MS = 30_000
"""A shard that is so far behind the others is not waited for."""


def shadow(
    new: Annotated[Path, typer.Argument(metavar="NEW.yaml", help="The policy to try.", show_default=False)],
    since: Annotated[
        str, typer.Option(help="Begin with so much of the past: 30m, 24h, ... The log keeps a week.")
    ] = "1h",
    once: Annotated[bool, typer.Option("--once", help="Say how it stands now, and end.")] = False,
    html: Annotated[Path | None, typer.Option(help="Keep a page with plots here, made anew every minute.")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            help="Serve metrics for Prometheus here, on HUSHTAG_METRICS_HOST.", min=0, max=65535, show_default=False
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a tick; with --once one with everything.")
    ] = False,
) -> None:
    """Judge live traffic under a second policy, and show where it differs from the live one, now and over time.

    It reads what the judges keep of every settled tick, under the policies that they judged it by. Nothing is
    published, nothing is scored again, no worker is disturbed. It runs until it is stopped.
    """
    settings = load_settings()
    policy = load_policy_file(new, settings.shards)
    back_ms = duration_ms(since)
    view = View(policy, once=once, html=html, as_json=as_json)
    if metrics_port is not None:
        view.serve(settings, metrics_port)
    with view:
        asyncio.run(_follow(settings, policy, back_ms, view, once=once))


async def _follow(settings: Settings, policy: Policy, back_ms: int, view: View, *, once: bool) -> None:
    """Read evidence, judge it under both policies, and tell at every settled tick; until the end, or a signal."""
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


async def _judge(settings: Settings, policy: Policy, back_ms: int, view: View, *, once: bool) -> None:
    from streams.backtest import Impact
    from streams.log.evidence import decode_evidence_record
    from streams.log.reading import LogReader, connection

    history = _History(settings)
    impact = Impact(await history.begin(), policy, history=history.policies)
    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        since_ms = now_ms() - back_ms
        bounds = await reader.bounds()
        starts = {one: await reader.offset_at(one, since_ms) for one in reader.partitions}
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
        told_ms, forget_ms = impact.to_ms, impact.to_ms + _FORGET_EVERY_MS
        async with aclosing(reader.follow({one: bounds[one].end for one in starts})) as batches:
            async for batch_or_end in batches:
                if batch_or_end is not None:
                    for record in batch_or_end:
                        await _add(impact, history, decode_evidence_record(record.value))
                elif impact.to_ms > told_ms and (impact.level or impact.to_ms - told_ms > _PATIENCE_MS):
                    told_ms = impact.to_ms
                    if impact.to_ms >= forget_ms:
                        impact.forget(impact.to_ms - KEEP_MS)
                        forget_ms = impact.to_ms + _FORGET_EVERY_MS
                    view(impact)


async def _add(impact: Impact, history: _History, record: EvidenceRecord) -> None:
    await history.know(record.conditions.policy_revision)
    impact.add(record)


class _History:
    """Every policy that evidence was judged under, by revision, read when first met."""

    def __init__(self, settings: Settings) -> None:
        self.policies: dict[str, Policy] = {}
        self._settings = settings
        self._kept: dict[str, Activation] = {}

    async def begin(self) -> Policy:
        """The live one."""
        from streams.log.policies import read_policies

        self._kept = await read_policies(self._settings)
        if not self._kept:
            raise CallerMistake("no policy was ever live here", fix="start a worker first")
        return await self.know(next(reversed(self._kept)))

    async def know(self, revision: str) -> Policy:
        """One of them, read from the `policy` topic if need be: it was kept before any judge heard of it."""
        from streams.log.policies import read_policies
        from streams.policy import Policy

        if revision not in self.policies:
            if revision not in self._kept:
                self._kept = await read_policies(self._settings)
            if revision not in self._kept:
                raise CallerMistake(
                    f"the evidence was judged under policy {revision}, which the `policy` topic does not hold",
                    fix="ask for less of the past, with --since",
                )
            self.policies[revision] = Policy.from_canonical(self._kept[revision].policy)
        return self.policies[revision]
