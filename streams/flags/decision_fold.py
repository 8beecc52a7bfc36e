"""Folds automated decisions into registers: the greatest version per (hashtag, country) wins, never the last record.

The fold is a join: decisions may come in any order, twice or late, and the state is the same. For that it remembers,
beside the greatest decision of a key, every surface that any decision of the key ever touched, so that a surface
which only an overtaken decision hid is cleared too, under the greatest version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hushtag_client.registers import Action as RegisterAction
from hushtag_client.registers import Reason, Register

from streams.log.decisions import HIDING, Decision, Ruling

Key = tuple[str, str]
"""(hashtag, country or `*`)."""
_STRENGTH: dict[str, RegisterAction] = {"suppress": "suppress", "hold": "hold"}


@dataclass(slots=True)
class _State:
    latest: Decision
    surfaces: set[str] = field(default_factory=set)
    """Every surface that a decision of the key hid or cleared."""
    keep_until_ms: int = 0


class DecisionFold:
    """The registers that automated decisions ask for.

    `longest_expiry_ms` is the longest time that an automated decision may stand (the policy's valve), and
    `max_broker_skew_ms` how far the brokers' clocks may be apart: a version is kept that much longer than its flag,
    so that nothing older can come back to life after it.
    """

    def __init__(self, *, longest_expiry_ms: int, max_broker_skew_ms: int) -> None:
        self._margin_ms = longest_expiry_ms + max_broker_skew_ms
        self._states: dict[Key, _State] = {}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._states)

    def apply(self, decision: Decision) -> list[Register]:
        """Take a decision; give the registers that it changes, by surface.

        Equal versions mean equal content, so a repeat changes nothing; an overtaken one can only add cleared surfaces.
        """
        key = (decision.hashtag, decision.country)
        touched = {ruling.surface for ruling in decision.rulings if ruling.action in HIDING or ruling.action == "clear"}
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
        """Everything to put back at a reconcile: what is in force, and the versions of what was cleared."""
        return [self._register(state, surface) for state in self._states.values() for surface in sorted(state.surfaces)]

    def decisions(self) -> Iterator[Decision]:
        """The greatest decision of each key, whatever its actions."""
        return (state.latest for state in self._states.values())

    def latest(self, hashtag: str, country: str) -> Decision | None:
        """The greatest decision of a key, or None."""
        state = self._states.get((hashtag, country))
        return state.latest if state else None

    def prune(self, now_ms: int) -> list[Register]:
        """Forget what is past its `keep_until_ms`; give the registers forgotten, which Redis may drop too."""
        over = [key for key, state in self._states.items() if state.keep_until_ms <= now_ms]
        gone: list[Register] = []
        for key in over:
            state = self._states.pop(key)
            gone += [self._register(state, surface) for surface in sorted(state.surfaces)]
        return gone

    def _ends_ms(self, decision: Decision) -> int:
        hiding = [ruling.expires_at_ms for ruling in decision.rulings if ruling.action in HIDING]
        return max(hiding, default=decision.decided_at_ms)

    def _register(self, state: _State, surface: str) -> Register:
        decision = state.latest
        ruling = strongest(ruling for ruling in decision.rulings if ruling.surface == surface)
        return Register(
            version=decision.version,
            action=_STRENGTH[ruling.action] if ruling else "clear",
            hashtag=decision.hashtag,
            surface=surface,
            country=decision.country,
            source="automated",
            expires_at_ms=ruling.expires_at_ms if ruling else 0,
            keep_until_ms=state.keep_until_ms,
            display=decision.display,
            category=ruling.category if ruling else "",
            reasons=_reasons(ruling),
            evidence=_evidence(ruling),
            actor=decision.actor,
            policy_revision=decision.policy_revision,
            model_revision=decision.model_revision,
            provisional=ruling.provisional if ruling else decision.provisional,
            decided_at_ms=decision.decided_at_ms,
        )


def strongest(rulings: Iterable[Ruling]) -> Ruling | None:
    """The ruling of one surface that hides most: suppress before hold, then the one that stands longest, then by name.

    None where no ruling hides: review and shadow hide nothing.
    """
    hiding = [ruling for ruling in rulings if ruling.action in HIDING]
    return min(hiding, key=lambda r: (r.action != "suppress", -r.expires_at_ms, r.category), default=None)


def _reasons(ruling: Ruling | None) -> tuple[Reason, ...]:
    said = ruling.reasons if ruling else ()
    return tuple(Reason(signal=reason.signal, value=reason.value, threshold=reason.threshold) for reason in said)


def _evidence(ruling: Ruling | None) -> dict[str, Any]:
    """As plain JSON types: what a reader of Redis gets back."""
    if ruling is None or ruling.evidence is None:
        return {}
    plain = msgspec.structs.asdict(ruling.evidence)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
