"""Reports made and published on a real Kafka, by the services of the API."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from moderation.access.services import connect_services
from moderation.log.drafts import OverrideDraft
from moderation.outward.report.prepared_report import Period
from moderation.wording import iso_words
from streams.clock import now_ms
from streams.naming import tag_of
from streams.settings import Settings

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


def test_report_is_read_in_a_thread_and_published(topics: Settings, tmp_path: Path) -> None:
    settings = topics.model_copy(update={"reports": tmp_path})
    today = iso_words(now_ms())[:10]
    from_ms = now_ms() // DAY_MS * DAY_MS
    period = Period(from_ms, from_ms + DAY_MS)

    async def published() -> tuple[str, str, dict[str, Any]]:
        async with connect_services(settings, share=0.0) as services:
            draft = OverrideDraft(tag_of("#harm"), "block", "IN", ("trends",), "ann", "r", now_ms() + DAY_MS)
            await services.moderation.override([draft])
            run = services.reports.runs.begin(period, "ann")
            async with asyncio.timeout(60):
                while run.state in ("waiting", "running"):
                    await asyncio.sleep(0.05)
            assert run.report is not None, run.error
            record = await services.reports.publish(run.report, actor="ann", reason="monthly")
            assert await services.reports.find(record.target) == record
            return record.target, run.report.unread, run.report.published.facts

    name, unread, facts = asyncio.run(published())
    assert (unread, facts["hashtags_held_back"]["total"]) == ("", "<5")
    program = [str(Path(sys.executable).parent / "hushtag"), "report", "--from", today, "--to", today, "--json"]
    environment = os.environ | {"HUSHTAG_KAFKA": settings.kafka, "HUSHTAG_TOPIC_PREFIX": settings.topic_prefix}
    command = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(command.stdout) | {"as_of_ms": facts["as_of_ms"]} == facts, "the command counts the same"
    assert "fewer than 5 hashtags" in (tmp_path / name / "update.txt").read_text()
