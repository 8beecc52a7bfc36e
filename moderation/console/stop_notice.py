"""Notice on every page while automation is paused: where, by whom, and when it resumes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from moderation.console.words import listed, machine_time, plain_words
from moderation.log.drafts import moment_ms
from moderation.views.pauses import PausedAnswer, pauses_in_force
from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS
from streams.countries import in_country
from streams.flags.overrides import OverrideHistory

ISOLATED = "\u2068{}\u2069"
"""Text of a person inside a sentence: its direction does not spread."""


class Scope(Protocol):
    """Scope of a stop button."""

    @property
    def country(self) -> str:
        """Country by ISO 3166-1 alpha-2, or `*`."""

    @property
    def surfaces(self) -> Sequence[str]:
        """Surfaces on which it lifts decisions."""

    @property
    def category(self) -> str:
        """Only category that it lifts; "" for all."""


@dataclass(frozen=True, slots=True)
class StopScope:
    """Scope that is not pressed: one about to be, or one that was."""

    country: str
    surfaces: Sequence[str]
    category: str


def notice_texts(history: OverrideHistory, at_ms: int) -> dict[str, str]:
    """Build the live texts of the notice; both are empty while nothing is paused."""
    pauses = pauses_in_force(history, at_ms)
    until = min((pause.resumes_at_ms for pause in pauses), default=0)
    return {"paused": notice_words(pauses), "paused-until": machine_time(until) if until else ""}


def notice_values(history: OverrideHistory | None, at_ms: int) -> dict[str, str]:
    """Build the values of the notice in a page: the live texts and the countdown; empty without a history."""
    texts = notice_texts(history or OverrideHistory(), at_ms)
    until = texts["paused-until"]
    left = countdown_words(moment_ms(until), at_ms) if until else ""
    return texts | {"countdown": left}


def notice_words(pauses: Sequence[PausedAnswer]) -> str:
    """Say what is paused, before "resumes in 1:05"; "" for nothing.

    >>> pause = PausedAnswer(id="1", country="IN", surfaces=["search", "trends"], category="", actor="asha",
    ...     reason="", at_ms=0, expires_at_ms=1, expires_in_ms=1, resumes_at_ms=1)
    >>> notice_words([pause]).replace(ISOLATED.format("asha"), "asha")
    'Automation is paused in India on search and trends, by asha'
    >>> notice_words([pause, pause])
    'Automation is paused in 2 scopes; the first'
    """
    if len(pauses) != 1:
        return f"Automation is paused in {len(pauses)} scopes; the first" if pauses else ""
    [pause] = pauses
    return f"Automation is paused {scope_words(pause)}, by {ISOLATED.format(pause.actor)}"


def scope_words(scope: Scope) -> str:
    """Name the scope of a stop button.

    >>> scope_words(StopScope("*", ["trends"], "hateful_conduct"))
    'everywhere on trends for hateful conduct'
    """
    of = f" for {plain_words(scope.category)}" if scope.category else ""
    return f"{in_country(scope.country)} on {listed(list(scope.surfaces))}{of}"


def countdown_words(until_ms: int, at_ms: int) -> str:
    """Format the time that remains as a clock, as console-countdown.js does.

    >>> countdown_words(3_725_000, 0), countdown_words(65_000, 0), countdown_words(180_000_000, 0)
    ('in 1:02:05', 'in 1:05', 'in 2 d 2:00:00')
    >>> countdown_words(0, 5)
    'now'
    """
    left = until_ms - at_ms
    if left <= 0:
        return "now"
    days, hours, minutes = left // DAY_MS, left % DAY_MS // HOUR_MS, left % HOUR_MS // MINUTE_MS
    clock = f"{hours}:{minutes:02}" if days or hours else str(minutes)
    return f"in {f'{days} d ' if days else ''}{clock}:{left % MINUTE_MS // 1000:02}"
