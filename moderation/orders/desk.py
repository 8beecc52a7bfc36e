"""Where orders and the registry are written: reads the log to its end, writes, and reads its own record back.

The log alone says who was first and what counts (`streams.orders.fold`); a record that came too late, or that the
order does not allow, changes nothing, and its writer is told by an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from moderation import speakers
from moderation.drafts import words_of
from moderation.orders.decide import RulingPlan, plan_ruling, usual_ground
from moderation.orders.errors import NotAllowed, StaleOrder, no_such_order, of_contract, of_refusal
from moderation.orders.model import OrderDraft, Plan, plan
from moderation.orders.select import Selection
from moderation.tables import BadCell, words
from moderation.writer import Desk
from streams.clock import now_ms
from streams.errors import CallerMistake, ContractError, HushtagError
from streams.log.moderation import OtherRecord, decode_moderation
from streams.orders.fold import Case, Cases
from streams.orders.records import (
    CaseRecord,
    Ground,
    OrderNote,
    OrderRuling,
    OrderStep,
    Outcome,
    State,
    decode_case,
    encode_case,
    ranges_of,
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A ruling that is in the log."""

    case: Case
    plan: RulingPlan


class OrdersDesk:
    """Orders and the registry on a `Desk`, which the caller enters and leaves.

    Raises (from every method):
        DependencyAway: Kafka is silent.
        CallerMistake: there is no such order, or what is asked cannot be done with it.
        StaleOrder: the order has moved on since `expected` (None: since it was last read, a moment ago).
    """

    def __init__(self, desk: Desk, *, clock: Callable[[], int] = now_ms) -> None:
        self._desk = desk
        self._clock = clock

    @property
    def cases(self) -> Cases:
        """As of the last refresh or write."""
        return self._desk.view.fold.cases

    async def refresh(self) -> Cases:
        """Everything as of now."""
        await self._desk.refresh()
        return self.cases

    def case(self, order: str) -> Case:
        """One order, as of the last refresh or write."""
        found = self.cases.cases.get(order)
        if found is None:
            raise no_such_order(order)
        return found

    async def take_in(self, drafts: Sequence[OrderDraft], *, actor: str) -> list[Plan]:
        """Take orders in; what is known already is not written again, and what is in conflict is not written at all."""
        who, _ = words_of(actor, "intake")
        plans: list[Plan] = []

        def make(at_ms: int) -> list[CaseRecord]:
            plans[:] = [plan(draft, self.cases.cases, self.cases.speakers) for draft in drafts]
            return [record for one in plans for record in one.records(actor=who, at_ms=at_ms)]

        await self._write(make)
        return plans

    async def step(
        self,
        order: str,
        to: State,
        *,
        actor: str,
        reason: str,
        expires_at_ms: int = 0,
        ground: Ground = "other",
        expected: str | None = None,
    ) -> Case:
        """Move an order on; `interim` and `final` put its outcomes in force.

        Args:
            expires_at_ms: when they end; needed for `interim`, 0 is until revoked.
            ground: why a whole order is declined.
        """
        who, why = words_of(actor, reason)

        def make(at_ms: int) -> list[CaseRecord]:
            return [
                OrderStep(
                    id=secrets.token_hex(8),
                    order=order,
                    to=to,
                    expires_at_ms=expires_at_ms,
                    ground=ground,
                    actor=who,
                    reason=why,
                    at_ms=at_ms,
                    edits=self._edits(order, expected),
                )
            ]

        await self._write(make)
        return self.case(order)

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
    ) -> Decided:
        """Decide on all targets that a selection means, in one record.

        Args:
            ground: why, as it may be published; None: the only one that the outcome has, or `protected_speech` where
                all of the targets that are declined are protected speakers, else `other`.
            surfaces: where hashtags are hidden; needed for `reduced` alone.
            against_protected: protected speakers are meant too; each needs two people.
            dry_run: only say what it would do.
        """
        who, why = words_of(actor, reason)
        planned: list[RulingPlan] = []

        def make(at_ms: int) -> list[CaseRecord]:
            case = self.case(order)
            plan = plan_ruling(
                case,
                self.cases,
                selection,
                outcome,
                actor=who,
                reason=why,
                ground=ground,
                against_protected=against_protected,
            )
            planned[:] = [plan]
            if dry_run or not plan.rows:
                return []
            return [
                OrderRuling(
                    id=secrets.token_hex(8),
                    order=order,
                    targets=ranges_of(row.number for row in plan.rows),
                    outcome=outcome,
                    ground=ground or usual_ground(plan, self.cases),
                    surfaces=tuple(surfaces) if outcome == "reduced" else (),
                    actor=who,
                    reason=why,
                    at_ms=at_ms,
                    edits=self._edits(order, expected),
                )
            ]

        await self._write(make)
        return Decided(self.case(order), planned[0])

    async def note(self, order: str, *, actor: str, text: str = "", assignee: str | None = None) -> Case:
        """Leave a note, or say who takes care of it from now on ("" for nobody)."""
        who, _ = words_of(actor, text or "assigned")
        with_whom = None if assignee is None else _name(assignee)

        def make(at_ms: int) -> list[CaseRecord]:
            self.case(order)
            record = OrderNote(
                id=secrets.token_hex(8), order=order, text=text, assignee=with_whom, actor=who, at_ms=at_ms
            )
            return [record]

        await self._write(make)
        return self.case(order)

    async def change_registry(
        self, make_plan: Callable[[Cases], speakers.Plan], *, actor: str, reason: str, dry_run: bool = False
    ) -> speakers.Plan:
        """Change the registry by a plan made from it as of now."""
        who, why = words_of(actor, reason)
        made: list[speakers.Plan] = []

        def make(at_ms: int) -> list[CaseRecord]:
            made[:] = [make_plan(self.cases)]
            known = self.cases.speakers
            if dry_run:
                return []
            write = secrets.token_hex(8)
            return [*made[0].records(write=write, actor=who, reason=why, at_ms=at_ms, known=known)]

        await self._write(make)
        return made[0]

    def _edits(self, order: str, expected: str | None) -> str:
        case = self.case(order)
        if expected is not None and expected != case.version:
            raise StaleOrder(order, version=case.version, changed=case.since(expected))
        return case.version

    async def _write(self, make: Callable[[int], Iterable[CaseRecord]]) -> None:
        records: list[CaseRecord] = []

        def encoded(view: object) -> list[tuple[bytes, bytes]]:
            records[:] = make(self._clock())
            return [_readable(record) for record in records]

        offsets = await self._desk.transact(encoded)
        errors: list[HushtagError] = []
        for record, offset in zip(records, offsets, strict=True):
            if (refusal := self.cases.refused.get(offset)) is not None:
                errors.append(of_refusal(getattr(record, "order", ""), refusal))
        if errors:
            raise errors[0]


def _name(written: str) -> str:
    try:
        return words("assignee", written, most=2000, empty=True)
    except BadCell as bad:
        raise CallerMistake(f"{bad.field}: {bad.value!r} is {bad.problem}", fix=bad.fix) from None


def _readable(record: CaseRecord) -> tuple[bytes, bytes]:
    """(value, key) as every reader will take it; what a codec refuses is in no fold, so nobody would be told later."""
    value, key = encode_case(record)
    try:
        other = decode_moderation(value, key)
        assert isinstance(other, OtherRecord)
        decode_case(other)
    except ContractError as error:
        raise of_contract(record, error) from None
    return value, key


__all__ = ["Decided", "NotAllowed", "OrdersDesk", "StaleOrder"]
