"""Hashtags that are held back now, by the logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hushtag_client.registers import ANY_HASHTAG, WORLD, Register
from hushtag_client.resolution import candidates, winner

from streams.actions import FLAGGING
from streams.constants import DAY_MS
from streams.flags.decision_fold import DecisionFold
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision
from streams.policy.names import RESERVED_SURFACES


@dataclass(slots=True)
class HeldRegister:
    """Hashtag that one source holds back in a country, and the surfaces on which it does."""

    register: Register
    surfaces: list[str]


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
    registers = [one for decision in decisions for one in fold.apply(decision)]
    people.fold.expire(at_ms)
    registers += [one for one in people.fold.registers() if stops or one.hashtag != ANY_HASHTAG]
    of_place: dict[tuple[str, str], list[Register]] = {}
    for one in registers:
        of_place.setdefault((one.hashtag, one.surface), []).append(one)
    groups: dict[tuple[Any, ...], HeldRegister] = {}
    for one in registers:
        if one.hashtag == ANY_HASHTAG or one.surface in RESERVED_SURFACES or not one.in_force(at_ms):
            continue
        if one.action not in FLAGGING:
            continue
        place = viewers or one.country
        if one.country not in (place, WORLD):
            continue
        pressed = candidates(of_place.get((ANY_HASHTAG, one.surface), ()), place)
        if winner(candidates(of_place[one.hashtag, one.surface], place), pressed, at_ms) != one:
            continue
        key = (one.hashtag, one.country, one.source, one.action, one.category, one.version)
        groups.setdefault(key, HeldRegister(one, [])).surfaces.append(one.surface)
    return list(groups.values())
