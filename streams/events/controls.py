"""Control messages of Twitter's streams: v1.1's notices and v2's compliance events.

A deletion and a withholding name a tweet or an account; all other messages are counted as unknown. A withholding also
names countries. An unreadable country there is an error, since ignoring it would leave the content visible.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import COUNTRIES, Id, Present
from streams.events.tweet import Control

UNKNOWN = Control("unknown_control", None, None, "", None, ())
EVERYWHERE = frozenset({"XX", "XY"})
"""Codes for all countries: XX for any reason, XY for a copyright claim."""


class NoticeSubject(msgspec.Struct, gc=False):
    """Tweet or account that a notice is about.

    v1.1 has `user_id`, v2 `author_id`. An `..._str` field takes precedence, since it is never rounded.
    """

    id: Id | None = None
    id_str: Id | None = None
    user_id: Id | None = None
    user_id_str: Id | None = None
    author_id: Id | None = None
    withheld_in_countries: list[str] | None = None


class NoticeBody(NoticeSubject, kw_only=True, gc=False):
    """Body of a notice. v1.1's deletion wraps its tweet in `status`, v2 in `tweet` or `user`."""

    status: NoticeSubject | None = None
    tweet: NoticeSubject | None = None
    user: NoticeSubject | None = None


class ControlMessage(msgspec.Struct, gc=False):
    """Control message; the fields are the kinds whose content matters."""

    delete: NoticeBody | None = None
    status_withheld: NoticeBody | None = None
    user_withheld: NoticeBody | None = None
    withheld: NoticeBody | None = None
    limit: Present | None = None


class V2ComplianceMessage(msgspec.Struct, gc=False):
    """Compliance event of v2, wrapped in `data`."""

    data: ControlMessage


KNOWN = frozenset({*ControlMessage.__struct_fields__, "scrub_geo", "disconnect", "warning"})
"""Top-level keys that identify a control message; other keys of the message do not matter."""


def _first(*ids: int | None) -> int | None:
    return next((found for found in ids if found is not None), None)


def _about_tweet(kind: str, event: NoticeBody, field: str) -> Control:
    subject = event.status or event.tweet or event
    tweet_id = _first(subject.id_str, subject.id)
    if tweet_id is None:
        inner = ".status" if event.status else ".tweet" if event.tweet else ""
        raise ContractError("missing_field", field=f"{field}{inner}.id", fix="the notice names the tweet by its id")
    author_id = _first(subject.author_id, subject.user_id_str, subject.user_id)
    if kind == "delete":
        return Control(kind, tweet_id, author_id, "", None, ())
    return _withheld(tweet_id, author_id, event, subject, field)


def _about_user(event: NoticeBody, field: str) -> Control:
    subject = event.user or event
    author_id = _first(subject.id_str, subject.id)
    if author_id is None:
        inner = ".user" if event.user else ""
        raise ContractError("missing_field", field=f"{field}{inner}.id", fix="the notice names the account by its id")
    return _withheld(None, author_id, event, subject, field)


def _withheld(
    tweet_id: int | None, author_id: int | None, event: NoticeBody, subject: NoticeSubject, field: str
) -> Control:
    codes = {
        _country(code, f"{field}.withheld_in_countries[{at}]")
        for one in (event, subject)
        for at, code in enumerate(one.withheld_in_countries or ())
    }
    countries = codes - EVERYWHERE
    return Control(
        "withheld",
        tweet_id,
        author_id,
        next(iter(countries)) if len(countries) == 1 else "",
        None,
        (),
        countries=("*",) if codes & EVERYWHERE else tuple(sorted(countries)),
    )


def _country(code: str, field: str) -> str:
    country = COUNTRIES.get(code)
    if country is None:
        raise ContractError(
            "bad_country", field=field, value=code, fix="use ISO 3166-1 alpha-2 such as IN, or XX for everywhere"
        )
    return country


def to_control(notice: ControlMessage, prefix: str) -> Control:
    """Convert a control message.

    Args:
        notice: decoded message.
        prefix: prefix of field paths in errors, "" or "data.".

    Raises:
        ContractError: `missing_field`, `bad_country`.
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
