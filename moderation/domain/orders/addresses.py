"""Addresses of x.com and twitter.com in orders: which account or tweet one names. Pure.

An order acts on what it names and on no more. Any other page (a tweet without its number, a list of likes, a search)
names neither an account nor a tweet, although a handle may stand in its address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SHARED = r"(?:\?(?:(?:s|t|lang|ref_src|ref_url|mx)=[^\s&#]*(?:&|$))*)?"
"""Query that a share button adds to a link, as a regular expression; any other query may name another page."""
_ADDRESS = re.compile(
    r"https?://(?:www\.|mobile\.|m\.)?(?:twitter|x)\.com(?::443|:80)?/([^\s?#]*)(\?[^\s#]*)?(#\S*)?", re.IGNORECASE
)
_HANDLE = re.compile(r"@?([A-Za-z0-9_]{1,15})")
_TWEET = re.compile(r"(?:@?\w{1,15}|i/web)/status(?:es)?/([0-9]{1,20})(?:/(?:photo|video)/[0-9]{1,2})?", re.IGNORECASE)
_USER = re.compile(r"i/user/([0-9]{1,20})", re.IGNORECASE)
_HASHTAG = re.compile(r"hashtag/([^/]+)", re.IGNORECASE)
_NO_HANDLES = frozenset(
    {
        "i", "home", "search", "hashtag", "intent", "explore", "settings", "messages", "notifications", "share",
        "login", "logout", "signup", "compose", "status", "statuses", "likes", "media", "with_replies", "lists",
        "followers", "following", "bookmarks", "tos", "privacy", "about", "account", "download", "help", "jobs",
        "who_to_follow", "connect_people", "communities", "moments", "topics", "highlights", "articles", "mentions",
        "favorites", "oauth", "widgets", "signin", "sessions", "welcome", "invitations", "find_sources",
    }
)  # fmt: skip
"""Pages whose names look like handles. An account of such a name is ordered as @name or by its id."""


@dataclass(frozen=True, slots=True)
class AddressTarget:
    """Target that an address names: an account by its id or its handle, or a tweet by its id."""

    kind: Literal["account", "handle", "tweet"]
    value: str


def named_target(written: str) -> AddressTarget | None:
    """Return what an address names; None for any other page or text.

    >>> named_target("https://x.com/Name?s=20"), named_target("https://mobile.twitter.com/Name/status/7/photo/1")
    (AddressTarget(kind='handle', value='Name'), AddressTarget(kind='tweet', value='7'))
    >>> named_target("https://x.com/Name/status/abc"), named_target("https://x.com/Name/likes")
    (None, None)
    """
    match = _ADDRESS.fullmatch(written.strip())
    if match is None:
        return None
    path, query, fragment = match[1].removesuffix("/"), match[2] or "", match[3]
    if tweet := _TWEET.fullmatch(path):
        return AddressTarget("tweet", tweet[1])
    if fragment or not re.fullmatch(SHARED, query):
        return None
    if user := _USER.fullmatch(path):
        return AddressTarget("account", user[1])
    handle = _HANDLE.fullmatch(path)
    if handle is None or handle[1].lower() in _NO_HANDLES:
        return None
    return AddressTarget("handle", handle[1])


def address_fix(written: str) -> str:
    """Say which form of an address works where this one names nothing."""
    match = _ADDRESS.fullmatch(written.strip())
    parts = match[1].split("/") if match else []
    if match and (tag := _HASHTAG.match(match[1])):
        return f"for the hashtag write #{tag[1]}"
    if any(part.lower() in ("status", "statuses") for part in parts):
        return "a tweet's address ends with its number, such as https://x.com/i/status/1234567890"
    name = _HANDLE.fullmatch(parts[0]) if parts else None
    if name is not None and name[1].lower() not in _NO_HANDLES:
        return f"for the whole account write @{name[1]}, for a tweet https://x.com/{name[1]}/status/ and its number"
    return "write @handle or the account id, https://x.com/i/status/ and a tweet's number, or #hashtag"
