"""All restrictions of one hashtag: by the pipeline, by people, by legal orders. Pure."""

from __future__ import annotations

from moderation.statements.orders import restrictions_of
from moderation.statements.restriction import Restriction, of_decision, of_override
from streams.explain.hashtag_report import Account
from streams.log.moderation import Override


def in_force(account: Account) -> list[Restriction]:
    """What holds a hashtag back now, by the logs, whether Redis has it yet or not.

    What a stronger decision overrules everywhere is not there.
    """
    account = Account(account.hashtag, account.decisions, account.people, None, account.now_ms, account.country)
    found = [one for said in account.latest() for one in of_decision(said) if one.ends_ms > account.now_ms]
    for standing in account.standings:
        if standing.state == "in force" and isinstance(standing.record, Override):
            one = of_override(standing.record, standing.surfaces)
            found += [one] if one is not None else []
    found += _by_orders(account)
    deciding = {
        (place.surface, place.decided_by.country, place.decided_by.source)
        for place in account.places()
        if place.decided_by is not None
    }
    return [one for one in found if any((s, one.country, one.source) in deciding for s in one.surfaces)]


def ever(account: Account) -> list[Restriction]:
    """Every restriction of a hashtag that the logs still tell of, oldest first; each as it was when last renewed."""
    found = {one.identity: one for said in account.decisions for one in of_decision(said)}
    for offset, record in account.people.history:
        if isinstance(record, Override) and record.hashtag == account.hashtag:
            one = of_override(record)
            if one is not None and offset not in account.people.fold.stale:
                found[one.identity] = one
    found |= {one.identity: one for one in _by_orders(account)}
    return sorted(found.values(), key=lambda one: (one.began_ms, one.identity))


def _by_orders(account: Account) -> list[Restriction]:
    found: list[Restriction] = []
    for case in account.people.fold.cases.cases.values():
        rows = [row for row in case.rows if (row.target.kind, row.target.value) == ("hashtag", account.hashtag)]
        if account.country in (None, case.order.country):
            found += restrictions_of(case, account.now_ms, rows)
    return found
