"""What every payload becomes: one tweet that counts, or a message about the stream itself."""

from __future__ import annotations

import msgspec

NOWHERE = -1
"""`start` and `end` of a hashtag whose place in the text is not known."""


class HashtagUse(msgspec.Struct, frozen=True, gc=False):
    """One hashtag in one text."""

    hashtag: str
    """Normalised: what is counted and flagged."""
    display: str
    """As written, without the #."""
    start: int
    end: int
    """Half-open code points, with the #, in the text that carried it; both `NOWHERE` where that is not known."""


class Tweet(msgspec.Struct, gc=False):
    """One tweet, retweet or quote, whatever the shape it came in."""

    kind: str
    """tweet, retweet or quote."""
    id: int
    """In [0, 2**63). JSON always has it as a string."""
    author_id: int
    """Who tweeted, retweeted or quoted; in [0, 2**63)."""
    created_at_ms: int
    """Event time, milliseconds since the Unix epoch."""
    country: str
    """ISO 3166-1 alpha-2 in upper case, "" for none."""
    text: str
    """The text that counts (of a retweet the original's), at most 280 code points of it."""
    lang: str
    """As given, "" for unknown."""
    hashtags: tuple[HashtagUse, ...]
    """Distinct by `hashtag`, in order of first use, at most 100."""
    author_created_at_ms: int | None
    """When the account was made, None where the payload does not say."""
    links: tuple[str, ...] = ()
    """Where the payload says that links of the text lead, beside those that it spells out."""


class Control(msgspec.Struct, gc=False):
    """A message about the stream or about an earlier tweet: counted by kind, never a dead letter."""

    kind: str
    """delete, limit, withheld or unknown_control."""
    id: int | None
    """The tweet that it is about; None where it is about an account or the stream."""
    author_id: int | None
    country: str
    """Of a deletion that of its tweet; of a withholding the one country it is about, "" for none, several or all."""
    created_at_ms: int | None
    """When the *tweet* was made, where a deletion says so."""
    hashtags: tuple[HashtagUse, ...]
    """Of a deletion that names them; their places are not known."""
    exact: bool = False
    """Whether a deletion says when its tweet was made and which hashtags it had: enough to leave the counts."""
    countries: tuple[str, ...] = ()
    """Where a tweet or an account is withheld, ascending; `*` alone: everywhere."""
