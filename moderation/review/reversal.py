"""What an appeal is against, and the record that takes exactly that back.

A person's override is undone where it still stands. A target of a legal order is declined, on the order, so that what
other orders and people hold stays. Over the pipeline's suppression an `allow` is laid: it is over everything automated
on the hashtag, and what it lifts besides is told.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from moderation.drafts import Draft, tag_of
from moderation.review.automated import Automated
from moderation.review.errors import NoSuchCase
from moderation.statements.orders import restrictions_of
from moderation.statements.restriction import Restriction, of_override
from moderation.writer import Desk
from streams.flags.moderation_fold import Scope, scopes_of
from streams.flags.overrides import PeopleView
from streams.log.moderation import Override, TagRecord, Undo
from streams.orders.fold import Case, Row
from streams.orders.records import OrderRuling

LASTS_MS = 7 * 86_400_000
"""How long an override stands that a verdict or an appeal leads to."""
Effect = TagRecord | OrderRuling


@dataclass(frozen=True, slots=True)
class Against:
    """A restriction and where it comes from: a person's record, a target of an order, or else the pipeline."""

    restriction: Restriction
    record: Override | None = None
    case: Case | None = None
    row: Row | None = None

    @property
    def order(self) -> str:
        """The order's id, "" where none is behind it."""
        return self.case.id if self.case is not None else ""

    @property
    def deciders(self) -> tuple[str, ...]:
        """Who took the decision."""
        if self.row is not None and self.row.ruling is not None:
            return self.row.ruling.actors
        return (self.restriction.actor,)


def find(reference: str, automated: Automated, view: PeopleView, at_ms: int) -> Against:
    """The restriction that a statement names.

    Raises:
        NoSuchCase: there is none, see `look_up`.
    """
    found = look_up(reference, automated, view, at_ms)
    if found is None:
        raise NoSuchCase(f"there is no restriction {reference[:40]!r}", fix="the reference as the statement says it")
    return found


def look_up(reference: str, automated: Automated, view: PeopleView, at_ms: int) -> Against | None:
    """The restriction that a statement names.

    None: there is none; the pipeline's ended a week ago, or its topic has let go of it; or an order's is no longer in
    force, or is another one since its target was ruled on again.
    """
    if (restriction := automated.restrictions.get(reference)) is not None:
        return Against(restriction)
    for offset, record in view.history:
        if isinstance(record, Override) and offset not in view.fold.stale:
            one = of_override(record)
            if one is not None and one.reference == reference:
                return Against(one, record)
    for case in view.fold.cases.cases.values():
        for row in case.rows:
            for one in restrictions_of(case, at_ms, [row]):
                if one.reference == reference:
                    return Against(one, case=case, row=row)
    return None


def standing(record: Override, view: PeopleView, at_ms: int) -> list[Scope]:
    """Where a person's override still stands, be it under a newer one."""
    stacks = view.fold.stacks()
    return [
        scope
        for scope in scopes_of(record)
        if any(e.record.id == record.id and e.stands(at_ms) for e in stacks[scope].entries)
    ]


def reversal(against: Against, desk: Desk, *, actor: str, reason: str, at_ms: int) -> Effect | None:
    """The record that reverses a restriction; None where nothing of it stands any more."""
    if against.case is not None and against.row is not None:
        protected = desk.view.fold.cases.protected(against.row.target) is not None
        return OrderRuling(
            id=secrets.token_hex(8), order=against.case.id, targets=((against.row.number, against.row.number),),
            outcome="declined", ground="protected_speech" if protected else "other", actor=actor, reason=reason,
            at_ms=at_ms, edits=against.case.version,
        )  # fmt: skip
    restriction, record = against.restriction, against.record
    if record is None:
        draft = Draft(
            tag=tag_of(restriction.target),
            action="allow",
            country=restriction.country,
            surfaces=restriction.surfaces,
            actor=actor,
            reason=reason,
            expires_at_ms=at_ms + LASTS_MS,
        )
        return desk.drafted(draft)
    scopes = standing(record, desk.view, at_ms)
    if not scopes:
        return None
    return Undo(
        id=secrets.token_hex(8), hashtag=record.hashtag, display=record.display, country=record.country,
        surfaces=tuple(scope[1] for scope in scopes), actor=actor, reason=reason, at_ms=at_ms,
        edits=desk.view.fold.version(scopes), undoes=(record.id,),
    )  # fmt: skip


def also_lifted(effect: Effect | None, against: Restriction, automated: Automated, at_ms: int) -> tuple[str, ...]:
    """References of the automated restrictions that an `allow` lifts besides the one that it is for."""
    if not isinstance(effect, Override):
        return ()
    found = {
        one.reference
        for one in automated.restrictions.values()
        if one.target == against.target
        and against.country in ("*", one.country)
        and one.ends_ms > at_ms
        and set(one.surfaces) & set(against.surfaces)
    }
    return tuple(sorted(found - {against.reference}))
