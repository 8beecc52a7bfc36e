# ruff: noqa: I001  # constants in rows, not one a line
"""Read records into columns of tweets: a compiled pass reads ordinary ones, and the parser all others."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np

from streams.counting.keys import country_code
from streams.counting.origins import LANGUAGES, language_code
from streams.counting.records import VALUE, Ints, RecordColumns
from streams.counting.spellings import SpellingTable
from streams.errors import ContractError
from streams.events.fields import COUNTRIES
from streams.events.kernels.payloads import read_payloads
from streams.events.links import APART, with_hosts
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from streams.events.tweet_columns import (
    FIELDS, IN_COUNTRY, IN_LANGUAGE, NEW, NO_TWEET, PARSED, SLOW, SPANS, STATUS,
)  # fmt: skip

_SPANS_A_TWEET, _SPANS_AT_LEAST = 8, 256


@dataclass(frozen=True, slots=True, eq=False)
class ReadTweets:
    """Records of one batch as columns."""

    fields: Ints
    """(n, FIELDS) columns of the tweets; see `streams.events.tweet_columns`."""
    spans: Ints
    """(s, SPANS) hashtags and hosts."""
    parsed: bytes
    """Texts of the tweets that the parser has read."""
    others: list[tuple[int, Control | ContractError]]
    """Rows of the records that are no tweets, ascending."""


def _by_letters(codes: dict[str, int], most: int, other: int) -> Ints:
    """Return a table of codes by their letters, at most so many, as `streams.events.kernels.values` packs them."""
    table = np.full(27**most, other)
    for letters, code in codes.items():
        packed = 0
        for letter in letters.lower():
            packed = 27 * packed + ord(letter) - 96
        table[packed] = code
    return table


_LANGUAGES = _by_letters({tag: language_code(tag) for tag in (*LANGUAGES, "in", "iw", "ji")}, 3, 0)
_COUNTRIES = _by_letters({code: country_code(code) for code in COUNTRIES.values()}, 2, country_code(""))


def read_tweets(records: RecordColumns, spellings: SpellingTable) -> ReadTweets:
    """Read records as `parse` defines it, and number new spellings."""
    data, n = records.data, len(records)
    fields, spans = np.zeros((n, FIELDS), np.int64), np.empty((_SPANS_A_TWEET * n + _SPANS_AT_LEAST, SPANS), np.int64)
    ranges = np.ascontiguousarray(records.rows[:, VALUE:])
    used = read_payloads(np.frombuffer(data, np.uint8), ranges, fields, spans)
    spans = spans[:used]
    fields[:, IN_LANGUAGE] = _LANGUAGES[fields[:, IN_LANGUAGE]]
    fields[:, IN_COUNTRY] = _COUNTRIES[fields[:, IN_COUNTRY]]
    spellings.learn(data, fields, spans)
    slow = np.flatnonzero(fields[:, STATUS] == SLOW).tolist()
    if not slow:
        return ReadTweets(fields, spans, b"", [])
    return _parsed(records, spellings, fields, spans, slow)


def _parsed(records: RecordColumns, spellings: SpellingTable, fields: Ints, spans: Ints, slow: list[int]) -> ReadTweets:
    """Fill in the rows that the compiled pass has not read, as `parse` reads them."""
    others: list[tuple[int, Control | ContractError]] = []
    rows, tags, texts, at, first = array("q"), array("q"), [], 0, len(spans)
    for row, (begin, end) in zip(slow, records.rows[slow, VALUE:].tolist(), strict=True):
        try:
            event = parse(None if begin < 0 else records.data[begin:end])
        except ContractError as error:
            others.append((row, error))
            continue
        if not isinstance(event, Tweet):
            others.append((row, event))
            continue
        texts.append(_line(event))
        text, at = at, at + len(texts[-1])
        text_end = at
        for use in event.hashtags:
            texts.append(use.display.encode())
            tags.extend((at, at + len(texts[-1]), NEW, row))
            at += len(texts[-1])
        last, born_ms = first + len(event.hashtags), event.author_created_at_ms
        rows.extend((
            row, PARSED, event.id, event.author_id, event.created_at_ms, -1 if born_ms is None else born_ms,
            language_code(event.lang), country_code(event.country), event.kind == "retweet",
            text, text_end, first, last, last, False,
        ))  # fmt: skip
        first = last
    fields[[row for row, _ in others], STATUS] = NO_TWEET
    parsed = b"".join(texts)
    table, added = np.frombuffer(rows, np.int64).reshape(-1, 1 + FIELDS), np.array(tags, np.int64).reshape(-1, SPANS)
    fields[table[:, 0]] = table[:, 1:]
    spellings.learn(parsed, fields, added)
    return ReadTweets(fields, np.concatenate((spans, added)), parsed, others)


def _line(tweet: Tweet) -> bytes:
    text = tweet.text
    if "\n" in text or APART in text:
        text = text.replace("\n", " ").replace(APART, " ")
    return (with_hosts(text, tweet.links) if tweet.links else text).encode("utf-8", "surrogatepass")
