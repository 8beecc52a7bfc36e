"""Resolve an appeal to the restriction in force, and build the record that reverses exactly that restriction.

- A human override is undone where it is still in force.
- A target of a legal order is declined on that order, so that other orders and people keep their decisions.
- An `allow` overrules an automated flag, and all other automated ones of the hashtag; the caller reports them.

An appeal outlives the record that it contests: an order is revoked, a target is ruled on again under another
reference, the decision leaves the topic. The appeal therefore keeps the order, the target and the deciders.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.records import Appeal
from moderation.domain.restrictions.collection import enforced_restrictions, order_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction
from moderation.log.drafts import End, OverrideDraft
from moderation.log.service import ModerationService
from streams.constants import DAY_MS
from streams.flags.moderation_fold import Scope, scopes_of
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import Override, TagRecord, Undo
from streams.naming import tag_of
from streams.orders.order import Order, TargetRow, TargetRuling
from streams.orders.records import OrderRuling
from streams.orders.speakers import same_person
from streams.orders.states import state_label

A_WEEK = End(lasts_ms=7 * DAY_MS)
"""End of an override that a verdict or an appeal leads to."""
Effect = TagRecord | OrderRuling
"""Record that changes what is shown."""
_BEFORE_ANY_EXPIRY = 0
"""Time at which no measure of an order has expired: an expired interim decision can still be made final."""


@dataclass(frozen=True, slots=True)
class ContestedRestriction:
    """Restriction and its origin: a human record, a target of an order, or else the pipeline."""

    restriction: Restriction
    record: Override | None = None
    order: Order | None = None
    row: TargetRow | None = None
    ruling: TargetRuling | None = None
    """Ruling of the order behind it."""

    @property
    def order_id(self) -> str:
        """Id of the order behind the restriction; "" without one."""
        return self.order.id if self.order is not None else ""

    @property
    def deciders(self) -> tuple[str, ...]:
        """People who took the decision."""
        if self.ruling is not None:
            return self.ruling.actors
        return (self.restriction.actor,)


@dataclass(frozen=True, slots=True)
class AppealSubject:
    """Restriction that an appeal can still reverse."""

    deciders: tuple[str, ...]
    """People who took the contested decision or the one that replaced it."""
    contested: ContestedRestriction | None
    """Restriction that an overturn reverses; None if none is in force."""
    ended: str = ""
    """Reason why no restriction is in force; "" if one is."""

    def decided_by(self, actor: str) -> bool:
        """Return whether an actor is one of the deciders."""
        return any(same_person(decider, actor) for decider in self.deciders)


def find_restriction(
    reference: str, automated: AutomatedFold, history: OverrideHistory, at_ms: int
) -> ContestedRestriction | None:
    """Find the restriction that a statement names, in force or ended; None if neither log has it.

    The topic `moderation` keeps people's decisions and orders for good. Automated decisions that left their topic are
    in the audit log alone.
    """
    contested = _look_up(reference, automated, history, at_ms)
    return _look_up_ended(reference, history) if contested is None else contested


def resolve_appeal(appeal: Appeal, automated: AutomatedFold, history: OverrideHistory, at_ms: int) -> AppealSubject:
    """Find the restriction that an appeal contests, or the order's present restriction of the same target."""
    contested = _look_up(appeal.case, automated, history, at_ms, target=appeal.hashtag)
    if contested is not None:
        deciders = (*appeal.deciders, *contested.deciders)
        if contested.record is not None and not _scopes_in_force(contested.record, history, at_ms):
            return AppealSubject(deciders, None, f"the {contested.record.action} has expired or was undone")
        return AppealSubject(deciders, contested)
    if appeal.order:
        return _resolve_order(appeal, history.fold.orders.by_id.get(appeal.order))
    now = [
        other for other in automated.restrictions.values() if other.target == appeal.hashtag and other.ends_ms > at_ms
    ]
    others = "".join(f"; {other.reference}, a separate decision, restricts it now" for other in now)
    return AppealSubject(appeal.deciders, None, f"the decision has ended, or is no longer kept{others}")


