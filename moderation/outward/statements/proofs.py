"""Proofs of statements: the log entry of each restriction, with the fields that its owner may show to others.

The statement of a confidential order has no proof: its reason must stay closed, and its entry would point to the order.
"""

from __future__ import annotations

from collections.abc import Iterable

from moderation.domain.restrictions.restriction import Restriction
from moderation.publiclog.proving import DocumentProof, EntryKey, NeededEntry, PublicLog, prove, ruling_key

OPENED = ("time", "hashtag", "country", "action", "reason", "policy_revision", "facts")
"""Fields that a statement opens."""
CONFIDENTIAL = "a confidential order is behind this restriction, so its entry in the public log stays closed"


async def prove_statements(log: PublicLog, restrictions: Iterable[Restriction]) -> dict[str, DocumentProof]:
    """Prove the decisions behind restrictions; the proofs are keyed by reference."""
    restrictions = list(restrictions)
    secret = (restriction.reference for restriction in restrictions if restriction.secret)
    disclosed = [restriction for restriction in restrictions if not restriction.secret]
    needed = {
        restriction.reference: NeededEntry(entry_key(restriction), _since_ms(restriction), OPENED)
        for restriction in disclosed
    }
    return dict.fromkeys(secret, DocumentProof(note=CONFIDENTIAL)) | await prove(log, needed)


def entry_key(restriction: Restriction) -> EntryKey:
    """Identify the record behind a restriction."""
    kind, *parts = restriction.identity.split("|")
    if kind == "automated":
        return "decision", restriction.target, restriction.country, restriction.decision
    if kind == "order":
        order, _, outcome, at_ms = parts
        return ruling_key(order, outcome, int(at_ms))
    return "override", restriction.decision


def _since_ms(restriction: Restriction) -> int:
    """Return a time before the record: a ruling is older than a measure that an order puts in force later."""
    kind, *parts = restriction.identity.split("|")
    return min(restriction.began_ms, int(parts[-1])) if kind == "order" else restriction.began_ms
