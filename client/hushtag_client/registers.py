"""Registers: the action of one source on one hashtag, surface and country, with a version.

A register is a last-writer-wins register: a newer one with the same field replaces it. The version decides which one is
newer, never the order of arrival.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from math import isfinite
from typing import Any, Literal, get_args

from hushtag_client import keys

Action = Literal["suppress", "hold", "discount", "allow", "clear"]
"""Actions that this client knows. A decoded register may have another one, which shows the hashtag as `allow` does."""
Source = Literal["legal", "human", "automated"]
ACTIONS: tuple[str, ...] = get_args(Action)
SOURCES: tuple[str, ...] = get_args(Source)
"""Sources by precedence, the strongest first."""
HIDING = frozenset({"suppress", "hold"})
FLAGGING = HIDING | {"discount"}
"""Actions that a stop button lifts where the pipeline decided them."""
WORLD = "*"
"""Country code of registers for all countries."""
ANY_HASHTAG = "*"
"""Hashtag of the stop button: a human `allow` on it lifts automated suppressions."""
ACCOUNT, TWEET = "account", "tweet"
"""Reserved surfaces, on which `hashtag` is the id of an account or a tweet."""
_VERSION = re.compile(r"[0-9.]{1,100}")
_ACTION = re.compile(r"[a-z_]{1,40}")


class RegisterError(ValueError):
    """A register violates the contract; the message names the field and its allowed values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One signal behind the action: its value and the threshold that it passed."""

    signal: str
    value: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The action of one source on a hashtag. Field meanings: `docs/flags-contract.md`.

    Raises:
        RegisterError: a field that an answer depends on (version, action, source, expiry, names, weight) is out of
            range.
    """

    version: str
    """Digits and dots of fixed width, so that comparing texts compares the numbers."""
    action: Action
    hashtag: str
    """Normalised hashtag, or `*` for the stop button."""
    surface: str
    country: str = WORLD
    """ISO 3166-1 alpha-2 in upper case, or `*`."""
    source: Source = "automated"
    expires_at_ms: int = 0
    """End of its effect; 0: until revoked, which only people's registers may have."""
    keep_until_ms: int = 0
    """Time from which the register and its version may be deleted; 0: never."""
    display: str = ""
    category: str = ""
    weight: float = 1.0
    """Factor from 0 to 1 on the hashtag's tweets in a ranking; without effect except in a `discount`."""
    reasons: tuple[Reason, ...] = ()
    evidence: Mapping[str, Any] = default(default_factory=dict)
    actor: str = ""
    policy_revision: str = ""
    model_revision: str = ""
    provisional: bool = False
    decided_at_ms: int = 0

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise RegisterError(f"version {self.version[:40]!r}: must be at most 100 digits and dots")
        if not _ACTION.fullmatch(self.action):
            raise RegisterError(f"action {self.action[:40]!r}: must be at most 40 lower-case letters and _")
        if self.source not in SOURCES:
            raise RegisterError(f"source {self.source!r}: must be one of {', '.join(SOURCES)}")
        for name in (self.surface, self.country):
            if not name or "|" in name:
                raise RegisterError(f"surface or country {name!r}: must be a text without |")
        if not self.hashtag:
            raise RegisterError("hashtag: must not be empty")
        if self.expires_at_ms < 0 or self.keep_until_ms < 0:
            raise RegisterError("expires_at_ms, keep_until_ms: must not be negative")
        if not 0.0 <= self.weight <= 1.0:
            raise RegisterError(f"weight {str(self.weight)[:20]}: must be from 0 to 1")
        if not self.expires_at_ms and self.source == "automated" and self.action != "clear":
            raise RegisterError("expires_at_ms 0 (until revoked): only people's registers may have it")

    @property
    def field(self) -> str:
        """Name of the register in the hash of all registers."""
        return keys.field(self.surface, self.country, self.source, self.hashtag)

    @property
    def by_people(self) -> bool:
        """Whether a person or an order decided it, and not the pipeline."""
        return self.source != "automated"

    def in_force(self, now_ms: int) -> bool:
        """Whether it has an effect at a moment of the reader's clock; `clear` never has one."""
        return self.action != "clear" and (not self.expires_at_ms or now_ms < self.expires_at_ms)

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain JSON; the four members that writers read come first."""
        return {
            "version": self.version,
            "action": self.action,
            "expires_at_ms": self.expires_at_ms,
            "keep_until_ms": self.keep_until_ms,
            "hashtag": self.hashtag,
            "display": self.display,
            "surface": self.surface,
            "country": self.country,
            "source": self.source,
            "category": self.category,
            "weight": self.weight,
            "reasons": [{"signal": r.signal, "value": r.value, "threshold": r.threshold} for r in self.reasons],
            "evidence": dict(self.evidence),
            "actor": self.actor,
            "policy_revision": self.policy_revision,
            "model_revision": self.model_revision,
            "provisional": self.provisional,
            "decided_at_ms": self.decided_at_ms,
        }


def newer(register: Register, than: Register | None) -> bool:
    """Whether a register is strictly newer than the present one of its field."""
    return than is None or register.version > than.version


def encode(register: Register) -> bytes:
    """Encode the value for Redis: compact ASCII JSON that begins with the version.

    An action of a later version is written as it is: readers show what they do not know.

    Raises:
        RegisterError: reasons or evidence contain a value that JSON does not allow (a NaN, an object).
    """
    try:
        return json.dumps(register.as_dict(), separators=(",", ":"), allow_nan=False).encode("ascii")
    except (ValueError, TypeError) as error:
        raise RegisterError(f"reasons, evidence: {error}") from None


def decode(value: bytes | str) -> Register:
    """Decode a value from Redis; unknown members and actions are accepted, so that the contract can grow.

    A member on which no answer depends counts as missing where it has the wrong type: the flag stands without it.

    Raises:
        RegisterError: it is not JSON, or a member that decides is missing or has the wrong type.
    """
    try:
        read = json.loads(value)
        return Register(
            version=_typed(read, "version", str),
            action=_typed(read, "action", str),
            hashtag=_typed(read, "hashtag", str),
            surface=_typed(read, "surface", str),
            country=_typed(read, "country", str),
            source=_typed(read, "source", str),
            expires_at_ms=_typed(read, "expires_at_ms", int),
            keep_until_ms=_typed(read, "keep_until_ms", int, 0),
            display=_text(read, "display"),
            category=_typed(read, "category", str, ""),
            weight=_weight(read),
            reasons=tuple(_reasons(read.get("reasons"))),
            evidence=evidence if isinstance(evidence := read.get("evidence"), dict) else {},
            actor=_text(read, "actor"),
            policy_revision=_text(read, "policy_revision"),
            model_revision=_text(read, "model_revision"),
            provisional=read.get("provisional") is True,
            decided_at_ms=_whole(read.get("decided_at_ms")),
        )
    except RegisterError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise RegisterError(f"not a register: {type(error).__name__}: {str(error)[:80]}") from None


def _typed(read: Any, name: str, kind: type, otherwise: Any = None) -> Any:
    member = read.get(name, otherwise) if isinstance(read, dict) else None
    if member is None and otherwise is not None:
        return otherwise
    if not isinstance(member, kind) or (kind is int and isinstance(member, bool)):
        raise RegisterError(f"{name}: must be {kind.__name__}")
    return member


def _text(read: Mapping[str, object], name: str) -> str:
    text = read.get(name)
    return text if isinstance(text, str) else ""


def _whole(number: Any) -> int:
    return number if isinstance(number, int) and not isinstance(number, bool) else 0


def _reasons(reasons: Any) -> Iterator[Reason]:
    """Read the reasons; one without a signal, or without finite numbers, is left out."""
    for reason in reasons if isinstance(reasons, list) else ():
        try:
            signal, value, threshold = reason["signal"], float(reason["value"]), float(reason["threshold"])
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
        if isinstance(signal, str) and isfinite(value) and isfinite(threshold):
            yield Reason(signal=signal, value=value, threshold=threshold)


def _weight(read: Any) -> float:
    weight = read.get("weight")
    if weight is None:
        return 1.0
    if not isinstance(weight, int | float) or isinstance(weight, bool):
        raise RegisterError("weight: must be a number")
    return weight
