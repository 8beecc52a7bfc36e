"""One sampled tweet as a reviewer sees it: its text, or the reason why there is none. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from moderation.domain.texts.masking import masked
from moderation.log.cipher import TextContent
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Tweet
from streams.log.decisions import Evidence, SampledAt

TextState = Literal["shown", "deleted", "gone", "other", "unreadable", "unknown"]
WORDS: dict[TextState, str] = {
    "shown": "",
    "deleted": "deleted since",
    "gone": "no longer in the source topic",
    "other": "the source topic has another tweet at this position",
    "unreadable": "the text cannot be read",
    "unknown": "the decision names no position",
}

NO_POSITION = SampledAt(-1, -1, "und")


@dataclass(frozen=True, slots=True)
class ShownText:
    """Text of a sampled tweet; "" in every state but `shown`."""

    id: str
    state: TextState
    lang: str
    text: str = ""
    kept: bool = False
    """Whether it comes from the kept texts, not from the source topic."""

    @property
    def masked(self) -> str:
        """Text without handles, addresses and long numbers, for a page that shows the text on request."""
        return masked(self.text)


def match_record(tweet: str, lang: str, value: bytes | None) -> ShownText:
    """Return the text of a source record, if the record is the tweet that a decision names.

    Args:
        tweet: id of the tweet.
        lang: language that the decision names.
        value: payload of the record at the tweet's position.
    """
    try:
        event = parse(value)
    except ContractError:
        return ShownText(tweet, "unreadable", lang)
    if not isinstance(event, Tweet) or str(event.id) != tweet:
        return ShownText(tweet, "other", lang)
    return ShownText(tweet, "shown", lang, event.text)


def content_of(shown: ShownText) -> TextContent:
    """Return what is kept of a text that a person has read."""
    return TextContent(text=shown.text, lang=shown.lang)


def is_known(at: SampledAt) -> bool:
    """Return whether a decision names the position of a tweet."""
    return at.partition >= 0 and at.offset >= 0


def sample_words(evidence: Evidence) -> str:
    """Describe the sample that a decision names.

    >>> from streams.log.decisions import Evidence
    >>> given = dict(window_ms=1, tweets=90, authors=70, scored=64, share=0.5, lower=0.4, upper=0.6)
    >>> sample_words(Evidence(**given, sampled=tuple("0123456789"), sampled_from=64))
    '10 of 64 sampled authors, at random, one tweet each'
    >>> sample_words(Evidence(**given, sampled=("1", "2"), sampled_from=2))
    'all 2 sampled authors, one tweet each'
    """
    shown, of = len(evidence.sampled), evidence.sampled_from
    if shown >= of:
        return f"all {shown} sampled authors, one tweet each" if shown != 1 else "the one sampled author, one tweet"
    return f"{shown} of {of} sampled authors, at random, one tweet each"


def tweet_address(tweet_url: str, tweet: str) -> str | None:
    """Return the address of a tweet on the platform; None without a template."""
    return tweet_url.replace("{id}", tweet) if tweet_url else None


def tag_address(tag_url: str, hashtag: str) -> str | None:
    """Return the address of a hashtag on the platform; None without a template."""
    return tag_url.replace("{hashtag}", quote(hashtag, safe="")) if tag_url else None
