"""What there is to look at: automated decisions that wait for a person, and a blind sample of those that do not. Pure.

Whether a suppression is sampled depends on its reference and a secret alone: the same for every process and after every
restart, and nobody can tell beforehand which ones will be looked at. The sample shows a reviewer neither the
pipeline's numbers nor what another reviewer said.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from moderation.statements.restriction import Restriction, of_decision
from streams.log.decisions import Decision, Evidence, Ruling

Kind = Literal["hold", "review", "second_look"]
DEFAULT_SHARE = 0.05
LOOKS = 2
"""How many people give a verdict on each item of the sample: agreement needs two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to look at."""

    id: str
    """The restriction's reference."""
    kind: Kind
    hashtag: str
    display: str
    country: str
    surfaces: tuple[str, ...]
    category: str
    began_ms: int
    ends_ms: int
    """When the hold lapses, or the review is of no more use."""
    evidence: Evidence | None

    @property
    def looks(self) -> int:
        """How many people are to decide on it."""
        return LOOKS if self.kind == "second_look" else 1

    def as_dict(self) -> dict[str, Any]:
        """As a reviewer may see it."""
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
        counts = ("tweets", "authors", "scored")
        numbers = (*counts, "share", "lower", "upper", "burst", "copies", "young", "links", "successor", "term")
        evidence = {name: getattr(self.evidence, name) for name in numbers} if self.evidence else None
        return plain | {
            "surfaces": list(self.surfaces),
            "category": self.category,
            "began_ms": self.began_ms,
            "ends_ms": self.ends_ms,
            "evidence": evidence,
        }


def is_sampled(reference: str, share: float, secret: bytes) -> bool:
    """Whether a suppression is in the sample. `share` in [0, 1].

    >>> sum(is_sampled(f"hushtag-{n}", 0.25, b"secret") for n in range(10_000))
    2539
    """
    digest = hmac.new(secret, b"second look\n" + reference.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def items_of(said: Decision, *, share: float, secret: bytes) -> list[Item]:
    """What an automated decision gives people to look at."""
    if said.provisional:
        return []
    found = [_item(one, "hold") for one in of_decision(said) if one.measure == "held"]
    found += [
        _item(one, "second_look")
        for one in of_decision(said)
        if one.measure == "reduced" and is_sampled(one.reference, share, secret)
    ]
    groups: dict[tuple[str, int], list[Ruling]] = {}
    for ruling in said.rulings:
        if ruling.action == "review":
            groups.setdefault((ruling.category, ruling.since_ms), []).append(ruling)
    return found + [_queued(said, rulings) for rulings in groups.values()]


def items_among(decisions: Iterable[Decision], *, share: float, secret: bytes) -> dict[str, Item]:
    """All items of some decisions by id; a renewed one ends later."""
    found: dict[str, Item] = {}
    for said in sorted(decisions, key=lambda one: one.version):
        found |= {item.id: item for item in items_of(said, share=share, secret=secret)}
    return found


def _item(one: Restriction, kind: Kind) -> Item:
    return Item(
        id=one.reference,
        kind=kind,
        hashtag=one.target,
        display=one.display,
        country=one.country,
        surfaces=one.surfaces,
        category=one.category,
        began_ms=one.began_ms,
        ends_ms=one.ends_ms,
        evidence=one.evidence,
    )


def _queued(said: Decision, rulings: list[Ruling]) -> Item:
    """A ruling of the mode `review`: it hides nothing, and asks to be looked at."""
    first = rulings[0]
    identity = f"review|{said.hashtag}|{said.country}|{first.category}|{first.since_ms}"
    return Item(
        id="hushtag-" + hashlib.sha256(identity.encode()).hexdigest()[:24],
        kind="review",
        hashtag=said.hashtag,
        display=said.display or said.hashtag,
        country=said.country,
        surfaces=tuple(sorted(ruling.surface for ruling in rulings)),
        category=first.category,
        began_ms=first.since_ms,
        ends_ms=max(ruling.expires_at_ms for ruling in rulings),
        evidence=first.evidence,
    )
