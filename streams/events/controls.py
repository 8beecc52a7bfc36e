"""Control messages of Twitter's streams: v1.1's notices and v2's compliance events.

A deletion and a withholding name a tweet or an account; all other messages are counted as unknown. A withholding also
names countries. An unreadable country there is an error, since ignoring it would leave the content visible.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import Id, Present, to_country
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


def to_control(notice: ControlMessage, prefix: str) -> Control:
    """Convert a control message.

    Args:
        notice: decoded message.
        prefix: prefix of field paths in errors, "" or "data.".

    Raises:
        ContractError: `missing_field`, `bad_country`.
    """
    for name in ("delete", "status_withheld", "withheld", "user_withheld"):
        body: NoticeBody | None = getattr(notice, name)
        if body is not None:
            return _from_body(name, body, prefix + name)
    return UNKNOWN if notice.limit is None else Control("limit", None, None, "", None, ())


def _from_body(name: str, body: NoticeBody, field: str) -> Control:
    of_user = name == "user_withheld"
    wrapped = {"user": body.user} if of_user else {"status": body.status, "tweet": body.tweet}
    subjects = ((f"{field}.{key}", subject) for key, subject in wrapped.items() if subject is not None)
    path, subject = next(subjects, (field, body))
    subject_id = _first(subject.id_str, subject.id)
    if subject_id is None:
        fix = f"the notice names the {'account' if of_user else 'tweet'} by its id"
        raise ContractError("missing_field", field=f"{path}.id", fix=fix)
    author_id = _first(subject.author_id, subject.user_id_str, subject.user_id)
    tweet_id, author_id = (None, subject_id) if of_user else (subject_id, author_id)
    if name == "delete":
        return Control(name, tweet_id, author_id, "", None, ())
    codes = {
        to_country(code, f"{field}.withheld_in_countries[{at}]", "XX for everywhere")
        for holder in (body, subject)
        for at, code in enumerate(holder.withheld_in_countries or ())
    }
    everywhere, countries = codes & EVERYWHERE, sorted(codes - EVERYWHERE)
    country = countries[0] if len(countries) == 1 else ""
    return Control(
        "withheld", tweet_id, author_id, country, None, (), countries=("*",) if everywhere else tuple(countries)
    )


def _first(*ids: int | None) -> int | None:
    return next((candidate for candidate in ids if candidate is not None), None)
