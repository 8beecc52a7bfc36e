"""First answers: a person answers a case before seeing the machine's numbers, so that the score pulls no answer. Pure.

A person owes a first answer on a case in which more than a second look is open. None is owed after one was given, after
the person has decided the case, and while a hold of it lapses soon (`review.skip_first_answer_within` of the policy).
Until then no answer to a person who may decide has numbers of the machine about the hashtag:

- hidden: harmful share and bounds, thresholds, scored counts, scores, weights, signals with values, terms, the
  highest-scoring tweets, statements of reasons;
- shown: counts of tweets and authors, of those in languages that the model does not read, reach, times, states,
  people's words.

Readers who may not decide see the numbers; second looks have the stronger rule of `blinding`. Lists keep the rows of
these hashtags without the numbers, since a state is no secret here. Where to ask:

- `CaseLog.owes_first_answer(case, person)` and `first_answer_of(case, person)`: about one case;
- `CaseLog.hidden_numbers(person)`: the hashtags without numbers for a person, for `in`;
- `moderation.access.numbers`: the same for a request, the refusal, and JSON without numbers.

Without a rule (`CaseService(first_answers=None)`, the commands) no person owes one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache

from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.records import FirstWord
from streams.policy.durations import parse_duration
from streams.policy.look_alikes import visual_form
from streams.policy.shape import Review


def first_answer_of(case: HashtagCase, person: str) -> FirstWord | None:
    """Return a person's first answer on a case; None without one."""
    record = case.progress.answered.get(visual_form(person))
    return record.answer if record is not None else None


def owes_first_answer(case: HashtagCase, person: str, at_ms: int, skip_within_ms: int) -> bool:
    """Return whether a person owes a first answer on a case.

    Args:
        case: the case.
        person: person who may decide.
        at_ms: present time, Unix time in ms.
        skip_within_ms: no answer is owed while a hold of the case lapses within this time; 0: always owed.
    """
    form, progress = visual_form(person), case.progress
    if not case.open_items or form in progress.answered or form in progress.deciders:
        return False
    lapses_ms = case.lapses_ms
    return lapses_ms is None or lapses_ms - at_ms > skip_within_ms


class HiddenNumbers:
    """Hashtags without numbers for one person, each derived when it is asked for.

    Args:
        open_cases: open cases of a hashtag.
        owes: whether the person owes a first answer on a case.
    """

    def __init__(self, open_cases: Callable[[str], Iterable[HashtagCase]], owes: Callable[[HashtagCase], bool]) -> None:
        self._open_cases = open_cases
        self._owes = owes

    def __contains__(self, hashtag: object) -> bool:
        """Return whether the numbers of a hashtag (normalised) are hidden."""
        return isinstance(hashtag, str) and self.case(hashtag) is not None

    def case(self, hashtag: str) -> HashtagCase | None:
        """Return the case on which the first answer is due; None if the numbers are shown."""
        return next((case for case in self._open_cases(hashtag) if self._owes(case)), None)


NOTHING_HIDDEN = HiddenNumbers(lambda hashtag: (), lambda case: False)


@lru_cache(maxsize=4)
def skip_within_ms_of(policy: str) -> int:
    """Return the `review.skip_first_answer_within` of a policy in canonical form, in ms; "" is no policy.

    Only this key is read, so that a policy of a newer version does not stop the API.
    """
    review = (json.loads(policy) if policy else {}).get("review", {})
    within_ms = parse_duration(str(review.get("skip_first_answer_within", "")))
    return Review().skip_first_answer_within if within_ms is None else within_ms
