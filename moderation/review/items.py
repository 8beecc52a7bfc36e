"""Review items: automated decisions that wait for a person, and a blind sample of the other suppressions. Pure.

A contested hashtag stays visible and is an item too, because people can see what the pipeline cannot.

Only a suppression's reference and a secret determine whether it is sampled. The sample is therefore the same in every
process and after every restart, and cannot be predicted. A reviewer of the sample sees neither the pipeline's numbers
nor another reviewer's verdict.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Literal

from moderation.statements.collect import decision_restrictions
from moderation.statements.restriction import Restriction
from streams.log.decisions import Decision, Evidence, ScopeDecision
from streams.signals.registry import WEIGHED

ItemKind = Literal["hold", "review", "contested", "second_look"]
DEFAULT_SHARE = 0.05
LOOKS = 2
"""Verdicts on each sampled item; agreement needs two."""
_EVIDENCE = (
    *("tweets", "authors", "scored", "share", "lower", "upper"),
    *("established", "established_lower", "established_upper"),
    *(one.name for one in WEIGHED if one.recorded),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """Automated decision to review."""

    id: str
    """Reference of the restriction."""
    kind: ItemKind
    hashtag: str
    display: str
    country: str
    surfaces: tuple[str, ...]
    category: str
    began_ms: int
    ends_ms: int
    """End of the hold or the discount, or of the use of a review."""
    cause: str = ""
    """Reason why people are asked, in words; "" where the policy's mode asks them."""
    evidence: Evidence | None

    @property
    def looks(self) -> int:
        """Number of verdicts that the item needs."""
        return LOOKS if self.kind == "second_look" else 1

    def as_dict(self) -> dict[str, Any]:
        """Build the JSON that a reviewer may see."""
        plain: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "hashtag": self.hashtag,
            "display": self.display,
            "country": self.country,
            "tweets": list(self.evidence.sampled) if self.evidence else [],
        }
        if self.kind == "second_look":
            return plain
        return plain | {
            "surfaces": list(self.surfaces),
            "category": self.category,
            "began_ms": self.began_ms,
            "ends_ms": self.ends_ms,
            "cause": self.cause,
            "evidence": {name: getattr(self.evidence, name) for name in _EVIDENCE} if self.evidence else None,
        }


def is_sampled(reference: str, share: float, secret: bytes) -> bool:
    """Return whether a suppression is in the sample; `share` is in [0, 1].

    >>> sum(is_sampled(f"hushtag-{n}", 0.25, b"secret") for n in range(10_000))
    2539
    """
    digest = hmac.new(secret, b"second look\n" + reference.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def items_of(decision: Decision, *, share: float, secret: bytes) -> list[ReviewItem]:
    """Build the review items of an automated decision."""
    if decision.provisional:
        return []
    restrictions = decision_restrictions(decision)
    found = [_item(one, "hold") for one in restrictions if one.measure == "held"]
    found += [
        _item(
            one, "contested", f"contested: {one.established_part:.0%} of its authors are established, others write harm"
        )
        for one in restrictions
        if one.measure == "discounted"
    ]
    found += [
        _item(one, "second_look")
        for one in restrictions
        if one.measure == "reduced" and is_sampled(one.reference, share, secret)
    ]
    groups: dict[tuple[str, int], list[ScopeDecision]] = {}
    for ruling in decision.rulings:
        if ruling.action == "review":
            groups.setdefault((ruling.category, ruling.since_ms), []).append(ruling)
    return found + [_queued_item(decision, rulings) for rulings in groups.values()]


def _item(restriction: Restriction, kind: ItemKind, cause: str = "") -> ReviewItem:
    return ReviewItem(
        id=restriction.reference,
        kind=kind,
        hashtag=restriction.target,
        display=restriction.display,
        country=restriction.country,
        surfaces=restriction.surfaces,
        category=restriction.category,
        began_ms=restriction.began_ms,
        ends_ms=restriction.ends_ms,
        evidence=restriction.evidence,
        cause=cause,
    )


def _queued_item(decision: Decision, rulings: list[ScopeDecision]) -> ReviewItem:
    """Build the item of a review, which hides nothing: of the policy's mode, of a breaker or of an innocent past."""
    first = rulings[0]
    identity = f"review|{decision.hashtag}|{decision.country}|{first.category}|{first.since_ms}"
    return ReviewItem(
        id="hushtag-" + hashlib.sha256(identity.encode()).hexdigest()[:24],
        kind="review",
        hashtag=decision.hashtag,
        display=decision.display or decision.hashtag,
        country=decision.country,
        surfaces=tuple(sorted(ruling.surface for ruling in rulings)),
        category=first.category,
        began_ms=first.since_ms,
        ends_ms=max(ruling.expires_at_ms for ruling in rulings),
        evidence=first.evidence,
        cause=_cause(first),
    )


def _cause(ruling: ScopeDecision) -> str:
    """Say why a ruling became a review: the name of the valve, with its value and its limit."""
    reason = next((one for one in ruling.reasons if one.signal == ruling.valve), None)
    if reason is None:
        return ruling.valve.replace("_", " ")
    if ruling.valve == "innocent_past":
        return f"innocent past: {reason.value:g} established authors used it before without harm"
    return f"{ruling.valve.replace('_', ' ')}: {reason.value:g}, the limit is {reason.threshold:g}"
