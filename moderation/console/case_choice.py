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
    contested = [case_item for case_item in case.open_items if case_item.item.kind != "appeal"]
    if not contested:
        return None
    countries, surfaces, categories = case.places(contested)
    actions = {place.action for place in places if place.country in countries}
    named = {place.country for place in places}
    actions |= {""} if any(country not in named for country in countries) else set()
    durations, limits = _within_rights(countries, grants)
    verdicts: list[CaseVerdict] = ["hide", "show"]
    if not any(case_item.item.kind == "hold" for case_item in contested):
        verdicts.append("leave")
    return Choice(
        answers=[
            FinalAnswer(
                verdict=verdict,
                key=_KEYS[verdict],
                verb=action_words(verdict, actions),
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
    consequences = [f"Surfaces: {listed(surfaces)}."] if surfaces else []
    if case.reach:
        consequences.append(f"{counted(case.reach, 'tweet')} in the window that decided.")
    for override in replaced:
        if override.country in countries:
            where = place_words(override.country)
            what = f"{override.action} by {override.actor} ({where}, {listed(override.surfaces)})"
            consequences.append(f"It replaces the {what}.")
    appeals = sum(case_item.item.kind == "appeal" for case_item in case.open_items)
    if appeals:
        consequences.append(f"{counted(appeals, 'appeal')} in this case stays open: it has its own page.")
    last = "Nothing is deleted: it concerns these surfaces only, and a person who types the hashtag finds it."
    return [*consequences, last]


def _within_rights(countries: Sequence[str], grants: Sequence[Grant]) -> tuple[list[Duration], list[str]]:
    able = [grant.rights for grant in grants if grant.role in ALLOWED["decide"]]
    limits: list[str] = []
    durations = list(DURATIONS)
    if able and all(rights.longest for rights in able):
        longest = max((rights.longest for rights in able), key=duration_ms)
        words = format_duration(duration_ms(longest))
        durations = [preset for preset in DURATIONS if duration_ms(preset.value) <= duration_ms(longest)]
        durations = durations or [Duration("h", longest, words)]
        limits.append(f"You may decide for at most {words}.")
    outside = [c for c in countries if not any(rights.countries is None or c in rights.countries for rights in able)]
    if outside:
        limits.append(f"You may not decide for {listed([place_words(country) for country in outside])}.")
    return durations, limits
