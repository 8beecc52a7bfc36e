"""Collect restrictions from records: automated decisions, people's overrides and legal orders. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hushtag_client.registers import WORLD

from moderation.domain.orders.target_states import target_states
from moderation.domain.restrictions.restriction import LegalOrder, Restriction
from streams.actions import ACTION_OF_VERB, FORMS, ROW_OF_MEASURE
from streams.explain.hashtag_report import HashtagReport, SurfaceState
from streams.flags.moderation_fold import ModerationFold
from streams.log.decisions import Action, Decision, ScopeDecision
from streams.log.moderation import Override, Undo
from streams.orders.measures import Measure as OrderMeasure
from streams.orders.measures import measure, ruled_measure
from streams.orders.order import Order, TargetRow, TargetRuling

_NEVER_MS = 1 << 62


def active_restrictions(report: HashtagReport) -> list[Restriction]:
    """List the restrictions of a hashtag in force now, according to the logs and not to Redis.

    Each names only the surfaces on which it decides; one that stronger decisions overrule everywhere is left out.
    """
    report = HashtagReport(report.hashtag, report.decisions, report.people, None, report.now_ms, report.country)
    restrictions = [restriction for decision in report.latest() for restriction in decision_restrictions(decision)]
    restrictions = [restriction for restriction in restrictions if restriction.ends_ms > report.now_ms]
    for standing in report.overrides:
        if standing.state == "in force" and isinstance(standing.record, Override):
            restrictions += _some(_override(report, standing.record, standing.surfaces))
    restrictions += _by_orders(report)
    places = report.states()
    resolved = []
    for restriction in restrictions:
        surfaces = tuple(
            surface
            for surface in restriction.surfaces
            if any(_decides(restriction, surface, place) for place in places)
        )
        if surfaces:
            resolved.append(replace(restriction, surfaces=surfaces, shown_in=_shown_in(restriction, surfaces, places)))
    return resolved


def all_restrictions(report: HashtagReport) -> list[Restriction]:
    """List every restriction of a hashtag that the logs retain, oldest first, each as of its last renewal.

    Those that `active_restrictions` does not list are marked as not in force.
    """
    automated = (restriction for decision in report.decisions for restriction in decision_restrictions(decision))
    by_identity = {restriction.identity: restriction for restriction in automated}
    for offset, record in report.people.history:
        if isinstance(record, Override) and record.hashtag == report.hashtag and offset not in report.people.fold.stale:
            by_identity |= {restriction.identity: restriction for restriction in _some(_override(report, record))}
    by_identity |= {restriction.identity: restriction for restriction in _by_orders(report)}
    active = {restriction.identity: restriction for restriction in active_restrictions(report)}
    stated = [active.get(name) or replace(restriction, in_force=False) for name, restriction in by_identity.items()]
    return sorted(stated, key=lambda restriction: (restriction.began_ms, restriction.identity))


def decision_restrictions(decision: Decision) -> list[Restriction]:
    """Convert an automated decision: one restriction per category, action and beginning, with all of its surfaces."""
    groups: dict[tuple[str, Action, int], list[ScopeDecision]] = {}
    for ruling in decision.rulings:
        if ruling.action in FORMS:
            groups.setdefault((ruling.category, ruling.action, ruling.since_ms), []).append(ruling)
    return [
        Restriction(
            target=decision.hashtag,
            display=decision.display or decision.hashtag,
            measure=FORMS[action].measure,
            surfaces=tuple(sorted(ruling.surface for ruling in rulings)),
            country=decision.country,
            source="automated",
            actor=decision.actor,
            began_ms=since_ms,
            ends_ms=max(ruling.expires_at_ms for ruling in rulings),
            decision=decision.version,
            identity=f"automated|{decision.hashtag}|{decision.country}|{category}|{action}|{since_ms}",
            category=category,
            weight=1.0 if rulings[0].weight is None else rulings[0].weight,
            signals=rulings[0].reasons,
            evidence=rulings[0].evidence,
            policy_revision=decision.policy_revision,
            model_revision=decision.model_revision,
        )
        for (category, action, since_ms), rulings in groups.items()
    ]


def override_restriction(record: Override, surfaces: Iterable[str] | None = None) -> Restriction | None:
    """Convert a person's override; None for an allow.

    Args:
        record: override as the log has it.
        surfaces: the surfaces on which it is in force; None: all that it names.
    """
    form = FORMS.get(ACTION_OF_VERB[record.action])
    if form is None:
        return None
    return Restriction(
        target=record.hashtag,
        display=record.display,
        measure=form.measure,
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


def order_restrictions(order: Order, now_ms: int, rows: Iterable[TargetRow] | None = None) -> list[Restriction]:
    """List the restrictions that an order has in force at a moment, and the suspensions that it led to.

    Args:
        order: order with its rulings.
        now_ms: the moment, Unix time in ms.
        rows: only these targets; None: all targets of the order.
    """
    restrictions = []
    for row in order.rows if rows is None else rows:
        held, ruling = measure(order, row), row.ruling
        if held is not None and ruling is not None and not 0 < held.expires_at_ms <= now_ms:
            restrictions.append(_order_restriction(order, row, ruling, held))
    return restrictions


def enforced_restrictions(order: Order, row: TargetRow) -> list[tuple[Restriction, TargetRuling]]:
    """List every restriction that an order ever had in force against a target, with its ruling, oldest first."""
    return [
        (replace(_order_restriction(order, row, ruling, ruled_measure(order, row, ruling)), in_force=False), ruling)
        for ruling in row.enforced
    ]


def _order_restriction(order: Order, row: TargetRow, ruling: TargetRuling, held: OrderMeasure) -> Restriction:
    return Restriction(
        kind=row.target.kind,
        target=row.target.value,
        display=row.target.display or row.target.value,
        measure=ruling.outcome,
        surfaces=held.surfaces,
        country=held.country,
        source=held.source,
        actor=" and ".join(ruling.actors),
        began_ms=max(ruling.since_ms, order.in_force_since_ms if held.source == "legal" else 0),
        ends_ms=held.expires_at_ms,
        decision="" if order.received.confidential else f"{order.id}-{row.number + 1}",
        identity=f"order|{order.id}|{row.number}|{ruling.outcome}|{ruling.at_ms}",
        reason=ruling.reason,
        order=legal_order(order) if held.source == "legal" else None,
        author=row.target.author,
    )


def with_present_states(restrictions: Sequence[Restriction], fold: ModerationFold, at_ms: int) -> list[Restriction]:
    """Add to restrictions of accounts and tweets where else their targets are hidden, over all orders and suspensions.

    Args:
        restrictions: restrictions to state.
        fold: everything that people decided.
        at_ms: the moment of the statements; no record of the fold may be later.
    """
    names = {
        name
        for restriction in restrictions
        if restriction.kind != "hashtag"
        for name in (restriction.target, restriction.author)
        if name
    }
    if not names:
        return list(restrictions)
    states = target_states(fold, at_ms, names)
    return [
        restriction
        if restriction.kind == "hashtag"
        else replace(
            restriction,
            also_hidden_in=states.hidden_in(
                restriction.kind, restriction.target, restriction.author, besides=restriction.country
            ),
        )
        for restriction in restrictions
    ]


def legal_order(order: Order) -> LegalOrder:
    """Select the fields of an order that a statement may name."""
    received = order.received
    return LegalOrder(received.authority, received.legal_basis, received.reference, received.confidential)


def _decides(restriction: Restriction, surface: str, place: SurfaceState) -> bool:
    """Return whether a restriction is the decision at a place."""
    by = place.decided_by
    return (
        by is not None
        and place.surface == surface
        and (by.country, by.source) == (restriction.country, restriction.source)
    )


def _shown_in(restriction: Restriction, surfaces: Sequence[str], places: Iterable[SurfaceState]) -> tuple[str, ...]:
    """List the countries where other decisions show a hashtag that is hidden in the world."""
    if restriction.country != WORLD or not ROW_OF_MEASURE[restriction.measure].hides:
        return ()
    shown = {place.country for place in places if place.shown and place.surface in surfaces}
    return tuple(sorted(shown - {WORLD}))


def _by_orders(report: HashtagReport) -> list[Restriction]:
    restrictions: list[Restriction] = []
    for order in report.people.fold.orders.by_id.values():
        rows = [row for row in order.rows if (row.target.kind, row.target.value) == ("hashtag", report.hashtag)]
        if report.country in (None, order.received.country):
            restrictions += order_restrictions(order, report.now_ms, rows)
    return restrictions


def _some(restriction: Restriction | None) -> list[Restriction]:
    return [] if restriction is None else [restriction]


def _override(report: HashtagReport, record: Override, surfaces: Iterable[str] | None = None) -> Restriction | None:
    """Convert an override; it begins when people first held the hashtag back on one of its surfaces without a break."""
    restriction = override_restriction(record, surfaces)
    if restriction is None:
        return None
    since = _held_since(report, record)
    begins = (since.get(surface, record.at_ms) for surface in restriction.surfaces)
    return replace(restriction, began_ms=min(begins, default=record.at_ms))


def _held_since(report: HashtagReport, record: Override) -> dict[str, int]:
    """Find the start of the unbroken time, up to a record, in which people held a hashtag back, by surface."""
    began: dict[str, int] = {}
    active: dict[str, dict[str, int]] = {}
    for offset, earlier in report.people.history:
        if (earlier.hashtag, earlier.country) != (record.hashtag, record.country) or offset in report.people.fold.stale:
            continue
        for surface in earlier.surfaces:
            held = active.setdefault(surface, {})
            if isinstance(earlier, Undo):
                for undone in earlier.undoes:
                    held.pop(undone, None)
            elif earlier.action == "allow":
                held.clear()
            else:
                if all(end_ms <= earlier.at_ms for end_ms in held.values()):
                    began[surface] = earlier.at_ms
                held[earlier.id] = earlier.expires_at_ms or _NEVER_MS
        if earlier.id == record.id:
            break
    return began
