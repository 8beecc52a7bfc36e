"""Stage 2 on a real broker: corrections change decisions as the reference predicts, and failures stop no worker."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streams.constants import PANE_MS
from streams.log.decisions import Decision, decode_record
from streams.log.topics import create_topics
from streams.pipeline.stage_2 import NEEDED
from streams.settings import Settings
from tests.support.campaign_feed import POLICY, Feed, evidence_of, settled_past
from tests.support.steady_tweets import history, progress
from tests.support.workers import WorkerProcess, hushtag, json_lines, values

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_500)]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "policy.yaml").write_text(POLICY)
    made = settings.model_copy(
        update={"policy": tmp_path / "policy.yaml", "session_timeout_seconds": 6, "shards": 2, "encoder": "auto"}
    )
    create_topics(made, tweets_partitions=2)
    return made


def fake(settings: Settings, folder: Path, name: str) -> WorkerProcess:
    worker = WorkerProcess(settings, folder, name)
    worker.command = [sys.executable, "-m", "tests.support.fake_encoder"]
    return worker


def until(worker: WorkerProcess, holds: Callable[[], bool], what: str, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert worker.running and time.monotonic() < deadline, f"{what}: {worker.tail()}"
        time.sleep(0.1)


def settled_so_far(settings: Settings) -> list[Decision]:
    records = map(decode_record, values(settings, "suppression-decisions"))
    return [one for one in records if isinstance(one, Decision)]


def cleared(settings: Settings) -> bool:
    """Return whether a settled tick cleared the campaign's hashtag."""
    settled = [one for one in settled_so_far(settings) if one.hashtag == "campaign" and not one.provisional]
    return any(ruling.action == "clear" for one in settled for ruling in one.rulings)


def is_reference(settings: Settings, folder: Path, end_ms: int) -> dict[tuple[int, int], object]:
    """Compare everything settled up to a time with a replay of the two logs; return the evidence."""
    import json

    tweets, partials, evidence = (folder / f"{name}.jsonl" for name in ("tweets", "partials", "evidence"))
    tweets.write_bytes(hushtag(settings, "dump", "tweets"))
    partials.write_bytes(hushtag(settings, "dump", "hashtag-partials"))
    reference = hushtag(
        settings, "replay", str(tweets), "--partials", str(partials), "--evidence", str(evidence)
    )  # fmt: skip
    real = evidence_of(hushtag(settings, "dump", "hashtag-evidence"), end_ms)
    assert real == evidence_of(evidence.read_bytes(), end_ms)
    lines = json_lines(hushtag(settings, "dump", "suppression-decisions"))
    decided = [one for one in (json.loads(line["value"]) for line in lines) if one["kind"] == "decision"]
    decided = [one for one in decided if one["settled_ms"] <= end_ms]
    assert history(decided) == history([one for one in json_lines(reference) if one["tick_ms"] <= end_ms])
    return real


def corrected(evidence: dict[tuple[int, int], object]) -> dict[int, int]:
    """Return the number of the campaign's texts with corrections, by tick."""
    return {
        tick_ms: int(np.frombuffer(looked, "<u2")[record.countries.index("*")])
        if (looked := record.everyone.looked)
        else 0
        for (_, tick_ms), record in sorted(evidence.items())
        if "campaign" in record.hashtags
    }


@pytest.mark.long
def test_corrections_clear_a_hashtag_across_a_restart(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENCODER", "harmless")
    worker = fake(settings, tmp_path, "first").start().wait_ready()
    feed = Feed(settings)
    feeding = threading.Thread(target=feed.run)
    feeding.start()
    try:
        until(worker, lambda: worker.metric("hushtag_corrections_total") > 5, "nothing was corrected")
        began_ms = int(time.time() * 1000)
        settled_past(worker, began_ms + 2 * PANE_MS, settings.shards)
        worker.kill()
        killed_ms = int(time.time() * 1000)
        worker = fake(settings, tmp_path, "second").start().wait_ready()
        until(worker, lambda: worker.metric("hushtag_corrections_total") > 20, "the next owner corrected nothing")
        until(worker, lambda: cleared(settings), "stage 1 alone keeps it suppressed")
        settled_past(worker, int(time.time() * 1000) + PANE_MS, settings.shards)
    finally:
        feed.stop.set()
        feeding.join()
        worker.kill()
    end_ms = min(int(one["settled_ms"]) for one in progress(settings).values())
    looked = corrected(is_reference(settings, tmp_path, end_ms))
    first = [count for tick_ms, count in looked.items() if tick_ms < killed_ms]
    after = [count for tick_ms, count in looked.items() if tick_ms > killed_ms]
    assert max(first, default=0) >= 5 and max(after, default=0) >= 5, looked


@pytest.mark.long
@pytest.mark.parametrize("how", ["dies", "hangs"])
def test_broken_encoder_leaves_the_worker_running(
    how: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENCODER", how)
    worker = fake(settings, tmp_path, how).start().wait_ready()
    feed = Feed(settings)
    feeding = threading.Thread(target=feed.run)
    feeding.start()
    try:
        until(worker, lambda: worker.metric("hushtag_encoder_restarts_total") >= 2, "it was not restarted")
        settled_past(worker, int(time.time() * 1000), settings.shards)
        assert "stage 2 is down" in worker.log.read_text()
    finally:
        feed.stop.set()
        feeding.join()
        worker.kill()
    end_ms = min(int(one["settled_ms"]) for one in progress(settings).values())
    looked = corrected(is_reference(settings, tmp_path, end_ms))
    assert looked and set(looked.values()) == {0}
    suppressed = [one for one in settled_so_far(settings) if any(r.action == "suppress" for r in one.rulings)]
    assert {one.hashtag for one in suppressed} == {"campaign"}


def test_encoder_process_ends_with_its_worker(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ENCODER", "harmless")
    worker = fake(settings, tmp_path, "w").start().wait_ready()
    until(worker, lambda: worker.metric("hushtag_encoder_up") == 1, "it never came up")
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    assert len(children) == 1
    worker.signal(signal.SIGKILL)
    worker.kill()
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{children[0]}/fd/0") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not os.path.exists(f"/proc/{children[0]}/fd/0"), "an orphan remains"


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="make encoder: stage 2 is not installed"
)
def test_real_encoder_corrects_texts(settings: Settings, tmp_path: Path) -> None:
    worker = WorkerProcess(settings, tmp_path, "real").start().wait_ready()
    feed = Feed(settings)
    feeding = threading.Thread(target=feed.run)
    feeding.start()
    try:
        until(worker, lambda: worker.metric("hushtag_corrections_total") > 5, "nothing was corrected")
        settled_past(worker, int(time.time() * 1000) + PANE_MS, settings.shards)
        assert worker.metric("hushtag_encoder_texts_total") > 5
        assert worker.metric("hushtag_encoder_restarts_total") == 0
    finally:
        feed.stop.set()
        feeding.join()
        worker.kill()
    end_ms = min(int(one["settled_ms"]) for one in progress(settings).values())
    looked = corrected(is_reference(settings, tmp_path, end_ms))
    assert max(looked.values()) >= 5, looked
