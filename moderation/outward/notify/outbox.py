"""Records of the topic `notifications`, and their fold: what each channel has to send, and what it has sent. Pure.

The topic is compacted and is the only memory of `hushtag notify`. Committed offsets alone cannot be it: a hold lapses
without a record, and a digest reports many records at once. A message is written to the topic with its content before
it is sent, and again, without content, once its receiver has it. A restart therefore sends exactly the messages that
are not known to be delivered, each with the id and the content of its first attempt.

A mark states for a channel and a kind of event that everything before a time was delivered. It begins at the time when
the channel first sends that kind, so that a new channel does not report the past. What lies before the mark is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec

from moderation.outward.notify.config import EventKind
from streams.errors import ContractError
from streams.log.moderation import Ms


class NotifyMark(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="mark"):
    """Time before which a channel has nothing more to send of one kind of event."""

    channel: str
    event: EventKind
    from_ms: Ms

    @property
    def key(self) -> bytes:
        """Key of the record; the latest mark wins."""
        return f"mark|{self.channel}|{self.event}".encode()


class NotifyMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="message"):
    """One message to the receiver of a channel."""

    id: Annotated[str, msgspec.Meta(pattern=r"^msg_[0-9a-f]{32}\Z")]
    """Idempotency key: the same at every attempt."""
    channel: str
    event: EventKind
    notices: tuple[str, ...]
    """Ids of the notices that it reports."""
    newest_ms: Ms
    """Time of its newest event; the message is forgotten once the mark is later."""
    planned_ms: Ms
    sent_ms: Ms = 0
    """Time of the delivery; 0: not delivered."""
    subject: str = ""
    """Subject of an e-mail."""
    body: str = ""
    """Body of the request, or text of the e-mail; empty once it was delivered."""

    @property
    def key(self) -> bytes:
        """Key of the record: the record of the delivery replaces the one with the content."""
        return f"message|{self.channel}|{self.id}".encode()


OutboxRecord = NotifyMark | NotifyMessage
_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[OutboxRecord] = msgspec.json.Decoder(OutboxRecord)


def encode_outbox(record: OutboxRecord) -> tuple[bytes, bytes]:
    """Encode a record; return (value, key)."""
    return _encode(record), record.key


def message_id(channel: str, event: EventKind, notices: Iterable[str]) -> str:
    """Derive a message's id from its content: equal messages have equal ids.

    >>> message_id("mail", "holds", ["hold-a-0"])
    'msg_40b86b0078e96de271f3c828d2366ec0'
    """
    text = "|".join([channel, event, *sorted(notices)])
    return "msg_" + hashlib.sha256(text.encode()).hexdigest()[:32]


class Outbox:
    """Fold of the topic; records must be applied in the order of their offsets."""

    def __init__(self) -> None:
        self.marks: dict[tuple[str, str], int] = {}
        """Marks by (channel, event)."""
        self.messages: dict[bytes, NotifyMessage] = {}
        """Messages by their key, in the order in which they were planned."""
        self._notified: dict[tuple[str, str], set[str]] = {}

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Apply one record of the topic; a record without a value deletes.

        Raises:
            ContractError: the record is not one of this topic.
        """
        if value is None:
            if (gone := self.messages.pop(key or b"", None)) is not None:
                self._notified[gone.channel, gone.event].difference_update(gone.notices)
            return
        try:
            record = _decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ContractError("bad_record", value=str(error)) from None
        if key != record.key:
            raise ContractError("bad_key", value=key or b"", fix=f"the key must be {record.key.decode()!r}")
        if isinstance(record, NotifyMark):
            self.marks[record.channel, record.event] = record.from_ms
        else:
            self.messages[record.key] = record
            self._notified.setdefault((record.channel, record.event), set()).update(record.notices)

    def is_notified(self, channel: str, event: EventKind, notice: str) -> bool:
        """Return whether a message of the channel, sent or not, reports a notice."""
        return notice in self._notified.get((channel, event), ())

    def waiting(self, channel: str) -> list[NotifyMessage]:
        """Return the messages of a channel that are not delivered, the oldest first."""
        return [message for message in self.messages.values() if message.channel == channel and not message.sent_ms]
