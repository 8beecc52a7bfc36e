"""What any statement needs to know of a decision, whoever took it: the one form from which all are rendered. Pure.

A restriction begins when it is first decided; a renewal is the same restriction with a later end. Its reference is
made from what does not change, so it is the same in every rendering, and an appeal can name it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from streams.log.decisions import HIDING, Decision, Evidence, Reason, Ruling
from streams.log.moderation import Override

TargetKind = Literal["hashtag", "account", "tweet"]
Measure = Literal["reduced", "held", "withheld", "suspended"]
"""Kept out of trends and suggestions; the same until a person has looked; invisible in one country; switched off."""
Source = Literal["automated", "human", "legal"]


@dataclass(frozen=True, slots=True)
class Order:
    """The legal order behind a restriction."""

    authority: str
    legal_basis: str
    reference: str
    confidential: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One decision that holds something back."""

    kind: TargetKind = "hashtag"
    target: str
    """Normalised hashtag, account id or tweet id."""
    display: str
    measure: Measure
    surfaces: tuple[str, ...]
    country: str
    """ISO 3166-1, or `*` for everywhere."""
    source: Source
    actor: str
    began_ms: int
    ends_ms: int
    """0: until revoked."""
    decision: str
    """Id of the record, or version of the decision, that says so."""
    identity: str
    """What sets it apart from every other, and stays the same when it is renewed."""
    category: str = ""
    """Of harm, where an automated decision names one."""
    reason: str = ""
    """In a person's words."""
    signals: tuple[Reason, ...] = ()
    evidence: Evidence | None = None
    policy_revision: str = ""
    model_revision: str = ""
    order: Order | None = None

    @property
    def reference(self) -> str:
        """The same for ever, and different from every other restriction's."""
        return "hushtag-" + hashlib.sha256(self.identity.encode()).hexdigest()[:24]

    @property
    def secret(self) -> bool:
        """Whether it comes of an order that may not be told of: neither who, nor under which law, nor why."""
        return self.order is not None and self.order.confidential

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON; of a confidential order nothing but that there is one."""
        plain = asdict(self) | {"reference": self.reference}
        del plain["identity"]
        if self.secret:
            plain |= {"order": {"confidential": True}, "reason": "", "actor": "", "decision": ""}
        plain["signals"] = [{"signal": s.signal, "value": s.value, "threshold": s.threshold} for s in self.signals]
        plain["evidence"] = None if self.evidence is None else _evidence(self.evidence)
        return plain


def of_decision(said: Decision) -> list[Restriction]:
    """The restrictions of an automated decision, one per category, action and beginning; surfaces are put together."""
    groups: dict[tuple[str, str, int], list[Ruling]] = {}
    for ruling in said.rulings:
        if ruling.action in HIDING:
            groups.setdefault((ruling.category, ruling.action, ruling.since_ms), []).append(ruling)
    return [
        Restriction(
            target=said.hashtag,
            display=said.display or said.hashtag,
            measure="held" if action == "hold" else "reduced",
            surfaces=tuple(sorted(ruling.surface for ruling in rulings)),
            country=said.country,
            source="automated",
            actor=said.actor,
            began_ms=since_ms,
            ends_ms=max(ruling.expires_at_ms for ruling in rulings),
            decision=said.version,
            identity=f"automated|{said.hashtag}|{said.country}|{category}|{action}|{since_ms}",
            category=category,
            signals=rulings[0].reasons,
            evidence=rulings[0].evidence,
            policy_revision=said.policy_revision,
            model_revision=said.model_revision,
        )
        for (category, action, since_ms), rulings in groups.items()
    ]


def of_override(record: Override, surfaces: Iterable[str] | None = None) -> Restriction | None:
    """The restriction that a person's decision makes; None for an allow. `surfaces`: those where it stands."""
    if record.action == "allow":
        return None
    return Restriction(
        target=record.hashtag,
        display=record.display,
        measure="held" if record.action == "hold" else "reduced",
        surfaces=tuple(sorted(record.surfaces if surfaces is None else surfaces)),
        country=record.country,
        source=record.source,
        actor=record.actor,
        began_ms=record.at_ms,
        ends_ms=record.expires_at_ms,
        decision=record.id,
        identity=f"{record.source}|{record.id}",
        reason=record.reason,
    )


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """Without the sampled tweets: a statement goes to the public, and tweet ids lead to their authors."""
    counts = ("window_ms", "tweets", "authors", "scored")
    kept = (*counts, "share", "lower", "upper", "burst", "copies", "young", "links", "successor", "term")
    return {name: getattr(evidence, name) for name in kept}
