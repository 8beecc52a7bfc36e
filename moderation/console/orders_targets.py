"""Targets of an order on its page: rows with what holds each now, and groups that wait for a second person."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hushtag_client.registers import ACCOUNT, TWEET

from moderation.console.orders_words import present_words
from moderation.console.words import place_words
from moderation.domain.orders.answers import TargetAnswer
from moderation.domain.orders.target_states import TargetStates
from moderation.domain.orders.view import target_view
from streams.flags.moderation_fold import ModerationFold
from streams.orders.fold import OrderFold
from streams.orders.order import Order, TargetRow, TargetRuling
from streams.orders.records import TargetKind
from streams.orders.speakers import ProtectedSpeaker, same_person
from streams.policy.look_alikes import skeleton

MOST_LOOK_ALIKES = 5


@dataclass(frozen=True, slots=True)
class TargetLine:
    """Row of the table."""

    row: TargetRow
    answer: TargetAnswer
    """The target as the API answers it."""
    written: str
    """The target as a ruling names it."""
    speaker: ProtectedSpeaker | None
    present: str
    """Present state for viewers, over all orders."""
    others: tuple[str, ...]
    """People's overrides of the hashtag in force, in words."""
    look_alikes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """Targets that wait for the same second ruling."""

    ruling: TargetRuling
    rows: tuple[TargetRow, ...]
    alone: bool
    """Whether the accounts became protected after one person ruled."""
    may_confirm: bool
    """Whether this person can be the second one."""
    is_own: bool
    """Whether this person ruled first."""

    @property
    def written(self) -> str:
        """Targets as a ruling names them, as JSON."""
        return json.dumps([written(row) for row in self.rows])


def written(row: TargetRow) -> str:
    """Write a target so that a ruling finds it."""
    target = row.target
    if target.kind == "hashtag":
        return f"#{target.value}"
    return f"https://x.com/i/status/{target.value}" if target.kind == "tweet" else target.value


def target_lines(
    order: Order,
    rows: Sequence[TargetRow],
    orders: OrderFold,
    fold: ModerationFold,
    states: TargetStates,
    hashtags: Iterable[str],
) -> list[TargetLine]:
    """Build the rows of one page of the table.

    Args:
        order: the order.
        rows: targets of the page.
        orders: all orders.
        fold: everything that people decided.
        states: present states of all targets.
        hashtags: those among which look-alikes are searched.
    """
    tags = {row.target.value for row in rows if row.target.kind == "hashtag"}
    overrides = overrides_of(tags, fold, states.at_ms)
    alike = look_alikes_of(tags, hashtags)
    return [
        TargetLine(
            row,
            target_view(order, row, orders),
            written(row),
            orders.protected(row.target),
            present_words(states.of(row.target.kind, row.target.value), row.target.kind),
            overrides.get(row.target.value, ()) if row.target.kind == "hashtag" else (),
            alike.get(row.target.value, ()) if row.target.kind == "hashtag" else (),
        )
        for row in rows
    ]


def overrides_of(tags: set[str], fold: ModerationFold, at_ms: int) -> dict[str, tuple[str, ...]]:
    """Describe people's overrides in force of some hashtags, by hashtag."""
    if not tags:
        return {}
    places: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for (hashtag, surface, country, source), stack in fold.stacks().items():
        if hashtag not in tags or source != "human" or surface in (ACCOUNT, TWEET):
            continue
        if (entry := stack.in_force(at_ms)) is not None:
            places[hashtag, entry.record.action, country, entry.record.actor].append(surface)
    verbs = {"block": "blocked", "hold": "held", "allow": "allowed"}
    words_of: dict[str, list[str]] = defaultdict(list)
    for (hashtag, action, country, actor), surfaces in places.items():
        place = place_words(country)
        where = place if country == "*" else f"in {place}"
        words_of[hashtag].append(f"{verbs[action]} {where} on {', '.join(sorted(surfaces))}, by {actor}")
    return {hashtag: tuple(words) for hashtag, words in words_of.items()}


def look_alikes_of(tags: set[str], hashtags: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """List the known hashtags that look like some hashtags, by hashtag."""
    if not tags:
        return {}
    skeletons = {tag: _skeleton(tag) for tag in tags}
    families: dict[str, list[str]] = {form: [] for form in skeletons.values() if form}
    for tag in sorted({*hashtags, *tags}):
        if (family := families.get(_skeleton(tag))) is not None:
            family.append(tag)
    return {
        tag: tuple(look_alike for look_alike in families.get(form, ()) if look_alike != tag)[:MOST_LOOK_ALIKES]
        for tag, form in skeletons.items()
    }


def kinds_of(rows: Iterable[TargetRow]) -> Mapping[TargetKind, int]:
    """Count targets by kind."""
    return Counter(row.target.kind for row in rows)


def waiting_groups(order: Order, fold: OrderFold, person: str) -> list[WaitingGroup]:
    """Group the targets that wait for a second person, by the ruling to confirm.

    Args:
        order: the order.
        fold: all orders.
        person: person who reads.
    """
    groups: dict[tuple[str, str, str, bool, bool], list[tuple[TargetRow, TargetRuling]]] = defaultdict(list)
    for row in order.rows:
        ruling = row.proposed or (row.ruling if fold.alone(row) else None)
        if ruling is not None:
            may = row.first_of_two(ruling.outcome, person) is not None
            key = ruling.outcome, ruling.actors[0], ruling.reason, row.proposed is None, may
            groups[key].append((row, ruling))
    return [
        WaitingGroup(pairs[0][1], tuple(row for row, _ in pairs), alone, may, same_person(actor, person))
        for (_, actor, _, alone, may), pairs in groups.items()
    ]


@lru_cache(maxsize=100_000)
def _skeleton(hashtag: str) -> str:
    return skeleton(hashtag)
