"""Output of `hushtag policy shadow`: lines, a live terminal, an HTML page, metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from streams.cli.lists import AlignedList
from streams.cli.output import cannot_write, errors, print_json, replace_file
from streams.console import PlainConsole
from streams.errors import SettingsError
from streams.progress import block_bars
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.backtest import Impact
    from streams.backtest.shadow import ShadowReport
    from streams.policy import Policy

_PAGE_EVERY_MS = 60_000


class ShadowView:
    """View of a shadow policy, called at each settled tick. On exit it writes the page and the last state."""

    def __init__(self, policy: Policy, *, once: bool, html: Path | None, as_json: bool) -> None:
        self._policy, self._once, self._html, self._as_json = policy, once, html, as_json
        self._console = PlainConsole()
        inside = self._console.is_terminal and not as_json and not once
        self._live = Live(console=self._console, auto_refresh=False) if inside else None
        self._measure: Callable[[Impact, ShadowReport], None] | None = None
        self._stop_serving: Callable[[], None] | None = None
        self._page_ms = -_PAGE_EVERY_MS
        self._last: ShadowReport | None = None
        self._printed: list[str] | None = None

    def serve(self, settings: Settings, port: int) -> None:
        """Serve metrics until the view is closed."""
        from prometheus_client import make_asgi_app

        from streams.backtest.shadow import counts
        from streams.metrics import ShadowMetrics
        from streams.serving import ServerInThread, listening_socket

        metrics = ShadowMetrics()
        try:
            listening = listening_socket(settings.metrics_host, port)
        except OSError as error:
            raise SettingsError(
                f"metrics cannot be served on {settings.metrics_host}:{port}: {error.strerror or error}",
                fix="choose another --metrics-port (0: any free one)",
            ) from None
        server = ServerInThread(make_asgi_app(metrics.registry), listening, "shadow-metrics")
        errors.print(f"metrics on http://{settings.metrics_host}:{server.port}/metrics")

        def measure(impact: Impact, report: ShadowReport) -> None:
            metrics.set_differing(counts(report.now), {*impact.live.category_names, *impact.new.category_names})
            metrics.settled_seconds.set(impact.to_ms / 1000)
            metrics.revisions.info({"live": impact.live.revision, "shadow": impact.new.revision})

        self._measure, self._stop_serving = measure, server.stop

    def __enter__(self) -> ShadowView:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        if self._stop_serving is not None:
            self._stop_serving()
        if self._last is not None and not self._once:
            self._write_page(self._last)
            if self._live is not None:
                self._show_all(self._last)

    def __call__(self, impact: Impact) -> None:
        """Show the state after another settled tick."""
        from streams.backtest.shadow import report_of

        report = self._last = report_of(impact)
        if self._measure is not None:
            self._measure(impact, report)
        if self._once or impact.to_ms - self._page_ms >= _PAGE_EVERY_MS:
            self._page_ms = impact.to_ms
            self._write_page(report)
        if self._as_json:
            print_json(report if self._once else _tick(report))
        elif self._once:
            self._show_all(report)
        elif self._live is not None:
            self._live.update(screen(report), refresh=True)
        else:
            self._print_changes(report)

    def _show_all(self, report: ShadowReport) -> None:
        from streams.cli.policy_impact import show

        self._console.print(screen(report))
        self._console.print("\nFrom the beginning:", style="bold")
        show(report.verdict, self._console)

    def _print_changes(self, report: ShadowReport) -> None:
        """Print a line for each difference that begins or ends; for output that is not a terminal."""
        from streams.backtest import text

        now = [
            f"#{change.hashtag} {change.country} {'+'.join(change.surfaces)} {change.category}: "
            f"{text.now_in_words(change)}"
            for change in report.now
        ]
        at = text.clock(report.verdict.to_ms)
        if self._printed is None:
            print(f"{at} live {report.verdict.live_revision}, shadow {self._policy.revision}: {len(now)} differ")
            for line in text.uncovered_in_words(report.verdict):
                print(f"{at} {line}")
        for line in now:
            if line not in (self._printed or ()):
                print(f"{at} {line}", flush=True)
        for line in self._printed or ():
            if line not in now:
                print(f"{at} {line}: no longer", flush=True)
        self._printed = now

    def _write_page(self, report: ShadowReport) -> None:
        from streams.backtest.page import render

        if self._html is not None:
            try:
                replace_file(self._html, render(report.verdict, report).encode("utf-8"), private=True)
            except OSError as error:
                raise cannot_write(self._html, error) from error


def _tick(report: ShadowReport) -> dict[str, object]:
    """Return a tick in short, for `--json`."""
    verdict, last = report.verdict, report.over_time[-1]
    return {
        "at_ms": verdict.to_ms,
        "live_revision": verdict.live_revision,
        "new_revision": verdict.new_revision,
        "hiding": report.hiding,
        "both": last.both,
        "live": last.live,
        "new": last.new,
        "now": report.now,
        "needs_replay": verdict.needs_replay,
    }


def screen(report: ShadowReport) -> RenderableType:
    """Render the present differences and the number of tags over time."""
    from streams.backtest import text
    from streams.cli.policy_impact import CHANGE_HEADERS, SHOWN_MAX, change_cells

    verdict = report.verdict
    reached = f"settled up to {text.clock(verdict.to_ms)} UTC" if verdict.tag_panes else "no evidence yet"
    parts: list[RenderableType] = [
        *(Text(line, style="yellow") for line in text.uncovered_in_words(verdict)),
        Text(f"live {verdict.live_revision}, shadow {verdict.new_revision}, {reached}", style="bold"),
        Text(""),
    ]
    if report.now:
        rows = [change_cells(change) for change in report.now[:SHOWN_MAX]]
        parts += [Text(f"The two differ now on {text.tags(report.now)}:"), AlignedList(CHANGE_HEADERS, rows)]
        if len(report.now) > SHOWN_MAX:
            parts.append(Text(f"and {len(report.now) - SHOWN_MAX} more: --json has them"))
    elif verdict.answered:
        parts.append(Text(f"The two do the same now{' elsewhere' if verdict.needs_replay else ''}."))
    parts += [Text(""), *(Text(line, no_wrap=True) for line in lines_over_time(report))]
    return Group(*parts)


def lines_over_time(report: ShadowReport) -> list[str]:
    """Render the number of tags under both policies, and under one of them only, as lines of small bars."""
    from streams.backtest import text

    points = report.over_time
    what = "hidden" if report.hiding else "flagged"
    span = f"{text.clock(points[0].at_ms)} to {text.clock(points[-1].at_ms)}"
    rows = [
        (f"{what} by both", [point.both for point in points]),
        ("by the live one only", [point.live for point in points]),
        ("by the new one only", [point.new for point in points]),
    ]
    highest = max(1, *(count for _, counts in rows for count in counts))
    return [
        f"hashtags and countries, {span}, bars up to {highest}",
        *(f"{name:>20}  {block_bars(counts, highest)}  {counts[-1]}" for name, counts in rows),
    ]
