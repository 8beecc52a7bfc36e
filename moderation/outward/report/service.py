"""Publishes reports: files in the folder of HUSHTAG_REPORTS, and a record of who published what.

1. Write the files to a hidden folder, so that a full disk publishes nothing.
2. Write the record with their hashes, under the next free name. Of two processes at once, the second is refused.
3. Give the folder its name. A crash before this step leaves a record without files, which the list shows; a repetition
   with the same preview puts them into place.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

from moderation.log.drafts import words_of
from moderation.log.service import ModerationService
from moderation.outward.report.folder import ReportFolder, digests_of
from moderation.outward.report.openings import OPENINGS
from moderation.outward.report.prepared_report import CORRECTION, FILES, Period, PreparedReport
from moderation.outward.report.publications import ReportPublished, encode_publication, name_of, publications_in
from moderation.outward.report.runs import ReportRuns
from streams.errors import CallerMistake
from streams.flags.overrides import OverrideHistory


class ReportService:
    """Makes and publishes reports.

    Args:
        runs: reports in the making.
        service: writes the records.
        folder: folder of HUSHTAG_REPORTS; None: nothing can be published.
    """

    def __init__(
        self,
        runs: ReportRuns,
        service: ModerationService,
        folder: Path | None,
        *,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.runs = runs
        self.folder = ReportFolder(folder) if folder is not None else None
        self._service = service
        self._clock = clock or service.now_ms

    async def publications(self) -> list[ReportPublished]:
        """List what was published, the newest first.

        Raises:
            DependencyAway: Kafka does not answer.
        """
        return publications_in((await self._service.refresh()).others)

    async def find(self, name: str) -> ReportPublished | None:
        """Return a publication by its name."""
        return next((record for record in await self.publications() if record.target == name), None)

    async def publish(
        self, report: PreparedReport, *, actor: str, reason: str, correction: str = ""
    ) -> ReportPublished:
        """Publish a report as it was prepared.

        Args:
            report: report that the person saw.
            actor: person who publishes.
            reason: text for the log, not empty.
            correction: what the report corrects; needed where its period and country have a report already.

        Raises:
            CallerMistake: there is no folder, or this report needs or lacks a correction, or was published already, or
                another process published one at the same moment.
            DependencyAway: Kafka does not answer.
        """
        if self.folder is None:
            raise CallerMistake(
                "this API has no folder for reports", fix="ask an operator to set HUSHTAG_REPORTS to a folder"
            )
        actor, reason = words_of(actor, reason)
        correction = words_of(actor, correction)[1] if correction.strip() else ""
        folder, files = self.folder, report.files()
        if correction:
            files[CORRECTION] = f"This edition corrects an earlier report on the same period: {correction}\n".encode()
        digests = digests_of(files)
        if report.openings is not None:
            digests[OPENINGS] = report.openings.sha256
        hidden = await asyncio.to_thread(folder.prepare, files, report.openings)
        written: list[ReportPublished] = []

        def records(view: OverrideHistory) -> list[tuple[bytes, bytes]]:
            published = publications_in(view.others)
            unfinished = [record for record in published if record.files == digests and not folder.has(record.target)]
            if unfinished:
                written.append(unfinished[0])
                return []
            edition = _next_edition(published, report.period, digests, correction)
            while folder.has(name_of(report.period, edition)):
                edition += 1
            written.append(
                ReportPublished(
                    id=secrets.token_hex(8),
                    target=name_of(report.period, edition),
                    country=report.period.country or "*",
                    from_ms=report.period.from_ms,
                    to_ms=report.period.to_ms,
                    made_at_ms=report.at_ms,
                    edition=edition,
                    correction=correction,
                    files=digests,
                    actor=actor,
                    reason=reason,
                    at_ms=self._clock(),
                )
            )
            return [encode_publication(written[-1])]

        try:
            await self._service.transact(records)
            record = _as_logged(written[-1], publications_in(self._service.view.others))
        except BaseException:
            folder.drop(hidden)
            raise
        await asyncio.to_thread(folder.reveal, hidden, record.target)
        return record


def _as_logged(written: ReportPublished, published: list[ReportPublished]) -> ReportPublished:
    """Return a record as the log has it, with the log's time; refuse one whose name an earlier record has."""
    for record in published:
        if record.id == written.id:
            return record
    raise CallerMistake(
        f"{written.target} was published at the same moment by someone else",
        fix="read that report, then make a new preview if a correction is still wanted",
    )


def _next_edition(published: list[ReportPublished], period: Period, digests: dict[str, str], correction: str) -> int:
    """Return the number of the next edition of a period and country; `published` is the newest first."""
    earlier = [record for record in published if record.period == period]
    if not earlier:
        if correction:
            raise CallerMistake(
                "this period and country has no report that could be corrected", fix="leave the correction out"
            )
        return 1
    last = earlier[0]
    if all(last.files.get(name) == digests[name] for name in FILES):
        raise CallerMistake(f"exactly this report is published as {last.target}", fix="nothing is left to do")
    if not correction:
        raise CallerMistake(
            f"{last.target} is published for this period and country",
            fix="say in `correction` what this edition corrects; the earlier one stays",
        )
    return max(record.edition for record in earlier) + 1
