"""Notifications on a real broker, to a real HTTP server and a real mail server: kills, absences, a second process."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from moderation.domain.appeals.records import encode_appeal
from moderation.log.fenced_writer import TakenOver
from moderation.outward.notify import notifier as notifier_module
from moderation.outward.notify.channels import channels_of
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.notifier import Notifier
from moderation.outward.notify.outbox import Outbox
from moderation.outward.notify.reader import NotifyReader
from streams.cli.main import make_app
from streams.clock import now_ms
from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS, PANE_MS
from streams.errors import HushtagError
from streams.log.decisions import Decision, encode_record
from streams.log.moderation import encode_moderation
from streams.settings import Settings
from tests.support.decisions import decision
from tests.support.notify_cases import KEY, appeal, config_of, hold, outcome
from tests.support.receivers import MailReceiver, WebhookReceiver, wait_for
from tests.support.workers import environment, free_port

pytestmark = pytest.mark.integration
CONFIG = """
from: hushtag@example.org
channels:
  mail:
    email: [mods@example.org]
    sends:
      holds: {{before: [4h], digest: 10m}}
      appeals: {{digest: 0s}}
  platform:
    webhook: {url}
    sends:
      statements: {{digest: 0s}}
      appeals: {{digest: 0s}}
"""
DECISIONS = "channels: {{platform: {{webhook: '{url}', sends: {{decisions: {{digest: 0s}}}}}}}}"


@pytest.fixture
def hook() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def wired(topics: Settings, mail: MailReceiver) -> Settings:
    return topics.model_copy(update={"notify_keys": SecretStr(f"platform={KEY}"), "smtp_url": mail.url})


async def log(settings: Settings, *records: tuple[bytes, bytes], topic: str = "moderation") -> None:
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka) as producer:
        for value, key in records:
            await producer.send_and_wait(settings.topic(topic), value, key=key, partition=0)


async def outbox_of(settings: Settings) -> Outbox:
    found = Outbox()
    async with NotifyReader(settings) as reader:
        await reader.read_outbox(found)
    return found


class Process:
    """`hushtag notify` as its operator runs it."""

    def __init__(self, settings: Settings, tmp_path: Path, hook: WebhookReceiver) -> None:
        self._settings, self._port = settings, free_port()
        self.file = tmp_path / "notify.yaml"
        self.file.write_text(CONFIG.format(url=hook.url), "utf-8")
        self._log = tmp_path / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streams.cli.main", "notify", "--config", str(self.file)]
        command += ["--metrics-port", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment(self._settings), stderr=log)
        wait_for(lambda: self.ask("/readyz") == 200, 60)

    def ask(self, path: str) -> int:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as response:
                return int(response.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    def end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGKILL)


@pytest.fixture
def process(wired: Settings, tmp_path: Path, hook: WebhookReceiver) -> Iterator[Process]:
    one = Process(wired, tmp_path, hook)
    yield one
    one.kill()


def test_killed_process_delivers_once_with_the_recorded_id(
    wired: Settings, process: Process, hook: WebhookReceiver, mail: MailReceiver
) -> None:
    process.start()
    at_ms = now_ms()
    asyncio.run(log(wired, encode_appeal(appeal()), encode_appeal(outcome(at_ms=at_ms))))
    wait_for(lambda: mail.received)  # the webhook's endpoint is away, which does not delay the mail
    wait_for(lambda: not asyncio.run(outbox_of(wired)).waiting("mail"))
    planned = asyncio.run(outbox_of(wired)).waiting("platform")
    assert [one.notices for one in planned] == [("appeal-a1",)] and not hook.received
    process.end(signal.SIGKILL)

    hook.start()
    process.start()
    wait_for(lambda: hook.received)
    wait_for(lambda: not asyncio.run(outbox_of(wired)).waiting("platform"))
    assert process.end(signal.SIGTERM) == 0
    process.start()
    asyncio.run(log(wired, encode_appeal(appeal("a2")), encode_appeal(outcome("a2", at_ms=at_ms))))
    wait_for(lambda: len(hook.received) == 2 and len(mail.received) == 2)
    assert process.end(signal.SIGTERM) == 0

    first = hook.received[0]
    assert first.headers["webhook-id"] == planned[0].id and first.body == planned[0].body
    assert Webhook(KEY).verify(first.body, first.headers)["type"] == "appeals.decided"
    assert "a2" in hook.received[1].body and "a1" not in hook.received[1].body, "restarts repeat nothing"
    assert "appeal a1 about rumour" in str(mail.received[0].get_payload())


def new_flag(tag: str, version: int, tick_ms: int) -> Decision:
    """Build a new suppression; an odd version is early."""
    settled = decision(version, ("hate", "trends", "suppress", tick_ms + HOUR_MS), tag=tag, at_ms=tick_ms)
    rulings = tuple(msgspec.structs.replace(ruling, provisional=version % 2 == 1) for ruling in settled.rulings)
    return msgspec.structs.replace(settled, rulings=rulings, decided_at_ms=now_ms())


def test_decisions_arrive_once_and_in_order_after_kills(
    wired: Settings, process: Process, hook: WebhookReceiver
) -> None:
    process.file.write_text(DECISIONS.format(url=hook.url), "utf-8")
    tick_ms = now_ms() // PANE_MS * PANE_MS

    def decide(*versions: int) -> None:
        records = [new_flag(tag, version, tick_ms) for version in versions for tag in ("drovani", "tala")]
        written = [(encode_record(record), record.hashtag.encode()) for record in records]
        asyncio.run(log(wired, *written, topic="suppression-decisions"))

    def items() -> list[dict[str, Any]]:
        """Return what a receiver has that drops repeated messages, after their signature is verified."""
        messages = {one.headers["webhook-id"]: Webhook(KEY).verify(one.body, one.headers) for one in hook.received}
        return [item for message in messages.values() for item in message["data"]["items"]]

    hook.start()
    process.start()
    decide(1, 2)
    wait_for(lambda: len(items()) == 4)
    hook.stop()
    decide(3, 4)
    wait_for(lambda: sum(len(one.notices) for one in asyncio.run(outbox_of(wired)).waiting("platform")) == 4)
    process.end(signal.SIGKILL)
    decide(5, 6)
    hook.start()
    process.start()
    wait_for(lambda: len(items()) == 12)
    process.end(signal.SIGKILL)
    process.start()
    decide(6, 7)  # the next owner of a shard repeats a decision
    wait_for(lambda: len(items()) >= 14)
    assert process.end(signal.SIGTERM) == 0
    assert not asyncio.run(outbox_of(wired)).waiting("platform")
    for tag in ("drovani", "tala"):
        changes = [item for item in items() if item["hashtag"] == tag]
        assert [int(item["id"][5:24]) for item in changes] == list(range(1, 8)), tag
        assert [item["provisional"] for item in changes] == [version % 2 == 1 for version in range(1, 8)]


async def test_statements_wait_for_endpoint_and_hold_is_mailed_in_time(
    wired: Settings, hook: WebhookReceiver, mail: MailReceiver, tmp_path: Path
) -> None:
    now = [now_ms()]
    config = config_of(tmp_path, CONFIG.format(url=hook.url))
    metrics, stopped = NotifyMetrics(), asyncio.Event()
    async with Notifier(
        wired, config, channels_of(config, wired), metrics, clock=lambda: now[0], first_pause_seconds=0.1
    ) as notifier:
        running = asyncio.create_task(notifier.run(stopped, every_seconds=0.05))
        await until(lambda: notifier.outbox.marks)
        lapse_ms = now[0] + 6 * HOUR_MS
        await log(wired, encode_moderation(hold(at_ms=now[0], expires_at_ms=lapse_ms)))
        automated = decision(1, ("hate", "trends", "suppress", now[0] + HOUR_MS), tag="drovani", at_ms=now[0])
        await log(wired, (encode_record(automated), b"drovani"), topic="suppression-decisions")
        now[0] = now_ms() + 1_000  # past the log time of the hold
        await until(lambda: metrics.registry.get_sample_value("hushtag_notify_waiting", {"channel": "platform"}) == 2)
        assert not mail.received, "the hold lapses in six hours"

        now[0] = lapse_ms - 4 * HOUR_MS + 10 * MINUTE_MS
        await until(lambda: mail.received)
        assert mail.received[0]["Subject"] == "hushtag: a hold lapses"
        assert (
            metrics.registry.get_sample_value("hushtag_notify_oldest_waiting_seconds", {"channel": "platform"}) > 7_000
        )

        hook.start()
        await until(lambda: not notifier.outbox.waiting("platform"))
        stopped.set()
        await running
    data = [json.loads(one.body)["data"] for one in hook.received]
    assert {one["restriction"]["target"] for one in data} == {"rumour", "drovani"}
    assert len(set(hook.ids)) == 2 and all(one["text"]["en"] for one in data)


async def test_long_absence_loses_no_event(
    wired: Settings, hook: WebhookReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks must not pass events that one round could not plan."""
    monkeypatch.setattr(notifier_module, "_AT_ONCE", 2)
    began_ms = now_ms()
    config = config_of(tmp_path, CONFIG.format(url=hook.url))

    async def planned(at_ms: int, wanted: int) -> None:
        channels, stopped = channels_of(config, wired), asyncio.Event()
        async with Notifier(wired, config, channels, NotifyMetrics(), clock=lambda: at_ms) as notifier:
            running = asyncio.create_task(notifier.run(stopped, every_seconds=0.05))
            await until(lambda: notifier.outbox.marks and len(notifier.outbox.waiting("platform")) == wanted)
            stopped.set()
            await running

    await planned(began_ms, 0)
    for number in range(5):
        block = hold(
            f"b{number}", hashtag=f"tag{number}", action="block", at_ms=began_ms, expires_at_ms=began_ms + 9 * DAY_MS
        )
        await log(wired, encode_moderation(block))
    await planned(began_ms + 8 * DAY_MS, 5)


