"""Explanation of a hashtag on a terminal: its state, its reasons and policy lines, what would end it, its history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from hushtag_client.registers import Register
from rich.console import Console
from rich.text import Text

from models.explain import masked
from streams.console import PlainConsole
from streams.explain.changes import OVER_WORDS
from streams.explain.explanation import TERMS_SHOWN, Explanation
from streams.explain.flag_text import read_part
from streams.explain.hashtag_report import Outcome, SurfaceState
from streams.explain.signal_report import BelowFloor, SignalReport, WindowVolume, moment, reading_of
from streams.explain.word_report import WordReport
from streams.flags.override_answers import action_of
from streams.naming import format_duration
from streams.policy.places import PolicyLine
from streams.progress import block_bars

_OUTCOMES: dict[Outcome, str] = {
    "wins": "decides",
    "overruled": "overruled by the one above",
    "expired": "expired",
    "cleared": "cleared",
    "lifted": "lifted by the stop button",
}


_ASKED = ("contested", "not assessed", "over without corroboration")
"""Levels at which people are asked."""
MIXED_SOURCES = (
    "the interval is measured on mixed sources, not on this platform: docs/policy.md#calibrate-to-your-platform"
)


class ExplanationPrinter:
    """Printer of one explanation."""

    def __init__(self, explanation: Explanation, console: Console | None = None) -> None:
        self._whole = explanation
        self._out = console or PlainConsole(soft_wrap=True)

    def print(self) -> None:
        """Print everything but the words."""
        report, evidence = self._whole.report, self._whole.evidence
        self._line(f"#{report.hashtag}", style="bold")
        for state in report.states():
            self._state(state)
        if evidence.protected:
            name = evidence.policies.name(evidence.live)
            self._line(f"protected: in never_suppress of {name}, no rule acts on it")
        if evidence.fault is not None:
            self._line("the scorer is not trusted: nothing begins, is renewed or cleared")
            fault = evidence.fault
            at = evidence.policies.line_of(evidence.revision, fault.signal, "", "", "*")
            self._signal(fault.signal, fault.value, fault.threshold, at)
        for register in report.unpublished():
            self._line(f"not published yet: {register.action} on {register.surface}, {_where(register.country)}")
        self._quiet_decisions()
        self._signal_reports()
        self._below(evidence.below)
        self._volume(evidence.volume)
        self._overrides()
        self._timeline()

    def print_words(self, *, in_full: bool) -> None:
        """Print the words that moved the model; masked unless `in_full`."""
        words: WordReport | None = self._whole.words
        if words is None:
            self._line("words: the log no longer has its tweets, or the model has no words")
            return
        if words.unlike:
            self._line(f"{words.unlike}; another model is shown", style="yellow")
        self._line(
            f"what moved the model {words.model}, over one text each of {words.texts} authors (mean {words.mean:.2f}):"
        )
        for word, added in words.terms[:TERMS_SHOWN]:
            self._line(f"  {added:+.3f}  {word if in_full else masked(word)}")

    def _line(self, text: str, *, style: str = "") -> None:
        self._out.print(Text(text, style=style))

    def _state(self, state: SurfaceState) -> None:
        at_ms = self._whole.report.now_ms
        shown = f"shown, its tweets count {state.weight:.0%} in rankings" if state.weight < 1 else "shown"
        style = "red" if not state.shown else "yellow" if state.weight < 1 else "green"
        self._line(f"{state.surface}, {_where(state.country)}: {shown if state.shown else 'hidden'}", style=style)
        for register, outcome in state.registers:
            ends = _ends(register, at_ms) if register.in_force(at_ms) else ""
            what = f"{register.action}{f' for {_words(register.category)}' if register.category else ''}"
            early = ", early" if register.provisional else ""
            self._line(f"  {register.source}, {_where(register.country)}: {what}{early}{ends}: {_OUTCOMES[outcome]}")
            for reason in register.reasons:
                line = self._whole.line_of(register, reason.signal)
                self._signal(reason.signal, reason.value, reason.threshold, line)
            self._predecessor(str(register.evidence.get("predecessor", "")))
            if register.by_people:
                by = f"by {register.actor}: {_one_line(str(register.evidence.get('reason', '')))}"
                self._line(f"    {by if register.actor else 'a confidential order: hushtag orders list'}")
            elif outcome != "cleared":
                self._automated(register)
            self._line(f"    version {register.version}, decided {moment(register.decided_at_ms)}", style="dim")

    def _automated(self, register: Register) -> None:
        names = ("tweets", "authors", "established", "scored")
        counts = ", ".join(f"{register.evidence[name]} {name}" for name in names if name in register.evidence)
        read = f", read {part}" if (part := read_part(register.evidence)) else ""
        self._line(f"    {counts}{read}; policy {register.policy_revision}, model {register.model_revision}")
        if "looked" in register.evidence:
            self._line(f"    {_stages(register.evidence['looked'], str(register.evidence['stage_2']))}")
        for number, end in enumerate(self._whole.ends_when(register)):
            self._line(f"    {'ends when' if not number else '       or'} {end}")

    def _quiet_decisions(self) -> None:
        for decision in self._whole.report.latest():
            for scope in decision.rulings:
                if scope.action not in ("review", "shadow"):
                    continue
                on = f"{scope.surface}, {_where(decision.country)}"
                self._line(f"{scope.action} for {_words(scope.category)} on {on}: hides nothing")
                for reason in scope.reasons:
                    at = self._whole.evidence.policies.line_of(
                        decision.policy_revision, reason.signal, scope.category, scope.surface, decision.country
                    )
                    self._signal(reason.signal, reason.value, reason.threshold, at)
                self._predecessor(scope.evidence.predecessor if scope.evidence else "")

    def _signal_reports(self) -> None:
        """Print the signals against each rule; surfaces with equal rules and equal results share an entry."""
        alike: dict[tuple[SignalReport, tuple[str, ...]], list[str]] = {}
        for report in self._whole.evidence.reports:
            missing = tuple(self._whole.missing(report))
            alike.setdefault((msgspec.structs.replace(report, surface=""), missing), []).append(report.surface)
        for (report, missing), surfaces in alike.items():
            self._signal_report(report, missing, " and ".join(surfaces))

    def _signal_report(self, report: SignalReport, missing: Sequence[str], on: str) -> None:
        share = ""
        if report.is_assessed:
            share = f" harmful share {report.lower:.2f} to {report.upper:.2f} over {report.scored} authors,"
        self._line(
            f"{_words(report.category)} on {on}, {_where(report.country)}: {report.level};{share} "
            f"{format_duration(report.window_ms)} up to {moment(report.tick_ms)}",
            style="red" if report.level in OVER_WORDS else "yellow" if report.level in _ASKED else "",
        )
        for line in filter(None, (reading_of(report), *_assessed(report))):
            self._line(f"    {line}")
        evidence = self._whole.evidence
        for signal in report.signals:
            name = evidence.policies.name(evidence.revision)
            at = (name, PolicyLine(signal.line, signal.source)) if signal.line else None
            self._signal(signal.signal, signal.value, signal.threshold, at)
        self._predecessor(report.predecessor)
        if missing:
            self._line(f"    missing: {'; '.join(missing)}")

    def _signal(self, signal: str, value: float | None, threshold: float, at: tuple[str, PolicyLine] | None) -> None:
        line = f"  {at[0]}:{at[1].line}: {at[1].source}" if at else ""
        shown = "not known" if value is None else f"{value:.4g}"
        margin = "" if value is None else f", margin {value - threshold:+.4g}"
        self._out.print(
            Text(f"    {_words(signal)} {shown}, threshold {threshold:.4g}{margin}").append(line, style="dim")
        )

    def _predecessor(self, hashtag: str) -> None:
        if hashtag:
            self._line(f"    its authors come from #{hashtag}, which was hidden")

    def _below(self, below: Sequence[BelowFloor]) -> None:
        for window in below:
            self._line(
                f"below the evidence floor in {format_duration(window.window_ms)}, {_where(window.country)}: "
                f"fewer than {window.floor} tweets, up to {moment(window.tick_ms)}"
            )

    def _volume(self, volume: Sequence[WindowVolume]) -> None:
        if not volume:
            return
        tweets = [window.tweets for window in volume]
        highest = max(1, *tweets)
        last = volume[-1]
        span = f"{moment(volume[0].tick_ms)} to {moment(last.tick_ms)}"
        self._line(f"tweets in the window, {span}, bars up to {highest:,}:")
        self._line(f"  {block_bars(tweets, highest)}  {last.tweets:,} of {last.authors:,} authors")

    def _overrides(self) -> None:
        report = self._whole.report
        if report.overrides:
            self._line("people decided:")
        for status in report.overrides:
            record = status.record
            on = f"{_where(record.country)} on {', '.join(status.surfaces)}"
            reason = _one_line(record.reason)
            self._line(f"  {action_of(record)} {on} by {record.actor}: {status.state} ({reason})")

    def _timeline(self) -> None:
        self._line("history:")
        for event in self._whole.report.timeline():
            more = f", renewed {event.repeats} times" if event.repeats else ""
            because = f" ({_one_line(event.reason)})" if event.reason else ""
            by = "" if event.source == "automated" else f" by {event.actor}"
            self._line(f"  {moment(event.at_ms)}  {_where(event.country)}: {event.what}{by}{because}{more}")


def _assessed(report: SignalReport) -> Iterator[str]:
    """Describe the harmful share of a tag of which enough was read: whose it is, and how it was measured."""
    if not report.is_assessed:
        return
    if not report.is_calibrated:
        yield MIXED_SOURCES
    yield from _established(report)
    yield _stages(report.looked, report.stage_2)


def _established(report: SignalReport) -> Iterator[str]:
    if report.coordinated:
        ranked = f" Contested: its tweets count {report.weight:.0%}." if report.level == "contested" else ""
        yield (
            f"Established: {report.established} of {report.authors} authors, harmful share "
            f"{report.established_lower:.2f}-{report.established_upper:.2f}; "
            f"the others {report.coordinated_lower:.2f}-{report.coordinated_upper:.2f}.{ranked}"
        )
    if report.innocent_past:
        yield f"Innocent past: {report.innocent_past} established authors used it before without harm; people decide."


def _stages(looked: int, stage_2: str) -> str:
    if not looked:
        return "by stage 1 alone: stage 2 had not read this hashtag, or was away"
    return f"corrected by stage 2 {stage_2}, which read the texts of {looked} of them"


def _where(country: str) -> str:
    return "everywhere" if country == "*" else country


def _words(name: str) -> str:
    return name.replace("_", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ends(register: Register, at_ms: int) -> str:
    if not register.expires_at_ms:
        return ", until revoked"
    return f", until {moment(register.expires_at_ms)} (for {format_duration(register.expires_at_ms - at_ms)})"
