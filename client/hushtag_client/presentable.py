"""Registers that any page or JSON text can show. Pure.

Registers come from Redis, and answers depend on few of their members. The others may hold what another program wrote:
halves of surrogate pairs, NaN, numbers of a thousand digits. Such values must not break a page or an answer.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hushtag_client.registers import Reason, Register

LAST_MS = 253_402_300_799_000
"""Last second of the year 9999, the last that a date can show."""
_DEEPEST = 8
_LARGEST = 2**63


def presentable(register: Register) -> Register:
    """Return the register with texts that UTF-8 can encode, finite numbers and times up to the year 9999.

    Reasons without a finite value and threshold are left out. Other values that cannot be shown become None.
    """
    return replace(
        register,
        hashtag=_text(register.hashtag),
        surface=_text(register.surface),
        country=_text(register.country),
        display=_text(register.display),
        category=_text(register.category),
        actor=_text(register.actor),
        policy_revision=_text(register.policy_revision),
        model_revision=_text(register.model_revision),
        expires_at_ms=min(register.expires_at_ms, LAST_MS),
        keep_until_ms=min(register.keep_until_ms, LAST_MS),
        decided_at_ms=min(max(register.decided_at_ms, 0), LAST_MS),
        reasons=tuple(
            Reason(signal=_text(reason.signal), value=reason.value, threshold=reason.threshold)
            for reason in register.reasons
            if math.isfinite(reason.value) and math.isfinite(reason.threshold)
        ),
        evidence={_text(name): _plain(value, _DEEPEST) for name, value in register.evidence.items()},
    )


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _plain(value: Any, deepest: int) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple) and deepest:
        return [_plain(inner, deepest - 1) for inner in value]
    if isinstance(value, dict) and deepest:
        return {_text(str(name)): _plain(inner, deepest - 1) for name, inner in value.items()}
    return None
