"""Orders without Kafka: a service that folds its own records, and order files."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from moderation.domain.orders.intake import parse_csv
from moderation.domain.orders.intake_plan import OrderDraft, OrderHead
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.log.drafts import End
from streams.flags.overrides import OverrideHistory
from streams.log.moderation import UNKNOWN_MS
from streams.orders.order import Order
from streams.orders.records import Outcome, Target

T = TypeVar("T")
HOUR_MS = 3_600_000
NOW_MS = 1_612_800_000_000
"""Start of the clock, 2021-02-08 16:00 UTC."""
HEAD = OrderHead("Ministry of Examples", "IN", "IT Act 2000, s. 69A", "EX/7", NOW_MS - 9 * HOUR_MS, NOW_MS - HOUR_MS,
            NOW_MS + 48 * HOUR_MS, False)  # fmt: skip


class OrdersLog:
    """`ModerationService.transact` in memory."""

    def __init__(self) -> None:
        self.view = OverrideHistory()
        self.records: list[tuple[bytes, bytes]] = []
        self.times: list[int] = []
        """Log times of the records: the broker's clock agrees with that of each writer."""
        self.before_send: Callable[[], None] | None = None
        """Callback between read and write, to simulate another writer."""

    async def refresh(self) -> OverrideHistory:
        return self.view

    async def transact(self, make: Callable[[OverrideHistory], Sequence[tuple[bytes, bytes]]]) -> list[int]:
        records = make(self.view)
        other, self.before_send = self.before_send, None
        if other is not None:
            other()
        return [self.append(*record) for record in records]

    def append(self, value: bytes, key: bytes) -> int:
        self.records.append((value, key))
        self.times.append(json.loads(value).get("at_ms", UNKNOWN_MS))
        self.view.apply(len(self.records) - 1, key, value, self.times[-1])
        return len(self.records) - 1


class OrdersWorld:
    """Log with an order service, and a manual clock."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.log = OrdersLog()
        self.desk = self.new_desk()

    def new_desk(self) -> OrderService:
        return OrderService(self.log, clock=lambda: self.now_ms)  # type: ignore[arg-type]

    def intake(self, targets: Sequence[Target], head: OrderHead = HEAD, actor: str = "ann") -> str:
        draft = OrderDraft(head, {(target.kind, target.value): target for target in targets})
        run(self.desk.take_in([draft], actor=actor))
        return head.id

    def intake_csv(self, text: str, **given: str) -> str:
        parsed = parse_csv(text.encode(), "order.csv", given, self.now_ms)
        assert not parsed.problems, parsed.problems
        run(self.desk.take_in(parsed.drafts, actor="ann"))
        return parsed.drafts[0].head.id

    def step(self, order: str, *states: Any, expires_at_ms: int = 0, actor: str = "ann") -> Order:
        for state in states:
            legal_order = run(self.desk.step(order, state, actor=actor, reason=f"now {state}", end=End(expires_at_ms)))
        return legal_order

    def step_for(self, order: str, state: Any, *, lasts_ms: int) -> Order:
        return run(self.desk.step(order, state, actor="ann", reason=f"now {state}", end=End(lasts_ms=lasts_ms)))

    def review(self, order: str) -> Order:
        return self.step(order, "acknowledged", "under_review")

    def rule(self, order: str, outcome: Outcome, *targets: str, actor: str = "ann", **options: Any) -> Any:
        reason = options.pop("reason", f"because {outcome}")
        selection = options.pop("selection", Selection(targets=targets))
        if outcome == "reduced":
            options.setdefault("surfaces", ("search", "trends"))
        return run(self.desk.rule(order, selection, outcome, actor=actor, reason=reason, **options))

    def protect(self, account: str, category: Any = "journalist") -> None:
        from moderation.domain.speakers.registry import SpeakerEntry, plan_import

        run(
            self.desk.change_registry(
                lambda fold: plan_import([SpeakerEntry(account, category)], fold.speakers),
                actor="ann",
                reason="accredited",
            )
        )

    def held(self) -> dict[str, str]:
        """Map each register that hides something now to its action."""
        self.log.view.fold.expire(self.now_ms)
        return {
            register.field: register.action
            for register in self.log.view.fold.registers()
            if register.in_force(self.now_ms)
        }


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine without an event loop; nothing waits, so services may be nested."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for something")


def accounts(*ids: int) -> list[Target]:
    return [Target("account", str(one)) for one in ids]
