"""Simulated payloads of every shape parse back to their drafts; broken ones are refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random

import pytest

from devkit.simulation.config import DEFAULT_START_MS
from devkit.simulation.faults import BROKEN, broken, control
from devkit.simulation.firehose import firehose
from devkit.simulation.payloads import SHAPES
from streams.errors import ContractError
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from streams.events.uses import located
from tests.support.simulator import drafts


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_payload_parses_back_to_draft(shape: str) -> None:
    kinds: Counter[str] = Counter()
    places = 0
    for draft in drafts():
        tweet = parse(SHAPES[shape](draft))
        assert isinstance(tweet, Tweet)
        words = draft.original if draft.is_retweet and draft.original else draft
        assert tweet.kind == ("retweet" if draft.is_retweet else "quote" if draft.quote else "tweet")
        assert (tweet.id, tweet.author_id, tweet.text) == (draft.id, draft.author.id, words.text)
        assert {use.display for use in tweet.hashtags} == set(draft.counted_tags)
        assert len(tweet.text) <= 280
        found = located(tweet.hashtags, tweet.text)
        assert all(tweet.text[use.start : use.end] == "#" + use.display for use in found)
        resolution_ms = 1000 if shape == "v1.1" else 1
        assert tweet.created_at_ms == draft.created_ms // resolution_ms * resolution_ms
        assert tweet.author_created_at_ms == draft.author.born_ms // resolution_ms * resolution_ms
        assert tweet.country in ({draft.author.country.code} if shape == "native" else {draft.author.country.code, ""})
        kinds[tweet.kind] += 1
        places += bool(tweet.country)
    assert min(kinds["tweet"], kinds["retweet"], kinds["quote"]) > 4
    assert places > 200


def test_v1_payloads_have_realistic_size() -> None:
    sizes = sorted(len(SHAPES["v1.1"](draft)) for draft in drafts())
    assert 2_000 < sizes[len(sizes) // 2] < 4_000
    assert sizes[-1] > 4_000


def test_every_broken_record_is_refused() -> None:
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    rng = Random(1)
    for draft in drafts(n=200):
        for shape in SHAPES.values():
            name, spoilt = broken(shape(draft), rng)
            with pytest.raises(ContractError) as caught:
                parse(spoilt)
            reasons[name].add(caught.value.reason)
    assert set(reasons) == set(BROKEN)
    assert reasons["tombstone"] == {"tombstone"}
    assert reasons["bad_id"] == {"bad_id"}
    assert reasons["not_utf8"] == {"not_utf8"}
    assert reasons["bad_time"] <= {"bad_time", "wrong_type"}
    assert reasons["missing_id"] == {"missing_field"} == reasons["missing_author"]


def test_notices_parse_as_control_messages() -> None:
    rng = Random(3)
    kinds = set()
    for number in range(200):
        event = parse(control(rng, number, 7, "IN", DEFAULT_START_MS))
        assert isinstance(event, Control)
        kinds.add(event.kind)
    assert kinds == {"delete", "limit", "withheld"}


@pytest.mark.parametrize(("shape", "least", "most"), [("native", 200, 700), ("v1.1", 2_000, 7_000)])
def test_firehose_payloads_have_hashtags_and_size(shape: str, least: int, most: int) -> None:
    payloads = list(firehose(1, 3_000, shape, tags=500, authors=900, start_ms=DEFAULT_START_MS, per_second=1000))  # type: ignore[arg-type]
    assert len(payloads) == 3_000
    tweets = [parse(payload) for payload in payloads]
    assert all(least < len(payload) < most for payload in payloads)
    uses: Counter[str] = Counter()
    for number, tweet in enumerate(tweets):
        assert isinstance(tweet, Tweet)
        assert 1 <= len(tweet.hashtags) <= 2
        assert len(tweet.text) <= 280
        found = located(tweet.hashtags, tweet.text)
        assert all(tweet.text[use.start : use.end] == "#" + use.display for use in found)
        assert 0 <= DEFAULT_START_MS + number - tweet.created_at_ms < (1000 if shape == "v1.1" else 1)
        uses.update(use.hashtag for use in tweet.hashtags)
    assert len({tweet.id for tweet in tweets}) == 3_000
    assert 800 < len({tweet.author_id for tweet in tweets}) <= 900  # type: ignore[union-attr]
    assert uses.most_common(1)[0][1] > 200
    assert sum(n == 1 for n in uses.values()) > 200
    assert {tweet.kind for tweet in tweets} == ({"tweet"} if shape == "native" else {"tweet", "retweet"})


@pytest.mark.parametrize(("texts", "least", "most"), [(50, 50, 50), (100_000, 3_900, 4_000)])
def test_firehose_draws_from_as_many_texts_as_asked(texts: int, least: int, most: int) -> None:
    tweets = [parse(payload) for payload in firehose(1, 4_000, texts=texts)]
    assert least <= len({tweet.text.partition(" #")[0] for tweet in tweets if isinstance(tweet, Tweet)}) <= most