def reversal(
    contested: ContestedRestriction, service: ModerationService, *, actor: str, reason: str, at_ms: int
) -> Effect | None:
    """Build the record that reverses a restriction; None if it is nowhere in force."""
    history = service.view
    if contested.order is not None and contested.row is not None:
        protected = history.fold.orders.protected(contested.row.target) is not None
        return OrderRuling(
            id=secrets.token_hex(8),
            order=contested.order.id,
            targets=((contested.row.number, contested.row.number),),
            outcome="declined",
            ground="protected_speech" if protected else "other",
            actor=actor,
            reason=reason,
            at_ms=at_ms,
            edits=contested.order.version,
        )
    restriction, record = contested.restriction, contested.record
    if record is None:
        draft = OverrideDraft(
            tag=tag_of(restriction.target),
            action="allow",
            country=restriction.country,
            surfaces=restriction.surfaces,
            actor=actor,
            reason=reason,
            lasts_ms=A_WEEK.lasts_ms,
        )
        return service.record_of(draft)
    return undo_in_force(record, history, actor=actor, reason=reason, at_ms=at_ms)


def undo_in_force(record: Override, history: OverrideHistory, *, actor: str, reason: str, at_ms: int) -> Undo | None:
    """Build the record that undoes an override wherever it is in force, also below a newer one; None: nowhere."""
    scopes = _scopes_in_force(record, history, at_ms)
    if not scopes:
        return None
    return Undo(
        id=secrets.token_hex(8),
        hashtag=record.hashtag,
        display=record.display,
        country=record.country,
        surfaces=tuple(scope[1] for scope in scopes),
        actor=actor,
        reason=reason,
        at_ms=at_ms,
        edits=history.fold.version(scopes),
        undoes=(record.id,),
    )


def also_lifted(effect: Effect | None, contested: Restriction, automated: AutomatedFold, at_ms: int) -> tuple[str, ...]:
    """List the references of the other automated restrictions that an `allow` lifts."""
    if not isinstance(effect, Override):
        return ()
    references = {
        other.reference
        for other in automated.restrictions.values()
        if other.target == contested.target
        and contested.country in ("*", other.country)
        and other.ends_ms > at_ms
        and set(other.surfaces) & set(contested.surfaces)
    }
    return tuple(sorted(references - {contested.reference}))


def _look_up(
    reference: str, automated: AutomatedFold, history: OverrideHistory, at_ms: int, *, target: str | None = None
) -> ContestedRestriction | None:
    """Find a restriction by its reference; a known target spares hashing those of all others."""
    if (restriction := automated.restrictions.get(reference)) is not None:
        return ContestedRestriction(restriction)
    for offset, record in history.history:
        if target not in (None, record.hashtag):
            continue
        if isinstance(record, Override) and offset not in history.fold.stale:
            restriction = override_restriction(record)
            if restriction is not None and restriction.reference == reference:
                return ContestedRestriction(restriction, record)
    for order in history.fold.orders.by_id.values():
        for row in order.rows:
            if target not in (None, row.target.value):
                continue
            for restriction in order_restrictions(order, at_ms, [row]):
                if restriction.reference == reference:
                    return ContestedRestriction(restriction, order=order, row=row, ruling=row.ruling)
    return None


def _look_up_ended(reference: str, history: OverrideHistory) -> ContestedRestriction | None:
    """Find a restriction of an order that is no longer in force, by its reference."""
    for order in history.fold.orders.by_id.values():
        for row in order.rows:
            for restriction, ruling in enforced_restrictions(order, row):
                if restriction.reference == reference:
                    return ContestedRestriction(restriction, order=order, row=row, ruling=ruling)
    return None


def _resolve_order(appeal: Appeal, order: Order | None) -> AppealSubject:
    if order is None or appeal.number is None or appeal.number >= len(order.rows):
        return AppealSubject(appeal.deciders, None, "its target is no longer known")
    row = order.rows[appeal.number]
    for restriction in order_restrictions(order, _BEFORE_ANY_EXPIRY, [row]):
        contested = ContestedRestriction(restriction, order=order, row=row, ruling=row.ruling)
        return AppealSubject((*appeal.deciders, *contested.deciders), contested)
    if row.ruling is not None and row.ruling.outcome == "declined":
        return AppealSubject(appeal.deciders, None, "the target is now declined")
    if row.dropped is not None:
        return AppealSubject(appeal.deciders, None, "the authority dropped the target from its order")
    return AppealSubject(appeal.deciders, None, f"the order is {state_label(order.state)}")


def _scopes_in_force(record: Override, history: OverrideHistory, at_ms: int) -> list[Scope]:
    """List the scopes in which a human override is neither undone nor expired, also below a newer one."""
    stacks = history.fold.stacks()
    return [
        scope
        for scope in scopes_of(record)
        if any(e.record.id == record.id and e.in_force(at_ms) for e in stacks[scope].entries)
    ]
