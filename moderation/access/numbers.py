"""Numbers of the machine in answers: hidden from a person who may decide, until the first answer on the open case.

`moderation.domain.cases.first_answer` has the rule. These answers follow it:

| answer | before the first answer |
|---|---|
| `/v1/cases/{case}` and every write on a case | items keep tweets, authors and unread; causes lose their values |
| `/v1/cases/{case}/texts` | no count of the highest-scoring tweets; `highest=true` is refused: `first_answer_due` |
| `/v1/cases/{case}/decision`, `/v1/cases/bulk` | refused: `first_answer_due` |
| `/v1/hashtags/{hashtag}` | registers, places and decisions lose reasons, evidence and weights |
| `/v1/hashtags/{hashtag}/statements` | statements lose texts, signals, evidence and weights |
| `/v1/decisions` | decisions lose reasons, evidence and weights |
| `/v1/audit` | automated decisions lose their reason, first answers of others their answer |
| `/v1/policy/impact`, `/v1/policy/impacts/{job}`, `/v1/policy/shadow` | outcomes lose bounds, thresholds and weights |

Rows of `/v1/cases`, `/v1/held`, `/v1/overrides`, `/v1/appeals`, `/v1/hashtags` and events have no such number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from fastapi import Request

from moderation.access.access import may
from moderation.access.blinding import reader_of
from moderation.access.services import services_of
from moderation.domain.cases.first_answer import NOTHING_HIDDEN, HiddenNumbers
from moderation.log.errors import FirstAnswerDue
from streams.answers import AnswerModel, JsonObject

Answer = TypeVar("Answer", bound=AnswerModel)

_LISTS = frozenset({"reasons", "signals"})
_SINGLE = frozenset({"weight", "lower", "upper", "threshold"})


async def hidden_numbers_for(request: Request) -> HiddenNumbers:
    """Return the hashtags whose numbers are hidden from the person who reads an answer."""
    if not may(request, "decide"):
        return NOTHING_HIDDEN
    return await services_of(request).cases.log.hidden_numbers_now(reader_of(request))


async def refuse_hidden_numbers(request: Request, hashtag: str) -> None:
    """Refuse an answer that is nothing but numbers of a hashtag.

    Raises:
        FirstAnswerDue: the person who reads owes a first answer on its open case.
    """
    if (case := (await hidden_numbers_for(request)).case(hashtag)) is not None:
        raise FirstAnswerDue(case.id, case.display)


def redacted(answer: Answer, redact: Callable[[JsonObject], JsonObject]) -> Answer:
    """Build an answer again without what its reader may not see, such as `without_numbers`."""
    return type(answer).model_validate(redact(answer.members()))


def numbers_word(hashtags: Iterable[str], hidden_numbers: HiddenNumbers) -> Literal["shown", "after_first_answer"]:
    """Return the `numbers` of an answer: `after_first_answer` if it lacks those of one of its hashtags."""
    return "after_first_answer" if any(hashtag in hidden_numbers for hashtag in hashtags) else "shown"


def without_numbers(content: Any) -> Any:
    """Take the machine's numbers out of JSON of decisions, registers, restrictions and outcomes of policies.

    Lists of signals become empty, single numbers and evidence null. Records of people have none, and stay.
    """
    if isinstance(content, list | tuple):
        return [without_numbers(element) for element in content]
    if not isinstance(content, dict):
        return content
    if content.get("source") in ("human", "legal"):
        return content
    return {name: _without(name, value) for name, value in content.items()}


def _without(name: str, value: Any) -> Any:
    if name in _LISTS:
        return []
    if name in _SINGLE or name == "evidence":
        return None
    return without_numbers(value)
