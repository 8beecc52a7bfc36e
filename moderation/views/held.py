"""Hashtags that are held back now, by the logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request
from hushtag_client.registers import ANY_HASHTAG, WORLD, Register
from hushtag_client.resolution import candidates, winner
from pydantic import Field

from moderation.access.blinding import hidden_hashtags_for
from moderation.access.services import services_of
from moderation.domain.appeals.automated_decisions import AutomatedFold
from streams.actions import FLAGGING, HIDING
from streams.answers import AnswerModel, Millis
from streams.constants import DAY_MS
from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision, Evidence
from streams.policy.names import RESERVED_SURFACES

HeldSort = Literal["reach", "ends", "since", "-since", "hashtag"]
"""Orders of a list: most tweets, next to end, oldest, newest, by name."""


@dataclass(slots=True)
class HeldRegister:
    """Hashtag that one source holds back in a country, and the surfaces on which it does."""

    register: Register
    surfaces: list[str]


class HeldItemAnswer(AnswerModel):
    """Hashtag that one source holds back in a country."""

    hashtag: str
    display: str
    country: str = Field(description="ISO 3166-1 alpha-2, or `*`.")
    surfaces: list[str]
    action: str = Field(description="`suppress`, `block`, `hold`, ... hide it; `discount` lowers its rank.")
    hidden: bool = Field(description="Whether it is hidden, and not only ranked lower.")
    source: Literal["automated", "human", "legal"]
    category: str
    since_ms: Millis
    expires_at_ms: int = Field(description="End in Unix time in ms; 0: until revoked.")
    provisional: bool = Field(description="Decided early; a settled window confirms or withdraws it.")
    actor: str = Field(description="Empty for a legal order, unless you may read orders.")


async def held_for(request: Request, at_ms: int) -> tuple[list[HeldRegister], frozenset[str]]:
    """Return what is held at a moment (Unix time in ms), and the hashtags left out: the reader reviews them blind."""
    services, hidden_tags = services_of(request), await hidden_hashtags_for(request)
    await services.reviews.refresh()
    all_held = held_tags(services.reviews.automated.latest.values(), services.moderation.view, at_ms)
    return [held for held in all_held if held.register.hashtag not in hidden_tags], hidden_tags


def held_view(held: HeldRegister, *, show_legal: bool) -> HeldItemAnswer:
    """Describe a held hashtag; the person behind a legal order only for the legal team."""
    register = held.register
    return HeldItemAnswer(
        hashtag=register.hashtag,
        display=register.display or register.hashtag,
        country=register.country,
        surfaces=sorted(held.surfaces),
        action=register.action,
        hidden=register.action in HIDING,
        source=register.source,
        category=register.category,
        since_ms=register.decided_at_ms,
        expires_at_ms=register.expires_at_ms,
        provisional=register.provisional,
        actor=register.actor if show_legal or register.source != "legal" else "",
    )


def in_order(all_held: Iterable[HeldRegister], sort: str, automated: AutomatedFold) -> list[HeldRegister]:
    """Sort held hashtags by one of `HeldSort`."""
    return sorted(all_held, key=lambda held: sort_key(held, sort, automated))


def sort_key(held: HeldRegister, sort: str, automated: AutomatedFold) -> tuple[str | int, ...]:
    """Return the place of a held hashtag under one of `HeldSort`; equal ones are sorted by name and country."""
    register = held.register
    name = (register.hashtag, register.country, register.source, register.action, register.category, register.version)
    match sort:
        case "hashtag":
            return name
        case "ends":
            return (register.expires_at_ms or 2**53, *name)
        case "since":
            return (register.decided_at_ms, *name)
        case "-since":
            return (-register.decided_at_ms, *name)
    return (-reach_of(automated, register.hashtag, register.country)[0], *name)


def reach_of(automated: AutomatedFold, hashtag: str, country: str) -> tuple[int, int]:
    """Return the tweets and authors of the hashtag's last decision in a country; the largest for everywhere."""
    every = evidence_of(automated, hashtag, country)
    return max(((evidence.tweets, evidence.authors) for evidence in every), default=(0, 0))


def evidence_of(automated: AutomatedFold, hashtag: str, country: str) -> list[Evidence]:
    """Return the evidence of the hashtag's last decisions in a country, or in all for everywhere."""
    return [
        scope.evidence
        for decision in automated.latest_of_tag(hashtag)
        if country == "*" or decision.country in (country, "*")
        for scope in decision.rulings
        if scope.evidence is not None
    ]


def held_tags(
    decisions: Iterable[Decision], people: OverrideHistory, at_ms: int, *, stops: bool = True, viewers: str = ""
) -> list[HeldRegister]:
    """Resolve all registers of the logs, and group those that win by what they say.

    Args:
        decisions: latest automated decision of each hashtag and country.
        people: people's decisions.
        at_ms: the moment, Unix time in ms.
        stops: False: as if no stop button were pressed.
        viewers: country whose viewers alone count; "": each register counts where it was decided.
    """
    fold = DecisionFold(longest_expiry_ms=DAY_MS, max_broker_skew_ms=0)
    registers = [register for decision in decisions for register in fold.apply(decision)]
    people.fold.expire(at_ms)
    registers += [register for register in people.fold.registers() if stops or register.hashtag != ANY_HASHTAG]
    of_place: dict[tuple[str, str], list[Register]] = {}
    for register in registers:
        of_place.setdefault((register.hashtag, register.surface), []).append(register)
    groups: dict[tuple[Any, ...], HeldRegister] = {}
    for register in registers:
        if register.hashtag == ANY_HASHTAG or register.surface in RESERVED_SURFACES or not register.in_force(at_ms):
            continue
        if register.action not in FLAGGING:
            continue
        place = viewers or register.country
        if register.country not in (place, WORLD):
            continue
        pressed = candidates(of_place.get((ANY_HASHTAG, register.surface), ()), place)
        if winner(candidates(of_place[register.hashtag, register.surface], place), pressed, at_ms) != register:
            continue
        scope = register.hashtag, register.country, register.source
        key = *scope, register.action, register.category, register.version
        groups.setdefault(key, HeldRegister(register, [])).surfaces.append(register.surface)
    return list(groups.values())
