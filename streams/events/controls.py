"""Messages of Twitter's streams that are no tweets: v1.1's notices and v2's compliance events.

A deletion and a withholding say whom they are about; everything else of this kind is counted as unknown. A withholding
says where, too, and a country that cannot be read there is a fault: whoever sent it means to hide something.
"""

from __future__ import annotations

import msgspec

from streams.errors import ContractError
from streams.events.fields import COUNTRIES, Id, Present
from streams.events.tweet import Control

UNKNOWN = Control("unknown_control", None, None, "", None, ())
EVERYWHERE = frozenset({"XX", "XY"})
"""Not countries: withheld in all of them; withheld in all of them for a claim of copyright."""


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
    if kind == "delete":
        return Control(kind, tweet_id, author_id, "", None, ())
    return _withheld(tweet_id, author_id, event, subject, field)


def _about_user(event: Event, field: str) -> Control:
    subject = event.user or event
    author_id = _first(subject.id_str, subject.id)
    if author_id is None:
        inner = ".user" if event.user else ""
        raise ContractError("missing_field", field=f"{field}{inner}.id", fix="the notice names the account by its id")
    return _withheld(None, author_id, event, subject, field)


def _withheld(tweet_id: int | None, author_id: int | None, event: Event, subject: Subject, field: str) -> Control:
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
            "bad_country", field=field, value=code, fix="write ISO 3166-1 alpha-2 such as IN; XX is everywhere"
        )
    return country


def to_control(notice: Notice, prefix: str) -> Control:
    """What a notice says.

    Args:
        prefix: of the fields' paths, "" or "data.".
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
