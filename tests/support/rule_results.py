"""Results of a rule at a level, and steps of the state machine that they cause."""

from __future__ import annotations

from typing import Any

from streams.judging.hysteresis import decide
from streams.judging.levels import CONTESTED, OVER, EstablishedVoice, RuleResult
from streams.log.decisions import DecisionReason, ScopeDecision
from streams.policy.rules import NO_CORROBORATION, Rule

TICK = 10_000
RULE = Rule("suppress", (600_000,), 10, 5, 0.4, 0.2, 0.95, 30_000, 100_000, NO_CORROBORATION)
DAY_MS = 86_400_000
SCOPE = ("abuse", "trends")
WHY = (DecisionReason("harmful_share_lower", 0.5, 0.4),)


class FixedRows:
    """A row with a fixed reason and verdict, and no table."""

    is_shortest = True

    def __init__(self, voice: EstablishedVoice) -> None:
        self._voice = voice

    def evidence(self, row: int) -> None:
        return None

    def reasons(self, row: int, *, by_established: bool = False) -> tuple[DecisionReason, ...]:
        return WHY

    def voice(self, row: int) -> EstablishedVoice:
        return self._voice


def result(level: int, *, enough: bool | None = None, disputed: bool | None = None, **voice: Any) -> RuleResult:
    """Make a result; by default the level determines whether the established authors are enough, and disputed."""
    fields = {
        "enough": level in (CONTESTED, OVER) if enough is None else enough,
        "disputed": level == CONTESTED if disputed is None else disputed,
        "weight": 0.5,
        "innocent_past": 0,
        **voice,
    }
    return RuleResult(level, FixedRows(EstablishedVoice(**fields)))


def step(
    state: ScopeDecision | None, level: int | RuleResult, tick_ms: int, rule: Rule = RULE, **options: object
) -> ScopeDecision | None:
    arguments = {"scope": SCOPE, "protected": False, "max_automated_ms": DAY_MS, **options}
    return decide(result(level) if isinstance(level, int) else level, state, rule, tick_ms, **arguments)
