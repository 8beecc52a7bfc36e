# ruff: noqa: I001  # constants in rows, not one a line
"""Admit parsed tweets to the open block in offset order: duplicates, clamped times, distinct hashtags, texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.compiled import compiled
from streams.constants import DAY_MS, PANE_MS, UNKNOWN_AGE
from streams.counting.strata import STRATUM_SHIFT, stratum_of
from streams.events.tweet_columns import (
    AHEAD, AUTHOR, CREATED, END_HOST, END_TAG, FIRST_TAG, IN_COUNTRY, IN_LANGUAGE, NO_TWEET, PARSED, RETWEET,
    SPAN_BEGIN, SPAN_END, SPELLING, STATUS, TEXT_BEGIN, TEXT_END, TWEET, YOUNG_SINCE,
)  # fmt: skip

COUNT_FROM, ALLOWED_LATENESS_MS, MAX_EVENT_AHEAD_MS, MAX_EVENT_AGE_MS, DUPLICATE_RANGE = range(5)
"""Limits: the first offset that counts, those of `streams.counting.times.TimeRules`, and the duplicate range."""

SEEN, ROWS, USES, TEXT_BYTES, RANKS, SECRET, TWEETS, TAG_USES, DUPLICATES, CLAMPED, TOO_OLD_TWEETS = range(11)
STATE = 11
"""Sizes in use: ids seen, tweets and uses of the open block, bytes of texts, hashtags ranked; then a random odd
multiplier for the table of ids, since senders choose the ids; then the counts."""

OFFSET, AUTHOR_ID, TWEET_ID, PANE, AGE_DAYS, FLAGS, LANGUAGE, COUNTRY, BEGIN, END = range(10)
TWEET_COLUMNS = 10
"""Columns of a tweet in the open block; its text is the bytes [BEGIN, END)."""
OF_TWEET, RANK, SPELLED = range(3)
USE_COLUMNS = 3
"""Columns of a use: its tweet's row, its hashtag's rank by first use, and its spelling."""

TOO_OLD, TOO_NEW = -(2**62), -(2**62) + 1
"""Effective times of tweets that do not count."""
_NEVER = -1
_APART = 0x1F


@compiled
def _place_of(tweet: Any, ids: Any, offsets: Any, state: Any) -> Any:
    """Return the slot of an id: the one that has it, or the empty one where it belongs.

    A hash is the upper bits of a product with a secret (Dietzfelbinger and others 1997, multiply-shift).
    """
    last = len(ids) - 1
    mixed = np.uint64(tweet) * np.uint64(state[SECRET])
    slot = np.int64((mixed >> np.uint64(32)) * np.uint64(len(ids)) >> np.uint64(32))
    while offsets[slot] != _NEVER and ids[slot] != tweet:
        slot = (slot + 1) & last
    return slot


@compiled
def _drop_older(ids: Any, offsets: Any, oldest: Any, state: Any) -> Any:
    """Drop the ids that were last seen before an offset; return how many remain."""
    is_kept = offsets >= oldest
    kept_ids, kept_offsets = ids[is_kept], offsets[is_kept]
    offsets[:] = _NEVER
    for number in range(len(kept_ids)):
        slot = _place_of(kept_ids[number], ids, offsets, state)
        ids[slot], offsets[slot] = kept_ids[number], kept_offsets[number]
    return len(kept_ids)


@compiled
def _is_duplicate(tweet: Any, offset: Any, ids: Any, offsets: Any, limit: Any, state: Any) -> Any:
    """Note an id; return whether it was noted within the `limit` offsets before."""
    if 2 * state[SEEN] >= len(ids):
        state[SEEN] = _drop_older(ids, offsets, offset - limit, state)
    slot = _place_of(tweet, ids, offsets, state)
    last = offsets[slot]
    state[SEEN] += last == _NEVER
    ids[slot], offsets[slot] = tweet, offset
    return last != _NEVER and offset - last <= limit


@compiled
def effective_ms(event_ms: Any, log_ms: Any, allowed_lateness_ms: Any, max_ahead_ms: Any, max_age_ms: Any) -> Any:
    """Clamp an event time into [log time - allowed lateness, log time]; `TOO_OLD` or `TOO_NEW` beyond the limits.

    It depends on the record alone, not on what was read before it.
    Every event is too new for a log time before 1970, which no broker sets; so the differences stay within 64 bits.
    """
    if log_ms < 0:
        return TOO_NEW
    if event_ms > log_ms:
        return TOO_NEW if event_ms - log_ms > max_ahead_ms else log_ms
    if log_ms - event_ms > max_age_ms:
        return TOO_OLD
    return max(event_ms, log_ms - allowed_lateness_ms)


@compiled
def _copy(source: Any, begin: Any, end: Any, arena: Any, at: Any) -> Any:
    first, place = np.uint64(begin), np.uint64(at)
    for byte in range(np.uint64(end - begin)):
        arena[place + byte] = source[first + byte]
    return at + end - begin


@compiled
def _add_uses(fields: Any, spans: Any, row: Any, normal: Any, ranks: Any, forms: Any, uses: Any, state: Any) -> Any:
    """Add a use for each distinct hashtag of a tweet; return how many."""
    first = n = state[USES]
    for span in range(fields[row, FIRST_TAG], fields[row, END_TAG]):
        form = normal[spans[span, SPELLING]]
        if form < 0:
            continue
        rank = ranks[form]
        if rank < 0:
            rank = ranks[form] = state[RANKS]
            forms[rank] = form
            state[RANKS] += 1
        is_repeated = False
        for other in range(first, n):
            is_repeated = is_repeated or uses[other, RANK] == rank
        if not is_repeated:
            uses[n, OF_TWEET], uses[n, RANK], uses[n, SPELLED] = state[ROWS], rank, spans[span, SPELLING]
            n += 1
    state[USES] = n
    return n - first


@compiled
def admit(
    rows: Any, fields: Any, spans: Any, data: Any, parsed: Any, normal: Any, limits: Any,
    ids: Any, offsets: Any, state: Any, ranks: Any, forms: Any, tweets: Any, uses: Any, arena: Any,
) -> None:  # fmt: skip
    """Append the tweets that count to the open block, and note the ids of all.

    The status of a tweet too far ahead of its log time becomes `AHEAD`.

    Args:
        rows: (n, 6) int64 of the records; see `streams.counting.records`.
        fields: (n, FIELDS) int64; see `streams.events.tweet_columns`.
        spans: (s, SPANS) int64.
        data: (b,) uint8, read-only, with the texts that the compiled pass has read.
        parsed: (p,) uint8, read-only, with the texts that the parser has read.
        normal: (e,) int64, the normal form of each spelling.
        limits: (5,) int64.
        ids: (s,) int64, s a power of 2.
        offsets: (s,) int64, the offset at which each id was seen last.
        state: (STATE,) int64, changed.
        ranks: (e,) int64, the rank of each normal form, -1 for none; changed.
        forms: (e,) int64, the normal form of each rank; changed.
        tweets: (t, TWEET_COLUMNS) int64 with room for n more.
        uses: (u, USE_COLUMNS) int64 with room for s more.
        arena: (a,) uint8 with room for all texts and a separator for each span.
    """
    for row in range(len(rows)):
        status, offset, log_ms = fields[row, STATUS], rows[row, 0], rows[row, 1]
        if status == NO_TWEET:
            continue
        duplicate = _is_duplicate(fields[row, TWEET], offset, ids, offsets, limits[DUPLICATE_RANGE], state)
        if offset < limits[COUNT_FROM]:
            continue
        state[TWEETS] += 1
        if duplicate:
            state[DUPLICATES] += 1
            continue
        created_ms = fields[row, CREATED]
        at_ms = effective_ms(
            created_ms, log_ms, limits[ALLOWED_LATENESS_MS], limits[MAX_EVENT_AHEAD_MS], limits[MAX_EVENT_AGE_MS]
        )
        if at_ms == TOO_NEW:
            fields[row, STATUS] = AHEAD
            continue
        if at_ms == TOO_OLD:
            state[TOO_OLD_TWEETS] += 1
            continue
        state[CLAMPED] += at_ms != created_ms
        added = _add_uses(fields, spans, row, normal, ranks, forms, uses, state)
        if added == 0:
            continue
        state[TAG_USES] += added
        born_ms, new, at = fields[row, YOUNG_SINCE], state[ROWS], state[TEXT_BYTES]
        tweets[new, OFFSET] = offset
        tweets[new, TWEET_ID], tweets[new, AUTHOR_ID] = fields[row, TWEET], fields[row, AUTHOR]
        tweets[new, PANE] = at_ms // PANE_MS
        tweets[new, FLAGS] = fields[row, RETWEET] | stratum_of(born_ms) << STRATUM_SHIFT
        tweets[new, AGE_DAYS] = UNKNOWN_AGE if born_ms < 0 else max(0, (created_ms - born_ms) // DAY_MS)
        tweets[new, LANGUAGE], tweets[new, COUNTRY] = fields[row, IN_LANGUAGE], fields[row, IN_COUNTRY]
        tweets[new, BEGIN] = at
        if status == PARSED:
            at = _copy(parsed, fields[row, TEXT_BEGIN], fields[row, TEXT_END], arena, at)
        else:
            at = _copy(data, fields[row, TEXT_BEGIN], fields[row, TEXT_END], arena, at)
            for span in range(fields[row, END_TAG], fields[row, END_HOST]):
                arena[at] = _APART
                at = _copy(data, spans[span, SPAN_BEGIN], spans[span, SPAN_END], arena, at + 1)
        tweets[new, END] = state[TEXT_BYTES] = at
        state[ROWS] += 1
