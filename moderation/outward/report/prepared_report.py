"""One prepared report: its period, its numbers, and the files that a platform publishes. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from moderation.domain.cases.agreement import quality_of
from moderation.outward.report import page
from moderation.outward.report.automated_decisions import CoverageGap
from moderation.outward.report.export import as_csv
from moderation.outward.report.facts import count_facts
from moderation.outward.report.log_entries import CountedEntries
from moderation.outward.report.openings import OpeningsFile
from moderation.outward.report.published_report import PublishedReport, publish
from moderation.outward.report.texts_read import texts_read
from moderation.outward.report.update import update
from streams.flags.overrides import OverrideHistory
from streams.log.decisions import Decision, LanguageCoverage

PAGE, TABLE, NUMBERS, UPDATE = "report.html", "report.csv", "report.json", "update.txt"
FILES = (PAGE, TABLE, NUMBERS, UPDATE)
"""Names of the files of a report."""
CORRECTION = "correction.txt"
"""Name of the file with what a later edition corrects."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days and country of a report."""

    from_ms: int
    to_ms: int
    """Period [from_ms, to_ms) of a report."""
    country: str | None = None
    """ISO 3166-1 code; None: all countries."""


@dataclass(frozen=True, slots=True)
class PreparedReport:
    """Report as it would be published, as of one moment."""

    period: Period
    published: PublishedReport
    at_ms: int
    unread: str = ""
    """Reason why the audit log was not read; "" if it was."""
    openings: OpeningsFile | None = None
    """Openings of every entry below the report's checkpoint; None if the log was not read, or no one needs them."""

    def files(self) -> dict[str, bytes]:
        """Render every file by its name."""
        texts = {
            PAGE: page.html(self.published, self.at_ms),
            TABLE: as_csv(self.published),
            NUMBERS: json.dumps(self.published.facts, ensure_ascii=False, indent=1) + "\n",
            UPDATE: update(self.published),
        }
        return {name: text.encode() for name, text in texts.items()}


def make_report(
    people: OverrideHistory,
    decisions: Sequence[Decision],
    period: Period,
    at_ms: int,
    *,
    coverage: Sequence[LanguageCoverage] = (),
    gaps: Sequence[CoverageGap] = (),
    unread: str = "",
    log: CountedEntries | None = None,
    openings: OpeningsFile | None = None,
) -> PreparedReport:
    """Count and round the numbers of a period.

    Raises:
        RecountDiffers: the public log has fewer entries than the report counts.

    Second looks, appeals and languages are given for all countries together only.
    """
    from_ms, to_ms, where = period.from_ms, period.to_ms, period.country
    facts = count_facts(people, decisions, from_ms, to_ms, where, now_ms=at_ms, gaps=gaps)
    quality, texts = (quality_of(people, from_ms, to_ms), texts_read(coverage)) if where is None else (None, None)
    published = publish(facts, quality, texts, log)
    return PreparedReport(period, published, at_ms, unread, openings)
