"""Parsed records: a tweet that counts, or a control message."""

from __future__ import annotations

import msgspec

NOWHERE = -1
"""Value of `start` and `end` for a hashtag whose position in the text is unknown."""


class HashtagUse(msgspec.Struct, frozen=True, gc=False):
    """Use of a hashtag in a text."""

    hashtag: str
    """Normalised form, which is counted and flagged."""
    display: str
    """Spelling as written, without the #."""
    start: int
    end: int
    """`start` and `end` are half-open code point offsets, the # included; both `NOWHERE` if unknown."""


class Tweet(msgspec.Struct, gc=False):
    """Tweet, retweet or quote, parsed from any payload shape."""

    kind: str
    """One of tweet, retweet, quote."""
    id: int
    """Tweet id in [0, 2**63). JSON output always has it as a string."""
    author_id: int
    """Account that tweeted, retweeted or quoted; in [0, 2**63)."""
    created_at_ms: int
    """Event time, milliseconds since the Unix epoch."""
    country: str
    """ISO 3166-1 alpha-2 in upper case, "" for none."""
    text: str
    """Text that counts (a retweet's original), cut to 280 code points."""
    lang: str
    """Language as given in the payload, "" for unknown."""
    hashtags: tuple[HashtagUse, ...]
    """Distinct by `hashtag`, in order of first use, at most 100."""
    author_created_at_ms: int | None
    """Creation time of the account; None if the payload does not have it."""
    links: tuple[str, ...] = ()
    """Targets of the text's shortened links, as given in the payload."""


class Control(msgspec.Struct, gc=False):
    """Message about the stream, an account or an earlier tweet; counted by kind, never a dead letter."""

    kind: str
    """One of delete, limit, withheld, unknown_control."""
    id: int | None
    """Id of the tweet; None for a message about an account or the stream."""
    author_id: int | None
    country: str
    """Country of a deleted tweet, or the single country of a withholding; "" for none, several or all."""
    created_at_ms: int | None
    """Creation time of the deleted *tweet*, where the deletion has it."""
    hashtags: tuple[HashtagUse, ...]
    """Hashtags of the deleted tweet, where the deletion names them; their positions are unknown."""
    exact: bool = False
    """Whether a deletion names the time and the hashtags of its tweet, so that the tweet can leave the counts."""
    countries: tuple[str, ...] = ()
    """Countries in which a tweet or an account is withheld, ascending; `*` alone: everywhere."""

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return what the tweet of the message leaves: `counts`, `samples`."""
        if self.id is None:
            return ()
        if self.kind == "delete":
            return ("counts", "samples") if self.exact else ("samples",)
        return ("samples",) if self.countries else ()
