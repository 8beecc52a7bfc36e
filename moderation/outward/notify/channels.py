"""Channels: one delivery attempt by webhook or by e-mail.

A webhook's request follows Standard Webhooks: `webhook-id` is equal at every attempt, `webhook-timestamp` is the time
of the attempt, and `webhook-signature` is "v1," and the base64 HMAC-SHA256 of "id.timestamp.body". An e-mail has the
same id in its `Message-ID`, so that mail servers recognise a repetition.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx

from moderation.outward.notify.config import CHANNEL_NAME, ChannelConfig, NotifyConfig
from streams.errors import CallerMistake
from streams.exchange import BoundedClient
from streams.logs import logger
from streams.settings import Settings

WEBHOOK_SECONDS = 15.0
"""Deadline of one request, from the connection to the answer's headers; its body is not read."""
EMAIL_SECONDS = 60.0
"""Deadline of one delivery, all recipients included."""
_STEP_SECONDS = 15.0
_KEY_PREFIX = "whsec_"
_LEAST_KEY_BYTES = 24
_REFUSALS = frozenset({400, 406, 409, 413, 415, 422})
"""Answers about the message itself. All other failures concern the whole channel: a key, an address, the load."""


class ChannelAway(Exception):
    """The receiver does not answer, or asks to come back later: no message can be delivered now."""


class MessageRefused(Exception):
    """The receiver refuses this message; others may be accepted."""


class Channel(Protocol):
    """A receiver of messages."""

    async def send(self, message_id: str, subject: str, body: str, at_ms: int) -> None:
        """Deliver one message.

        Raises:
            ChannelAway, MessageRefused: it was not delivered.
        """


