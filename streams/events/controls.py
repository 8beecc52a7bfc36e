"""Messages of Twitter's streams that are no tweets: v1.1's notices and v2's compliance events.

A deletion and a withholding say whom they are about; everything else of this kind is counted as unknown.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import COUNTRIES, Id, Present
from streams.events.tweet import Control

UNKNOWN = Control("unknown_control", None, None, "", None, ())


class Subject(msgspec.Struct, gc=False):
    """A tweet or an account. v1.1 says `user_id`, v2 `author_id`; an `..._str` is never rounded and goes first."""

    id: Id | None = None
    id_str: Id | None = None
    user_id: Id | None = None
    user_id_str: Id | None = None
    author_id: Id | None = None
    withheld_in_countries: list[str] | None = None


class Event(Subject, kw_only=True, gc=False):
    """A notice. v1.1's deletion wraps its tweet in `status`, v2 in `tweet` or `user`."""

    status: Subject | None = None
    tweet: Subject | None = None
    user: Subject | None = None


class Notice(msgspec.Struct, gc=False):
    """The messages that say more than that they were sent."""

    delete: Event | None = None
    status_withheld: Event | None = None
    user_withheld: Event | None = None
    withheld: Event | None = None
    limit: Present | None = None


class Compliance(msgspec.Struct, gc=False):
    """v2 wraps its events in `data`."""

    data: Notice


KNOWN = frozenset({*Notice.__struct_fields__, "scrub_geo", "disconnect", "warning"})
"""Keys that make a message a control message, whatever stands beside them."""


def _first(*ids: int | None) -> int | None:
    return next((found for found in ids if found is not None), None)


def _about_tweet(kind: str, event: Event, field: str) -> Control:
    subject = event.status or event.tweet or event
    tweet_id = _first(subject.id_str, subject.id)
    if tweet_id is None:
        inner = ".status" if event.status else ".tweet" if event.tweet else ""
        raise ContractError("missing_field", field=f"{field}{inner}.id", fix="the notice names the tweet by its id")
    author_id = _first(subject.author_id, subject.user_id_str, subject.user_id)
    return Control(kind, tweet_id, author_id, _country(event, subject), None, ())


def _about_user(event: Event, field: str) -> Control:
    subject = event.user or event
    author_id = _first(subject.id_str, subject.id)
    if author_id is None:
        inner = ".user" if event.user else ""
        raise ContractError("missing_field", field=f"{field}{inner}.id", fix="the notice names the account by its id")
    return Control("withheld", None, author_id, _country(event, subject), None, ())


def _country(*subjects: Subject) -> str:
    """The country, if it is exactly one. (XX means all of them, XY a copyright claim: neither is a country.)"""
    codes = {COUNTRIES.get(code, "") for subject in subjects for code in subject.withheld_in_countries or ()}
    codes -= {"", "XX", "XY"}
    return codes.pop() if len(codes) == 1 else ""


def to_control(notice: Notice, prefix: str) -> Control:
    """What a notice says.

    Args:
        prefix: of the fields' paths, "" or "data.".
    Raises:
        ContractError: `missing_field`.
    """
    if notice.delete is not None:
        return _about_tweet("delete", notice.delete, prefix + "delete")
    if notice.status_withheld is not None:
        return _about_tweet("withheld", notice.status_withheld, prefix + "status_withheld")
    if notice.withheld is not None:
        return _about_tweet("withheld", notice.withheld, prefix + "withheld")
    if notice.user_withheld is not None:
        return _about_user(notice.user_withheld, prefix + "user_withheld")
    if notice.limit is not None:
        return Control("limit", None, None, "", None, ())
    return UNKNOWN
