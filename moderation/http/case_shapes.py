"""Bodies and answers of the routes of cases."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from moderation.access.bodies import CountryText, Duration, Version, WriteBody
from moderation.answers import AnswerModel, Millis, NextCursor
from moderation.domain.cases.closing import ClosedHow
from moderation.http.overrides import DecisionRecordAnswer

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["news"])]
ItemName = Annotated[str, Field(max_length=64)]
FirstAnswer = Literal["hide", "show", "unsure"]
Numbers = Annotated[
    Literal["shown", "after_first_answer"],
    Field(description="`after_first_answer`: numbers are left out until POST /v1/cases/{case}/answer."),
]
"""Whether the machine's numbers are in an answer to this person."""
Why = Literal["hold", "review", "not_assessed", "contested", "paused", "appeal", "second_look", "control"]


class ClaimBody(WriteBody):
    """Claim of a case."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "to look at it"


class SkipBody(WriteBody):
    """End of a claim without a decision."""

    why: Literal["language", "context", "distress", "other"]
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "skipped"


class FirstAnswerBody(WriteBody):
    """First answer, before the numbers."""

    answer: FirstAnswer
    reason: Annotated[str, Field(min_length=1, max_length=2000)] = "first answer"


class CaseDecisionBody(WriteBody):
    """Decision on what is open in a case; empty filters cover all of it."""

    verdict: Annotated[
        Literal["hide", "show", "leave"], Field(description="`leave` changes nothing; a second look takes the others.")
    ]
    countries: list[CountryText] = Field([], max_length=300)
    surfaces: list[Annotated[str, Field(max_length=80)]] = Field([], max_length=100)
    items: list[ItemName] = Field([], max_length=1000)
    lasts: Annotated[Duration | None, Field(description="Life of the overrides; 7d by default.")] = None
    if_version: Version | None = None


class CaseUndoBody(WriteBody):
    """Undo of the newest decision of a case."""

    if_version: Version | None = None


class NoteBody(WriteBody):
    """Note (the reason is its text), with labels."""

    add: list[Slug] = Field([], max_length=20)
    remove: list[Slug] = Field([], max_length=20)


class EscalationBody(WriteBody):
    """Handing of a case to a team; `moderators` is the common list."""

    team: Slug


class CaseClosingAnswer(AnswerModel):
    """End of a case."""

    at_ms: Millis
    how: ClosedHow = Field(description="Verdict of a person; the others: none was given in time.")
    by: str = Field(description="Person who decided; empty for a second look, and where no person did.")


class UnreadLanguageAnswer(AnswerModel):
    """Language that the model does not read."""

    language: str = Field(description="BCP 47 tag, or `other`.")
    name: str = Field(description="In English.")
    share: float = Field(description="Share of the sampled authors, in [0, 1].")


class CaseRowAnswer(AnswerModel):
    """Case in a list. A blinded one lacks numbers, state and verdicts, and looks the same for a control."""

    id: str
    hashtag: str
    display: str
    blinded: bool
    claimed_by: str | None
    claimed_until_ms: int | None = Field(description="End of the claim without a heartbeat.")
    team: str
    why: list[Why] = Field(description="Reasons why it is in the queue; only `second_look` while it is blinded.")
    countries: list[str]
    surfaces: list[str] | None = None
    categories: list[str] | None = None
    open: bool | None = None
    closed: CaseClosingAnswer | None = Field(None, description="null while it is open.")
    began_ms: Millis | None = None
    lapses_ms: int | None = Field(None, description="End of the hold that ends first; null without one.")
    appealed_ms: int | None = Field(None, description="Time of the oldest open appeal; null without one.")
    reach: int | None = Field(None, description="Greatest number of tweets in a window that decided.")
    languages: list[UnreadLanguageAnswer] | None = Field(
        None, description="Languages that the model does not read, of many sampled authors, the largest first."
    )
    labels: list[str] | None = None
    version: str | None = Field(None, description="Give it as `if_version` of the next decision.")
    first_answer: FirstAnswer | None = Field(None, description="Your first answer; null without one.")
    numbers: Numbers | None = None


class CaseItemAnswer(AnswerModel):
    """Item of a case."""

    id: str
    kind: Why
    country: str
    surfaces: list[str]
    open_surfaces: list[str] = Field(description="Surfaces on which no person has answered it.")
    category: str
    began_ms: Millis
    ends_ms: int | None
    cause: str
    by: str = Field(description="Person who held it or filed the appeal; empty for the pipeline.")
    evidence: dict[str, Any] | None = Field(
        description="Before your first answer only `tweets`, `authors` and `unread`."
    )
    open: bool
    closed_ms: int | None


class CaseRecordAnswer(AnswerModel):
    """Record in the history of a case."""

    kind: Literal["claim", "skip", "answer", "decision", "look", "undo", "note", "escalation"]
    actor: str
    reason: str
    at_ms: Millis
    verdict: Literal["hide", "show", "leave"] | None = None
    covers: list[dict[str, Any]] | None = Field(None, description="Items, countries and surfaces of a decision.")
    effects: list[Any] | None = Field(None, description="Overrides that put it into effect.")
    why: str | None = None
    answer: str | None = None
    team: str | None = None
    add: list[str] | None = None
    remove: list[str] | None = None
    undoes: str | None = None
    take_over: bool | None = None


class CaseDetailAnswer(CaseRowAnswer):
    """Case with its items and history; a blinded one has only tweets."""

    tweets: list[str] = Field(description="Ids of sampled tweets.")
    texts: str = Field(description="Address of the sampled texts.")
    items: list[CaseItemAnswer] | None = None
    history: list[CaseRecordAnswer] | None = Field(None, description="Oldest first; claims are deliberate ones.")


class CasesAnswer(AnswerModel):
    """Page of the list of cases."""

    items: list[CaseRowAnswer]
    next: NextCursor
    total: int = Field(description="Number of cases that match, on all pages.")


class CaseDecidedAnswer(CaseRecordAnswer):
    """Written decision, verdict or undo."""

    id: str
    case: str
    first_answer: FirstAnswer | None = Field(None, description="Your first answer, before the numbers; null without.")
    effects: list[DecisionRecordAnswer]
    left: CaseRowAnswer = Field(description="The case after it.")


class HeartbeatAnswer(AnswerModel):
    """End of an extended claim."""

    claimed_until_ms: Millis


class AgreementAnswer(AnswerModel):
    """Quality of second looks."""

    pairs: int = Field(description="Decided looks, controls included.")
    observed_agreement: float | None
    kappa: float | None
    suppressed: int
    wrong: int = Field(description="Suppressed hashtags that reviewers would show.")
    false_positive_rate: float | None
    controls: int
    missed: int = Field(description="Controls that reviewers would hide.")
    disputed: int = Field(description="Looks that a third person decided.")
