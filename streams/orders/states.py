"""State machine of a legal order, and the outcomes and grounds that its targets may have, as tables.

    received → acknowledged → under_review → interim → final
    each of the first four → declined (the whole order); each but the last two → revoked

What is in force depends on both tables: a target's outcome names the measure, the order's state decides whether it
applies. `interim` and `final` apply `reduced` and `withheld`. `suspended` is a measure under the platform's own rules:
it applies from its ruling on, in every state of the order, until another ruling on the target.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.orders.records import Ground, OrderState, Outcome, TargetKind

NEXT_STATES: Mapping[OrderState, tuple[OrderState, ...]] = {
    "received": ("acknowledged", "declined", "revoked"),
    "acknowledged": ("under_review", "declined", "revoked"),
    "under_review": ("interim", "final", "declined", "revoked"),
    "interim": ("interim", "final", "declined", "revoked"),
    "final": ("revoked",),
    "declined": (),
    "revoked": (),
}
"""Allowed transitions. A second `interim` step prolongs the first."""
PENDING_STATES: frozenset[OrderState] = frozenset({"received", "acknowledged", "under_review"})
"""States in which the authority's deadline is not met yet."""
CLOSED_STATES: frozenset[OrderState] = frozenset({"declined", "revoked"})
RULING_STATES: frozenset[OrderState] = frozenset({"under_review", "interim", "final"})
"""States in which targets may be ruled on. A closed order only lets a suspension be lifted."""
IN_FORCE_STATES: frozenset[OrderState] = frozenset({"interim", "final"})
OUTCOMES_OF: Mapping[TargetKind, tuple[Outcome, ...]] = {
    "account": ("declined", "withheld", "suspended"),
    "hashtag": ("declined", "reduced"),
    "tweet": ("declined", "withheld"),
}
"""Outcomes by kind of target. A hashtag is reduced at most, since hushtag never hides it from a person who types it.
An account or a tweet is withheld in one country, or not restricted at all."""
GROUNDS_OF: Mapping[Outcome, tuple[Ground, ...]] = {
    "declined": ("protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other"),
    "reduced": ("local_law",),
    "withheld": ("local_law",),
    "suspended": ("own_rules",),
}
RESTRICTING: frozenset[Outcome] = frozenset({"reduced", "withheld", "suspended"})
"""Outcomes that restrict the target."""


def state_label(state: OrderState) -> str:
    """Spell a state for people: `under_review` reads "under review"."""
    return state.replace("_", " ")
