"""Answers on cases: what the API answers, pages show and commands print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from moderation.answers import NextCursor
from moderation.domain.appeals.items import ItemKind, ItemNumbers
from moderation.domain.cases.records import CaseVerdict, FirstWord
from moderation.wording import counted
from streams.answers import AnswerModel, Millis
from streams.flags.override_answers import DecisionRecordAnswer
from streams.languages import language_name

Numbers = Annotated[
    Literal["shown", "after_first_answer"],
    Field(description="`after_first_answer`: numbers are left out until POST /v1/cases/{case}/answer."),
]
"""Whether the machine's numbers are in an answer to this person."""
ClosedHow = Literal[
    "hide", "show", "leave", "uphold", "overturn", "second_look", "lapsed", "assessed", "cooled", "ended"
]  # fmt: skip
"""Verdict of a person, or of the reviewers of a `second_look`. `lapsed`: a hold ended without an answer. Of a hashtag
that was not assessed: `assessed`, the model reads enough of it now and the policy decides; `cooled`, it is small again,
no longer corroborated, or read and harmless. `ended`: the pipeline or a stop button no longer asks, a hold was undone,
or the time to answer is over."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Words of a member for people: the page of a case and the command show them below its label."""

    label: str
    words: Callable[[Any], str]
    """Function from the member to its words; "" shows nothing."""


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

    @property
    def words(self) -> str:
        """Name and share.

        >>> unread_language("ta", 0.807).words
        'Tamil 81%'
        """
        return f"{self.name} {self.share:.0%}"


def unread_language(tag: str, share: float) -> UnreadLanguageAnswer:
    """Name a language (BCP 47 tag, or `other`) with its share of the sampled authors, in [0, 1]."""
    return UnreadLanguageAnswer(language=tag, name=language_name(tag), share=share)


def _reach_words(reach: int | None) -> str:
    return f"{counted(reach, 'tweet')} in the window that decided" if reach else "not known"


def _language_words(languages: Sequence[UnreadLanguageAnswer] | None) -> str:
    return f"{', '.join(unread.words for unread in languages)} of the sampled authors" if languages else ""


class CaseRowAnswer(AnswerModel):
    """Case in a list. A blinded one lacks numbers, state and verdicts, and looks the same for a control."""

    id: str
    hashtag: str
    display: str
    blinded: bool
    claimed_by: str | None
    claimed_until_ms: int | None = Field(description="End of the claim without a heartbeat.")
    team: str
    why: list[ItemKind] = Field(description="Reasons why it is in the queue; only `second_look` while it is blinded.")
    countries: list[str]
    surfaces: list[str] | None = None
    categories: list[str] | None = None
    open: bool | None = None
    closed: CaseClosingAnswer | None = Field(default=None, description="null while it is open.")
    began_ms: Millis | None = None
    lapses_ms: int | None = Field(default=None, description="End of the hold that ends first; null without one.")
    appealed_ms: int | None = Field(default=None, description="Time of the oldest open appeal; null without one.")
    reach: Annotated[int | None, Fact("Reach", _reach_words)] = Field(
        default=None, description="Greatest number of tweets in a window that decided."
    )
    languages: Annotated[list[UnreadLanguageAnswer] | None, Fact("Not read", _language_words)] = Field(
        default=None, description="Languages that the model does not read, of many sampled authors, the largest first."
    )
    labels: list[str] | None = None
    version: str | None = Field(default=None, description="Give it as `if_version` of the next decision.")
    first_answer: FirstWord | None = Field(default=None, description="Your first answer; null without one.")
    numbers: Numbers | None = None


def facts_of(case: CaseRowAnswer) -> Iterator[tuple[str, str]]:
    """Yield the label and the words of each `Fact` of a case that is not reviewed blind."""
    for name, member in type(case).model_fields.items():
        for fact in member.metadata:
            if isinstance(fact, Fact) and (words := fact.words(getattr(case, name))):
                yield fact.label, words


class CaseItemAnswer(AnswerModel):
    """Item of a case."""

    id: str
    kind: ItemKind
    country: str
    surfaces: list[str]
    open_surfaces: list[str] = Field(description="Surfaces on which no person has answered it.")
    category: str
    began_ms: Millis
    ends_ms: int | None
    cause: str
    by: str = Field(description="Person who held it or filed the appeal; empty for the pipeline.")
    evidence: ItemNumbers | None = Field(description="Before your first answer only `tweets`, `authors` and `unread`.")
    open: bool
    closed_ms: int | None


class CoveredAnswer(AnswerModel):
    """Part of a case that a decision covers."""

    item: str
    country: str
    surfaces: list[str]


class _RecordAnswer(AnswerModel):
    """Members that every record of a case has."""

    kind: Literal["claim", "skip", "answer", "decision", "look", "undo", "note", "escalation"]
    actor: str
    reason: str
    at_ms: Millis
    verdict: CaseVerdict | None = None
    covers: list[CoveredAnswer] | None = Field(default=None, description="What a decision covers.")
    why: str | None = None
    answer: str | None = None
    team: str | None = None
    add: list[str] | None = None
    remove: list[str] | None = None
    undoes: str | None = None
    take_over: bool | None = None


class CaseRecordAnswer(_RecordAnswer):
    """Record in the history of a case."""

    effects: list[str] | None = Field(default=None, description="Ids of the overrides that put it into effect.")


class CaseDetailAnswer(CaseRowAnswer):
    """Case with its items and history; a blinded one has only tweets."""

    tweets: list[str] = Field(description="Ids of sampled tweets.")
    texts: str = Field(description="Address of the sampled texts.")
    items: list[CaseItemAnswer] | None = None
    history: list[CaseRecordAnswer] | None = Field(
        default=None, description="Oldest first; claims are deliberate ones."
    )


class CasesAnswer(AnswerModel):
    """Page of the list of cases."""

    items: list[CaseRowAnswer]
    next: NextCursor
    total: int = Field(description="Number of cases that match, on all pages.")


class CaseDecidedAnswer(_RecordAnswer):
    """Written decision, verdict or undo."""

    id: str
    case: str
    first_answer: FirstWord | None = Field(
        default=None, description="Your first answer, before the numbers; null without."
    )
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
