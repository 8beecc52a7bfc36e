"""`hushtag policy shadow`: judge live traffic under a second policy; nothing is published."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.inputs import load_policy_file, since_ms
from streams.cli.options import JsonLines, NewPolicy, Page
from streams.cli.policy_shadow_view import ShadowView
from streams.progress import progress_bar
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.backtest import Impact
    from streams.policy import Policy


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
    from streams.policy_shadow import follow_shadow

    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar())
        task = bar.add_task("", total=None)

        def show(impact: Impact) -> None:
            stack.close()
            view(impact)

        await follow_shadow(
            settings,
            policy,
            back_ms,
            show,
            on_read=lambda done, total: bar.update(task, completed=done, total=total),
            once=once,
        )
