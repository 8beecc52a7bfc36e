"""`hushtag skip`: which records it accepts, what it writes, and how the audit log shows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import typer
from typer.testing import CliRunner, Result

from moderation.cli import skip
from moderation.log.service import ModerationService
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.rows import row_of
from moderation.publiclog.sources import is_kept
from streams.errors import CallerMistake
from streams.log.decisions import StoppedShard, encode_record
from streams.log.moderation import OtherRecord, decode_moderation
from streams.log.partials import encode_partial
from streams.log.skips import decode_skip
from streams.log.unreadable import sha256_of
from tests.support.block_counts import flush
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.shells import NOW_MS, Topics

PARTIALS = "hashtag-partials"


class SkippableLog:
    """Kafka in memory: a shard's log with a good, an empty and a torn record, and the moderation topic."""

    def __init__(self) -> None:
        self.topics = Topics()
        self.log = InMemoryLog()
        self.now_ms = NOW_MS
        for value in (encode_partial(flush()), None, b"torn", b"c\xc1"):
            self.topics.append(PARTIALS, 0, value)

    def run(self, *arguments: str) -> Result:
        app = typer.Typer()
        skip.register(app)
        app.callback()(lambda: None)
        return CliRunner().invoke(app, ["skip", *arguments, "--actor", "ann"])

    def written(self) -> list[object]:
        found = [decode_moderation(one.value, one.key) for one in self.log.records]
        return [decode_skip(one) for one in found if isinstance(one, OtherRecord)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SkippableLog:
    made = SkippableLog()

    @asynccontextmanager
    async def service(_: object) -> AsyncIterator[ModerationService]:
        yield in_memory_service(made.log, lambda: made.now_ms)

    monkeypatch.setattr(skip, "LogReader", made.topics.reader)
    monkeypatch.setattr(skip, "open_moderation", service)
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", "")
    return made


@pytest.mark.parametrize(("offset", "value"), [(1, None), (2, b"torn")])
def test_skip_names_record_and_hash(world: SkippableLog, offset: int, value: bytes | None) -> None:
    done = world.run(PARTIALS, "0", str(offset), "--reason", "a broken disk", "--json")
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    (written,) = world.written()
    assert written == decode_skip(decode_moderation(world.log.records[0].value, world.log.records[0].key))  # type: ignore[arg-type]
    expected = {"topic": PARTIALS, "partition": 0, "offset": offset, "sha256": sha256_of(value), "actor": "ann"}
    assert {name: printed[name] for name in expected} == expected and printed["already"] is False
    assert printed["reason"] == "a broken disk"


def test_repeated_skip_writes_nothing(world: SkippableLog) -> None:
    first = world.run(PARTIALS, "0", "1", "--reason", "one")
    again = world.run(PARTIALS, "0", "1", "--reason", "two")
    assert first.exit_code == again.exit_code == 0 and len(world.log.records) == 1
    assert "is skipped already, by ann: one" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([PARTIALS, "0", "0"], "can be read"),
        ([PARTIALS, "0", "3"], "can be read"),
        ([PARTIALS, "0", "4"], "there is no record at hashtag-partials[0] at 4: the log has offsets 0 to 3"),
        ([PARTIALS, "7", "0"], "has no partition 7"),
        (["tweets", "0", "0"], "no shard stops at a record of 'tweets'"),
    ],
)
def test_other_record_is_refused(world: SkippableLog, arguments: list[str], message: str) -> None:
    """Offset 3 holds malformed corrections, over which a judge passes by itself."""
    done = world.run(*arguments, "--reason", "a test")
    assert isinstance(done.exception, CallerMistake) and message in str(done.exception)
    assert done.exception.fix and done.exception.exit_code == 2 and world.log.records == []


def test_record_at_which_the_shard_says_it_stopped_is_skipped(world: SkippableLog) -> None:
    """It can be read, and does not fit what the judge knows besides."""
    for offset in (7, 0):
        sign = StoppedShard(shard=0, topic=PARTIALS, partition=0, offset=offset, reason="absurd")
        world.topics.append("suppression-decisions", 0, encode_record(sign))
    assert world.run(PARTIALS, "0", "0", "--reason", "a test").exit_code == 0 and len(world.log.records) == 1


def test_removed_record_needs_a_restart(world: SkippableLog) -> None:
    world.topics.cut(PARTIALS, 0, 2)
    done = world.run(PARTIALS, "0", "1", "--reason", "a test")
    assert isinstance(done.exception, CallerMistake) and "retention has removed" in str(done.exception)
    assert "restart the worker" in done.exception.fix


def test_empty_reason_is_refused(world: SkippableLog) -> None:
    done = world.run(PARTIALS, "0", "1", "--reason", " ")
    assert isinstance(done.exception, CallerMistake) and world.log.records == []


def test_audit_row_shows_record_actor_and_reason(world: SkippableLog) -> None:
    world.run(PARTIALS, "0", "1", "--reason", "a broken disk")
    record = world.log.records[0]
    [entry] = LogEnd().extend([AuditInput(SourcePosition("moderation", 0, 0, 1), record.key, record.value)])
    row = row_of(entry)
    assert (row.kind, row.action, row.target) == ("skip", "skip", "hashtag-partials[0]@1")
    assert (row.actor, row.reason) == ("ann", "a broken disk")


def test_sign_of_life_of_a_stopped_shard_is_not_audited() -> None:
    sign = encode_record(StoppedShard(shard=0, topic=PARTIALS, partition=0, offset=1, reason="empty"))
    assert not is_kept("suppression-decisions", sign) and is_kept("moderation", sign)
