"""Folds the records of orders and of the speaker registry: every order, what was decided on each target, and by whom.

Whether a record counts is decided here and nowhere else, from the log alone: a stale edit, a step that the state
machine does not have, an outcome that a target cannot have are refused, and the writer learns it by folding up to its
own record. So is the rule of two: whoever acts against a protected speaker only proposes, until another person
does the same. Who takes an account out of the registry is one of the two, or one person could do both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from streams.log.decisions import version_of
from streams.orders.records import (
    CaseRecord,
    Ground,
    OrderNote,
    OrderReceived,
    OrderRecord,
    OrderRuling,
    OrderStep,
    OrderTargets,
    Outcome,
    Speaker,
    SpeakerDetails,
    State,
    Target,
    numbers_of,
)
from streams.orders.speakers import Registry
from streams.orders.states import ACTED, GROUNDS_OF, IN_FORCE, NEXT, OUTCOMES_OF, OVER, RULED_IN, WAITING
from streams.policy.terms import imitated

Versioned = OrderReceived | OrderStep | OrderRuling


@dataclass(frozen=True, slots=True)
class Ruled:
    """What was decided on a target. `actors`: two for a protected speaker that is acted against, else one."""

    outcome: Outcome
    ground: Ground
    reason: str
    surfaces: tuple[str, ...]
    actors: tuple[str, ...]
    at_ms: int


@dataclass(slots=True)
class Row:
    """One target of an order."""

    number: int
    target: Target
    ruling: Ruled | None = None
    proposed: Ruled | None = None
    """Against a protected speaker, waiting for a second person."""


@dataclass(slots=True)
class Case:
    """An order as it stands."""

    order: OrderReceived
    version: str
    rows: list[Row]
    state: State = "received"
    expires_at_ms: int = 0
    """When what is in force ends; 0: until revoked."""
    assignee: str = ""
    notes: list[OrderNote] = field(default_factory=list)
    history: list[tuple[int, Versioned]] = field(default_factory=list)
    """Everything that moved its version, with its offset, oldest first."""

    @property
    def id(self) -> str:
        """The order's id."""
        return self.order.order

    @property
    def due_ms(self) -> int | None:
        """What the clock runs to: the authority's deadline, then the end of the interim decision; None: nothing."""
        if self.state in WAITING:
            return self.order.deadline_ms
        return self.expires_at_ms if self.state == "interim" else None

    def undecided(self) -> int:
        """Targets without an outcome, or with one that waits for a second person."""
        return sum(row.ruling is None or row.proposed is not None for row in self.rows)

    def outcome(self, row: Row) -> Ruled | None:
        """What became of a target; what became of the whole order where that was declined."""
        if row.ruling is not None and (self.state != "declined" or row.ruling.outcome in ("suspended", "declined")):
            return row.ruling
        if self.state != "declined":
            return None
        last = next(record for _, record in reversed(self.history) if isinstance(record, OrderStep))
        return Ruled("declined", last.ground, last.reason, (), (last.actor,), last.at_ms)

    def since(self, version: str) -> tuple[Versioned, ...]:
        """What moved the version on from an earlier one."""
        return tuple(record for offset, record in self.history if version_of(offset, 0) > version)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record counts for nothing. `stale`: the order had moved on by the records in `changed`."""

    record: OrderRecord
    why: str
    stale: bool = False
    version: str = ""
    changed: tuple[Versioned, ...] = ()


class Cases:
    """All orders and the registry. Records must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self._registry = Registry()
        self.speakers = self._registry.speakers
        """Protected accounts, by id."""
        self.refused: dict[int, Refusal] = {}
        """Refused records by offset."""
        self._pending: dict[str, list[OrderTargets]] = {}

    def apply(self, record: CaseRecord, offset: int) -> tuple[Case, Sequence[Row]] | None:
        """Take a record; give the order and those of its targets whose effect may be another one now."""
        match record:
            case Speaker() | SpeakerDetails():
                self._registry.apply(record)
                return None
            case OrderTargets():
                self._pending.setdefault(record.intake, []).append(record)
                return None
            case OrderNote():
                if (found := self.cases.get(record.order)) is None:
                    self.refused[offset] = Refusal(record, f"there is no order {record.order}")
                    return None
                if record.text:
                    found.notes.append(record)
                if record.assignee is not None:
                    found.assignee = record.assignee
                return None
        why = self._why_not(record)
        if why is not None:
            self.refused[offset] = why
            return None
        return self._take(record, offset)

    def protected(self, target: Target) -> Speaker | None:
        """The registry's entry for the account that a target speaks of."""
        return self.speakers.get(target.account) if target.account else None

    def needs_two(self, target: Target, outcome: Outcome, actor: str) -> bool:
        """Whether a ruling by this actor only proposes, until another person does the same."""
        if outcome not in ACTED or not target.account:
            return False
        remover = self._registry.removed_by.get(target.account)
        return target.account in self.speakers or (remover is not None and same_person(remover, actor))

    def alone(self, row: Row) -> bool:
        """Whether one person alone acts where it takes two by now: the account was registered after the ruling."""
        ruling = row.ruling
        if ruling is None or len(ruling.actors) > 1:
            return False
        return self.needs_two(row.target, ruling.outcome, ruling.actors[0])

    def waits(self, row: Row) -> bool:
        """Whether a second person has to say the same of a target."""
        return row.proposed is not None or self.alone(row)

    def _why_not(self, record: Versioned) -> Refusal | None:
        case = self.cases.get(record.order)
        if case is None and not isinstance(record, OrderReceived):
            return Refusal(record, f"there is no order {record.order}")
        version = case.version if case else ""
        if record.edits != version:
            return Refusal(record, "", stale=True, version=version, changed=case.since(record.edits) if case else ())
        why = ""
        match record:
            case OrderReceived():
                why = self._why_no_intake(record, case)
            case OrderStep():
                assert case is not None
                why = self._why_no_step(record, case)
            case OrderRuling():
                assert case is not None
                why = _why_no_ruling(record, case)
        return Refusal(record, why, version=version) if why else None

    def _why_no_intake(self, record: OrderReceived, case: Case | None) -> str:
        parts = self._pending.get(record.intake, [])
        if [one.part for one in parts] != list(range(record.parts)) or any(one.order != record.order for one in parts):
            return "parts of the intake are missing"
        targets = [target for part in parts for target in part.targets]
        if len(targets) != record.added:
            return "the intake's targets are not as many as it says"
        if case is not None and case.state not in WAITING:
            return f"targets cannot be added to an order that is {in_words(case.state)}"
        return ""

    def _why_no_step(self, record: OrderStep, case: Case) -> str:
        if record.to not in NEXT[case.state]:
            may = ", ".join(in_words(state) for state in NEXT[case.state]) or "nothing"
            return f"an order that is {in_words(case.state)} cannot become {in_words(record.to)}, only {may}"
        if record.to == "declined" and record.ground not in GROUNDS_OF["declined"]:
            return _other_ground("declined")
        if record.to in IN_FORCE and (alone := sum(map(self.alone, case.rows))):
            verb, them = ("waits", "it") if alone == 1 else ("wait", "them")
            return (
                f"{alone:,} of {len(case.rows):,} targets {verb} for a second person: the account is a protected "
                f"speaker's by now, and one person alone ruled; rule on {them} again, and a second person confirms"
            )
        if record.to == "final" and (left := case.undecided()):
            verb, waits = ("has", "waits") if left == 1 else ("have", "wait")
            return f"{left:,} of {len(case.rows):,} targets {verb} no outcome, or {waits} for a second person"
        if record.to == "interim" and record.expires_at_ms <= record.at_ms:
            return "the interim decision would be over before it begins"
        return ""

    def _take(self, record: Versioned, offset: int) -> tuple[Case, Sequence[Row]]:
        version = version_of(offset, 0)
        case = self.cases.get(record.order)
        touched: Sequence[Row] = ()
        if isinstance(record, OrderReceived):
            parts = self._pending.pop(record.intake)
            if case is None:
                case = self.cases[record.order] = Case(record, version, [])
            for target in (target for part in parts for target in part.targets):
                case.rows.append(Row(len(case.rows), target))
        assert case is not None
        if isinstance(record, OrderStep):
            case.state, case.expires_at_ms = record.to, record.expires_at_ms
            touched = case.rows
        if isinstance(record, OrderRuling):
            touched = [case.rows[number] for number in numbers_of(record.targets)]
            for row in touched:
                self._rule(row, record)
        case.version = version
        case.history.append((offset, record))
        return case, touched

    def _rule(self, row: Row, record: OrderRuling) -> None:
        ruled = Ruled(record.outcome, record.ground, record.reason, record.surfaces, (record.actor,), record.at_ms)
        if self.needs_two(row.target, record.outcome, record.actor):
            first = first_of_two(row, record.outcome, record.actor)
            if first is None:
                row.proposed = ruled
                return
            ruled = replace(ruled, actors=(first.actors[0], record.actor))
        row.ruling, row.proposed = ruled, None


