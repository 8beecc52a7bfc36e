"""Timeline of the demo: one line per event, derived from the surfaces' lists and from changed flags. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hushtag_client.registers import ANY_HASHTAG, HIDING, Register

from devkit.demo.truth import PlannedTag, by_hashtag
from streams import countries
from streams.actions import WEIGHING
from streams.explain import flag_text

WATCHED = {"campaign": "a campaign", "protest": "a protest", "counter_speech": "counter-speech"}
"""Kinds that the timeline follows through the top 10, with their names."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Line of the timeline, with an optional second line.

    `tone` selects the style: start, rise, held, contested, gone, stays, lifted or wrong.
    """

    at_ms: int
    tone: str
    text: str
    detail: str = ""


class Timeline:
    """Converter of observations, in order of time, into timeline events."""

    def __init__(self, stories: Sequence[PlannedTag]) -> None:
        self._stories = by_hashtag(stories)
        self._waiting = sorted(stories, key=lambda story: story.from_ms)
        self._attacks = sorted(
            (story.attacked_from_ms, story.display) for story in stories if story.attacked_from_ms is not None
        )
        self._ranks: dict[str, dict[str, int]] = {}
        self._held: dict[tuple[str, str], set[tuple[str, bool]]] = {}
        self._contested: dict[str, set[str]] = {}
        self._flagged_ms: dict[str, int] = {}
        self._gone: set[str] = set()

    def tick(self, at_ms: int) -> list[TimelineEvent]:
        """Return events of stories and attacks that have begun."""
        events = []
        while self._attacks and self._attacks[0][0] <= at_ms:
            display = self._attacks.pop(0)[1]
            events.append(TimelineEvent(at_ms, "start", f"new accounts begin to copy hate under #{display}"))
        while self._waiting and self._waiting[0].from_ms <= at_ms:
            story = self._waiting.pop(0)
            if story.kind in WATCHED:
                where = countries.country_name(story.country or None)
                events.append(
                    TimelineEvent(at_ms, "start", f"{WATCHED[story.kind]} begins in {where}: #{story.display}")
                )
        return events

    def saw_trends(self, at_ms: int, country: str, hashtags: Sequence[str]) -> list[TimelineEvent]:
        """Return the events of a country's new top 10, best first."""
        before = self._ranks.get(country, {})
        now = self._ranks[country] = {hashtag: rank for rank, hashtag in enumerate(hashtags, start=1)}
        where = countries.country_name(country or None)
        events = []
        for hashtag in now.keys() - before.keys():
            story = self._stories.get(hashtag)
            if story is not None and story.kind in WATCHED and story.country == country:
                events.append(
                    TimelineEvent(
                        at_ms, "rise", f"#{story.display} entered the top 10 in {where} at number {now[hashtag]}"
                    )
                )
        for hashtag in before.keys() - now.keys():
            if hashtag in self._flagged_ms and hashtag not in self._gone:
                self._gone.add(hashtag)
                after = (at_ms - self._flagged_ms[hashtag]) / 1000
                events.append(
                    TimelineEvent(
                        at_ms, "gone", f"{self._name(hashtag)} is gone from trends, {after:.1f} s after its flag"
                    )
                )
                events += self._remaining(at_ms, country)
        return sorted(events, key=lambda event: event.text)

    def saw_flags(self, at_ms: int, registers: Iterable[Register]) -> list[TimelineEvent]:
        """Return the events of flags that changed together, on all surfaces and in all countries."""
        groups: dict[tuple[str, str], list[Register]] = {}
        for register in registers:
            groups.setdefault((register.hashtag, register.source), []).append(register)
        events = []
        for (hashtag, source), group in groups.items():
            if hashtag == ANY_HASHTAG:
                events.append(_pause(at_ms, group))
                continue
            events += self._saw_discounts(at_ms, hashtag, group)
            hiding = [register for register in group if register.action in HIDING]
            before = self._held.get((hashtag, source), set())
            now = {(register.field, register.provisional) for register in hiding}
            changed = {register.field for register in group}
            self._held[hashtag, source] = {held for held in before if held[0] not in changed} | now
            allowed = [register for register in group if register.action == "allow"]
            if allowed:
                by, where = allowed[0].actor or source, flag_text.places(allowed)
                events.append(
                    TimelineEvent(at_ms, "lifted", f"{self._name(hashtag, group)} allowed by {by} on {where}")
                )
            elif {field for field, _ in now} - {field for field, _ in before}:
                events.append(self._set(at_ms, hashtag, hiding))
            elif not hiding and {field for field, _ in before} & changed:
                events.append(TimelineEvent(at_ms, "lifted", f"{self._name(hashtag, group)} no longer held back"))
            elif now and not any(early for _, early in now) and any(early for _, early in before):
                where = flag_text.places(hiding).partition(" in ")[2]
                text = f"{self._name(hashtag, group)}: settled in {where}, the early flag is confirmed"
                events.append(TimelineEvent(at_ms, "held", text))
        return events

    def _saw_discounts(self, at_ms: int, hashtag: str, group: Sequence[Register]) -> list[TimelineEvent]:
        """Return an event where a hashtag becomes contested, or no longer is."""
        before = self._contested.get(hashtag, set())
        discounts = [register for register in group if register.action in WEIGHING]
        now = self._contested[hashtag] = (before - {register.field for register in group}) | {
            register.field for register in discounts
        }
        if discounts and not before:
            register = min(discounts, key=lambda register: register.country == "*")
            early = (
                f"{(at_ms - register.decided_at_ms) / 1000:.1f} s after the tweet that decided it, "
                * register.provisional
            )
            what, _, because = flag_text.one_line(register).partition("; ")
            detail = f"{because} ({early}its tweets count {register.weight:.0%})"
            return [TimelineEvent(at_ms, "contested", f"{self._name(hashtag, group)}: {what}", detail)]
        if before and not now:
            return [TimelineEvent(at_ms, "lifted", f"{self._name(hashtag, group)} no longer contested")]
        return []

    def _set(self, at_ms: int, hashtag: str, hiding: list[Register]) -> TimelineEvent:
        self._flagged_ms.setdefault(hashtag, at_ms)
        register = min(hiding, key=lambda register: register.country == "*")
        by = "" if register.source == "automated" else f" by {register.actor or register.source}"
        after = (
            f"{(at_ms - register.decided_at_ms) / 1000:.1f} s after the tweet that decided it: "
            if register.provisional
            else ""
        )
        story = self._stories.get(hashtag)
        tone = "held" if register.source != "automated" or (story is not None and story.harmful) else "wrong"
        text = f"{self._name(hashtag, hiding)} held back{by} from {flag_text.places(hiding)}"
        return TimelineEvent(at_ms, tone, text, after + flag_text.one_line(register))

    def _remaining(self, at_ms: int, country: str) -> list[TimelineEvent]:
        ranks = self._ranks[country]
        return [
            TimelineEvent(
                at_ms, "stays", f"{self._name(hashtag)} stays: a {self._stories[hashtag].kind}, number {ranks[hashtag]}"
            )
            for hashtag in ranks
            if hashtag in self._stories and self._stories[hashtag].kind == "protest"
        ]

    def _name(self, hashtag: str, registers: Sequence[Register] = ()) -> str:
        if hashtag in self._stories:
            return f"#{self._stories[hashtag].display}"
        return f"#{next((register.display for register in registers if register.display), hashtag)}"


def _pause(at_ms: int, group: Sequence[Register]) -> TimelineEvent:
    """Return the event of a changed stop button."""
    done = "paused" if any(register.action == "allow" for register in group) else "resumed"
    by = group[0].actor or group[0].source
    return TimelineEvent(at_ms, "lifted", f"automation {done} by {by} on {flag_text.places(list(group))}")
