"""An order before it is in the log, and what intake makes of it beside the orders that are known. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from moderation.times import iso_words
from streams.orders.fold import Case, Row, in_words
from streams.orders.records import CHUNK, OrderReceived, OrderTargets, Target
from streams.orders.states import WAITING

FIELDS = (
    "authority", "country", "legal_basis", "reference", "issued", "received", "deadline", "confidential",
)  # fmt: skip
Fate = Literal["new", "supplement", "known", "conflict"]


@dataclass(frozen=True, slots=True)
class Head:
    """What an order says of itself."""

    authority: str
    country: str
    legal_basis: str
    reference: str
    issued_ms: int
    received_ms: int
    deadline_ms: int
    confidential: bool

    @property
    def id(self) -> str:
        """The same for the same authority, country and reference, however they are spelt: an order is one order.

        >>> head = Head("Ministry", "IN", "IT Act 69A", "No. 7", 0, 0, 1, False)
        >>> head.id == Head(" ministry", "IN", "69A", "no.  7", 5, 5, 9, True).id
        True
        """
        said = "\x1f".join(" ".join(text.casefold().split()) for text in (self.authority, self.reference))
        return f"{self.country}-{hashlib.sha256(said.encode()).hexdigest()[:10]}"


@dataclass(slots=True)
class OrderDraft:
    """An order as a file has it; each target once."""

    head: Head
    targets: dict[tuple[str, str], Target] = field(default_factory=dict)
    repeated: int = 0
    """Targets that the file names again."""
    authors_at: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where in the file the author of a tweet is named, such as `line 12`."""
    read_as: str = ""
    """How a deadline was read that leaves something open; "" where it says its moment."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What taking an order in would do."""

    head: Head
    fate: Fate
    added: tuple[Target, ...]
    known: int
    """Targets that the order has already."""
    protected: int
    """Of those added, how many are protected speakers."""
    version: str
    """Of the order as known; "" for a new one."""
    why: str = ""
    """What is in conflict."""

    def records(self, *, actor: str, at_ms: int) -> list[OrderTargets | OrderReceived]:
        """The records that take it in; the last one makes it count."""
        if not self.added:
            return []
        intake = secrets.token_hex(8)
        chunks = [self.added[at : at + CHUNK] for at in range(0, len(self.added), CHUNK)]
        parts = [
            OrderTargets(order=self.head.id, intake=intake, part=n, targets=chunk) for n, chunk in enumerate(chunks)
        ]
        head = self.head
        received = OrderReceived(
            order=head.id, intake=intake, parts=len(parts), added=len(self.added), authority=head.authority,
            country=head.country, legal_basis=head.legal_basis, reference=head.reference, issued_ms=head.issued_ms,
            received_ms=head.received_ms, deadline_ms=head.deadline_ms, confidential=head.confidential, actor=actor,
            at_ms=at_ms, edits=self.version,
        )  # fmt: skip
        return [*parts, received]


def plan(draft: OrderDraft, cases: Mapping[str, Case], protected: Iterable[str]) -> Plan:
    """Compare a draft with what is known: the same order twice is recognised, and more targets are added to it.

    A tweet that is known without the author whom the draft names is a conflict. The log cannot give a target its author
    later, and the tweet once more beside it would not help: one person could still decide on the first.

    Args:
        cases: by id.
        protected: account ids of the registry.
    """
    head, case = draft.head, cases.get(draft.head.id)
    registry = protected if isinstance(protected, (set, frozenset, dict)) else set(protected)
    have: dict[tuple[str, str], Row] = {(row.target.kind, row.target.value): row for row in case.rows} if case else {}
    added = tuple(target for key, target in draft.targets.items() if key not in have)
    why = ""
    if case is not None:
        why = _difference(head, case) or _other_author(draft, have)
        if not why and added and case.state not in WAITING:
            why = f"it is {in_words(case.state)} and takes no more targets; give the new ones a reference of their own"
    fate: Fate = "conflict" if why else "new" if case is None else "supplement" if added else "known"
    return Plan(
        head=head,
        fate=fate,
        added=() if why else added,
        known=len(draft.targets) - len(added),
        protected=sum(target.account in registry for target in added if target.account),
        version=case.version if case else "",
        why=why,
    )


def _difference(head: Head, case: Case) -> str:
    known = case.order
    for name in ("legal_basis", "issued_ms", "deadline_ms", "confidential"):
        if getattr(head, name) != getattr(known, name):
            field_name = name.removesuffix("_ms")
            at = f", {iso_words(getattr(known, name))}" if name != field_name else ""
            return (
                f"{known.reference!r} of {known.authority!r} is known with another {field_name}{at}; "
                "correct it, or give the reference of the new order"
            )
    return ""


def _other_author(draft: OrderDraft, have: Mapping[tuple[str, str], Row]) -> str:
    found = [
        (key, target, row)
        for key, target in draft.targets.items()
        if target.author and (row := have.get(key)) is not None and row.target.author != target.author
    ]
    if not found:
        return ""
    key, target, row = found[0]
    known = f"with the author {row.target.author}" if row.target.author else "without an author"
    return (
        (f"{where}: " if (where := draft.authors_at.get(key)) else "")
        + f"tweet {target.value} is known as target {row.number + 1}, {known}, and is now said to be by {target.author}"
        + (f"; the same of {len(found) - 1:,} more" if len(found) > 1 else "")
        + ("; correct the author, or" if row.target.author else ";")
        + f" decline target {row.number + 1}, leave the row out here, and take the tweet in with its author under a "
        "reference of its own"
    )
