"""Simulation of a run: tweets of all sources in the order of the log, injected faults, and the ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from zlib import crc32

from devkit.simulation.config import MAX_START_MS, SimulationConfig
from devkit.simulation.countries import COUNTRIES, activity
from devkit.simulation.data import own_texts, tag_names
from devkit.simulation.dice import Weighted, stream
from devkit.simulation.draft import TweetDraft, TweetIds
from devkit.simulation.faults import broken, control, deletion, log_delay_ms, wrong_clock_ms
from devkit.simulation.lines import SimulatedRecord, simulated_record
from devkit.simulation.payloads import SHAPES
from devkit.simulation.sources import BackgroundSource, StorySource
from devkit.simulation.tags import OneUseTags, TagVocabulary
from devkit.simulation.texts import TagNames, TextSource
from devkit.simulation.truth import GroundTruth, Truth
from streams.constants import DAY_MS

_STEP_MS = 1_000
_LEAST_BACKGROUND = 0.3
_RETRY_MS = 600
_DELETED_AFTER_MS = 60_000

_Waiting = tuple[int, int, int, str | None, bytes | None, TweetDraft | None]


class Simulation:
    """One run of a configuration.

    Args:
        texts: source of texts; None: the simulator's own.
        names: names of hashtags; None: the simulator's own.
    """

    def __init__(
        self, config: SimulationConfig, texts: TextSource | None = None, names: TagNames | None = None
    ) -> None:
        assert 0 <= config.start_ms <= MAX_START_MS, "start_ms out of range"
        assert min(config.partitions, config.rate, config.duration_ms) > 0
        self.config = config
        texts, names = texts or own_texts(), names or tag_names()
        ids = self._ids = TweetIds()
        vocabularies = {
            country.code: TagVocabulary(config.seed, country.code, names, config.tags_per_country, config.zipf_exponent)
            for country in COUNTRIES
        }
        one_use, scale = OneUseTags(names.one_use), _background_scale(config)
        self._backgrounds = [
            BackgroundSource(config, country, texts, vocabularies[country.code], one_use, ids, scale)
            for country in COUNTRIES
        ]
        self._texts = texts
        self._pending = sorted(enumerate(config.stories), key=lambda entry: entry[1].start_ms)
        self._telling: list[StorySource] = []
        self._rng = stream(config.seed, "log")
        self._deletions = stream(config.seed, "deletions")
        self._shapes = Weighted(config.shapes)
        self._truth = GroundTruth(
            config.start_ms, config.stories, {tag for vocabulary in vocabularies.values() for tag in vocabulary.tags}
        )
        self._heap: list[_Waiting] = []
        self._order = 0
        self._offsets = [0] * config.partitions
        self.records: dict[str, int] = dict.fromkeys(
            ("lines", "tweets", "retweets", "quotes", "late", "wrong_clock", "duplicates", "broken", "control"), 0
        )
        """Number of records written so far, by kind."""

    def lines(self) -> Iterator[SimulatedRecord]:
        """Generate the log in order of log time. Call it once."""
        duration_ms, start_ms = self.config.duration_ms, self.config.start_ms
        for begin_ms in range(0, duration_ms, _STEP_MS):
            length_ms = min(_STEP_MS, duration_ms - begin_ms)
            for draft in self._drafts(begin_ms, length_ms):
                self._send(draft)
            yield from self._logged(start_ms + begin_ms + length_ms)
        yield from self._logged(None)

    def truth(self) -> Truth:
        """Return the ground truth of the records so far; the planned stories are in it from the start."""
        config = self.config
        return self._truth.table(
            dict(self.records), seed=config.seed, from_ms=config.start_ms, to_ms=config.start_ms + config.duration_ms
        )

    def _drafts(self, begin_ms: int, length_ms: int) -> Iterator[TweetDraft]:
        for background in self._backgrounds:
            yield from background.drafts(begin_ms, length_ms)
        while self._pending and self._pending[0][1].start_ms < begin_ms + length_ms:
            number, story = self._pending.pop(0)
            self._telling.append(StorySource(self.config, number, story, self._texts, self._ids))
        self._telling = [teller for teller in self._telling if teller.story.end_ms > begin_ms]
        recent = {teller.story.hashtag: teller.recent for teller in self._telling}
        for teller in self._telling:
            yield from teller.drafts(begin_ms, length_ms, recent.get(teller.story.quotes))

    def _send(self, draft: TweetDraft) -> None:
        """Encode a tweet, inject faults, and queue it for its log time."""
        rng, faults, records = self._rng, self.config.faults, self.records
        draft.created_ms = wrong_clock_ms(rng, faults, draft.true_ms)
        delay_ms = log_delay_ms(rng, faults.late)
        log_ms = draft.true_ms + delay_ms
        payload = SHAPES[self._shapes.draw(rng)](draft)
        dice = rng.random()
        if dice < faults.broken:
            records["broken"] += 1
            _, spoilt = broken(payload, rng)
            self._put(log_ms, draft.author.id, spoilt, None)
            return
        records["late"] += delay_ms >= 5_000
        records["wrong_clock"] += draft.created_ms != draft.true_ms
        self._put(log_ms, draft.author.id, payload, draft)
        if self.config.deleted_share and self._deletions.random() < self.config.deleted_share:
            records["control"] += 1
            after_ms = 1_000 + int(self._deletions.expovariate(1 / _DELETED_AFTER_MS))
            self._put(log_ms + after_ms, draft.author.id, deletion(self._deletions, payload), None)
        if dice > 1 - faults.duplicate:
            records["duplicates"] += 1
            self._put(log_ms + 1 + int(rng.random() * _RETRY_MS), draft.author.id, payload, None)
        elif dice > 1 - faults.duplicate - faults.control:
            records["control"] += 1
            country, at_ms = draft.author.country.code, log_ms + int(rng.random() * 5_000)
            self._put(at_ms, draft.author.id, control(rng, draft.id, draft.author.id, country, at_ms), None)

    def _put(self, log_ms: int, author_id: int, payload: bytes | None, draft: TweetDraft | None) -> None:
        key = str(author_id)
        self._order += 1
        heappush(self._heap, (log_ms, self._order, crc32(key.encode()) % self.config.partitions, key, payload, draft))

    def _logged(self, before_ms: int | None) -> Iterator[SimulatedRecord]:
        """Pop the queued records with a log time before this moment; None: all."""
        heap, offsets, records = self._heap, self._offsets, self.records
        while heap and (before_ms is None or heap[0][0] < before_ms):
            log_ms, _, partition, key, payload, draft = heappop(heap)
            records["lines"] += 1
            if draft is not None:
                records["tweets"] += 1
                records["retweets"] += draft.is_retweet
                records["quotes"] += draft.quote
                self._truth.note(draft)
            offset = offsets[partition]
            offsets[partition] = offset + 1
            yield simulated_record(partition, offset, log_ms, key, payload)


def _background_scale(config: SimulationConfig) -> float:
    """Tweets a second for a country of weight 1 at its busiest, so that all together come to the rate on average."""
    step_ms = max(_STEP_MS, min(config.duration_ms, DAY_MS) // 100)
    moments = range(0, min(config.duration_ms, DAY_MS), step_ms)
    busy = sum(
        country.weight * activity(country, config.start_ms + at_ms) for at_ms in moments for country in COUNTRIES
    ) / len(moments)
    story_tweets = sum(
        story.mean_per_second * (min(story.end_ms, config.duration_ms) - story.start_ms) for story in config.stories
    )
    return max(config.rate - story_tweets / config.duration_ms, _LEAST_BACKGROUND * config.rate) / busy