class WebhookChannel:
    """Signed requests to one address.

    Args:
        url: address of the receiver.
        keys: signing keys; a receiver may accept any of them while a key is replaced.
    """

    def __init__(self, url: str, keys: Sequence[bytes]) -> None:
        self._url, self._keys = url, keys
        self._tls = httpx.create_ssl_context()  # takes as long as many requests: once, and not for each

    async def send(self, message_id: str, subject: str, body: str, at_ms: int) -> None:
        """Deliver one message; a redirect is a failure, since its target was not configured."""
        content, at_seconds = body.encode(), at_ms // 1000
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(at_seconds),
            "webhook-signature": " ".join(signature(key, message_id, at_seconds, content) for key in self._keys),
        }
        try:
            async with (
                BoundedClient(seconds=WEBHOOK_SECONDS, answer_bytes=0, verify=self._tls) as client,
                client.stream("POST", self._url, content=content, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ChannelAway(str(error) or type(error).__name__) from None
        if not 200 <= status < 300:
            raise (MessageRefused if status in _REFUSALS else ChannelAway)(f"the receiver answers {status}")


class EmailChannel:
    """E-mail to fixed recipients through one server.

    Args:
        url: `smtps://`, `smtp+starttls://` or `smtp://`, with user and password where the server needs them.
        sender: address of the sender.
        recipients: addresses of the recipients.

    Raises:
        CallerMistake: the address has no valid port.
    """

    def __init__(self, url: str, sender: str, recipients: Sequence[str]) -> None:
        self._server, self._sender, self._recipients = urlsplit(url), sender, recipients
        try:
            self._port = self._server.port
        except ValueError:  # its text may show a part of the password
            raise CallerMistake(
                "HUSHTAG_SMTP_URL has a port that is no number up to 65535",
                fix="correct it; encode : and @ in a password",
            ) from None

    async def send(self, message_id: str, subject: str, body: str, at_ms: int) -> None:
        """Deliver one message to all recipients; one that is refused is logged, and the others have it."""
        server, mail = self._server, self._mail(message_id, subject, body, at_ms)
        try:
            async with asyncio.timeout(EMAIL_SECONDS):
                refused, _ = await aiosmtplib.send(
                    mail,
                    hostname=server.hostname,
                    port=self._port,
                    username=unquote(server.username) if server.username else None,
                    password=unquote(server.password) if server.password else None,
                    use_tls=server.scheme == "smtps",
                    start_tls=server.scheme == "smtp+starttls",
                    timeout=_STEP_SECONDS,
                )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            raise _refusal(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            why = " ".join(str(error).split()) or f"no whole answer within {EMAIL_SECONDS:g} s"
            raise ChannelAway(why) from None
        if refused:  # a repetition would reach the other recipients again
            logger(__name__).warning("recipients refused", recipients=sorted(refused), id=message_id)

    def _mail(self, message_id: str, subject: str, body: str, at_ms: int) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, ", ".join(self._recipients)
        mail["Date"] = format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
        mail["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        try:
            mail["Subject"] = subject
            mail.set_content(body)
        except ValueError as error:  # a record of another writer: a subject of hushtag has one line
            raise MessageRefused(f"no e-mail can have this content: {error}") from None
        return mail


def signature(key: bytes, message_id: str, at_seconds: int, body: bytes) -> str:
    """Return one signature of a request.

    >>> signature(b"key", "msg_1", 1, b"{}")
    'v1,jKGHVBDuJf5ZbCMVrrutoMHDN1OlFFCE9iogVIO9MLQ='
    """
    signed = b"%s.%d.%s" % (message_id.encode(), at_seconds, body)
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def channels_of(config: NotifyConfig, settings: Settings) -> dict[str, Channel]:
    """Build all channels by name.

    Raises:
        CallerMistake: a channel lacks its key, or e-mail its server.
    """
    keys = webhook_keys(settings.notify_keys.get_secret_value())
    return {name: _channel(name, channel, config, settings, keys) for name, channel in config.channels.items()}


def webhook_keys(text: str) -> dict[str, list[bytes]]:
    """Read the signing keys: `name=whsec_BASE64`, separated by commas; a name may have several.

    Raises:
        CallerMistake: a key cannot be used; the message does not show it.
    """
    keys: dict[str, list[bytes]] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        name, _, written = part.partition("=")
        try:
            key = base64.b64decode(written.removeprefix(_KEY_PREFIX), validate=True)
        except binascii.Error:
            key = b""
        if not written.startswith(_KEY_PREFIX) or len(key) < _LEAST_KEY_BYTES:
            shown = f"channel {name}" if re.fullmatch(CHANNEL_NAME, name) else "a channel"
            raise CallerMistake(
                f"HUSHTAG_NOTIFY_KEYS: the key of {shown} is no signing key",
                fix=f"write CHANNEL={_KEY_PREFIX}KEY, with the output of: openssl rand -base64 32",
            )
        keys.setdefault(name, []).append(key)
    return keys


def _channel(
    name: str, channel: ChannelConfig, config: NotifyConfig, settings: Settings, keys: Mapping[str, Sequence[bytes]]
) -> Channel:
    if channel.email:
        if not settings.smtp_url:
            raise CallerMistake(
                f"channel {name} sends e-mail, and there is no server",
                fix="set HUSHTAG_SMTP_URL, such as smtps://user:password@mail.example.org",
            )
        return EmailChannel(settings.smtp_url, config.sender, channel.email)
    if name not in keys:
        raise CallerMistake(
            f"channel {name} has no key to sign with",
            fix=f"add {name}={_KEY_PREFIX}KEY to HUSHTAG_NOTIFY_KEYS, with the output of: openssl rand -base64 32",
        )
    return WebhookChannel(channel.webhook, keys[name])


def _refusal(error: Exception) -> Exception:
    """Return the failure for an SMTP answer: 4xx asks for a later attempt."""
    codes = [getattr(cause, "code", 0) for cause in getattr(error, "recipients", None) or [error]]
    text = " ".join(str(error).split())
    return MessageRefused(text) if any(code >= 500 for code in codes) else ChannelAway(text)
