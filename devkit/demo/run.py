"""Run the demo: start all parts, produce tweets, watch the surfaces, and evaluate at the end."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from hushtag_client import AsyncFlagsClient
from rich.console import Console
from rich.live import Live

from devkit.demo import prepare, view
from devkit.demo.ending import EndingSignals, own_terminal
from devkit.demo.start import RunningDemo, running_demo
from devkit.demo.state import DemoState
from devkit.demo.timeline import Timeline, TimelineEvent
from devkit.demo.traffic import Traffic
from devkit.demo.truth import by_hashtag
from devkit.demo.verdict import DemoVerdict, Judgement
from devkit.demo.watch import Watcher
from streams.clock import monotonic_seconds, now_ms
from streams.errors import EXIT_AWAY, EXIT_NO, DependencyAway
from surfaces.service import require_browser_files

SEED = 7
_REFRESH_SECONDS = 0.25
_STATUS_SECONDS = 10.0
_LAST_GASP_SECONDS = 1.0
_LAST_SEND_SECONDS = 5.0
"""Longest wait for records under way, before the verdict."""


def run_demo(seconds: float | None) -> int:
    """Run until `seconds` after the first tweet, or until Ctrl-C if None; return the exit code.

    Raises:
        HushtagError: a part does not start, or ends.
    """
    require_browser_files()
    console = Console(highlight=False)
    signals = EndingSignals()
    try:
        with own_terminal(), running_demo(console) as running:
            return asyncio.run(_Show(running, console, seconds, signals).run())
    except KeyboardInterrupt:
        console.print("stopped before the first tweet: there is nothing to evaluate")
        return EXIT_AWAY


class _Show:
    """Course of the demo from the first tweet to the summary."""

    def __init__(self, running: RunningDemo, console: Console, seconds: float | None, signals: EndingSignals) -> None:
        self._running = running
        self._signals = signals
        self._console = console
        self._seconds = seconds
        self._stop = asyncio.Event()
        self._hinted: set[str] = set()
        """Labels of the suggestions printed so far."""
        self._on_screen = console.is_terminal and console.width >= 100 and console.height >= 30
        self._state = DemoState(
            trends_url=running.trends.url,
            search_url=running.search.url,
            policy_path=_shortest(running.policy),
            reviewer_link=running.link,
            check_script=_shortest(running.check_script),
            prepared=prepare.LINES,
            exports=running.exports,
            ends_after_seconds=seconds,
        )

    async def run(self) -> int:
        """Produce, watch and evaluate; return the exit code.

        Raises:
            HushtagError: a part has ended.
        """
        loop = asyncio.get_running_loop()
        self._signals.begin_show(lambda: loop.call_soon_threadsafe(self._stop.set))
        traffic = Traffic(self._running.settings, seed=SEED)
        async with AsyncFlagsClient(self._running.settings.redis_url) as flags:
            await flags.wait_until_ready(10)
            playing = asyncio.create_task(traffic.play())
            await self._first_of(playing, asyncio.create_task(traffic.started.wait()))
            verdict = DemoVerdict(traffic.stories)
            self._state.stories = by_hashtag(traffic.stories)
            self._state.began_ms = traffic.began_ms
            timeline = Timeline(traffic.stories)
            metrics_url = f"{self._running.worker.url}/metrics"
            watcher = Watcher(self._state, verdict, timeline, flags, metrics_url, self._print_event)
            tasks = [playing, asyncio.create_task(watcher.run()), asyncio.create_task(self._show(traffic))]
            try:
                await self._first_of(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks, timeout=_LAST_SEND_SECONDS)
        self._state.health.sent, self._state.health.late_seconds = traffic.sent, traffic.late_ms / 1000
        self._state.reviewer_link = self._state.policy_path = self._state.check_script = ""  # they end with the run
        judgement = verdict.judge(now_ms())
        self._finish(judgement)
        return 0 if judgement.good and (judgement.complete or self._stop.is_set()) else EXIT_NO

    async def _first_of(self, *tasks: asyncio.Task[Any]) -> None:
        """Wait for the first task to end, and raise its error, unless a person has ended the demo.

        An ended part of the system takes precedence over the error of a task.

        Raises:
            HushtagError: a part has ended, or does not answer.
        """
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is not None and not self._stop.is_set():
                await asyncio.sleep(_LAST_GASP_SECONDS)
                self._running.run.check()
                if not isinstance(error, ExceptionGroup):
                    raise error
                raise DependencyAway(f"a part of the demo does not answer: {error.exceptions[0]!r}")

    async def _show(self, traffic: Traffic) -> None:
        """Draw until the demo ends, and check that all parts are alive.

        Raises:
            HushtagError: a part has ended.
        """
        live = Live(console=self._console, screen=True, auto_refresh=False) if self._on_screen else None
        status_at = monotonic_seconds() + _STATUS_SECONDS
        with live or nullcontext():
            while not (self._stop.is_set() or (self._seconds and self._state.elapsed_seconds >= self._seconds)):
                self._running.run.check()
                self._state.health.sent = traffic.sent
                if live is None:
                    self._print_new_hints()
                if live is not None:
                    live.update(view.screen(self._state, self._console.height), refresh=True)
                elif monotonic_seconds() >= status_at:
                    status_at += _STATUS_SECONDS
                    self._line(view.plain_status(self._state), "dim")
                with suppress(TimeoutError):
                    async with asyncio.timeout(_REFRESH_SECONDS):
                        await self._stop.wait()

    def _print_new_hints(self) -> None:
        """Print the suggestions that were not possible before: a hashtag is flagged, or a person decided."""
        labels = [label for label, _ in view.hints(self._state)]
        new = [
            line for label, line in zip(labels, view.hint_lines(self._state), strict=True) if label not in self._hinted
        ]
        self._hinted.update(labels)
        if new:
            self._console.print("\nTry now:")
            for line in new:
                self._line(line)
            self._console.print()

    def _print_event(self, event: TimelineEvent) -> None:
        if not self._on_screen:
            self._line(view.plain_event(event, self._state.began_ms), view.TONES[event.tone])

    def _finish(self, judgement: Judgement) -> None:
        if self._on_screen:  # the live view is cleared at its end, so print the events again
            for event in self._state.events:
                self._line(view.plain_event(event, self._state.began_ms), view.TONES[event.tone])
        self._console.print()
        self._console.print(view.summary(self._state, judgement), soft_wrap=True)

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=True)


def _shortest(path: Path) -> str:
    """Return a path relative to the current folder if it lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
