"""Ingest the obvious way: one record after the other, by the parser, into lists and dicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from streams.constants import BLOCK, DAY_MS, PANE_MS, UNKNOWN_AGE
from streams.counting.block_counts import RETWEET
from streams.counting.ingest import DUPLICATE_RANGE
from streams.counting.keys import Sharding
from streams.counting.notices import retract
from streams.counting.origins import language_code, origins_of
from streams.counting.records import SourceRecord
from streams.counting.retractions import OpenRetractions
from streams.counting.sketch import KeyedHash
from streams.counting.times import TimeRules
from streams.errors import ContractError
from streams.events.links import APART, with_hosts
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from tests.support.block_counts import Entry

Key = tuple[int, str, str, int]
"""Block, hashtag, country and pane."""


class NaivePartition:
    """A source partition whose records count from an offset on; earlier ones only restore ids."""

    def __init__(self, source: int, count_from: int, shards: int, hashes: KeyedHash, times: TimeRules) -> None:
        self.entries: dict[Key, list[Entry]] = defaultdict(list)
        """Uses of each count, in offset order."""
        self.dead_letters: list[tuple[int, int, bytes | None, bytes | None, str, str, str, str]] = []
        self.deleted: list[int] = []
        self.numbers: Counter[str] = Counter()
        self.retractions = OpenRetractions(10**9)
        self._source, self._count_from, self._hashes, self._times = source, count_from, hashes, times
        self._sharding = Sharding(shards)
        self._seen: dict[int, int] = {}

    def read(self, records: Iterable[SourceRecord]) -> None:
        """Read records in offset order."""
        for one in records:
            try:
                event = parse(one.value)
                if isinstance(event, Tweet):
                    self._tweet(one, event)
                elif one.offset >= self._count_from:
                    self._control(one, event)
            except ContractError as error:
                if one.offset >= self._count_from:
                    about = error.reason, error.field, error.value, error.fix
                    self.dead_letters.append((one.offset, one.timestamp, one.key, one.value, *about))

    def _control(self, one: SourceRecord, event: Control) -> None:
        kind = retract(event, one.timestamp, self.retractions, self._sharding, self._times)
        self.numbers[f"control {event.kind}"] += 1
        self.numbers[f"retraction {kind}"] += kind is not None
        if event.kind == "delete" and event.id is not None:
            self.deleted.append(event.id)

    def _tweet(self, one: SourceRecord, tweet: Tweet) -> None:
        last = self._seen.get(tweet.id)
        self._seen[tweet.id] = one.offset
        if one.offset < self._count_from:
            return
        self.numbers["tweets"] += 1
        if last is not None and one.offset - last <= DUPLICATE_RANGE:
            self.numbers["duplicates"] += 1
            return
        created_ms, log_ms, times = tweet.created_at_ms, one.timestamp, self._times
        if log_ms < 0 or created_ms > log_ms + times.max_event_ahead_ms:
            fix = f"created_at may be at most {times.max_event_ahead_ms} ms ahead of the record's timestamp {log_ms}"
            raise ContractError("event_ahead", field="created_at", value=created_ms, fix=fix)
        if created_ms < log_ms - times.max_event_age_ms:
            self.numbers["too_old"] += 1
            return
        at_ms = min(log_ms, max(created_ms, log_ms - times.allowed_lateness_ms))
        self.numbers["clamped"] += at_ms != tweet.created_at_ms
        born_ms = tweet.author_created_at_ms
        age_days = UNKNOWN_AGE if born_ms is None else max(0, (tweet.created_at_ms - born_ms) // DAY_MS)
        text = with_hosts(tweet.text.replace("\n", " ").replace(APART, " "), tweet.links)
        author = int(self._hashes.authors([tweet.author_id])[0])
        language = np.array([language_code(tweet.lang)], np.uint8)
        origin = int(origins_of(self._source, np.array([one.offset]), language)[0])
        for use in tweet.hashtags:
            self.numbers["uses"] += 1
            display = "" if use.display == use.hashtag else use.display
            stratum = 0 if born_ms is None else 1 + born_ms // (365 * DAY_MS) % 3
            flags = (RETWEET if tweet.kind == "retweet" else 0) | stratum << 2
            key = (one.offset // BLOCK, use.hashtag, tweet.country, at_ms // PANE_MS)
            self.entries[key].append(Entry(author, tweet.id, age_days, flags, display, text, origin))
