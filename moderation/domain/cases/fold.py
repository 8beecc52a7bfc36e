"""Fold of case records; it alone decides whether a record is accepted. Pure.

- A claim is accepted if it replaces the claim that its writer saw, and another person's claim is a minute old. A
  take-over replaces a claim of any age.
- A decision is accepted if the case has not changed since its writer looked, and no other person's claim is fresh.
- A verdict in a second look is accepted from a person who has claimed it blind within eight hours.
- An undo is accepted for the newest decision.
- A first answer is accepted once from each person.

Other records are entered in `refused`. Heartbeats are not in the log: see `heartbeats`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from moderation.domain.cases.records import (
    COMMON_TEAM,
    CaseClaim,
    CaseDecision,
    CaseEscalation,
    CaseLook,
    CaseNote,
    CaseRecord,
    CaseSkip,
    CaseUndo,
    FirstAnswerRecord,
    LookVerdict,
    decode_case_record,
)
from moderation.log.changes import ChangeMemory
from streams.constants import HOUR_MS, MINUTE_MS
from streams.errors import ContractError
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import version_of
from streams.log.moderation import OtherRecord
from streams.orders.speakers import same_person
from streams.policy.look_alikes import visual_form

CLAIM_MS = MINUTE_MS
"""Life of a claim after its last heartbeat."""
BLIND_MS = 8 * HOUR_MS
"""Time from a blind claim in which its verdict may come, and in which the person sees no numbers."""
LOOKS = 2
"""Verdicts on each sampled hashtag; a third decides if they differ."""
_VERSIONED = (CaseClaim, CaseDecision, CaseLook, CaseUndo)
"""Records that give a case a new version."""


@dataclass(slots=True)
class CaseProgress:
    """Accepted records of one case."""

    id: str
    hashtag: str
    began_ms: int
    claim: CaseClaim | None = None
    """Last claim, unless a decision or a skip has ended it; `CLAIM_MS` without a heartbeat ends it, too."""
    decisions: list[CaseDecision] = field(default_factory=list)
    """Decisions that are not undone, oldest first."""
    looks: dict[str, list[CaseLook]] = field(default_factory=dict)
    """Verdicts by item of a second look."""
    blind: dict[str, int] = field(default_factory=dict)
    """Time of the first blind claim, by person: those who still owe a verdict."""
    seen: set[str] = field(default_factory=set)
    """People who have seen numbers, or have skipped the second look."""
    skipped: dict[str, CaseSkip] = field(default_factory=dict)
    """Last skip by person."""
    answers: list[FirstAnswerRecord] = field(default_factory=list)
    answered: dict[str, FirstAnswerRecord] = field(default_factory=dict)
    """First answer by person."""
    deciders: set[str] = field(default_factory=set)
    """People who have decided it, or undone a decision."""
    notes: list[CaseNote] = field(default_factory=list)
    labels: dict[str, None] = field(default_factory=dict)
    escalation: CaseEscalation | None = None
    history: list[CaseRecord] = field(default_factory=list)
    """All accepted records, oldest first; claims among them are deliberate."""
    version: str = ""
    """Version that the next decision must name; notes, labels, skips and first answers do not change it."""

    @property
    def team(self) -> str:
        """Team whose list has the case."""
        return self.escalation.team if self.escalation is not None else COMMON_TEAM


def look_result(looks: Sequence[CaseLook]) -> LookVerdict | None:
    """Return the verdict that decides a second look: of both reviewers, else of the third; None while one is due."""
    if len(looks) > LOOKS:
        return looks[LOOKS].verdict
    return looks[0].verdict if len(looks) == LOOKS and looks[0].verdict == looks[1].verdict else None


def claim_problem(claim: CaseClaim | None, actor: str, at_ms: int, beat_ms: int = 0) -> str:
    """Return the reason why a claim keeps an actor from acting; "" if it does not.

    Args:
        claim: the case's claim.
        actor: person who wants to act.
        at_ms: present time.
        beat_ms: last heartbeat of the claim; 0: none is known.
    """
    if claim is None or same_person(claim.actor, actor) or at_ms >= max(claim.at_ms, beat_ms) + CLAIM_MS:
        return ""
    return f"{claim.actor} holds the claim"


class CaseFold:
    """All records of cases; they must come in the order of their offsets, each once."""

    def __init__(self) -> None:
        self.cases: dict[str, CaseProgress] = {}
        self.cases_of_tag: dict[str, list[str]] = {}
        """Cases by hashtag, oldest first."""
        self.case_of_item: dict[str, str] = {}
        """Case by item, for items that a record names."""
        self.decision_of_effect: dict[str, CaseDecision] = {}
        """Decision by the id of an override that puts it into effect."""
        self.blind: dict[str, None] = {}
        """Cases with a blind claim that still owes its verdict."""
        self.refused: dict[int, str] = {}
        """Reason why a record has no effect, by offset."""
        self.changes = ChangeMemory()
        """Cases in the order of their last record."""

    def apply(self, record: CaseRecord, offset: int) -> None:
        """Apply the record at an offset, or enter it in `refused`."""
        if problem := self.problem(record):
            self.refused[offset] = problem
            return
        if record.case not in self.cases:
            self.cases[record.case] = CaseProgress(record.case, record.hashtag, record.began_ms)
            self.cases_of_tag.setdefault(record.hashtag, []).append(record.case)
        case = self.cases[record.case]
        self.changes.note(case.id)
        for item in record.items:
            self.case_of_item.setdefault(item, record.case)
        case.history.append(record)
        if isinstance(record, _VERSIONED):
            case.version = version_of(offset, 0)
        person = visual_form(record.actor)
        match record:
            case CaseClaim():
                case.claim = record
                if record.blind:
                    case.blind.setdefault(person, record.at_ms)
                else:
                    case.seen.add(person)
            case CaseSkip():
                self._end_claim(case, person)
                case.skipped[person] = record
                if case.blind.pop(person, None) is not None:
                    case.seen.add(person)
            case CaseDecision():
                self._end_claim(case, None)
                case.decisions.append(record)
                case.seen.add(person)
                case.deciders.add(person)
                self.decision_of_effect |= dict.fromkeys(record.effects, record)
            case CaseLook():
                self._end_claim(case, None)
                case.looks.setdefault(record.item, []).append(record)
                case.blind.pop(person, None)
                if look_result(case.looks[record.item]) is not None:
                    case.blind.clear()
            case CaseUndo():
                case.decisions.pop()
                case.seen.add(person)
                case.deciders.add(person)
            case FirstAnswerRecord():
                case.answers.append(record)
                case.answered[person] = record
                if person not in case.blind:
                    case.seen.add(person)  # the numbers are shown from now on
            case CaseNote():
                case.notes.append(record)
                case.labels |= dict.fromkeys(record.add)
                for label in record.remove:
                    case.labels.pop(label, None)
            case CaseEscalation():
                case.escalation = record
        if case.blind:
            self.blind[case.id] = None
        else:
            self.blind.pop(case.id, None)

    def decode_and_apply(self, offset: int, other: OtherRecord) -> None:
        """Apply an undecoded record of the topic; records of other kinds are ignored."""
        try:
            record = decode_case_record(other)
        except ContractError as error:
            self.refused[offset] = str(error)
            return
        if record is not None:
            self.apply(record, offset)

    def progress(self, case: str) -> CaseProgress:
        """Return the progress of a case; a case without records has an empty one."""
        return self.cases.get(case) or CaseProgress(case, "", 0)

    def looks(self) -> list[list[CaseLook]]:
        """Return the verdicts of all second looks, one list for each item, in the order given."""
        return [verdicts for case in self.cases.values() for verdicts in case.looks.values()]

    def problem(self, record: CaseRecord) -> str:
        """Return the reason why the fold would refuse a record now; "" if it would accept it."""
        case = self.progress(record.case)
        match record:
            case CaseClaim():
                return _claim_problem(case, record)
            case CaseSkip():
                return claim_problem(case.claim, record.actor, record.at_ms)
            case CaseDecision() | CaseUndo():
                if case.version > record.edits:
                    return change_words(case, record.edits)
                if isinstance(record, CaseUndo) and (not case.decisions or case.decisions[-1].id != record.undoes):
                    return "this is not its newest decision"
                return claim_problem(case.claim, record.actor, record.at_ms)
            case CaseLook():
                return _look_problem(case, record)
            case FirstAnswerRecord() if visual_form(record.actor) in case.answered:
                return f"{record.actor} has already given a first answer"
        return ""

    @staticmethod
    def _end_claim(case: CaseProgress, person: str | None) -> None:
        if case.claim is not None and person in (None, visual_form(case.claim.actor)):
            case.claim = None


def case_fold_of(history: OverrideHistory) -> CaseFold:
    """Fold the cases of a history that has read the whole topic."""
    fold = CaseFold()
    for offset, other in history.others:
        fold.decode_and_apply(offset, other)
    return fold


def look_problem(case: CaseProgress, actor: str, at_ms: int, item: str = "") -> str:
    """Return the reason why a person cannot take part in the second look of a case; "" if the person can."""
    person = visual_form(actor)
    if any(same_person(look.actor, actor) for look in _looks_at(case, item)):
        return f"{actor} has already given a verdict"
    if person in case.seen:
        return f"{actor} has seen the numbers of this case or has skipped it, so the look would not be blind"
    if person in case.blind and at_ms >= case.blind[person] + BLIND_MS:
        return f"{actor} claimed it more than {BLIND_MS // HOUR_MS} hours ago, so the look would not be blind"
    return ""


def _looks_at(case: CaseProgress, item: str) -> Iterable[CaseLook]:
    return (look for key, looks in case.looks.items() if item in ("", key) for look in looks)


def _claim_problem(case: CaseProgress, record: CaseClaim) -> str:
    if record.after != (case.claim.id if case.claim is not None else ""):
        return f"{case.claim.actor} has claimed it" if case.claim is not None else "its claim has ended"
    if not record.take_over and (problem := claim_problem(case.claim, record.actor, record.at_ms)):
        return problem
    return look_problem(case, record.actor, record.at_ms) if record.blind else ""


def _look_problem(case: CaseProgress, record: CaseLook) -> str:
    if problem := look_problem(case, record.actor, record.at_ms, record.item):
        return problem
    if visual_form(record.actor) not in case.blind:
        return f"{record.actor} has not claimed it"
    if look_result(case.looks.get(record.item, ())) is not None:
        return "its reviewers have decided"
    return claim_problem(case.claim, record.actor, record.at_ms)


def change_words(case: CaseProgress, since: str) -> str:
    """Say who changed the case last; "" if nothing did since a version."""
    last = next((record for record in reversed(case.history) if isinstance(record, _VERSIONED)), None)
    if last is None or case.version <= since:
        return ""
    verbs = {
        "case_claim": "claimed",
        "case_undo": "undone a decision on",
        "case_look": "judged",
    }
    verb = verbs.get(str(last.__struct_config__.tag), "decided on")
    words = f"{last.actor} has {verb} it since"
    return words if isinstance(last, CaseLook) else f"{words}: {last.reason}"  # a verdict pulls the next reviewer