def same_person(one: str, other: str) -> bool:
    """Whether two actors count as one person: names that the eye cannot tell apart are not two people's.

    >>> same_person("ann", " ANN"), same_person("ann", "an\u200bn"), same_person("a", "b")
    (True, True, False)
    """
    return imitated(one) == imitated(other)


def first_of_two(row: Row, outcome: Outcome, actor: str) -> Ruled | None:
    """What another person said alone, proposed or before the account was protected, and this actor now confirms."""
    for said in (row.proposed, row.ruling):
        if said is None or said.outcome != outcome or len(said.actors) > 1:
            continue
        if not same_person(said.actors[0], actor):
            return said
    return None


def in_words(state: State) -> str:
    """A state as people say it."""
    return state.replace("_", " ")


def _why_no_ruling(record: OrderRuling, case: Case) -> str:
    if record.targets[-1][1] >= len(case.rows):
        return f"there is no target {record.targets[-1][1] + 1}, the order has {len(case.rows)}"
    rows = [case.rows[number] for number in numbers_of(record.targets)]
    if case.state in OVER and any(r.ruling is None or r.ruling.outcome != "suspended" for r in rows):
        return f"the order is {case.state}; only a suspension can still be lifted"
    if case.state not in RULED_IN | OVER:
        return f"the order is {in_words(case.state)}; targets are ruled on once it is under review"
    if record.ground not in GROUNDS_OF[record.outcome]:
        return _other_ground(record.outcome)
    for kind in {row.target.kind for row in rows}:
        if record.outcome not in OUTCOMES_OF[kind]:
            return f"{kind}s cannot be {record.outcome}, only {', '.join(OUTCOMES_OF[kind])}"
    hashtags = any(row.target.kind == "hashtag" for row in rows)
    if record.outcome == "reduced" and hashtags and not record.surfaces:
        return "it is not said on which surfaces the hashtags are hidden"
    return ""


def _other_ground(outcome: Outcome) -> str:
    return f"the ground of {outcome} is one of {', '.join(GROUNDS_OF[outcome])}"
