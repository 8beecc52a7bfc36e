"""Payloads at firehose speed for benchmarks: all tweets have hashtags, Zipf-distributed with a tail; many authors.

Texts, tags and v1.1 skeletons are rendered once; a tweet fills bytes into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Literal

import msgspec
import numpy as np

from devkit.simulation.config import DEFAULT_START_MS
from devkit.simulation.countries import COUNTRIES, Country
from devkit.simulation.data import own_texts, tag_names
from devkit.simulation.dice import Weighted, stream
from devkit.simulation.draft import TweetDraft
from devkit.simulation.payloads.common import v1_time
from devkit.simulation.payloads.twitter_v1 import v1
from devkit.simulation.people import SNOWFLAKE_EPOCH_MS, AuthorPool
from streams.constants import DAY_MS

_CHUNK = 8_192
_LONGEST_TEXT = 200
_SKELETONS = 256
_SECOND_TAG_SHARE = 0.3
_HARMFUL_SHARE = 0.02
_ONE_USE_SHARE = 0.1
_AUTHOR_BASE = 10**18
_encode = msgspec.json.Encoder().encode

_Fill = Callable[[int, int, int, int, bytes, int, list[bytes]], bytes]


def firehose(
    seed: int,
    n: int,
    shape: Literal["native", "v1.1"] = "native",
    *,
    tags: int = 50_000,
    authors: int = 200_000,
    texts: int = 8_192,
    start_ms: int = DEFAULT_START_MS,
    per_second: float = 20_000.0,
) -> Iterator[bytes]:
    """Generate `n` payloads, each with one or two hashtags (1.3 on average).

    Args:
        seed: seed of all random choices.
        n: number of payloads.
        shape: native, about 300 bytes, or v1.1, 2 to 6 KB, every fourth one a retweet.
        tags: size of the Zipf vocabulary, at least 1; a tenth of the hashtags occur once instead.
        authors: number of accounts, all equally active, at least 1.
        texts: distinct texts that tweets are drawn from, at least 1.
        start_ms: created_at of the first payload, milliseconds since the epoch.
        per_second: tweets for each second of created_at.
    """
    assert min(tags, authors, texts, per_second) > 0
    rng = np.random.Generator(np.random.PCG64(seed))
    written, vocabulary = _texts(stream(seed, "firehose"), texts), _vocabulary(tags)
    countries = [country.code.encode() for country in COUNTRIES if country.code]
    weights = np.array([country.weight for country in COUNTRIES if country.code])
    sums = np.cumsum(1.0 / (np.arange(tags) + 1.0))
    fill = _native_fill(countries) if shape == "native" else _v1_fill(seed)
    n_forms = len(countries) if shape == "native" else _SKELETONS
    form_odds = weights / weights.sum() if shape == "native" else None
    for first in range(0, n, _CHUNK):
        m = min(_CHUNK, n - first)
        ranks = np.searchsorted(sums, rng.random((2, m)) * sums[-1]).tolist()
        once = (rng.random((2, m)) < _ONE_USE_SHARE).tolist()
        two = (rng.random(m) < _SECOND_TAG_SHARE).tolist()
        who = rng.integers(0, authors, m).tolist()
        words = rng.integers(0, texts, m).tolist()
        forms = rng.choice(n_forms, m, p=form_odds).tolist()
        for i in range(m):
            number = first + i
            at_ms = start_ms + int(number * 1000 / per_second)
            used = [b"Once%d" % number if once[0][i] else vocabulary[ranks[0][i]]]
            if two[i]:
                other = b"Once%dB" % number if once[1][i] else vocabulary[ranks[1][i]]
                if other != used[0]:
                    used.append(other)
            tweet_id = max(0, at_ms - SNOWFLAKE_EPOCH_MS) << 22 | (number & 0x3FFFFF)
            yield fill(forms[i], tweet_id, _AUTHOR_BASE + who[i], at_ms, written[words[i]], len(used), used)


def _texts(rng: Random, n: int) -> list[bytes]:
    """Draw `n` distinct texts, as JSON strings without their quotes: English and both kinds of Hindi, a few abusive.

    The templates alone make too few: a text that was drawn before gets a second sentence.
    """
    own, languages = own_texts(), Weighted((("en", 0.6), ("hi", 0.2), ("hi-Latn", 0.2)))
    drawn: dict[str, None] = {}
    while len(drawn) < n:
        kind, language = "harmful" if rng.random() < _HARMFUL_SHARE else "clean", languages.draw(rng)
        text = own.draw(kind, language, rng, len(drawn))
        if text in drawn:
            text += " " + own.draw(kind, language, rng, len(drawn))
        if len(text) <= _LONGEST_TEXT:
            drawn[text] = None
    texts = [_encode(text)[1:-1] for text in drawn]
    assert not any(b"\\" in text for text in texts), "positions of hashtags are computed on texts without JSON escapes"
    return texts


def _vocabulary(size: int) -> list[bytes]:
    parts = tag_names().organic["IN"]
    assert not isinstance(parts, list)
    pairs = [first + second for first in parts.first for second in parts.second]
    return [f"{pairs[i % len(pairs)]}{i // len(pairs) or ''}".encode() for i in range(size)]


def _native_fill(countries: list[bytes]) -> _Fill:
    form = (
        b'{"id":"%d","author_id":"%d","created_at_ms":%d,"text":"%b #%b","lang":"en","country":"%b",'
        b'"author_created_at_ms":%d,"hashtags":["%b"]}'
    )

    def fill(form_number: int, tweet: int, author: int, at_ms: int, text: bytes, n: int, tags: list[bytes]) -> bytes:
        born_ms = max(0, at_ms - (author % 4000 + 1) * DAY_MS)
        tag, listed = (tags[0], tags[0]) if n == 1 else (b" #".join(tags), b'","'.join(tags))
        return form % (tweet, author, at_ms, text, tag, countries[form_number], born_ms, listed)

    return fill


_ID, _AUTHOR = 7_777_000_000_000_000_001, 7_777_000_000_000_000_002
_ORIGINAL = 7_777_000_000_000_000_003
_SECOND = 4_000_000_000
_MARK = "@@@"


def _v1_fill(seed: int) -> _Fill:
    countries = Weighted([(country, country.weight) for country in COUNTRIES if country.code])
    rng = stream(seed, "skeletons")
    skeletons = [_skeleton(seed, number, countries.draw(rng)) for number in range(_SKELETONS)]

    def fill(form_number: int, tweet: int, author: int, at_ms: int, text: bytes, n: int, tags: list[bytes]) -> bytes:
        begin = len(text.decode()) + 1
        entities, shown = [], [text]
        for tag in tags:
            end = begin + 1 + len(tag)
            entities.append(b'{"text":"%b","indices":[%d,%d]}' % (tag, begin, end))
            shown.append(b"#" + tag)
            begin = end + 1
        return skeletons[form_number] % {
            b"id": tweet,
            b"original": tweet - (1 << 32),
            b"author": author,
            b"at": v1_time(at_ms // 1000).encode(),
            b"text": b" ".join(shown),
            b"tags": b",".join(entities),
        }

    return fill


def _skeleton(seed: int, number: int, country: Country) -> bytes:
    """Render a v1.1 payload with placeholders, in the classic form: one text, one list of entities."""
    crowd = AuthorPool(seed, f"firehose/{country.code}", country, 2 * _SKELETONS, 0.04, DEFAULT_START_MS)
    writer, other = crowd.member(2 * number), crowd.member(2 * number + 1)
    writer = msgspec.structs.replace(writer, id=_AUTHOR)
    at_ms, dice = _SECOND * 1000, 1 + 3 * number
    draft = TweetDraft(_ID, writer, at_ms, at_ms, _MARK, "en", (), dice=dice)
    if number % 4 == 3:
        original = TweetDraft(_ORIGINAL, other, at_ms, at_ms, _MARK, "en", (), dice=dice)
        draft = TweetDraft(_ID, writer, at_ms, at_ms, "", "en", (), original, dice=dice)
    form = v1(draft).replace(b"%", b"%%")
    for name, value in ((b"id", _ID), (b"author", _AUTHOR), (b"original", _ORIGINAL)):
        form = form.replace(str(value).encode(), b"%%(%b)d" % name)
    form = form.replace(v1_time(_SECOND).encode(), b"%(at)b").replace(_MARK.encode(), b"%(text)b")
    head, gap, tail = form.rpartition(b'"hashtags":[]')  # the last list is the original's, which counts for a retweet
    assert gap
    return head + b'"hashtags":[%(tags)b]' + tail
