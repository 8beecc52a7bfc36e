"""The cases of all hashtags, kept: `cases_of` at every moment, at the cost of what has changed. Pure.

`update` derives again the hashtags

- with new records: automated decisions, overrides and undos, appeals, records of cases;
- whose next moment has come, at which something ends, lapses or is no longer kept (`moments`);
- all, if a stop button is pressed, released or expires, if the clock goes back, if a log is another one, or if the
  update before failed.

`changed_since(sequence)` names the cases that changed after an earlier call, also by their version alone, for a page
that shows some of them. A case that is gone is named, too. Two things change without a record, and are not named: the
end of a claim (`CLAIM_MS` after its last heartbeat), and how long a hold still lasts.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TypeVar

from hushtag_client.registers import ANY_HASHTAG

from moderation.domain.appeals.automated_decisions import AutomatedFold
from moderation.domain.appeals.fold import AppealFold
from moderation.domain.cases.board import CaseInputs, CaseSources, derive_cases, stops_in_force
from moderation.domain.cases.case import HashtagCase
from moderation.domain.cases.fold import CaseFold
from moderation.domain.cases.moments import next_moment_ms
from moderation.domain.cases.override_index import OverrideIndex
from moderation.log.changes import ChangeMemory
from streams.flags.overrides import OverrideHistory

LEAST_STALE = 1_000
"""Least number of stale entries at which the heap is rebuilt, so that few hashtags do not rebuild it all the time."""
_Value = TypeVar("_Value")
_Logs = tuple[CaseFold, AutomatedFold, OverrideHistory, AppealFold]


class CaseBoard:
    """Cases at the moment of the last `update`."""

    def __init__(self) -> None:
        self.cases: dict[str, HashtagCase] = {}
        """Cases by id: all open ones, and closed ones while their items or records are kept."""
        self.overrides = OverrideIndex()
        """People's overrides by hashtag."""
        self._of_tag: dict[str, dict[str, HashtagCase]] = {}
        self._open_of_tag: dict[str, list[HashtagCase]] = {}
        self._changes = ChangeMemory()
        self._at_ms = 0
        self._logs: _Logs | None = None
        self._read = (0, 0, 0, 0)
        self._stops: object = None
        self._moments: dict[str, int] = {}
        """Next moment by hashtag."""
        self._due: list[tuple[int, str]] = []
        """Heap of the same; entries that `_moments` contradicts are stale."""

    def update(
        self, fold: CaseFold, automated: AutomatedFold, history: OverrideHistory, appeals: AppealFold, at_ms: int
    ) -> None:
        """Bring the cases to the present state of the logs.

        Args:
            fold: case records.
            automated: automated decisions.
            history: people's overrides.
            appeals: appeals.
            at_ms: the moment, Unix time in ms.
        """
        logs = (fold, automated, history, appeals)
        if self._logs is None or any(log is not other for log, other in zip(logs, self._logs, strict=True)):
            self.overrides, self._read, self._stops = OverrideIndex(), (0, 0, 0, 0), None
        self._logs = None  # until it is done: the next update derives all again after one that failed
        records, overridden, changed = self._new_records(logs)
        stops = stops_in_force(history, self.overrides.scopes(ANY_HASHTAG), at_ms)
        signature = [(scope, stop.id) for scope, stop in stops]
        due = self._reached(at_ms)
        if changed is None or signature != self._stops or at_ms < self._at_ms:
            tags = {*self._of_tag, *automated.hashtags(), *self.overrides.hashtags(), *appeals.by_tag}
            tags |= fold.cases_of_tag.keys()
        else:
            tags = changed | due
        self._stops, self._at_ms = signature, at_ms
        sources = CaseSources(fold, automated, history, stops, at_ms)
        for hashtag in tags:
            self._derive(hashtag, sources, appeals)
        for case in records:
            self._changes.note(case)
        for hashtag in self._of_tag if overridden is None else overridden:
            for case in self._of_tag.get(hashtag, ()):  # its version is another one, also where nothing else changed
                self._changes.note(case)
        self._logs = logs

    def of_tag(self, hashtag: str) -> dict[str, HashtagCase]:
        """Return the cases of one hashtag by id."""
        return self._of_tag.get(hashtag, {})

    def open_of_tag(self, hashtag: str) -> Iterable[HashtagCase]:
        """Return the cases of one hashtag in which more than a second look is open."""
        return self._open_of_tag.get(hashtag, ())

    def changed_since(self, sequence: int) -> tuple[int, set[str]]:
        """Return the number of the last change, and the cases that changed after an earlier one.

        A number that the board does not reach back to, or that another process gave, yields all cases.
        """
        number, cases = self._changes.since(sequence)
        return number, {*self.cases} if cases is None else cases

    def _new_records(self, logs: _Logs) -> tuple[set[str], set[str] | None, set[str] | None]:
        """Return the cases with new records, and the hashtags with new overrides and with new records of any log.

        None stands for all hashtags.
        """
        fold, automated, history, appeals = logs
        at_fold, at_automated, at_people, at_appeals = self._read
        at_fold, cases = fold.changes.since(at_fold)
        at_automated, decided = automated.changes.since(at_automated)
        at_appeals, appealed = appeals.changes.since(at_appeals)
        self.overrides.follow(history)
        at_people, overridden = self.overrides.changes.since(at_people)
        self._read = at_fold, at_automated, at_people, at_appeals
        if cases is None or decided is None or overridden is None or appealed is None:
            return {*fold.cases} if cases is None else cases, overridden, None
        return cases, overridden, {fold.cases[case].hashtag for case in cases} | decided | appealed | overridden

    def _reached(self, at_ms: int) -> set[str]:
        """Return the hashtags whose next moment has come."""
        hashtags = set()
        while self._due and self._due[0][0] <= at_ms:
            moment_ms, hashtag = heapq.heappop(self._due)
            if self._moments.get(hashtag) == moment_ms:
                hashtags.add(hashtag)
        return hashtags

    def _derive(self, hashtag: str, sources: CaseSources, appeals: AppealFold) -> None:
        fold, automated = sources.fold, sources.automated
        inputs = CaseInputs(
            items=[*automated.items_of_tag(hashtag)],
            decisions=[*automated.latest_of_tag(hashtag)],
            overrides=self.overrides.overrides(hashtag),
            appeals=appeals.by_tag.get(hashtag, ()),
            recorded=[fold.cases[case] for case in fold.cases_of_tag.get(hashtag, ())],
        )
        before, now = self._of_tag.get(hashtag, {}), derive_cases(inputs, sources)
        for case in before.keys() | now.keys():
            if before.get(case) != now.get(case):
                self._changes.note(case)
        for case in before.keys() - now.keys():
            self.cases.pop(case, None)
        self.cases |= now
        _put(self._of_tag, hashtag, now)
        _put(self._open_of_tag, hashtag, [case for case in now.values() if case.open_items])
        moment_ms = next_moment_ms(inputs, sources, self.overrides.records(hashtag))
        if moment_ms is None:
            self._moments.pop(hashtag, None)
        elif self._moments.get(hashtag) != moment_ms:
            self._moments[hashtag] = moment_ms
            heapq.heappush(self._due, (moment_ms, hashtag))
            if len(self._due) > 2 * len(self._moments) + LEAST_STALE:  # each renewal of a decision makes one stale
                self._due = [(moment_ms, hashtag) for hashtag, moment_ms in self._moments.items()]
                heapq.heapify(self._due)


def _put(held: dict[str, _Value], hashtag: str, value: _Value) -> None:
    """Set the value of a hashtag; an empty one is removed."""
    if value:
        held[hashtag] = value
    else:
        held.pop(hashtag, None)
