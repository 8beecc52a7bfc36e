"""Six states of the console's world that recordings visit, each on a log of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from moderation.access.services import Services
from streams.log.decisions import Decision
from streams.policy import Policy
from tests.support.console_hostile import hostile_decisions, write_everywhere
from tests.support.console_scenes import LIVE, policy_evidence
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of
from tests.support.live_decisions import add_texts, case_decision, many, unread, waiting
from tests.support.orders_console import all_states

Fill = Callable[[Services, Sequence[Decision]], Awaitable[object]]


async def _nothing(services: Services, decisions: Sequence[Decision]) -> None:
    """Leave the log empty."""


async def _answers(services: Services, decisions: Sequence[Decision]) -> None:
    """Answer, decide, undo, note and skip cases."""
    cases = services.cases
    add_texts(services, decisions)
    await cases.claim("first", actor="asha")
    await cases.note("first", actor="ben", reason="also the name of a film", add=["film"])
    for tag, verdict in (("first", "show"), ("second", "hide")):
        await cases.answer(tag, verdict, actor="asha", reason="first answer")
        await cases.decide(tag, verdict, actor="asha", reason="read the texts")
    await cases.undo("second", actor="asha", reason="wrong hashtag")
    await cases.skip("third", "language", actor="asha", reason="cannot read it")


async def _orders(services: Services, decisions: Sequence[Decision]) -> None:
    await all_states(services)


async def _hostile(services: Services, decisions: Sequence[Decision]) -> None:
    await write_everywhere(services)


def _cases() -> list[Decision]:
    return [
        case_decision("first", number=1),
        case_decision("second", country="DE", number=2),
        case_decision("third", "review", "US", number=3),
        waiting("fourth", "discount", country="BR", number=4),
        unread("fifth", {"ta": 41, "bn": 9}, number=5),
    ]


def _policies() -> InMemoryPolicies:
    live = record_of(LIVE.encode(), actor="asha", via="topic", reason="a week in the shadow", changes=("mode",))
    return InMemoryPolicies([record_of(SHIPPED), live], policy_evidence(Policy.from_canonical(live.policy), 60))


@dataclass(frozen=True, slots=True)
class State:
    """A state: automated decisions, the topic of policies, and what people then do."""

    decisions: Callable[[], list[Decision]] = list
    fill: Fill = _nothing
    policies: Callable[[], InMemoryPolicies] = InMemoryPolicies


STATES = {
    "empty": State(),
    "cases": State(_cases),
    "answered": State(_cases, _answers),
    "orders": State(lambda: many(30), _orders),
    "policy": State(_cases, policies=_policies),
    "hostile": State(hostile_decisions, _hostile),
}
