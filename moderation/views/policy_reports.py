"""Reports of backtests as one person may read them: nothing about blind hashtags, and no numbers before the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request
from msgspec.structs import replace

from moderation.access.blinding import hidden_hashtags_for
from moderation.access.numbers import hidden_numbers_for, hidden_word, hide_numbers_in_rows
from moderation.domain.cases.first_answer import HiddenNumbers

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest.comparison import PolicyChange
    from streams.backtest.impact import ImpactReport


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

    def rows(self, changes: Sequence[PolicyChange]) -> list[dict[str, Any]]:
        """Build the JSON of changes."""
        return hide_numbers_in_rows(msgspec.to_builtins(self.visible(changes)), self.hidden_numbers)

    def report(self, report: ImpactReport) -> dict[str, Any]:
        """Build the JSON of a report; counts would reveal the state of a blind hashtag by subtraction."""
        from streams.backtest import text

        answer: dict[str, Any] = msgspec.to_builtins(report)
        changes, protected = self.rows(report.changes), self.rows(report.protected)
        first = {
            "summary": text.summary(self.seen(report)),
            "needs_replay": answer.pop("needs_replay"),
            "unseen": answer.pop("unseen"),
        }
        return (
            first
            | answer
            | {
                "changes": changes,
                "protected": protected,
                "totals": [] if self.hidden_hashtags else answer["totals"],
                "histograms": [] if self.hidden_hashtags else answer["histograms"],
                "numbers": hidden_word([*changes, *protected], self.hidden_numbers),
                "blinded": sorted(self.hidden_hashtags),
            }
        )


async def report_reader(request: Request) -> ReportReader:
    """Return what the person who reads may see."""
    return ReportReader(await hidden_hashtags_for(request), await hidden_numbers_for(request))
