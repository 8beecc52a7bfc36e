"""Reports made and published on a real Kafka, by the services of the API."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from moderation.api.services import connect_services
from moderation.drafts import OverrideDraft
from moderation.report.made import Period
from streams.clock import now_ms
from streams.naming import tag_of
from streams.settings import Settings

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


def test_report_is_read_in_a_thread_and_published(topics: Settings, tmp_path: Path) -> None:
    settings = topics.model_copy(update={"reports": tmp_path})
    period = Period(now_ms() - DAY_MS, now_ms() + DAY_MS)

    async def published() -> tuple[str, str, int]:
        async with connect_services(settings, share=0.0) as services:
            draft = OverrideDraft(tag_of("#harm"), "block", "IN", ("trends",), "ann", "r", now_ms() + DAY_MS)
            await services.moderation.override([draft])
            run = services.reports.runs.begin(period, "ann")
            async with asyncio.timeout(60):
                while run.state in ("waiting", "running"):
                    await asyncio.sleep(0.05)
            assert run.made is not None, run.error
            record = await services.reports.publish(run.made, actor="ann", reason="monthly")
            assert await services.reports.find(record.target) == record
            return record.target, run.made.unread, run.made.published.facts["hashtags_held_back"]["total"]

    name, unread, total = asyncio.run(published())
    assert (unread, total) == ("", "<5")
    assert "fewer than 5 hashtags" in (tmp_path / name / "update.txt").read_text()
