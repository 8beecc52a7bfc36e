"""What may become of an order and of its targets: the state machine and the enforcement ladder, as tables.

    received → acknowledged → under_review → interim → final
    each of the first four → declined (the whole order); each but the last two → revoked

What is put in force depends on both: a target's outcome says what, the order's state says whether. `interim` and
`final` put `reduced` and `withheld` in force. `suspended` is under the platform's own rules: it stands from its ruling
on, whatever becomes of the order, until another ruling on the target.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.orders.records import Ground, Outcome, State, TargetKind

NEXT: Mapping[State, tuple[State, ...]] = {
    "received": ("acknowledged", "declined", "revoked"),
    "acknowledged": ("under_review", "declined", "revoked"),
    "under_review": ("interim", "final", "declined", "revoked"),
    "interim": ("interim", "final", "declined", "revoked"),
    "final": ("revoked",),
    "declined": (),
    "revoked": (),
}
"""Where each state may lead. `interim` again prolongs it."""
WAITING: frozenset[State] = frozenset({"received", "acknowledged", "under_review"})
"""The authority's deadline is not met yet."""
OVER: frozenset[State] = frozenset({"declined", "revoked"})
RULED_IN: frozenset[State] = frozenset({"under_review", "interim", "final"})
"""Where rulings may be given. In the states that are over only a suspension may still be lifted."""
IN_FORCE: frozenset[State] = frozenset({"interim", "final"})
OUTCOMES_OF: Mapping[TargetKind, tuple[Outcome, ...]] = {
    "account": ("declined", "withheld", "suspended"),
    "hashtag": ("declined", "reduced"),
    "tweet": ("declined", "withheld"),
}
"""hushtag never hides a hashtag from someone who types it, so a hashtag is reduced at most; an account or a tweet that
is to be seen less is withheld in one country, or not at all."""
GROUNDS_OF: Mapping[Outcome, tuple[Ground, ...]] = {
    "declined": ("protected_speech", "not_unlawful", "overbroad", "no_legal_basis", "not_found", "other"),
    "reduced": ("local_law",),
    "withheld": ("local_law",),
    "suspended": ("own_rules",),
}
ACTED: frozenset[Outcome] = frozenset({"reduced", "withheld", "suspended"})