async def test_second_process_takes_over_and_ends_the_first(
    wired: Settings, hook: WebhookReceiver, tmp_path: Path
) -> None:
    config = config_of(tmp_path, CONFIG.format(url=hook.url))
    channels = channels_of(config, wired)
    async with Notifier(wired, config, channels, NotifyMetrics()) as first:
        running = asyncio.create_task(first.run(asyncio.Event(), every_seconds=0.05))
        await until(lambda: first.outbox.marks)
        async with Notifier(wired, config, channels, NotifyMetrics()):
            await log(wired, encode_appeal(appeal()), encode_appeal(outcome(at_ms=now_ms())))
            with pytest.raises(TakenOver, match="another process now writes"):
                await running


async def test_dry_run_prints_and_records_nothing(
    wired: Settings, hook: WebhookReceiver, mail: MailReceiver, tmp_path: Path
) -> None:
    config = config_of(tmp_path, CONFIG.format(url=hook.url))
    stopped = asyncio.Event()
    async with Notifier(wired, config, {}, NotifyMetrics()) as notifier:
        running = asyncio.create_task(notifier.run(stopped))
        await until(lambda: notifier.outbox.marks)
        stopped.set()
        await running
    before = len(notifier.outbox.marks)
    assert await asyncio.to_thread(command, wired, tmp_path, "--dry-run") == (0, "nothing to send now\n")
    await log(wired, encode_appeal(appeal()), encode_appeal(outcome(at_ms=now_ms())))
    shown = await asyncio.to_thread(command, wired, tmp_path, "--dry-run")
    assert "mail: appeals, 1 notice, msg_" in shown[1]
    _, lines = await asyncio.to_thread(command, wired, tmp_path, "--dry-run", "--json")
    found = [json.loads(line) for line in lines.splitlines()]
    assert [(one["channel"], one["notices"]) for one in found] == [("mail", ["appeal-a1"]), ("platform", ["appeal-a1"])]
    after = await outbox_of(wired)
    assert len(after.marks) == before and not after.messages and not mail.received


def test_test_command_tries_one_channel(
    wired: Settings, hook: WebhookReceiver, mail: MailReceiver, tmp_path: Path
) -> None:
    config_of(tmp_path, CONFIG.format(url=hook.url))
    code, text = command(wired, tmp_path, "test", "mail")
    assert code == 0 and text.startswith("mail: delivered, msg_")
    assert mail.received[0]["Subject"] == "hushtag: test"
    assert command(wired, tmp_path, "test", "platform")[0] == 1, "its server is away"
    code, text = command(wired, tmp_path, "test", "pigeon")
    assert code == 2 and "use one of its channels: mail, platform" in text


def command(settings: Settings, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run `hushtag notify` in this process; return its exit code, and its output or its error's fix."""
    given = ["notify", "--config", str(tmp_path / "notify.yaml"), *arguments]
    done = CliRunner().invoke(make_app(), given, env=environment(settings))
    if isinstance(done.exception, HushtagError):
        return done.exception.exit_code, done.exception.fix
    return done.exit_code, done.output


async def until(condition: object) -> None:
    async with asyncio.timeout(30):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)
