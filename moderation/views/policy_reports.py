"""Reports of backtests as one person may read them: nothing about blind hashtags, and no numbers before the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from fastapi import Request
from msgspec.structs import replace
from pydantic import Field

from moderation.access.blinding import hidden_hashtags_for
from moderation.access.numbers import hidden_numbers_for, numbers_word, without_numbers
from moderation.answers import HiddenList
from moderation.domain.cases.answers import Numbers
from moderation.domain.cases.first_answer import HiddenNumbers
from streams.answers import AnswerModel, JsonObject, Millis

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest.comparison import PolicyChange
    from streams.backtest.impact import ImpactReport


class ImpactAnswer(AnswerModel):
    """Changes that a policy would have made; settled decisions are predicted, early ones are not."""

    summary: str = Field(description="The whole in words; what is not known comes first.")
    needs_replay: list[JsonObject] = Field(description="Rules that the kept evidence cannot answer.")
    unseen: list[str] = Field(description="Changes of keys that no evidence answers, in words.")
    live_revision: str
    new_revision: str
    from_ms: Millis
    to_ms: Millis
    tag_panes: int
    shards: int
    changes: list[JsonObject] = Field(description="Hashtags on which the policies differ, most minutes first.")
    protected: list[JsonObject] = Field(description="Hashtags that only `never_suppress` of the new policy spares.")
    totals: list[JsonObject] = Field(description="By category and country; empty while you review a hashtag blind.")
    histograms: list[JsonObject] = Field(description="Empty while you review a hashtag blind.")
    answered: int = Field(description="Number of scopes, a category on a surface, that the evidence answers.")
    numbers: Numbers
    blinded: HiddenList


class ReportReader:
    """Hashtags that one person reviews blind, and those whose numbers wait for the first answer."""

    def __init__(self, hidden_hashtags: frozenset[str], hidden_numbers: HiddenNumbers) -> None:
        self.hidden_hashtags, self.hidden_numbers = hidden_hashtags, hidden_numbers

    def visible(self, changes: Sequence[PolicyChange]) -> list[PolicyChange]:
        """Leave out the blind hashtags."""
        return [change for change in changes if change.hashtag not in self.hidden_hashtags]

    def seen(self, report: ImpactReport) -> ImpactReport:
        """Leave the changes of blind hashtags out of a report."""
        return replace(report, changes=self.visible(report.changes))

    def rows(self, changes: Sequence[PolicyChange]) -> list[JsonObject]:
        """Build the JSON of changes."""
        rows = [(change.hashtag, msgspec.to_builtins(change)) for change in self.visible(changes)]
        return [without_numbers(row) if hashtag in self.hidden_numbers else row for hashtag, row in rows]

    def report(self, report: ImpactReport) -> ImpactAnswer:
        """Build the answer about a report; counts would reveal the state of a blind hashtag by subtraction."""
        from streams.backtest import text

        members: JsonObject = msgspec.to_builtins(replace(report, changes=[], protected=[]))
        if self.hidden_hashtags:
            members |= {"totals": [], "histograms": []}
        shown = [*self.visible(report.changes), *self.visible(report.protected)]
        members |= {
            "summary": text.summary(self.seen(report)),
            "changes": self.rows(report.changes),
            "protected": self.rows(report.protected),
            "numbers": numbers_word((change.hashtag for change in shown), self.hidden_numbers),
            "blinded": sorted(self.hidden_hashtags),
        }
        return ImpactAnswer.model_validate(members)


async def report_reader(request: Request) -> ReportReader:
    """Return what the person who reads may see."""
    return ReportReader(await hidden_hashtags_for(request), await hidden_numbers_for(request))
