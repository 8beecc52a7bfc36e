"""Items of a case: decisions that wait for a person, and a blind sample of decisions that need none. Pure.

A contested hashtag stays visible and is an item too, because people can see what the pipeline cannot.

The sample has suppressions, and controls: decisions that were measured the same way and hid nothing (mode `shadow` or
`review`). Only a reference and a secret determine whether a decision is sampled. The sample is therefore the same in
every process and after every restart, and cannot be predicted. Both kinds passed the same least tweets and authors of a
category, so a reviewer cannot tell them apart by size.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal, cast

from moderation.domain.restrictions.collection import decision_restrictions
from moderation.domain.restrictions.restriction import Restriction
from streams.actions import RANK, ROW_OF_MEASURE
from streams.languages import read_words
from streams.log import decisions
from streams.log.decisions import HARM_FIELDS, SPEAKING_SHARE, Decision, Evidence, ScopeDecision, unread_of
from streams.signals.registry import WEIGHED

ItemKind = Literal["hold", "review", "not_assessed", "contested", "paused", "appeal", "second_look", "control"]
"""Why an item is in a case. `not_assessed`: the model does not read most of its texts, so nothing automated hides it.
`control` is a second look at a hashtag that was never suppressed."""
ItemNumbers = dict[str, bool | int | float | dict[str, int] | None]
"""Numbers of an item's evidence by name; `unread` counts sampled authors by language."""
NOT_ASSESSED: ItemKind = "not_assessed"
BLIND_KINDS: frozenset[ItemKind] = frozenset({"second_look", "control"})
DEFAULT_SHARE = 0.05
CONTROL_FACTOR = 4
"""Share of controls among decisions that hid nothing, as a multiple of the share of suppressions; at most all."""
SCORED_SHARE = "scored_share"
"""Reason of such a review: the part of the sampled authors whose texts were read."""
_EVIDENCE = (
    *("tweets", "authors", "scored", "share", "lower", "upper"),
    *("established", "established_lower", "established_upper"),
    *(signal.name for signal in WEIGHED if signal.recorded),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """Decision, or an appeal against one, that waits for a person."""

    id: str
    """Reference of the restriction; of an appeal its id."""
    kind: ItemKind
    hashtag: str
    display: str
    country: str
    surfaces: tuple[str, ...]
    category: str
    began_ms: int
    ends_ms: int
    """End of the action, or of the use of a review; 0: it has none."""
    cause: str = ""
    """Reason why people are asked, in words; "" where the policy's mode asks them."""
    evidence: Evidence | None

    by: str = ""
    """Person who held the hashtag, or filed the appeal; "" for the pipeline."""

    @property
    def reach(self) -> int:
        """Number of tweets in the window that decided; 0 where it is not known."""
        return self.evidence.tweets if self.evidence is not None else 0

    @property
    def numbers(self) -> ItemNumbers | None:
        """Numbers of the machine by name, which are not for blind reviewers; None without evidence."""
        if self.evidence is None:
            return None
        left_out = HARM_FIELDS if self.kind == NOT_ASSESSED else ()
        members = {name: getattr(self.evidence, name) for name in _EVIDENCE if name not in left_out}
        return members | {"unread": dict(unread_of(self.evidence))}


def reference_of(identity: str) -> str:
    """Compute the id of an item from a text that identifies it."""
    return "hushtag-" + hashlib.sha256(identity.encode()).hexdigest()[:24]


def is_sampled(reference: str, share: float, secret: bytes) -> bool:
    """Return whether a suppression is in the sample; `share` is in [0, 1].

    >>> sum(is_sampled(f"hushtag-{n}", 0.25, b"secret") for n in range(10_000))
    2539
    """
    digest = hmac.new(secret, b"second look\n" + reference.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def items_of(decision: Decision, *, share: float, secret: bytes) -> list[ReviewItem]:
    """Build the items of an automated decision."""
    if decision.provisional:
        return []
    restrictions = decision_restrictions(decision)
    rows = [(ROW_OF_MEASURE[restriction.measure], restriction) for restriction in restrictions]
    rows.sort(key=lambda pair: RANK[pair[0].name])
    items = [
        _item(restriction, cast("ItemKind", row.queued_as), row.cause.format(part=restriction.established_part))
        for row, restriction in rows
        if row.queued_as
    ]
    items += [
        _item(restriction, "second_look")
        for row, restriction in rows
        if row.hides and not row.queued_as and is_sampled(restriction.reference, share, secret)
    ]
    groups: dict[tuple[str, str, int], list[ScopeDecision]] = {}
    for ruling in decision.rulings:
        if ruling.action in ("review", "shadow"):
            kind = NOT_ASSESSED if is_not_assessed(ruling) else ruling.action
            groups.setdefault((kind, ruling.category, ruling.since_ms), []).append(ruling)
    for kind in ("review", NOT_ASSESSED):
        items += [
            _queued_item(decision, group, kind) for (group_kind, *_), group in groups.items() if group_kind == kind
        ]
    judged = [group for (kind, *_), group in groups.items() if kind != NOT_ASSESSED]
    controls = [_queued_item(decision, group, "control") for group in judged if group[0].evidence]
    return items + [control for control in controls if is_sampled(control.id, min(1.0, CONTROL_FACTOR * share), secret)]


def is_not_assessed(ruling: ScopeDecision) -> bool:
    """Return whether a ruling asks people because the model does not read most of the texts."""
    return ruling.action == "review" and ruling.valve == decisions.NOT_ASSESSED


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


def _queued_item(decision: Decision, rulings: list[ScopeDecision], kind: ItemKind) -> ReviewItem:
    """Build the item of a decision that hides nothing: of the policy's mode, of a breaker or of an innocent past."""
    first = rulings[0]
    identity = f"{kind}|{decision.hashtag}|{decision.country}|{first.category}|{first.since_ms}"
    return ReviewItem(
        id=reference_of(identity),
        kind=kind,
        hashtag=decision.hashtag,
        display=decision.display or decision.hashtag,
        country=decision.country,
        surfaces=tuple(sorted(ruling.surface for ruling in rulings)),
        category=first.category,
        began_ms=first.since_ms,
        ends_ms=max(ruling.expires_at_ms for ruling in rulings),
        evidence=first.evidence,
        cause="" if kind == "control" else _cause(first),
    )


def _cause(ruling: ScopeDecision) -> str:
    """Say why a ruling became a review: the name of the valve, with its value and its limit."""
    if is_not_assessed(ruling):
        return _unread_cause(ruling)
    if ruling.valve == decisions.UNCORROBORATED:
        return "uncorroborated: as harmful as what is hidden, but no signal corroborates it"
    reason = next((reason for reason in ruling.reasons if reason.signal == ruling.valve), None)
    if reason is None:
        return ruling.valve.replace("_", " ")
    if ruling.valve == "innocent_past":
        return f"innocent past: {reason.value:g} established authors used it before without harm"
    return f"{ruling.valve.replace('_', ' ')}: {reason.value:g}, the limit is {reason.threshold:g}"


def _unread_cause(ruling: ScopeDecision) -> str:
    least = next((reason.threshold for reason in ruling.reasons if reason.signal == SCORED_SHARE), None)
    asked = "" if least is None else f"; the policy asks for {least:.0%}"
    asked += _summary_words(ruling)
    if ruling.evidence is None:
        return f"not assessed: too few of its sampled authors were read{asked}"
    read = read_words(ruling.evidence.scored, unread_of(ruling.evidence))
    if any(reason.signal == SPEAKING_SHARE for reason in ruling.reasons):
        return f"not assessed: harmful only without its authors who wrote no words; the model read {read}{asked}"
    return f"not assessed: the model read {read or 'too few of its authors'}{asked}"


def _summary_words(ruling: ScopeDecision) -> str:
    """Say that a review stands for others, beyond the cap on such reviews; "" where it does not."""
    cap = next((reason for reason in ruling.reasons if reason.signal == decisions.UNREAD_CAP), None)
    if cap is None:
        return ""
    limit = f"; the limit of {cap.threshold:g} such cases an hour in a shard is reached (unread_per_hour)"
    return f"{limit}: this one also stands for {cap.value:g} more in its language" if cap.value else limit
