"""The session of docs/moderation.md: its commands on a real broker give the answers that the page shows."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.clock import now_ms
from streams.constants import PANE_MS
from streams.log.decisions import (
    Decision,
    DecisionReason,
    Evidence,
    Progress,
    ScopeDecision,
    encode_record,
    version_of,
)
from streams.settings import Settings
from tests.support.workers import WorkerProcess, environment, hushtag, json_lines

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]
PAGE = Path("docs/moderation.md")
MINUTE_MS = 60_000
_ID = re.compile(r"\b(?:[0-9a-f]{16}|hushtag-[0-9a-f]{24})\b")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "TIME"),
    (re.compile(r"\d{4}\.\d{19}\.\d{15}"), "VERSION"),
    (re.compile(r"\b\d+(\.\d+)? (s|min|h|days)\b"), "DURATION"),
)


def decision(tag: str, action: str, country: str, surfaces: list[str], tweets: int, **more: object) -> Decision:
    at_ms = now_ms()
    evidence = Evidence(
        window_ms=600_000, tweets=tweets, authors=tweets * 3 // 4, scored=64, share=0.62, lower=0.55, upper=0.69,
        sampled=("1900000000000000017", "1900000000000000023"),
    )  # fmt: skip
    rulings = tuple(
        ScopeDecision(
            category="abuse", surface=surface, action=action, since_ms=at_ms - 5 * MINUTE_MS,
            expires_at_ms=at_ms + 50 * MINUTE_MS + 30_000, evidence=evidence, **more,  # type: ignore[arg-type]
        )
        for surface in surfaces
    )  # fmt: skip
    return Decision(
        hashtag=tag.lower(), display=tag, country=country, rulings=rulings, version=version_of(1, 0), tick_ms=at_ms,
        settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="p", model_revision="m",
    )  # fmt: skip


async def send(topics: Settings, records: list[Decision | Progress]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=topics.kafka) as producer:
        for record in records:
            partition = record.shard if isinstance(record, Progress) else 1
            await producer.send_and_wait(
                topics.topic("suppression-decisions"), encode_record(record), partition=partition
            )


@pytest.fixture
def desk(topics: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Four cases, and a publish stage that puts decisions on the surfaces."""
    at_ms = now_ms()
    past = (DecisionReason("new_suppressions_per_hour", 20, 20),)
    settled_ms = at_ms // PANE_MS * PANE_MS
    settled = [Progress(shard=n, settled_ms=settled_ms, position=0, replay_offset=0, activations=[]) for n in range(4)]
    asyncio.run(
        send(
            topics,
            [
                decision("GhostTrain", "hold", "IN", ["search", "trends"], 840),
                decision("GhostTrain", "hold", "US", ["trends"], 310),
                decision(
                    "FestivalDay", "review", "BR", ["search", "trends"], 5_200, valve=past[0].signal, reasons=past
                ),
                decision("RiverSide", "suppress", "IN", ["search", "trends"], 700),
                *settled,
            ],
        )
    )
    worker = WorkerProcess(topics, tmp_path, stages="publish").start()
    try:
        worker.wait_ready()
        hushtag(topics, "block", "NewsRoom", "-c", "IN", "-r", "an old video as news", "--actor", "cid")
        [statement] = json_lines(hushtag(topics, "statement", "NewsRoom", "--json"))
        appeal = ["appeal", "file", statement["reference"], "-r", "we report on the video", "--actor", "clerk"]
        hushtag(topics, *appeal)
        yield topics
    finally:
        worker.stop()


def test_session_of_the_page_gives_the_answers_shown(desk: Settings) -> None:
    shown = next(block for block in PAGE.read_text("utf-8").split("```") if "$ hushtag cases" in block).strip()
    played: list[str] = []
    renamed: dict[str, str] = {}
    for part in re.split(r"^\$ ", shown, flags=re.M)[1:]:
        command, *expected = part.rstrip().split("\n")
        typed = _ID.sub(lambda found: renamed.get(found[0], found[0]), command)
        answer = run(desk, shlex.split(typed)[1:])
        for one, other in zip(_ID.findall("\n".join(expected)), _ID.findall(answer), strict=False):
            renamed.setdefault(one, other)
        played.append("\n".join([f"$ {command}", *answer.rstrip().split("\n")]).rstrip())
    session = "\n".join(played)
    assert [alike(line) for line in session.split("\n")] == [alike(line) for line in shown.split("\n")], session


def run(desk: Settings, arguments: list[str]) -> str:
    """Run a command as on a terminal of 120 columns; its errors follow its output."""
    terminal = {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "120", "NO_COLOR": "1", "LOGNAME": "ann"}
    secret = {"HUSHTAG_SECOND_LOOK_SHARE": "1", "HUSHTAG_HASH_KEY": "k" * 32}
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *arguments], env=environment(desk) | terminal | secret,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
    return "\n".join(line.rstrip() for line in _STYLE.sub("", done.stdout.decode()).split("\n"))


def alike(line: str) -> str:
    """Replace what differs between two runs."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return " ".join(_ID.sub("ID", line).split())
