"""Stop buttons in force."""

from __future__ import annotations

from hushtag_client.registers import ANY_HASHTAG
from pydantic import Field

from streams.answers import AnswerModel, Millis
from streams.countries import WORLD
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override


class PausedAnswer(AnswerModel):
    """Scope in which automation is paused."""

    id: str
    country: str
    surfaces: list[str]
    category: str = Field(description="Only this category is paused; empty: all.")
    actor: str
    reason: str
    at_ms: Millis
    expires_at_ms: Millis = Field(description="End of this pause.")
    expires_in_ms: int
    resumes_at_ms: Millis = Field(description="Time at which automation resumes there: the end of the longest pause.")


def pauses_in_force(history: OverrideHistory, at_ms: int, *, released: str = "") -> list[PausedAnswer]:
    """List the stop buttons in force, the first pressed first: each with its surfaces, its end, and who pressed it.

    Args:
        history: people's decisions.
        at_ms: the moment, Unix time in ms.
        released: id of a pause that counts as undone: the older pauses below it are in force then.
    """
    pauses: dict[str, tuple[Override, list[str]]] = {}
    ends: dict[tuple[str, str], list[Override]] = {}
    for (hashtag, surface, country, _), stack in history.fold.stacks().items():
        if hashtag != ANY_HASHTAG:
            continue
        ends[surface, country] = kept = [
            entry.record for entry in stack.entries if entry.in_force(at_ms) and entry.record.id != released
        ]
        if kept:
            pauses.setdefault(kept[-1].id, (kept[-1], []))[1].append(surface)

    def resumes_ms(record: Override, surface: str) -> int:
        every = (*ends[surface, record.country], *ends.get((surface, WORLD), ()))
        return max((pause.expires_at_ms for pause in every if pause.category in ("", record.category)), default=0)

    return [
        PausedAnswer(
            id=record.id,
            country=record.country,
            surfaces=sorted(surfaces),
            category=record.category,
            actor=record.actor,
            reason=record.reason,
            at_ms=record.at_ms,
            expires_at_ms=record.expires_at_ms,
            expires_in_ms=record.expires_at_ms - at_ms,
            resumes_at_ms=min(resumes_ms(record, surface) for surface in surfaces),
        )
        for record, surfaces in sorted(pauses.values(), key=lambda pause: pause[0].at_ms)
    ]


def stop_version(history: OverrideHistory) -> str:
    """Return the version that the next pause or resume everywhere must name; "" before the first."""
    return history.fold.version(history.scopes(ANY_HASHTAG))
