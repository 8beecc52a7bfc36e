"""Reports of backtests as one person may read them: nothing about blind hashtags, and no numbers before the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request
from msgspec.structs import replace

from moderation.access.blinding import blinded_for
from moderation.access.numbers import numbers_word, rows_of, withheld_for
from moderation.domain.cases.first_answer import WithheldHashtags

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest.comparison import PolicyChange
    from streams.backtest.impact import ImpactReport


class ReportReader:
    """Hashtags that one person reviews blind, and those whose numbers wait for the first answer."""

    def __init__(self, blinded: frozenset[str], withheld: WithheldHashtags) -> None:
        self.blinded, self.withheld = blinded, withheld

    def visible(self, changes: Sequence[PolicyChange]) -> list[PolicyChange]:
        """Leave out the blind hashtags."""
        return [change for change in changes if change.hashtag not in self.blinded]

    def seen(self, report: ImpactReport) -> ImpactReport:
        """Leave the changes of blind hashtags out of a report."""
        return replace(report, changes=self.visible(report.changes))

    def rows(self, changes: Sequence[PolicyChange]) -> list[dict[str, Any]]:
        """Build the JSON of changes."""
        return rows_of(msgspec.to_builtins(self.visible(changes)), self.withheld)

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
                "totals": [] if self.blinded else answer["totals"],
                "histograms": [] if self.blinded else answer["histograms"],
                "numbers": numbers_word([*changes, *protected], self.withheld),
                "blinded": sorted(self.blinded),
            }
        )


async def report_reader(request: Request) -> ReportReader:
    """Return what the person who reads may see."""
    return ReportReader(await blinded_for(request), await withheld_for(request))
