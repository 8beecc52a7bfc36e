"""Delivery over real sockets: signatures, repeated attempts, and channels that do not wait for each other."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from moderation.outward.notify.channels import Channel, ChannelAway, EmailChannel, MessageRefused, WebhookChannel
from moderation.outward.notify.delivery import ChannelDelivery
from moderation.outward.notify.metrics import NotifyMetrics
from moderation.outward.notify.outbox import NotifyMessage, message_id
from streams.clock import now_ms
from tests.support.notify_cases import KEY
from tests.support.receivers import MailReceiver, WebhookReceiver

RAW_KEY = base64.b64decode(KEY.removeprefix("whsec_"))
NAME = message_id("c", "holds", ["x"])


@pytest.fixture
def hook() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def mail() -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    yield receiver
    receiver.stop()


def message(number: int = 0) -> NotifyMessage:
    return NotifyMessage(
        id=message_id("c", "holds", [str(number)]), channel="c", event="holds", notices=(str(number),), newest_ms=1,
        planned_ms=1, subject=f"s{number}", body=f"b{number}",
    )  # fmt: skip


def webhook(receiver: WebhookReceiver, *keys: bytes) -> WebhookChannel:
    return WebhookChannel(receiver.url, keys or (RAW_KEY,))


def delivery(channel: Channel, metrics: NotifyMetrics | None = None) -> ChannelDelivery:
    return ChannelDelivery("c", channel, metrics or NotifyMetrics(), now_ms, first_pause_seconds=0.05)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def value(metrics: NotifyMetrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, {"channel": "c", **labels}) or 0.0


async def test_signature_is_that_of_standard_webhooks(hook: WebhookReceiver) -> None:
    hook.start()
    await webhook(hook, b"o" * 32, RAW_KEY).send(NAME, "", '{"a": "ä"}', now_ms())
    (one,) = hook.received
    assert Webhook(KEY).verify(one.body, one.headers) == {"a": "ä"}
    assert one.headers["webhook-id"] == NAME and one.headers["content-type"] == "application/json"
    assert len(one.headers["webhook-signature"].split()) == 2, "one of each key"


@pytest.mark.parametrize("status", [301, 401, 404, 410, 429, 500, 503])
async def test_answer_about_channel_lets_all_messages_wait(hook: WebhookReceiver, status: int) -> None:
    hook.start()
    hook.answers = [status]
    with pytest.raises(ChannelAway, match=f"answers {status}"):
        await webhook(hook).send(NAME, "", "{}", now_ms())


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_answer_about_message_refuses_it_alone(hook: WebhookReceiver, status: int) -> None:
    hook.start()
    hook.answers = [status]
    with pytest.raises(MessageRefused, match=f"answers {status}"):
        await webhook(hook).send(NAME, "", "{}", now_ms())


async def test_mail_has_the_id_and_its_recipients(mail: MailReceiver) -> None:
    mail.start()
    at_ms = 1_800_000_000_000
    await EmailChannel(mail.url, "hushtag@example.org", ["a@example.org", "b@example.org"]).send(
        NAME, "s", "tëxt\n", at_ms
    )
    (one,) = mail.received
    assert one["Message-ID"] == f"<{NAME}@example.org>" and one["To"] == "a@example.org, b@example.org"
    assert one.get_payload(decode=True) == "tëxt\r\n".encode() and one["Auto-Submitted"] == "auto-generated"
    assert datetime.strptime(one["Date"], "%a, %d %b %Y %H:%M:%S %z") == datetime.fromtimestamp(at_ms / 1000, UTC)


@pytest.mark.parametrize(("answer", "error"), [("451 later", ChannelAway), ("550 no", MessageRefused)])
async def test_mail_server_refuses_for_now_or_for_good(mail: MailReceiver, answer: str, error: type[Exception]) -> None:
    mail.start()
    mail.answers = [answer]
    with pytest.raises(error, match=answer[4:]):
        await EmailChannel(mail.url, "h@example.org", ["a@example.org"]).send(NAME, "s", "t", 1)


async def test_mail_without_required_encryption_is_not_sent(mail: MailReceiver) -> None:
    mail.start()
    with pytest.raises(ChannelAway):
        await EmailChannel(mail.url.replace("smtp:", "smtp+starttls:"), "h@example.org", ["a@x.org"]).send(
            NAME, "s", "t", 1
        )
    assert not mail.received


async def test_messages_wait_for_endpoint_and_keep_id_and_order(hook: WebhookReceiver) -> None:
    metrics = NotifyMetrics()
    one = delivery(webhook(hook), metrics)
    one.add(message(0))
    one.add(message(1))
    running = asyncio.create_task(one.run())
    await until(lambda: value(metrics, "hushtag_notify_failures_total", reason="away") >= 3)
    assert len(one.waiting) == 2 and one.delivered == []
    hook.start()
    hook.answers = [503]
    await until(lambda: len(one.delivered) == 2)
    assert hook.ids == [message(0).id, message(0).id, message(1).id]
    assert value(metrics, "hushtag_notify_sent_total", event="holds") == 2
    assert one.take_delivered() == [message(0), message(1)] and one.take_delivered() == [] and one.waiting == []
    running.cancel()


async def test_refused_message_does_not_stop_the_others(hook: WebhookReceiver) -> None:
    hook.start()
    hook.answers = [422]
    one = delivery(webhook(hook))
    for number in range(3):
        one.add(message(number))
    running = asyncio.create_task(one.run())
    await until(lambda: len(one.delivered) == 2)
    assert one.waiting == [message(0)]
    one.add(message(3))
    await until(lambda: len(one.delivered) == 3)
    assert hook.ids == [message(number).id for number in range(4)], "the refused one waits"
    running.cancel()


async def test_pause_grows_only_while_nothing_is_delivered() -> None:
    class OneByOne:
        """A receiver that takes every second attempt."""

        attempts = 0

        async def send(self, message_id: str, subject: str, body: str, at_ms: int) -> None:
            self.attempts += 1
            if self.attempts % 2 == 0:
                raise ChannelAway("later")

    one = delivery(OneByOne())
    pauses: list[float] = []

    async def note(seconds: float, *, until_added: bool) -> None:
        pauses.append(seconds)
        if until_added:
            raise asyncio.CancelledError

    one._sleep = note  # type: ignore[method-assign]
    for number in range(5):
        one.add(message(number))
    with pytest.raises(asyncio.CancelledError):
        await one.run()
    assert pauses[:-1] == [0.05] * 4


async def test_dead_endpoint_does_not_delay_the_other_channel(hook: WebhookReceiver, mail: MailReceiver) -> None:
    mail.start()
    dead, alive = delivery(webhook(hook)), delivery(EmailChannel(mail.url, "h@example.org", ["a@example.org"]))
    for one in (dead, alive):
        one.add(message())
    running = [asyncio.create_task(one.run()) for one in (dead, alive)]
    await until(lambda: mail.received)
    assert dead.waiting and not dead.delivered
    for task in running:
        task.cancel()


def test_metrics_show_number_and_age_of_waiting_messages() -> None:
    metrics = NotifyMetrics()
    metrics.set_waiting("c", [message(), message(1)], 90_001)
    assert value(metrics, "hushtag_notify_waiting") == 2
    assert value(metrics, "hushtag_notify_oldest_waiting_seconds") == 90
    metrics.set_waiting("c", [], 90_001)
    assert value(metrics, "hushtag_notify_oldest_waiting_seconds") == 0
