"""Account facts on a real broker: evidence and decisions equal the reference over the two logs.

An order withholds a campaign's most active accounts in one country, a worker is killed, and the order is revoked.
"""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from streams.constants import PANE_MS
from streams.log.evidence import EvidenceRecord
from streams.log.topics import create_topics
from streams.settings import Settings
from tests.support.campaign_feed import LOUD, OTHERS, POLICY, Feed, evidence_of, settled_past
from tests.support.steady_tweets import history, progress
from tests.support.workers import WorkerProcess, hushtag, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(1_500)]


def authors_of(records: dict[tuple[int, int], EvidenceRecord], country: str) -> dict[int, int]:
    """Number of the campaign's authors, by tick."""
    return {
        tick_ms: int(np.frombuffer(record.everyone.authors, "<i8")[record.countries.index(country)])
        for (_, tick_ms), record in sorted(records.items())
        if "campaign" in record.hashtags and country in record.countries
    }


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "policy.yaml").write_text(POLICY)
    made = settings.model_copy(update={"policy": tmp_path / "policy.yaml", "session_timeout_seconds": 6, "shards": 2})
    create_topics(made, tweets_partitions=2)
    return made


def test_order_hides_authors_only_in_its_country(settings: Settings, tmp_path: Path) -> None:
    targets = tmp_path / "order.csv"
    targets.write_text("target\n" + "".join(f"{one}\n" for one in LOUD))
    worker = WorkerProcess(settings, tmp_path, "first").start().wait_ready()
    feed = Feed(settings)
    feeding = threading.Thread(target=feed.run)
    feeding.start()
    try:
        assert feed.speaking.wait(60)
        began_ms = int(time.time() * 1000)
        taken = hushtag(
            settings, "orders", "intake", str(targets), "--authority", "Ministry of Examples", "--country", "IN",
            "--legal-basis", "IT Act 2000, s. 69A", "--reference", "EX/7", "--issued", "2021-01-31", "--received",
            "2021-01-31T12:00", "--deadline", "+48h", "--actor", "ann", "--json",
        )  # fmt: skip
        [order] = [row["order"] for row in json_lines(taken) if "order" in row]

        def step(*what: str) -> None:
            hushtag(settings, "orders", *what, "-r", "as ordered", "--actor", "ann")

        step("acknowledge", order)
        step("review", order)
        step("decide", order, "withheld", "--all")
        settled_past(worker, began_ms + 2 * PANE_MS, settings.shards)
        final_ms = int(time.time() * 1000)
        step("final", order)
        withheld_ms = int(time.time() * 1000)
        settled_past(worker, withheld_ms + PANE_MS, settings.shards)
        worker.kill()
        worker = WorkerProcess(settings, tmp_path, "second").start()
        revoke_ms = int(time.time() * 1000)
        step("revoke", order, "--wait", "0")  # the worker that shows it is still starting
        revoked_ms = int(time.time() * 1000)
        settled_past(worker, revoked_ms + PANE_MS, settings.shards)
    finally:
        feed.stop.set()
        feeding.join()
        late = worker.metric("hushtag_account_facts_late_total") if worker.running else None
        worker.kill()
    end_ms = min(int(one["settled_ms"]) for one in progress(settings).values())

    tweets, moderation, evidence = (tmp_path / name for name in ("tweets.jsonl", "moderation.jsonl", "evidence.jsonl"))
    tweets.write_bytes(hushtag(settings, "dump", "tweets"))
    moderation.write_bytes(hushtag(settings, "dump", "moderation"))
    reference = hushtag(
        settings, "replay", str(tweets), "--moderation", str(moderation), "--evidence", str(evidence)
    )  # fmt: skip
    expected = evidence_of(evidence.read_bytes(), end_ms)
    real = evidence_of(hushtag(settings, "dump", "hashtag-evidence"), end_ms)
    assert real == expected
    decisions = [json.loads(line["value"]) for line in json_lines(hushtag(settings, "dump", "suppression-decisions"))]
    decided = [one for one in decisions if one["kind"] == "decision" and one["settled_ms"] <= end_ms]
    assert history(decided) == history([one for one in json_lines(reference) if one["tick_ms"] <= end_ms])
    assert late == 0

    there, world = authors_of(real, "IN"), authors_of(real, "*")
    before = [ms for ms in there if began_ms + PANE_MS < ms < final_ms]
    during = [ms for ms in there if withheld_ms <= ms < revoke_ms]
    after = [ms for ms in there if ms >= revoked_ms]
    assert before and during and after, (sorted(there), final_ms, withheld_ms, revoke_ms, revoked_ms)
    whole = len(LOUD) + len(OTHERS)
    assert {there[ms] for ms in (*before, *after)} == {whole}
    assert {there[ms] for ms in during} == {len(OTHERS)}
    assert {world[ms] for ms in (*before, *during, *after)} == {whole}
