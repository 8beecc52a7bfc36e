"""What an operator sees of `hushtag policy shadow`: lines, a terminal that changes in place, a page, metrics."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from streams.cli.files import replace_file
from streams.errors import CallerMistake, SettingsError
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.backtest import Impact
    from streams.backtest.shadow import Report
    from streams.policy import Policy

_PAGE_EVERY_MS = 60_000
_SPARKS = "▁▂▃▄▅▆▇█"
_WIDTH = 72


class View:
    """Told of every tick. A context manager: at its end the page is made anew, and a terminal keeps the last of it."""

    def __init__(self, policy: Policy, *, once: bool, html: Path | None, as_json: bool) -> None:
        self._policy, self._once, self._html, self._as_json = policy, once, html, as_json
        self._console = Console(highlight=False, markup=False)
        inside = self._console.is_terminal and not as_json and not once
        self._live = Live(console=self._console, auto_refresh=False) if inside else None
        self._measure: Callable[[Impact, Report], None] | None = None
        self._stop_serving: Callable[[], None] | None = None
        self._page_ms = -_PAGE_EVERY_MS
        self._last: Report | None = None
        self._said: list[str] | None = None

    def serve(self, settings: Settings, port: int) -> None:
        """Serve metrics until the end."""
        from prometheus_client import start_http_server

        from streams.backtest.shadow import counts
        from streams.metrics import ShadowMetrics

        metrics = ShadowMetrics()
        try:
            server, thread = start_http_server(port, settings.metrics_host, metrics.registry)
        except OSError as error:
            raise SettingsError(
                f"metrics cannot be served on {settings.metrics_host}:{port}: {error.strerror or error}",
                fix="choose another --metrics-port (0: any free one)",
            ) from None
        Console(stderr=True).print(f"metrics on http://{settings.metrics_host}:{server.server_address[1]}/metrics")

        def measure(impact: Impact, report: Report) -> None:
            metrics.set_differing(counts(report.now), {*impact.live.category_names, *impact.new.category_names})
            metrics.settled_seconds.set(impact.to_ms / 1000)
            metrics.revisions.info({"live": impact.live.revision, "shadow": impact.new.revision})

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._measure, self._stop_serving = measure, stop

    def __enter__(self) -> View:
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
        """Another tick has been judged."""
        from streams.backtest.shadow import report_of

        report = self._last = report_of(impact)
        if self._measure is not None:
            self._measure(impact, report)
        if self._once or impact.to_ms - self._page_ms >= _PAGE_EVERY_MS:
            self._page_ms = impact.to_ms
            self._write_page(report)
        if self._as_json:
            whole = report if self._once else _tick(report)
            sys.stdout.buffer.write(msgspec.json.encode(whole) + b"\n")
            sys.stdout.buffer.flush()
        elif self._once:
            self._show_all(report)
        elif self._live is not None:
            self._live.update(screen(report), refresh=True)
        else:
            self._print_news(report)

    def _show_all(self, report: Report) -> None:
        from streams.cli.impact import show

        self._console.print(screen(report))
        self._console.print("\nFrom the beginning:", style="bold")
        show(report.verdict, self._console)

    def _print_news(self, report: Report) -> None:
        """Without a terminal: a line for each difference that begins or ends."""
        from streams.backtest import text

        now = [
            f"#{one.hashtag} {one.country} {'+'.join(one.surfaces)} {one.category}: {text.now_in_words(one)}"
            for one in report.now
        ]
        at = text.clock(report.verdict.to_ms)
        if self._said is None:
            print(f"{at} live {report.verdict.live_revision}, shadow {self._policy.revision}: {len(now)} differ")
            for line in text.uncovered_in_words(report.verdict):
                print(f"{at} {line}")
        for line in now:
            if line not in (self._said or ()):
                print(f"{at} {line}", flush=True)
        for line in self._said or ():
            if line not in now:
                print(f"{at} {line}: no longer", flush=True)
        self._said = now

    def _write_page(self, report: Report) -> None:
        from streams.backtest.page import render

        if self._html is not None:
            try:
                replace_file(self._html, render(report.verdict, report).encode("utf-8"))
            except OSError as error:
                raise CallerMistake(
                    f"cannot write {self._html}: {error.strerror}", fix="name a file in a folder that is there"
                ) from error


def _tick(report: Report) -> dict[str, object]:
    """A tick in short, for `--json`."""
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


def screen(report: Report) -> RenderableType:
    """What a terminal shows: where the two differ now, and how many tags over time."""
    from streams.backtest import text
    from streams.cli.impact import SHOWN_MAX, change_table

    verdict = report.verdict
    parts: list[RenderableType] = [
        Text(f"live {verdict.live_revision}, shadow {verdict.new_revision}, {_reached(report)}", style="bold"),
        *(Text(line, style="yellow") for line in text.uncovered_in_words(verdict)),
        Text(""),
    ]
    if report.now:
        parts += [Text(f"The two differ now on {text.tags(len(report.now))}:"), change_table(report.now[:SHOWN_MAX])]
        if len(report.now) > SHOWN_MAX:
            parts.append(Text(f"and {len(report.now) - SHOWN_MAX} more: --json has them"))
    else:
        parts.append(Text("The two do the same now."))
    parts += [Text(""), *(Text(line, no_wrap=True) for line in lines_over_time(report))]
    return Group(*parts)


def _reached(report: Report) -> str:
    from streams.backtest import text

    verdict = report.verdict
    return f"settled up to {text.clock(verdict.to_ms)} UTC" if verdict.tag_panes else "no evidence yet"


def lines_over_time(report: Report) -> list[str]:
    """A line of little bars for the tags under both policies, and under one of them only."""
    from streams.backtest import text

    points = report.over_time
    what = "hidden" if report.hiding else "flagged"
    span = f"{text.clock(points[0].at_ms)} to {text.clock(points[-1].at_ms)}"
    rows = [
        (f"{what} by both", [one.both for one in points]),
        ("by the live one only", [one.live for one in points]),
        ("by the new one only", [one.new for one in points]),
    ]
    highest = max(1, *(count for _, counts in rows for count in counts))
    return [
        f"hashtags and countries, {span}, bars up to {highest}",
        *(f"{name:>20}  {_sparks(_thinned(counts), highest)}  {counts[-1]}" for name, counts in rows),
    ]


def _sparks(counts: list[int], highest: int) -> str:
    return "".join(_SPARKS[round((len(_SPARKS) - 1) * count / highest)] if count else " " for count in counts)


def _thinned(counts: list[int]) -> list[int]:
    """The greatest of each stretch, so that no short difference is lost."""
    per = -(-len(counts) // _WIDTH)
    return [max(counts[at : at + per]) for at in range(0, len(counts), per)]
