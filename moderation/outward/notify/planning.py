"""Planning: the marks and messages that have to be written, from the folded logs and the outbox. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from moderation.outward.notify.config import EventKind, NotifyConfig, NotifyRoute
from moderation.outward.notify.content import MessageContent, mail_content, webhook_content
from moderation.outward.notify.notices import Notice, due, with_present_states
from moderation.outward.notify.outbox import NotifyMark, NotifyMessage, Outbox, message_id
from moderation.outward.notify.state import NotifyState
from streams.constants import DAY_MS

DIGEST_MAX = 200
"""Notices of one message at most; its record must fit into a request to Kafka, with the longest reasons."""
WAITING_MAX = 10_000
"""Undelivered messages of a channel that are planned at most; further notices wait in the logs."""
REMEMBERED_MS = 7 * DAY_MS
"""Time for which a delivered notice is remembered; events that reach the log later than this are not reported."""


def new_marks(config: NotifyConfig, outbox: Outbox, now_ms: int) -> list[NotifyMark]:
    """Return a mark for each kind of event that a channel sends for the first time."""
    return [
        NotifyMark(channel=name, event=kind, from_ms=now_ms)
        for name, channel in config.channels.items()
        for kind, _ in channel.sends.items()
        if (name, kind) not in outbox.marks
    ]


def new_messages(
    config: NotifyConfig, state: NotifyState, outbox: Outbox, now_ms: int, *, account_rules: str = ""
) -> Iterator[NotifyMessage]:
    """Yield the messages that are due now and not planned yet.

    Args:
        config: channels and their events.
        state: the folded logs.
        outbox: planned and delivered messages, with a mark for every route.
        now_ms: the present time.
        account_rules: clause of the platform's rules on suspended accounts, for statements.
    """
    for name, channel in config.channels.items():
        room = WAITING_MAX - len(outbox.waiting(name))
        for kind, route in channel.sends.items():
            notices = [
                notice
                for notice in due(state, kind, route, outbox.marks[name, kind], now_ms)
                if not outbox.is_notified(name, kind, notice.id)
            ]
            if kind == "statements":
                notices = with_present_states(notices, state, now_ms)
            for digest in _digests(kind, notices, route, now_ms)[: max(room, 0)]:
                room -= 1
                subjects = [notice.subject for notice in digest]
                if channel.email:
                    content = mail_content(kind, subjects, now_ms)
                else:
                    content = webhook_content(kind, subjects, now_ms, account_rules=account_rules)
                yield _message(name, kind, digest, content, now_ms)


def later_marks(config: NotifyConfig, outbox: Outbox, now_ms: int) -> list[NotifyMark]:
    """Return the marks that can move on: past everything that was delivered long ago.

    All that is due must be planned. The marks of a full channel stay, because notices wait in the logs.
    """
    marks = []
    for name, channel in config.channels.items():
        waiting = outbox.waiting(name)
        if len(waiting) >= WAITING_MAX:
            continue
        oldest_ms = min((message.planned_ms for message in waiting), default=now_ms)
        for kind, _ in channel.sends.items():
            from_ms = min(oldest_ms, now_ms) - REMEMBERED_MS
            if from_ms > outbox.marks[name, kind]:
                marks.append(NotifyMark(channel=name, event=kind, from_ms=from_ms))
    return marks


def earliest_mark_ms(config: NotifyConfig, outbox: Outbox, now_ms: int) -> int:
    """Return the time before which no channel has anything to send."""
    marks = (outbox.marks[name, kind] for name, channel in config.channels.items() for kind, _ in channel.sends.items())
    return min(marks, default=now_ms)


def forgotten(config: NotifyConfig, outbox: Outbox, now_ms: int) -> list[bytes]:
    """Return the keys of messages to delete: delivered before the mark, or long waiting for a channel that is gone."""
    return [
        key
        for key, message in outbox.messages.items()
        if (message.sent_ms and message.newest_ms < outbox.marks.get((message.channel, message.event), 0))
        or (message.channel not in config.channels and message.planned_ms < now_ms - REMEMBERED_MS)
    ]


def _digests(kind: EventKind, notices: Sequence[Notice], route: NotifyRoute, now_ms: int) -> list[Sequence[Notice]]:
    """Group notices into messages; each statement is one message, since it is for one affected user."""
    if kind == "statements":
        return [[notice] for notice in notices if notice.since_ms + route.digest_ms <= now_ms]
    if not notices or notices[0].since_ms + route.digest_ms > now_ms:
        return []
    return [notices[start : start + DIGEST_MAX] for start in range(0, len(notices), DIGEST_MAX)]


def _message(
    channel: str, kind: EventKind, notices: Sequence[Notice], content: MessageContent, now_ms: int
) -> NotifyMessage:
    ids = tuple(notice.id for notice in notices)
    return NotifyMessage(
        id=message_id(channel, kind, ids),
        channel=channel,
        event=kind,
        notices=ids,
        newest_ms=max(notice.at_ms for notice in notices),
        planned_ms=now_ms,
        subject=content.subject,
        body=content.body,
    )
