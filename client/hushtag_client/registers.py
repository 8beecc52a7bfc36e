"""A register: what one source says of one hashtag on one surface in one country, and the version of that word.

A register is never changed in place: a newer one with the same field takes its place, and the version decides which
is newer, never the order of arrival.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, Literal, get_args

from hushtag_client import keys

Action = Literal["suppress", "hold", "allow", "clear"]
Source = Literal["legal", "human", "automated"]
ACTIONS: tuple[str, ...] = get_args(Action)
SOURCES: tuple[str, ...] = get_args(Source)
"""By precedence, the strongest first."""
HIDING = frozenset({"suppress", "hold"})
WORLD = "*"
"""The country that means everywhere."""
ANY_HASHTAG = "*"
"""The hashtag of the stop button: a human `allow` under it lifts automated suppressions."""
ACCOUNT, TWEET = "account", "tweet"
"""The reserved surfaces: under them `hashtag` is the id of an account or a tweet."""
_VERSION = re.compile(r"[0-9.]{1,100}")


class RegisterError(ValueError):
    """A register breaks the contract; the message says which field and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One signal that spoke for the action: its value and the threshold that it passed."""

    signal: str
    value: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What one source says. Field meanings: `docs/flags-contract.md`.

    Raises:
        RegisterError: the fields that resolution depends on (version, action, source, expiry, names) are out of range.
    """

    version: str
    """Digits and dots of fixed width, so that bytes compare as the numbers do."""
    action: Action
    hashtag: str
    """Normalised, or `*` for the stop button."""
    surface: str
    country: str = WORLD
    """ISO 3166-1 alpha-2 in upper case, or `*`."""
    source: Source = "automated"
    expires_at_ms: int = 0
    """Not in force from this moment on. 0: until revoked, for people's registers only."""
    keep_until_ms: int = 0
    """From here on the register, and its version with it, may be forgotten. 0: never."""
    display: str = ""
    category: str = ""
    reasons: tuple[Reason, ...] = ()
    evidence: Mapping[str, Any] = default(default_factory=dict)
    actor: str = ""
    policy_revision: str = ""
    model_revision: str = ""
    provisional: bool = False
    decided_at_ms: int = 0

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise RegisterError(f"version {self.version[:40]!r}: only digits and dots, at most 100")
        if self.action not in ACTIONS:
            raise RegisterError(f"action {self.action!r}: one of {', '.join(ACTIONS)}")
        if self.source not in SOURCES:
            raise RegisterError(f"source {self.source!r}: one of {', '.join(SOURCES)}")
        for name in (self.surface, self.country):
            if not name or "|" in name:
                raise RegisterError(f"surface or country {name!r}: not empty, without |")
        if not self.hashtag:
            raise RegisterError("hashtag: empty")
        if self.expires_at_ms < 0 or self.keep_until_ms < 0:
            raise RegisterError("expires_at_ms, keep_until_ms: not negative")
        if not self.expires_at_ms and self.source == "automated" and self.action != "clear":
            raise RegisterError("expires_at_ms 0 (until revoked): for people's registers only")

    @property
    def field(self) -> str:
        """The register's name in the hash of all registers."""
        return keys.field(self.surface, self.country, self.source, self.hashtag)

    @property
    def by_people(self) -> bool:
        """Whether a person or an order stands behind it, not the pipeline."""
        return self.source != "automated"

    def in_force(self, now_ms: int) -> bool:
        """Whether it has an opinion at this moment of the reader's clock; `clear` never has one."""
        return self.action != "clear" and (not self.expires_at_ms or now_ms < self.expires_at_ms)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types; the four members that writers look at come first."""
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
            "reasons": [{"signal": r.signal, "value": r.value, "threshold": r.threshold} for r in self.reasons],
            "evidence": dict(self.evidence),
            "actor": self.actor,
            "policy_revision": self.policy_revision,
            "model_revision": self.model_revision,
            "provisional": self.provisional,
            "decided_at_ms": self.decided_at_ms,
        }


def newer(register: Register, than: Register | None) -> bool:
    """Whether a register is strictly newer than what stands under its field."""
    return than is None or register.version > than.version


def encode(register: Register) -> bytes:
    """The value that goes into Redis: compact ASCII JSON that begins with the version.

    Raises:
        RegisterError: reasons or evidence hold what JSON does not have (a NaN, an object).
    """
    try:
        return json.dumps(register.as_dict(), separators=(",", ":"), allow_nan=False).encode("ascii")
    except (ValueError, TypeError) as error:
        raise RegisterError(f"reasons, evidence: {error}") from None


def decode(value: bytes | str) -> Register:
    """Read a value from Redis; unknown members are ignored, so that the contract can grow.

    Raises:
        RegisterError: it is not JSON, lacks what a register needs, or a member has the wrong type.
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
            display=_typed(read, "display", str, ""),
            category=_typed(read, "category", str, ""),
            reasons=tuple(
                Reason(signal=str(r["signal"]), value=float(r["value"]), threshold=float(r["threshold"]))
                for r in _typed(read, "reasons", list, [])
            ),
            evidence=_typed(read, "evidence", dict, {}),
            actor=_typed(read, "actor", str, ""),
            policy_revision=_typed(read, "policy_revision", str, ""),
            model_revision=_typed(read, "model_revision", str, ""),
            provisional=_typed(read, "provisional", bool, False),
            decided_at_ms=_typed(read, "decided_at_ms", int, 0),
        )
    except RegisterError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RegisterError(f"not a register: {type(error).__name__}: {str(error)[:80]}") from None


def _typed(read: Any, name: str, kind: type, otherwise: Any = None) -> Any:
    found = read.get(name, otherwise) if isinstance(read, dict) else None
    if found is None and otherwise is not None:
        return otherwise
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise RegisterError(f"{name}: {kind.__name__} expected")
    return found
