"""Content of messages: the JSON body of a webhook, and the text of an e-mail. Pure.

Orders are named by their id and country alone, because some are confidential. A webhook's body has the form that
Standard Webhooks recommends: `type`, `timestamp` and `data`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from moderation.outward.notify.changes import ChangeKind, HashtagChange
from moderation.outward.notify.config import EventKind
from moderation.outward.notify.notices import DecidedAppeal, IssuedStatement, LapsingHold, RunningDeadline, Subject
from moderation.outward.statements.answers import statement_answer
from streams.log.moderation import Override
from streams.naming import format_duration
from streams.orders.states import state_label

_TYPES: dict[EventKind, str] = {
    "holds": "holds.lapsing",
    "deadlines": "orders.due",
    "appeals": "appeals.decided",
    "statements": "statement.issued",
    "decisions": "hashtags.decided",
}
_SUBJECTS: dict[EventKind, tuple[str, str]] = {
    "holds": ("a hold lapses", "holds lapse"),
    "deadlines": ("deadline of an order", "deadlines of orders"),
    "appeals": ("an appeal is decided", "appeals are decided"),
    "statements": ("a statement", "statements"),
    "decisions": ("an automated decision", "automated decisions"),
}
_VERDICTS = {"uphold": "upheld", "overturn": "overturned"}
_CHANGES: dict[ChangeKind, str] = {
    "suppressed": "hidden", "contested": "discounted", "withdrawn": "shown again", "past_a_valve": "up for review",
}  # fmt: skip
"""Words of changes whose names do not say it."""


@dataclass(frozen=True, slots=True)
class MessageContent:
    """Subject and text of an e-mail, or the body of a webhook without a subject."""

    subject: str
    body: str


def webhook_content(
    kind: EventKind, subjects: Sequence[Subject], now_ms: int, *, account_rules: str = ""
) -> MessageContent:
    """Write the body of a webhook: a list of items, or one statement.

    Args:
        kind: kind of event.
        subjects: events of the message; one statement at most.
        now_ms: the present time.
        account_rules: clause of the platform's rules on suspended accounts, for statements.
    """
    items = [_as_dict(subject, account_rules) for subject in subjects]
    data = items[0] if kind == "statements" else {"items": items}
    return MessageContent("", _body(_TYPES[kind], data, now_ms))


def mail_content(kind: EventKind, subjects: Sequence[Subject], now_ms: int) -> MessageContent:
    """Write an e-mail: one line for each event."""
    single, many = _SUBJECTS[kind]
    head = single if len(subjects) == 1 else f"{len(subjects)} {many}"
    return MessageContent(f"hushtag: {head}", "\n".join(_line(subject, now_ms) for subject in subjects) + "\n")


def trial_content(channel: str, now_ms: int) -> MessageContent:
    """Write a test message, which does for both kinds of channels."""
    return MessageContent("hushtag: test", _body("test", {"channel": channel}, now_ms))


def _body(name: str, data: Mapping[str, object], now_ms: int) -> str:
    return json.dumps({"type": name, "timestamp": _iso(now_ms), "data": data}, ensure_ascii=False)


def _as_dict(subject: Subject, account_rules: str) -> Mapping[str, object]:
    match subject:
        case LapsingHold(record, surfaces):
            return {
                "decision": record.id, "hashtag": record.hashtag, "display": record.display, "country": record.country,
                "surfaces": list(surfaces), "actor": record.actor, "reason": record.reason,
                "lapses_at_ms": record.expires_at_ms,
            }  # fmt: skip
        case RunningDeadline(order, due_ms):
            return {
                "order": order.id, "country": order.received.country, "state": order.state, "due_at_ms": due_ms,
                "targets": len(order.rows), "undecided": order.undecided(), "assignee": order.assignee,
            }  # fmt: skip
        case DecidedAppeal(appeal, outcome):
            return {
                "appeal": appeal.id, "reference": appeal.case, "target": appeal.hashtag, "verdict": outcome.verdict,
                "decided_at_ms": outcome.at_ms,
            }  # fmt: skip
        case IssuedStatement(restriction):
            return {"in_force": restriction.in_force} | statement_answer(
                restriction, account_rules=account_rules
            ).members()
        case HashtagChange() as change:
            return msgspec.to_builtins(change)  # type: ignore[no-any-return]


def _line(subject: Subject, now_ms: int) -> str:
    match subject:
        case LapsingHold(record, surfaces):
            what = f"{_scope(record, 'held', surfaces)} by {record.actor}: {record.reason}"
            return f"{_when('lapses', record.expires_at_ms, now_ms)}  {_one_line(what)}"
        case RunningDeadline(order, due_ms):
            who = f"assigned to {order.assignee}" if order.assignee else "not assigned"
            what = (
                f"{order.id} is {state_label(order.state)}, {order.undecided()} of {len(order.rows)} targets undecided"
            )
            return f"{_when('due', due_ms, now_ms)}  {_one_line(f'{what}, {who}')}"
        case DecidedAppeal(appeal, outcome):
            what = f"appeal {appeal.id} about {appeal.hashtag} ({appeal.case}): the decision is"
            return _one_line(f"{_time(outcome.at_ms)}  {what} {_VERDICTS[outcome.verdict]}")
        case IssuedStatement(restriction):
            return f"{_time(restriction.began_ms)}  {restriction.reference}"
        case HashtagChange() as change:
            early = " (early)" if change.provisional else ""
            done = _CHANGES.get(change.kind, change.kind)
            what = f"{_scope(change, done, change.surfaces)}: {', '.join(change.categories)}{early}"
            return f"{_time(change.decided_at_ms)}  {_one_line(what)}"


def _scope(hashtag: Override | HashtagChange, state: str, surfaces: Sequence[str]) -> str:
    where = "everywhere" if hashtag.country == "*" else f"in {hashtag.country}"
    return f"#{hashtag.display} is {state} {where} on {', '.join(surfaces)}"


def _when(word: str, at_ms: int, now_ms: int) -> str:
    if at_ms <= now_ms:
        return f"{word} {_time(at_ms)} (passed)"
    return f"{word} {_time(at_ms)} (in {format_duration(at_ms - now_ms)})"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def _one_line(text: str) -> str:
    """Drop line breaks and control characters, so that a reason cannot add lines."""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
