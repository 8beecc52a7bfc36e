"""An order before it is in the log, and the plan of its intake against the known orders. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from moderation.wording import iso_words, time_words
from streams.orders.order import Order, TargetRow
from streams.orders.records import CHUNK, OrderReceived, OrderTargets, Target
from streams.orders.states import PENDING_STATES, state_label

FIELDS = (
    "authority", "country", "legal_basis", "reference", "issued", "received", "deadline", "confidential",
)  # fmt: skip
UNIQUE_FIELDS = ("legal_basis", "issued_ms", "deadline_ms", "confidential")
"""Fields of which an order has one value for good."""
Fate = Literal["new", "supplement", "known", "conflict"]


@dataclass(frozen=True, slots=True)
class OrderHead:
    """The fields of an order besides its targets."""

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
        """Id derived from authority, country and reference, however they are spelt.

        >>> head = OrderHead("Ministry", "IN", "IT Act 69A", "No. 7", 0, 0, 1, False)
        >>> head.id == OrderHead(" ministry", "IN", "69A", "no.  7", 5, 5, 9, True).id
        True
        """
        key = "\x1f".join(" ".join(text.casefold().split()) for text in (self.authority, self.reference))
        return f"{self.country}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"


@dataclass(slots=True)
class OrderDraft:
    """An order as a file holds it, each target once."""

    head: OrderHead
    targets: dict[tuple[str, str], Target] = field(default_factory=dict)
    """Targets by kind and value."""
    repeated: int = 0
    """Number of targets that the file repeats."""
    authors_at: dict[tuple[str, str], str] = field(default_factory=dict)
    """Place in the file of each tweet's author, such as `line 12`."""
    deadline_note: str = ""
    """Interpretation of an ambiguous deadline; "" if the deadline names its moment."""
    counts_from_intake: bool = False
    """Whether the deadline counts from the intake, because no receipt is given; a known order keeps its own."""
    date_notes: tuple[str, ...] = ()
    """Readings of dates that could be read in another way, in words."""


@dataclass(frozen=True, slots=True)
class IntakePlan:
    """The effect of an intake."""

    head: OrderHead
    fate: Fate
    added: tuple[Target, ...]
    known_targets: int
    """Number of targets that the order has already."""
    protected: int
    """Number of added targets that are protected speakers."""
    version: str
    """Version of the known order; "" for a new one."""
    why: str = ""
    """Reason of a conflict."""

    def records(self, *, actor: str, at_ms: int) -> list[OrderTargets | OrderReceived]:
        """Build the records of the intake; it takes effect with the last one."""
        if not self.added:
            return []
        intake, head = secrets.token_hex(8), self.head
        parts = target_parts(head.id, intake, self.added)
        received = OrderReceived(
            order=head.id, intake=intake, parts=len(parts), added=len(self.added), authority=head.authority,
            country=head.country, legal_basis=head.legal_basis, reference=head.reference, issued_ms=head.issued_ms,
            received_ms=head.received_ms, deadline_ms=head.deadline_ms, confidential=head.confidential, actor=actor,
            at_ms=at_ms, edits=self.version,
        )  # fmt: skip
        return [*parts, received]


def target_parts(order: str, intake: str, added: Sequence[Target]) -> list[OrderTargets]:
    """Build the records that hold the targets of an intake or of an amendment."""
    chunks = [tuple(added[at : at + CHUNK]) for at in range(0, len(added), CHUNK)]
    return [OrderTargets(order=order, intake=intake, part=n, targets=chunk) for n, chunk in enumerate(chunks)]


def plan_intake(draft: OrderDraft, orders: Mapping[str, Order], protected: Iterable[str]) -> IntakePlan:
    """Compare a draft with the known orders; new targets of a known order are added to it.

    A known tweet without the author that the draft names is a conflict. The log cannot add an author to a target, and
    a second target for the same tweet would not help: one person could still decide on the first.

    Args:
        draft: order as it was received.
        orders: known orders by id.
        protected: account ids of the registry.
    """
    order = orders.get(draft.head.id)
    head = _with_known_receipt(draft, order)
    registry = protected if isinstance(protected, (set, frozenset, dict)) else set(protected)
    rows = order.rows if order else []
    have: dict[tuple[str, str], TargetRow] = {(row.target.kind, row.target.value): row for row in rows}
    added = tuple(target for key, target in draft.targets.items() if key not in have)
    why = ""
    if order is not None:
        why = _difference(head, order) or other_author(draft, have) or other_account(draft, rows)
        if not why and added and order.state not in PENDING_STATES:
            why = f"it is {state_label(order.state)} and takes no more targets from an intake; propose an amendment"
    fate: Fate = "conflict" if why else "new" if order is None else "supplement" if added else "known"
    return IntakePlan(
        head=head,
        fate=fate,
        added=() if why else added,
        known_targets=len(draft.targets) - len(added),
        protected=sum(target.account in registry for target in added if target.account),
        version=order.version if order else "",
        why=why,
    )


def _with_known_receipt(draft: OrderDraft, order: Order | None) -> OrderHead:
    """Return the draft's fields; a deadline that counts from the intake counts from the first one."""
    head = draft.head
    if order is None or not draft.counts_from_intake:
        return head
    allowed_ms = head.deadline_ms - head.received_ms
    return replace(head, received_ms=order.received.received_ms, deadline_ms=order.received.received_ms + allowed_ms)


def _difference(head: OrderHead, order: Order) -> str:
    recorded = order.received
    for name in UNIQUE_FIELDS:
        if getattr(head, name) != getattr(recorded, name):
            field_name = name.removesuffix("_ms")
            at = f", {iso_words(getattr(recorded, name))}" if name != field_name else ""
            return (
                f"{recorded.reference!r} of {recorded.authority!r} is known with another {field_name}{at}; "
                "correct it, or give the reference of the new order"
            )
    return ""


def other_account(draft: OrderDraft, rows: Iterable[TargetRow]) -> str:
    """Explain that a handle has moved to another account since the order was taken in; "" if none has."""
    rows_by_handle = {row.target.handle.lower(): row for row in rows if row.target.handle}
    for target in draft.targets.values():
        row = rows_by_handle.get(target.handle.lower()) if target.handle else None
        if row is not None and row.target.account != target.account:
            return (
                f"@{target.handle} was account {row.target.account} on {time_words(row.target.resolved_ms)} (target "
                f"{row.number + 1}) and is account {target.account} now; give the account id that the order means"
            )
    return ""


def other_author(draft: OrderDraft, have: Mapping[tuple[str, str], TargetRow]) -> str:
    """Explain that a list names another author of a known tweet than the order; "" if it does not."""
    disputes = [
        (key, target, row)
        for key, target in draft.targets.items()
        if target.author and (row := have.get(key)) is not None and row.target.author != target.author
    ]
    if not disputes:
        return ""
    key, target, row = disputes[0]
    recorded = f"with the author {row.target.author}" if row.target.author else "without an author"
    return (
        (f"{where}: " if (where := draft.authors_at.get(key)) else "")
        + f"tweet {target.value} is known as target {row.number + 1}, {recorded}, and the file names {target.author}"
        + (f"; the same applies to {len(disputes) - 1:,} more" if len(disputes) > 1 else "")
        + ("; correct the author, or" if row.target.author else ";")
        + f" decline target {row.number + 1}, remove the row here, and take the tweet in with its author under a "
        "separate reference"
    )
