"""Live play of a simulation shifted to now, and the demo preset."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.simulation.demo import demo_config
from devkit.simulation.lines import SimulatedRecord, moved, moved_payload
from devkit.simulation.payloads import SHAPES
from devkit.simulation.play import play
from devkit.simulation.run import Simulation
from streams.events.parse import parse
from streams.events.tweet import Tweet
from surfaces.trending.counter import TrendCounter
from tests.support.simulator import NAMES, drafts, read, small


def test_demo_campaign_reaches_top_ten_in_ten_seconds() -> None:
    for rate in (60.0, 100.0):
        config = demo_config(NAMES, rate=rate, hours=0.015)
        campaign = next(story for story in config.stories if story.kind == "campaign")
        assert (campaign.country, campaign.start_ms) == ("IN", 20_000)
        counter, run = TrendCounter(), Simulation(config)
        began_ms = config.start_ms + campaign.start_ms
        seen_ms, first_ten, late = None, 0, list[str]()
        for entry, tweet in read(run.lines()):
            for country in {tweet.country} - {""}:
                uses = [(use.hashtag, use.display) for use in tweet.hashtags]
                counter.add(country, uses, tweet.created_at_ms, entry.log_time_ms)
            if campaign.hashtag in {use.display for use in tweet.hashtags}:
                first_ten += entry.log_time_ms < began_ms + 10_000
                ranked = [trend.display for trend in counter.ranking("IN", 10)]
                if seen_ms is None and campaign.hashtag in ranked:
                    seen_ms = entry.log_time_ms
                if entry.log_time_ms < config.start_ms + config.duration_ms:
                    late = ranked
        assert seen_ms is not None
        assert 0 < seen_ms - began_ms < 10_000
        assert 25 < first_ten < 75
        protest = next(story for story in config.stories if story.kind == "protest")
        assert protest.hashtag in late


def test_short_demo_omits_truncated_stories() -> None:
    for seconds in range(30, 300, 15):
        config = demo_config(NAMES, hours=seconds / 3600)
        assert all(0 <= story.start_ms < story.end_ms <= config.duration_ms for story in config.stories)
        campaigns = [story for story in config.stories if story.harmful]
        assert all(story.end_ms - story.start_ms >= 30_000 for story in campaigns)
        assert bool(campaigns) == (seconds >= 50)


def test_demo_repeats_with_new_names() -> None:
    config = demo_config(NAMES, hours=1)
    campaigns = [story for story in config.stories if story.kind == "campaign"]
    own = [story for story in config.stories if not story.hijacks]
    assert len({story.hashtag for story in own}) == len(own)
    assert len(campaigns) == 36 and len(config.stories) - len(own) == 12
    assert {story.start_ms // 300_000 for story in campaigns} == set(range(12))


def test_hijack_attacks_a_protest_that_trends() -> None:
    """Young accounts copy hate under the hashtag of other people, who go on with their protest."""
    config = demo_config(NAMES, rate=100.0, hours=0.02)
    (hijack,) = (story for story in config.stories if story.hijacks)
    (protest,) = (story for story in config.stories if story.kind == "protest" and story.hashtag == hijack.hashtag)
    assert (protest.start_ms, hijack.start_ms, hijack.harmful) == (0, 25_000, False)
    run = Simulation(config)
    young: dict[bool, list[bool]] = {False: [], True: []}
    for entry, tweet in read(run.lines()):
        if hijack.hashtag in {use.display for use in tweet.hashtags} and tweet.kind == "tweet":
            attacks = entry.log_time_ms >= config.start_ms + 40_000
            young[attacks].append(config.start_ms - (tweet.author_created_at_ms or 0) < 30 * 86_400_000)
    before, since = (sum(young[attacks]) / len(young[attacks]) for attacks in (False, True))
    assert before < 0.3 < 0.45 < since
    truth = [tag for tag in run.truth()["tags"] if tag["display"] == hijack.hashtag]
    assert [(tag["kind"], tag["never_suppress"], tag["attacked_from_ms"]) for tag in truth] == [
        ("protest", True, config.start_ms + 25_000)
    ]


@given(st.integers(-(10**12), 10**12))
def test_moved_payload_shifts_all_times(seconds: int) -> None:
    by_ms = seconds * 1000
    for draft in drafts(n=12):
        for shape in SHAPES.values():
            payload = shape(draft)
            before, after = parse(payload), parse(moved_payload(payload.decode(), by_ms).encode())
            assert isinstance(before, Tweet)
            assert isinstance(after, Tweet)
            for name in ("created_at_ms", "author_created_at_ms"):
                old, new = getattr(before, name), getattr(after, name)
                assert new == (old + by_ms if 0 <= old + by_ms < 253_402_300_800_000 else old)
            assert (before.id, before.text, before.hashtags) == (after.id, after.text, after.hashtags)


class Clock:
    """Wall clock that advances with sleeping and sending."""

    def __init__(self, at_ms: int, send_ms: int) -> None:
        self.at_ms, self.send_ms = at_ms, send_ms
        self.sent: list[tuple[int, SimulatedRecord]] = []

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.at_ms += round(seconds * 1000)

    async def send(self, entry: SimulatedRecord) -> None:
        self.sent.append((self.at_ms, entry))
        self.at_ms += self.send_ms


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3 * 10**12), st.sampled_from([0, 1, 400]))
def test_play_sends_records_when_due(now_ms: int, send_ms: int) -> None:
    clock = Clock(now_ms, send_ms)
    entries = list(Simulation(small(1, minutes=0.1, rate=10)).lines())
    assert asyncio.run(play(entries, clock.send, clock.now_ms, clock.sleep)) == len(entries)
    by_ms = clock.sent[0][1].log_time_ms - entries[0].log_time_ms
    assert 0 <= clock.sent[0][1].log_time_ms - now_ms < 1000
    for (sent_ms, entry), original in zip(clock.sent, entries, strict=True):
        assert entry == moved(original, by_ms)
        assert sent_ms >= entry.log_time_ms - 5
        if send_ms == 0:
            assert sent_ms <= max(entry.log_time_ms, now_ms)
