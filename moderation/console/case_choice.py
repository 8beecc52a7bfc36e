"""The final answer of a case: what each button does, where, for how long, and what else it touches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moderation.access.keys import ALLOWED
from moderation.access.rights import Grant
from moderation.console.case_places import PlaceNow
from moderation.console.case_words import DURATIONS, Duration, Ground, action_words, grounds_of, in_places
from moderation.console.words import counted, listed, place_words
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.records import CaseVerdict
from moderation.log.drafts import duration_ms
from streams.log.moderation import Override
from streams.naming import format_duration

_KEYS: dict[CaseVerdict, str] = {"hide": "u", "show": "o", "leave": ""}


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """One final answer: its button and its dialog."""

    verdict: CaseVerdict
    key: str
    verb: str
    """Beginning of the button that sends it: `Keep hidden`."""
    where: str
    grounds: list[Ground]
    durations: list[Duration]
    """Presets within the rights of the person; empty for an answer that changes nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that the final answer needs."""

    answers: list[FinalAnswer]
    countries: list[str]
    surfaces: list[str]
    touches: list[str]
    limits: list[str]
    """Limits of the person's rights, in words."""


def choice_of(
    case: HashtagCase, places: Sequence[PlaceNow], replaced: Sequence[Override], grants: Sequence[Grant]
) -> Choice | None:
    """Build the final answers on what is open in a case; None where only appeals and second looks are open.

    Args:
        case: the case.
        places: where the hashtag is hidden now.
        replaced: decisions of people that are in force on the hashtag.
        grants: roles of the person, with their limits.
    """
    found = [one for one in case.open_items if one.item.kind != "appeal"]
    if not found:
        return None
    countries, surfaces, categories = case.places(found)
    states = {one.state for one in places if one.country in countries}
    named = {one.country for one in places}
    states |= {"shown"} if any(one not in named for one in countries) else set()
    durations, limits = _within_rights(countries, grants)
    verdicts: list[CaseVerdict] = ["hide", "show"]
    if not any(one.item.kind == "hold" for one in found):
        verdicts.append("leave")
    return Choice(
        answers=[
            FinalAnswer(
                verdict=verdict,
                key=_KEYS[verdict],
                verb=action_words(verdict, states),
                where=in_places(countries),
                grounds=grounds_of(verdict, categories),
                durations=[] if verdict == "leave" else durations,
            )
            for verdict in verdicts
        ],
        countries=countries,
        surfaces=surfaces,
        touches=_touches(case, countries, surfaces, replaced),
        limits=limits,
    )


def _touches(
    case: HashtagCase, countries: Sequence[str], surfaces: Sequence[str], replaced: Sequence[Override]
) -> list[str]:
    found = [f"Surfaces: {listed(surfaces)}."] if surfaces else []
    if case.reach:
        found.append(f"{counted(case.reach, 'tweet')} in the window that decided.")
    for one in replaced:
        if one.country in countries:
            where = place_words(one.country)
            found.append(f"It replaces the {one.action} by {one.actor} ({where}, {listed(one.surfaces)}).")
    appeals = sum(one.item.kind == "appeal" for one in case.open_items)
    if appeals:
        found.append(f"{counted(appeals, 'appeal')} in this case stays open: it has its own page.")
    found.append("Nothing is deleted: it concerns these surfaces only, and a person who types the hashtag finds it.")
    return found


def _within_rights(countries: Sequence[str], grants: Sequence[Grant]) -> tuple[list[Duration], list[str]]:
    able = [one.rights for one in grants if one.role in ALLOWED["decide"]]
    limits: list[str] = []
    durations = list(DURATIONS)
    if able and all(one.longest for one in able):
        longest = max((one.longest for one in able), key=duration_ms)
        words = format_duration(duration_ms(longest))
        durations = [one for one in DURATIONS if duration_ms(one.value) <= duration_ms(longest)]
        durations = durations or [Duration("h", longest, words)]
        limits.append(f"You may decide for at most {words}.")
    outside = [c for c in countries if not any(one.countries is None or c in one.countries for one in able)]
    if outside:
        limits.append(f"You may not decide for {listed([place_words(one) for one in outside])}.")
    return durations, limits
