"""Writes orders and the speaker registry: reads the log to its end, writes, and reads its own record back.

The log alone decides which record came first and which are accepted (`streams.orders.fold`). A record that is stale or
that the order does not allow changes nothing, and its writer gets an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from moderation.domain.orders.amendment_plan import AmendmentPlan, plan_amendment
from moderation.domain.orders.errors import (
    OrderRefused,
    StaleOrder,
    cell_error,
    contract_error,
    no_such_order,
    refusal_error,
)
from moderation.domain.orders.intake_plan import IntakePlan, OrderDraft, plan_intake, target_parts
from moderation.domain.orders.ruling_plan import RulingPlan, default_ground, plan_ruling
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.target_states import TargetStates, target_states
from moderation.domain.speakers.registry import RegistryPlan
from moderation.domain.tables import BadCell, words
from moderation.log.drafts import End, words_of
from moderation.log.service import ModerationService
from streams.errors import ContractError
from streams.log.moderation import OtherRecord, decode_moderation
from streams.orders.amendments import amendment_problem
from streams.orders.fold import OrderFold
from streams.orders.order import Order
from streams.orders.records import (
    Ground,
    LegalRecord,
    OrderAmendment,
    OrderAmendmentVerdict,
    OrderNote,
    OrderRuling,
    OrderState,
    OrderStep,
    Outcome,
    decode_legal,
    encode_legal,
    ranges_of,
)

UNTIL_REVOKED = End()


@dataclass(frozen=True, slots=True)
class AppliedRuling:
    """A ruling with the order after it; a dry run leaves the order unchanged."""

    order: Order
    plan: RulingPlan


class OrderService:
    """Orders and the registry on a `ModerationService`, which the caller enters and leaves.

    Raises (from every method):
        DependencyAway: Kafka does not answer.
        CallerMistake: there is no such order, or the request cannot be applied to it.
        StaleOrder: the order has changed since `expected` (None: since the latest read).
    """

    def __init__(self, moderation: ModerationService, *, clock: Callable[[], int] | None = None) -> None:
        self._moderation = moderation
        self.now_ms = clock or moderation.now_ms
        """Present time, by the log's clock."""
        self.written: list[tuple[int, LegalRecord]] = []
        """Records of the last write with their offsets."""

    @property
    def fold(self) -> OrderFold:
        """Fold of all orders, as of the last refresh or write."""
        return self._moderation.view.fold.orders

    async def refresh(self) -> OrderFold:
        """Read the log to its present end."""
        await self._moderation.refresh()
        return self.fold

    def get(self, order: str) -> Order:
        """Return one order, as of the last refresh or write."""
        legal_order = self.fold.by_id.get(order)
        if legal_order is None:
            raise no_such_order(order)
        return legal_order

    async def find(self, order: str) -> Order:
        """Read the log to its present end, and return one order."""
        await self.refresh()
        return self.get(order)

    def states(self, names: Container[str] | None = None) -> TargetStates:
        """Resolve the present states of targets over all orders, as of the last refresh or write; None: of all."""
        return target_states(self._moderation.view.fold, self.now_ms(), names)

    def changes_surfaces(self, offset: int) -> bool:
        """Whether the record at an offset began, ended or changed a restriction."""
        return any(stack.offset == offset for stack in self._moderation.view.fold.stacks().values())

    async def take_in(self, drafts: Sequence[OrderDraft], *, actor: str) -> list[IntakePlan]:
        """Take orders in; known targets are not written again, and orders in conflict are not written."""
        who, _ = words_of(actor, "intake")
        plans: list[IntakePlan] = []

        def make(at_ms: int) -> list[LegalRecord]:
            plans[:] = [plan_intake(draft, self.fold.by_id, self.fold.speakers) for draft in drafts]
            return [record for plan in plans for record in plan.records(actor=who, at_ms=at_ms)]

        await self._write(make)
        return plans

    async def step(
        self,
        order: str,
        to: OrderState,
        *,
        actor: str,
        reason: str,
        end: End = UNTIL_REVOKED,
        ground: Ground = "other",
        expected: str | None = None,
    ) -> Order:
        """Move an order to another state; `interim` and `final` put its outcomes in force.

        Args:
            order: id of the order.
            to: state to move to.
            actor: person who decides.
            reason: text for the log, not empty.
            end: end of the outcomes; required for `interim`.
            ground: ground on which a whole order is declined.
            expected: version of the order that the person saw; None uses the current version.
        """
        who, why = words_of(actor, reason)

        def make(at_ms: int) -> list[LegalRecord]:
            edits = self._edits(order, expected)
            return [
                OrderStep(id=secrets.token_hex(8), order=order, to=to, expires_at_ms=end.expires_at_ms,
                          lasts_ms=end.lasts_ms, ground=ground, actor=who, reason=why, at_ms=at_ms, edits=edits)
            ]  # fmt: skip

        await self._write(make)
        return self.get(order)

    async def rule(
        self,
        order: str,
        selection: Selection,
        outcome: Outcome,
        *,
        actor: str,
        reason: str,
        ground: Ground | None = None,
        surfaces: Sequence[str] = (),
        against_protected: bool = False,
        expected: str | None = None,
        dry_run: bool = False,
    ) -> AppliedRuling:
        """Rule on all selected targets in one record.

        Args:
            order: id of the order.
            selection: targets of the order.
            outcome: outcome for each of them.
            actor: person who decides.
            reason: text for the log, not empty.
            ground: the publishable ground. None: the only one that the outcome has; for `declined`
                `protected_speech` if all targets are protected speakers, else `other`.
            surfaces: surfaces on which hashtags are hidden; only for `reduced`.
            against_protected: include protected speakers; each needs two people.
            expected: version of the order that the person saw; None uses the current version.
            dry_run: plan the ruling and write nothing.
        """
        who, why = words_of(actor, reason)
        planned: list[RulingPlan] = []

        def make(at_ms: int) -> list[LegalRecord]:
            plan = plan_ruling(
                self.get(order), self.fold, selection, outcome, actor=who, reason=why, ground=ground,
                against_protected=against_protected,
            )  # fmt: skip
            planned[:] = [plan]
            if dry_run or not plan.rows:
                return []
            return [
                OrderRuling(
                    id=secrets.token_hex(8),
                    order=order,
                    targets=ranges_of(row.number for row in plan.rows),
                    outcome=outcome,
                    ground=ground or default_ground(plan, self.fold),
                    surfaces=tuple(surfaces) if outcome == "reduced" else (),
                    actor=who,
                    reason=why,
                    at_ms=at_ms,
                    edits=self._edits(order, expected),
                )
            ]

        await self._write(make)
        return AppliedRuling(self.get(order), planned[0])

    async def amend(
        self,
        order: str,
        draft: OrderDraft,
        drop: Sequence[str],
        *,
        actor: str,
        reason: str,
        expires_at_ms: int = 0,
        expected: str | None = None,
        dry_run: bool = False,
    ) -> AmendmentPlan:
        """Propose what an authority's corrected list changes; a second person approves it.

        Args:
            order: id of the order.
            draft: targets to add; those that the order has are left out.
            drop: targets to drop, as an order writes them.
            actor: person who proposes it.
            reason: text for the log and for the dropped targets, not empty.
            expires_at_ms: new end of the outcomes; 0: unchanged.
            expected: version of the order that the person saw; None uses the current version.
            dry_run: plan the amendment and write nothing.
        """
        who, why = words_of(actor, reason)
        planned: list[AmendmentPlan] = []

        def make(at_ms: int) -> list[LegalRecord]:
            legal_order, edits = self.get(order), self._edits(order, expected)
            plan = plan_amendment(legal_order, self.fold, draft, drop, expires_at_ms, at_ms)
            planned[:] = [plan]
            write = secrets.token_hex(8)
            parts = target_parts(order, write, plan.added)
            record = OrderAmendment(
                id=write, order=order, parts=len(parts), added=len(plan.added),
                dropped=ranges_of(row.number for row in plan.dropped), expires_at_ms=expires_at_ms, actor=who,
                reason=why, at_ms=at_ms, edits=edits,
            )  # fmt: skip
            if problem := amendment_problem(record, plan.added, legal_order):
                raise OrderRefused(f"{order}: {problem}", fix=f"hushtag orders show {order}")
            return [] if dry_run else [*parts, record]

        await self._write(make)
        return planned[0]

    async def answer_amendment(
        self,
        order: str,
        verdict: Literal["approve", "refuse"],
        *,
        actor: str,
        reason: str,
        amendment: str | None = None,
        expected: str | None = None,
    ) -> Order:
        """Approve the amendment that waits, as a second person, or refuse it.

        Args:
            order: id of the order.
            verdict: the answer.
            actor: person who answers.
            reason: text for the log, not empty.
            amendment: id of the amendment that the person saw; None: the one that waits.
            expected: version of the order that the person saw; None uses the current version.
        """
        who, why = words_of(actor, reason)

        def make(at_ms: int) -> list[LegalRecord]:
            edits, waiting = self._edits(order, expected), self.get(order).amendment
            if waiting is None and amendment is None:
                raise OrderRefused(
                    f"{order}: no amendment waits: it is decided, or the order changed after it was proposed",
                    fix=f"hushtag orders show {order}; propose it again",
                )
            answered = amendment or (waiting.record.id if waiting else "")
            return [
                OrderAmendmentVerdict(id=secrets.token_hex(8), order=order, amendment=answered, verdict=verdict,
                                      actor=who, reason=why, at_ms=at_ms, edits=edits)
            ]  # fmt: skip

        await self._write(make)
        return self.get(order)

    async def note(self, order: str, *, actor: str, text: str = "", assignee: str | None = None) -> Order:
        """Add a note to an order, or assign it to a person ("" unassigns it)."""
        who, _ = words_of(actor, text or "assigned")
        name = None if assignee is None else _assignee(assignee)

        def make(at_ms: int) -> list[LegalRecord]:
            self.get(order)
            return [
                OrderNote(id=secrets.token_hex(8), order=order, text=text, assignee=name, actor=who, at_ms=at_ms)
            ]  # fmt: skip

        await self._write(make)
        return self.get(order)

    async def change_registry(
        self, make_plan: Callable[[OrderFold], RegistryPlan], *, actor: str, reason: str, dry_run: bool = False
    ) -> RegistryPlan:
        """Change the registry by a plan that `make_plan` derives from its present state."""
        who, why = words_of(actor, reason)
        plans: list[RegistryPlan] = []

        def make(at_ms: int) -> list[LegalRecord]:
            plans[:] = [make_plan(self.fold)]
            speakers = self.fold.speakers
            if dry_run:
                return []
            write = secrets.token_hex(8)
            return [*plans[0].records(write=write, actor=who, reason=why, at_ms=at_ms, registered=speakers)]

        await self._write(make)
        return plans[0]

    def _edits(self, order: str, expected: str | None) -> str:
        legal_order = self.get(order)
        if expected is not None and expected != legal_order.version:
            raise StaleOrder(order, version=legal_order.version, changed=legal_order.since(expected))
        return legal_order.version

    async def _write(self, make: Callable[[int], Iterable[LegalRecord]]) -> None:
        records: list[LegalRecord] = []

        def encoded(view: object) -> list[tuple[bytes, bytes]]:
            records[:] = make(self.now_ms())
            return [_encode(record) for record in records]

        offsets = await self._moderation.transact(encoded)
        self.written = [(offset, self._logged(offset, record)) for offset, record in zip(offsets, records, strict=True)]
        for record, offset in zip(records, offsets, strict=True):
            if (refusal := self.fold.refused.get(offset)) is not None:
                raise refusal_error(getattr(record, "order", ""), refusal)

    def _logged(self, offset: int, record: LegalRecord) -> LegalRecord:
        """Return a written record as the log has it, with its log time; unchanged if no order's version has it."""
        order = self.fold.by_id.get(getattr(record, "order", ""))
        history = order.history if order is not None else []
        return next((logged for at, logged in reversed(history) if at == offset), record)


def _assignee(written: str) -> str:
    try:
        return words("assignee", written, most=2000, empty=True)
    except BadCell as bad:
        raise cell_error(bad) from None


def _encode(record: LegalRecord) -> tuple[bytes, bytes]:
    """Encode a record as (value, key) and decode it again.

    A record that readers would reject reaches no fold, so its writer would get no error later.
    """
    value, key = encode_legal(record)
    try:
        other = decode_moderation(value, key)
        assert isinstance(other, OtherRecord)
        decode_legal(other)
    except ContractError as error:
        raise contract_error(record, error) from None
    return value, key


__all__ = ["AppliedRuling", "OrderRefused", "OrderService", "StaleOrder"]
