"""Folds automated decisions into registers: per (hashtag, country) the greatest version wins, not the latest record.

The fold is a join: decisions in any order, repeated or late, give the same state. To that end it keeps the greatest
decision of each key and every surface that any decision of the key touched. A surface that only an overtaken decision
hid or discounted is therefore cleared too, under the greatest version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from hushtag_client.registers import Action as RegisterAction
from hushtag_client.registers import Reason, Register

from streams.actions import ACTIONS, FLAGGING, RANK
from streams.log.decisions import POSITION_FIELDS, Decision, ScopeDecision

Key = tuple[str, str]
"""Hashtag, and country or `*` for all countries."""


@dataclass(slots=True)
class _State:
    latest: Decision
    surfaces: set[str] = field(default_factory=set)
    """Surfaces that any decision of the key hid, discounted or cleared."""
    keep_until_ms: int = 0


class DecisionFold:
    """Registers of all automated decisions.

    A version is kept longer than its flag, so that no older decision can take effect after it.

    Args:
        longest_expiry_ms: longest time that an automated decision may stand, as the policy's circuit breakers allow.
        max_broker_skew_ms: largest difference between the brokers' clocks.
    """

    def __init__(self, *, longest_expiry_ms: int, max_broker_skew_ms: int) -> None:
        self._margin_ms = longest_expiry_ms + max_broker_skew_ms
        self._states: dict[Key, _State] = {}

    def __len__(self) -> int:
        return len(self._states)

    def apply(self, decision: Decision) -> list[Register]:
        """Apply a decision; return the registers that it changes, sorted by surface.

        Equal versions have equal content, so a repeat changes nothing. An overtaken decision only adds surfaces to
        clear.
        """
        key = (decision.hashtag, decision.country)
        touched = {ruling.surface for ruling in decision.rulings if _makes_flag(ruling) or ruling.action == "clear"}
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = _State(decision)
            changed = touched
        elif decision.version > state.latest.version:
            state.latest = decision
            changed = touched | state.surfaces
        else:
            changed = touched - state.surfaces
        state.surfaces |= touched
        state.keep_until_ms = self._ends_ms(state.latest) + self._margin_ms
        return [self._register(state, surface) for surface in sorted(changed)]

    def registers(self) -> list[Register]:
        """List all registers for a reconcile, cleared ones with their versions too."""
        return [self._register(state, surface) for state in self._states.values() for surface in sorted(state.surfaces)]

    def decisions(self) -> Iterator[Decision]:
        """Iterate over the greatest decision of each key, whether or not it has a flag."""
        return (state.latest for state in self._states.values())

    def latest(self, hashtag: str, country: str) -> Decision | None:
        """Return the greatest decision of a key, or None."""
        state = self._states.get((hashtag, country))
        return state.latest if state else None

    def prune(self, now_ms: int) -> list[Register]:
        """Drop keys past their `keep_until_ms`; return their registers, which Redis may drop too."""
        expired = [key for key, state in self._states.items() if state.keep_until_ms <= now_ms]
        dropped: list[Register] = []
        for key in expired:
            state = self._states.pop(key)
            dropped += [self._register(state, surface) for surface in sorted(state.surfaces)]
        return dropped

    def _ends_ms(self, decision: Decision) -> int:
        ends_ms = [ruling.expires_at_ms for ruling in decision.rulings if _makes_flag(ruling)]
        return max(ends_ms, default=decision.decided_at_ms)

    def _register(self, state: _State, surface: str) -> Register:
        decision = state.latest
        ruling = strongest(ruling for ruling in decision.rulings if ruling.surface == surface)
        return Register(
            version=decision.version,
            action=cast("RegisterAction", ruling.action) if ruling else "clear",
            hashtag=decision.hashtag,
            surface=surface,
            country=decision.country,
            source="automated",
            expires_at_ms=ruling.expires_at_ms if ruling else 0,
            keep_until_ms=state.keep_until_ms,
            display=decision.display,
            category=ruling.category if ruling else "",
            weight=_weight(ruling) if ruling else 1.0,
            reasons=_reasons(ruling),
            evidence=_evidence(ruling),
            actor=decision.actor,
            policy_revision=decision.policy_revision,
            model_revision=decision.model_revision,
            provisional=ruling.provisional if ruling else decision.provisional,
            decided_at_ms=decision.decided_at_ms,
        )


def strongest(rulings: Iterable[ScopeDecision]) -> ScopeDecision | None:
    """Select the ruling that hides most, or None where none makes a flag: review and shadow rulings do not.

    The order is that of `ACTIONS`, then an action of a later version. Equal ones go by the lowest weight, the latest
    expiry, then by the category's name.
    """
    flags = [ruling for ruling in rulings if _makes_flag(ruling)]
    return min(
        flags, key=lambda r: (RANK.get(r.action, len(RANK)), _weight(r), -r.expires_at_ms, r.category), default=None
    )


def _makes_flag(ruling: ScopeDecision) -> bool:
    """Return whether readers get a ruling; an action of a later version goes to them as it is, if it ever ends."""
    return ruling.action in FLAGGING or (ruling.action not in ACTIONS and ruling.expires_at_ms > 0)


def _weight(ruling: ScopeDecision) -> float:
    """Return the factor on the tweets of a contested tag; 1 for others."""
    return 1.0 if ruling.weight is None else ruling.weight


def _reasons(ruling: ScopeDecision | None) -> tuple[Reason, ...]:
    reasons = ruling.reasons if ruling else ()
    return tuple(Reason(signal=reason.signal, value=reason.value, threshold=reason.threshold) for reason in reasons)


def _evidence(ruling: ScopeDecision | None) -> dict[str, Any]:
    """Convert the evidence to plain JSON types, as a reader of Redis gets them back, without the way to its texts."""
    if ruling is None or ruling.evidence is None:
        return {}
    evidence = msgspec.structs.asdict(ruling.evidence)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in evidence.items()
        if name not in POSITION_FIELDS and value is not msgspec.UNSET
    }
