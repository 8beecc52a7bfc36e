"""The simulator: same seed same bytes, a log that keeps the log's laws, payloads that mean what the truth says."""

from __future__ import annotations

import asyncio
import dataclasses
import doctest
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import scenarios
from models.copies import fingerprints
from streams.cli import simulate
from streams.errors import CallerMistake, ContractError
from streams.events.grammar import extract_hashtags
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from streams.events.uses import located
from streams.simulation import countries, data, dice, lines
from streams.simulation.config import DEFAULT_START_MS, MAX_START_MS, Config
from streams.simulation.countries import BY_CODE, COUNTRIES, activity
from streams.simulation.demo import demo
from streams.simulation.draft import Draft
from streams.simulation.faults import BROKEN, NO_FAULTS, Faults, broken, control
from streams.simulation.firehose import firehose
from streams.simulation.lines import Line, encode_line, moved, moved_payload
from streams.simulation.payloads import SHAPES, common
from streams.simulation.people import Crowd
from streams.simulation.play import play
from streams.simulation.run import Simulation
from streams.simulation.scenario import scenario
from streams.simulation.stories import Story, Volume
from streams.simulation.texts import KINDS, LabelledText, LabelledTexts, OwnTexts, Phrases, tidy
from streams.simulation.truth import Tag
from streams.simulation.writing import varied, with_tags
from surfaces.trending.counter import TrendCounter

ROOT = Path(__file__).resolve().parents[2]
NAMES = data.tag_names()
OWN = data.own_texts()
LOTS = Faults(late=0.1, duplicate=0.1, broken=0.1, ahead=0.05, far_ahead=0.03, far_past=0.03, control=0.1)


def small(seed: int, minutes: float = 0.5, rate: float = 30.0, **more: object) -> Config:
    return dataclasses.replace(scenario(seed, NAMES, minutes=minutes, rate=rate), **more)  # type: ignore[arg-type]


def read(entries: Iterable[Line]) -> Iterator[tuple[Line, Tweet]]:
    """The lines that are tweets, retries too."""
    for entry in entries:
        try:
            event = parse(entry.payload)
        except ContractError:
            continue
        if isinstance(event, Tweet):
            yield entry, event


def test_doctests() -> None:
    for module in (countries, dice, common, scenarios):
        assert doctest.testmod(module).failed == 0


# ---- determinism ----


def digest(run: Simulation) -> str:
    found = hashlib.sha256()
    for entry in run.lines():
        found.update(encode_line(entry) + b"\n")
    found.update(json.dumps(run.truth(), sort_keys=True).encode())
    return found.hexdigest()


def test_the_same_arguments_give_the_same_bytes_in_any_process() -> None:
    code = (
        "from tests.unit.test_simulation import digest, small, Simulation; print(digest(Simulation(small(5))))\n"
        "import hashlib; from streams.simulation.firehose import firehose\n"
        "print(hashlib.sha256(b''.join(firehose(3, 500, 'v1.1'))).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert said == [digest(Simulation(small(5))), hashlib.sha256(b"".join(firehose(3, 500, "v1.1"))).hexdigest()]


def test_another_seed_gives_other_bytes() -> None:
    assert digest(Simulation(small(5))) != digest(Simulation(small(6)))


# ---- the log ----


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.floats(0.05, 0.6),
    st.floats(1, 60),
    st.sampled_from([NO_FAULTS, LOTS]),
)
def test_offsets_have_no_gap_and_log_times_never_fall(
    seed: int, partitions: int, minutes: float, rate: float, faults: Faults
) -> None:
    run = Simulation(small(seed, minutes, rate, partitions=partitions, faults=faults))
    offsets: defaultdict[int, int] = defaultdict(int)
    homes: dict[str | None, int] = {}
    last_ms = run.config.start_ms
    for entry in run.lines():
        assert 0 <= entry.partition < partitions
        assert entry.offset == offsets[entry.partition]
        offsets[entry.partition] += 1
        assert homes.setdefault(entry.key, entry.partition) == entry.partition
        assert entry.log_time_ms >= last_ms
        last_ms = entry.log_time_ms
        assert b"\n" not in encode_line(entry)
    assert sum(offsets.values()) == run.records["lines"]


def test_lines_read_back_as_the_reference_reads_them() -> None:
    from streams.replay import read_lines

    entries = list(Simulation(small(2, faults=LOTS)).lines())
    assert any(entry.value is None for entry in entries)
    assert any(isinstance(entry.value_base64, str) for entry in entries)
    records = list(read_lines(encode_line(entry) + b"\n" for entry in entries))
    for entry, record in zip(entries, records, strict=True):
        assert (record.partition, record.offset, record.timestamp) == (entry.partition, entry.offset, entry.log_time_ms)
        assert (record.key, record.value) == (entry.key_bytes, entry.payload)


def test_retries_are_the_same_bytes_soon_after_in_the_same_partition() -> None:
    run = Simulation(small(4, faults=dataclasses.replace(NO_FAULTS, duplicate=0.2)))
    seen: dict[tuple[int, object], int] = {}
    retries = 0
    for entry in run.lines():
        before = seen.get((entry.partition, entry.value))
        if before is not None:
            retries += 1
            assert 0 < entry.offset - before < 4096
        else:
            seen[entry.partition, entry.value] = entry.offset
    assert retries == run.records["duplicates"] > 100


def test_event_times_are_a_little_before_log_times() -> None:
    delays = [entry.log_time_ms - tweet.created_at_ms for entry, tweet in read(Simulation(small(1)).lines())]
    delays.sort()
    assert 40 < delays[len(delays) // 2] < 600  # v1.1 has whole seconds
    assert any(delay > 5_000 for delay in delays)
    assert any(delay < 0 for delay in delays)


def test_faults_come_as_often_as_asked() -> None:
    run = Simulation(small(8, minutes=1, faults=LOTS))
    n = sum(1 for _ in run.lines())
    records = run.records
    assert records["lines"] == n == records["tweets"] + records["broken"] + records["duplicates"] + records["control"]
    made = records["tweets"] + records["broken"]
    for name, share in (("late", 0.1), ("duplicates", 0.1), ("broken", 0.1), ("control", 0.1), ("wrong_clock", 0.11)):
        assert 0.6 * share < records[name] / made < 1.4 * share, name


def test_deletions_name_an_earlier_tweet_of_their_partition_as_it_was() -> None:
    config = small(3, minutes=2, faults=NO_FAULTS)
    plain = [entry.value for entry in Simulation(config).lines()]
    tweets: dict[int, tuple[int, Tweet]] = {}
    gone, exact = [], 0
    for entry in Simulation(dataclasses.replace(config, deleted_share=0.2)).lines():
        event = parse(entry.payload)
        if isinstance(event, Tweet):
            tweets[event.id] = (entry.partition, event)
            continue
        assert event.kind == "delete" and event.id is not None
        partition, tweet = tweets[event.id]
        assert partition == entry.partition
        gone.append(event.id)
        exact += event.exact
        if event.exact:
            told = (event.created_at_ms, event.country, [use.hashtag for use in event.hashtags])
            assert told == (tweet.created_at_ms, tweet.country, [use.hashtag for use in tweet.hashtags])
    assert len(set(gone)) == len(gone)
    assert 0.15 < len(gone) / len(tweets) < 0.25
    assert 0.7 < exact / len(gone) < 0.9
    assert len(tweets) == len(plain), "nothing else changes"


# ---- payloads ----


def drafts(seed: int = 1, n: int = 400) -> Iterator[Draft]:
    run = Simulation(small(seed, minutes=2, faults=NO_FAULTS))
    made = (draft for begin_ms in range(0, 120_000, 1000) for draft in run._drafts(begin_ms, 1000))
    yield from (draft for draft, _ in zip(made, range(n), strict=False))


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_a_payload_means_what_the_draft_says(shape: str) -> None:
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


def test_v1_payloads_have_their_real_size() -> None:
    sizes = sorted(len(SHAPES["v1.1"](draft)) for draft in drafts())
    assert 2_000 < sizes[len(sizes) // 2] < 4_000
    assert sizes[-1] > 4_000


def test_every_kind_of_broken_record_is_refused_by_its_shape() -> None:
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


def test_notices_are_control_messages() -> None:
    rng = Random(3)
    kinds = set()
    for number in range(200):
        event = parse(control(rng, number, 7, "IN", DEFAULT_START_MS))
        assert isinstance(event, Control)
        kinds.add(event.kind)
    assert kinds == {"delete", "limit", "withheld"}


# ---- the ground truth ----


@pytest.mark.parametrize("faults", [NO_FAULTS, LOTS], ids=["clean", "faulty"])
def test_the_truth_counts_what_the_payloads_say(faults: Faults) -> None:
    run = Simulation(small(11, minutes=1, faults=faults))
    texts: defaultdict[str, set[int]] = defaultdict(set)
    authors: defaultdict[str, set[int]] = defaultdict(set)
    for _, tweet in read(run.lines()):
        for use in tweet.hashtags:
            texts[use.hashtag].add(tweet.id)
            authors[use.hashtag].add(tweet.author_id)
    truth = run.truth()
    listed = {tag["hashtag"]: tag for tag in truth["tags"]}
    assert len(listed) == len(truth["tags"]) > 100
    for hashtag, tag in listed.items():
        assert (len(texts[hashtag]), len(authors[hashtag])) == (tag["texts"], tag["authors"]), hashtag
    rest = texts.keys() - listed.keys()
    assert len(rest) > 100  # the long tail
    assert all(len(authors[hashtag]) < 8 for hashtag in rest)
    assert truth["records"]["tweets"] == len(
        {tweet for found in texts.values() for tweet in found} | _untagged(run.config)
    )


def _untagged(config: Config) -> set[int]:
    return {tweet.id for _, tweet in read(Simulation(config).lines()) if not tweet.hashtags}


@given(st.integers(0, 10_000), st.floats(0.5, 200), st.floats(0.5, 2_000))
@settings(max_examples=60, deadline=None)
def test_a_scenario_has_what_it_should(seed: int, minutes: float, rate: float) -> None:
    config = scenario(seed, NAMES, minutes=minutes, rate=rate)
    kinds = Counter(story.kind for story in config.stories)
    episodes = -(-config.duration_ms // 3_600_000)
    assert episodes <= kinds["campaign"] <= 3 * episodes
    assert kinds["counter_speech"] == kinds["campaign"]
    assert min(kinds["protest"], kinds["news"], kinds["sports"], kinds["bot_flood"]) >= episodes
    hashtags = [story.hashtag.casefold() for story in config.stories]
    assert len(set(hashtags)) == len(hashtags)
    for story in config.stories:
        assert 0 <= story.start_ms < story.end_ms <= config.duration_ms
        assert 0 < story.per_second <= rate / 4
        assert [use.display for use in extract_hashtags("#" + story.hashtag)] == [story.hashtag]
        if story.kind == "campaign":
            assert 0.75 <= story.harmful_share <= 0.95
            assert 40 <= story.n_authors <= 300
            assert (story.end_ms - story.start_ms) * episodes > 0.4 * config.duration_ms
        else:
            assert story.harmful_share <= 0.1
        if story.kind == "bot_flood":
            assert story.n_authors < 12


def test_the_rate_is_kept() -> None:
    for config in (scenario(3, NAMES, minutes=1.5, rate=50), demo(NAMES, rate=50, hours=0.03)):
        n = sum(1 for _ in Simulation(config).lines())
        assert 0.85 < n / (config.duration_ms / 1000 * 50) < 1.15


@pytest.mark.parametrize("start_ms", [0, 1_000, MAX_START_MS])
def test_it_can_begin_at_any_time(start_ms: int) -> None:
    run = Simulation(small(1, minutes=0.2, faults=NO_FAULTS, start_ms=start_ms))
    found = [tweet for _, tweet in read(run.lines())]
    assert len(found) == run.records["tweets"] > 200
    assert len({tweet.id for tweet in found}) == len(found)


# ---- what is said ----

LABELLED = [
    LabelledText(f"{word} sentence number {i} of the {lang} set", harmful=word == "wicked", lang=lang)
    for i in range(400)
    for word, lang in (("wicked", "en"), ("kindly", "en"), ("kindly", "hi"), ("wicked", "hi"), ("kindly", "hi-Latn"))
]


def test_campaigns_are_harmful_and_nothing_else_is() -> None:
    for seed in range(2):
        run = Simulation(small(seed, minutes=3, rate=40, faults=NO_FAULTS), LabelledTexts(LABELLED, OWN))
        wicked: Counter[str] = Counter()
        whole: Counter[str] = Counter()
        for _, tweet in read(run.lines()):
            for use in tweet.hashtags:
                whole[use.hashtag] += 1
                wicked[use.hashtag] += "wicked" in tweet.text.casefold()
        for tag in run.truth()["tags"]:
            if whole[tag["hashtag"]] < 60:
                continue
            share = wicked[tag["hashtag"]] / whole[tag["hashtag"]]
            if tag["harmful"]:
                assert max(0.62, tag["harmful_share"] - 0.15) < share < tag["harmful_share"] + 0.15, tag
            else:
                assert share < 0.16, tag


def test_a_campaign_is_young_copied_and_from_one_country() -> None:
    run = Simulation(small(2, minutes=4, faults=NO_FAULTS))
    plan = next(story for story in run.config.stories if story.kind == "campaign")
    protest = next(story for story in run.config.stories if story.kind == "protest")
    found: defaultdict[str, list[Tweet]] = defaultdict(list)
    for _, tweet in read(run.lines()):
        for use in tweet.hashtags:
            found[use.display].append(tweet)

    def shares(display: str) -> tuple[float, float, float]:
        tweets = found[display]
        authors = {tweet.author_id: tweet for tweet in tweets}
        young = sum(
            run.config.start_ms - (tweet.author_created_at_ms or 0) < 30 * 86_400_000 for tweet in authors.values()
        )
        marks = Counter(fingerprints([tweet.text for tweet in authors.values() if tweet.kind == "tweet"]).tolist())
        copied = sum(n for n in marks.values() if n > 1)
        where = Counter(tweet.country for tweet in tweets if tweet.country)
        return young / len(authors), copied / sum(marks.values()), where[plan.country] / where.total()

    young, copied, home = shares(plan.hashtag)
    assert young > 0.4
    assert copied > 0.4
    assert home > 0.9
    young, copied, _ = shares(protest.hashtag)
    assert young < 0.2
    assert copied < 0.35


def test_a_flood_has_few_authors_and_many_tweets() -> None:
    run = Simulation(small(2, minutes=3, faults=NO_FAULTS))
    for _ in run.lines():
        pass
    flood = next(tag for tag in run.truth()["tags"] if tag["kind"] == "bot_flood")
    assert flood["texts"] > 8 * flood["authors"] > 0


def test_counter_speech_answers_under_the_campaigns_tag_and_quotes_it() -> None:
    config = small(2, minutes=3, faults=NO_FAULTS)
    campaign = next(story for story in config.stories if story.kind == "campaign")
    counter = next(story for story in config.stories if story.quotes == campaign.hashtag)
    stories = (campaign, dataclasses.replace(counter, per_second=8.0))
    run = Simulation(dataclasses.replace(config, stories=stories))
    tweets = [(tweet.kind, {use.display for use in tweet.hashtags}) for _, tweet in read(run.lines())]
    answers = [tags for _, tags in tweets if counter.hashtag in tags]
    assert 0 < sum(campaign.hashtag in tags for tags in answers) < 0.1 * len(answers)
    assert any(kind == "quote" and counter.hashtag in tags for kind, tags in tweets)


@given(
    st.text(max_size=400),
    st.lists(st.sampled_from(["VelmariOut", "नदी_बचाओ", "東京カフェ", "a1"]), unique=True),
    st.integers(),
)
def test_any_text_carries_just_the_tags_it_is_given(text: str, tags: list[str], seed: int) -> None:
    written = with_tags(tidy(text), tags, Random(seed))
    assert len(written) <= 280
    assert sorted(use.display for use in extract_hashtags(written)) == sorted(tags)


def test_most_copies_keep_their_fingerprint() -> None:
    rng, text = Random(1), OWN.draw("harmful", "en", Random(2))
    copies = [varied(text, rng) for _ in range(500)]
    assert len(set(copies)) > 50
    assert 0.7 < (fingerprints(copies) == fingerprints([text])).sum() / 500 < 0.95


def test_own_texts_are_many_and_plain() -> None:
    rng = Random(1)
    for kind in KINDS:
        for language in ("en", "hi", "hi-Latn"):
            texts = {OWN.draw(kind, language, rng, rng.randrange(8)) for _ in range(4000)}
            least = 2_000 if kind in ("harmful", "clean") else 250
            assert len(texts) > least, (kind, language)
            assert all(0 < len(text) < 200 and not re.search("[#＃@{}\n]", text) for text in texts)


def test_the_harmful_file_begins_with_a_warning() -> None:
    path = ROOT / "streams" / "simulation" / "data" / "texts_harmful.yaml"
    assert path.read_text(encoding="utf-8").startswith("# WARNING")
    others = [one for one in path.parent.glob("texts_*.yaml") if one != path]
    assert len(others) == len(KINDS) - 1


def _bones(template: str) -> str:
    """A template's words without its slots, as they compare."""
    return " ".join(re.sub(r"\{\w+\}|[\W\d_]+", " ", template.casefold()).split())


def test_no_template_sentence_is_shared_with_the_training() -> None:
    templates = pytest.importorskip("models.templates", reason="models/templates.py is absent: nothing to compare with")
    training = {example.text for example in templates.generate(2_000, 1)}
    bones = {_bones(pattern) for pattern in _strings(templates._patterns())}
    rng = Random(5)
    for kind, own in OWN.templates.items():
        shared = {template for template in own if len(_bones(template).split()) > 2 and _bones(template) in bones}
        assert not shared, kind
        for language in ("en", "hi", "hi-Latn"):
            said = {OWN.draw(kind, language, rng, i) for i in range(2_000)}
            assert not said & training
            assert not {_bones(text) for text in said} & {_bones(text) for text in training}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def test_labelled_texts_serve_each_language() -> None:
    rng, texts = Random(1), LabelledTexts([*LABELLED, LabelledText("#tag <handle replaced>", y=0)], OWN)
    assert (texts.n_harmful, texts.n_clean) == (800, 1200)
    assert texts.n_harmful_in == {"en": 400, "hi": 400}
    assert texts.draw("harmful", "hi-Latn", rng) in {row.text for row in LABELLED if row.lang == "hi" and row.harmful}
    assert texts.draw("protest", "hi-Latn", rng).startswith("kindly")
    assert not texts.draw("clean", "ja", rng).startswith("kindly")
    with pytest.raises(ValueError, match="harmful"):
        LabelledText("no label at all").label()


# ---- rates ----


def test_every_country_has_its_own_evening() -> None:
    for country in COUNTRIES:
        day = [activity(country, hour * 3_600_000) for hour in range(24)]
        assert min(day) > 0
        assert max(day) == pytest.approx(1.0, abs=0.02)
        local = (day.index(max(day)) + country.utc_offset_minutes / 60) % 24
        assert 19 <= local <= 22
    noon = DEFAULT_START_MS
    assert activity(BY_CODE["IN"], noon) > 2 * activity(BY_CODE["US"], noon - 4 * 3_600_000)


def test_a_day_has_its_curve() -> None:
    india = Simulation(scenario(1, NAMES, minutes=1440, rate=4))._backgrounds[0]
    start = DEFAULT_START_MS // 60_000 + 330
    made = {(start // 60 + hour) % 24: len(india.drafts(hour * 3_600_000, 300_000)) for hour in range(24)}
    assert sum(made[hour] for hour in (19, 20, 21, 22)) > 3 * sum(made[hour] for hour in (2, 3, 4, 5)) > 100


@given(st.floats(0, 200), st.integers(0, 1000))
def test_poisson_has_its_mean(mean: float, seed: int) -> None:
    rng = Random(seed)
    draws = [dice.poisson(rng, mean) for _ in range(200)]
    assert min(draws) >= 0
    assert abs(sum(draws) / 200 - mean) < 6 * (mean / 200) ** 0.5 + 0.2


@given(
    st.sampled_from(["growing", "hump", "pulses", "steady"]),
    st.integers(1, 10**6),
    st.integers(1, 10**7),
    st.integers(),
)
def test_a_story_is_busy_between_its_start_and_its_end_only(
    course: str, start_ms: int, length_ms: int, seed: int
) -> None:
    end_ms = start_ms + length_ms
    story = Story("protest", "A", "protest", "IN", (("en", 1.0),), start_ms, end_ms, 5.0, course, 10)  # type: ignore[arg-type]
    volume = Volume(story, Random(seed))
    assert volume.per_second(start_ms - 1) == volume.per_second(end_ms) == 0
    for at_ms in (start_ms, start_ms + length_ms // 2, end_ms - 1):
        assert 0 < volume.per_second(at_ms) <= 5.0


def test_tags_have_a_long_tail() -> None:
    run = Simulation(small(3, minutes=1.5, rate=60, stories=(), faults=NO_FAULTS))
    tweets = [tweet for _, tweet in read(run.lines())]
    uses = Counter(use.hashtag for tweet in tweets if tweet.kind == "tweet" for use in tweet.hashtags)
    assert sum(n == 1 for n in uses.values()) > 0.5 * len(uses)
    assert uses.most_common(1)[0][1] > 0.03 * uses.total()
    assert 0.25 < sum(not tweet.hashtags for tweet in tweets) / len(tweets) < 0.45


def test_a_crowd_is_the_same_whoever_asks_first() -> None:
    one, other = (Crowd(1, "g", BY_CODE["IN"], 50, 0.5, DEFAULT_START_MS) for _ in range(2))
    assert [one.member(i).id for i in range(50)] == [other.member(i).id for i in reversed(range(50))][::-1]
    young = sum(DEFAULT_START_MS - one.member(i).born_ms < 30 * 86_400_000 for i in range(50))
    assert young == 25


# ---- the demo ----


def test_the_demos_campaign_enters_the_top_ten_within_ten_seconds() -> None:
    for rate in (60.0, 100.0):
        config = demo(NAMES, rate=rate, hours=0.015)
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


def test_a_short_demo_has_no_story_that_it_cannot_tell() -> None:
    for seconds in range(30, 300, 15):
        config = demo(NAMES, hours=seconds / 3600)
        assert all(0 <= story.start_ms < story.end_ms <= config.duration_ms for story in config.stories)
        campaigns = [story for story in config.stories if story.harmful]
        assert all(story.end_ms - story.start_ms >= 30_000 for story in campaigns)
        assert bool(campaigns) == (seconds >= 50)


def test_the_demo_goes_on_with_new_names() -> None:
    config = demo(NAMES, hours=1)
    campaigns = [story for story in config.stories if story.kind == "campaign"]
    assert len({story.hashtag for story in config.stories}) == len(config.stories)
    assert len(campaigns) == 36
    assert {story.start_ms // 300_000 for story in campaigns} == set(range(12))


# ---- playing ----


@given(st.integers(-(10**12), 10**12))
def test_a_payload_moves_with_all_its_times(seconds: int) -> None:
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
    """A wall clock that sleeping moves, and sending too."""

    def __init__(self, at_ms: int, send_ms: int) -> None:
        self.at_ms, self.send_ms = at_ms, send_ms
        self.sent: list[tuple[int, Line]] = []

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.at_ms += round(seconds * 1000)

    async def send(self, entry: Line) -> None:
        self.sent.append((self.at_ms, entry))
        self.at_ms += self.send_ms


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3 * 10**12), st.sampled_from([0, 1, 400]))
def test_lines_are_played_when_they_are_due(now_ms: int, send_ms: int) -> None:
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


# ---- the firehose ----


@pytest.mark.parametrize(("shape", "least", "most"), [("native", 200, 700), ("v1.1", 2_000, 7_000)])
def test_the_firehose_is_tagged_and_of_its_size(shape: str, least: int, most: int) -> None:
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


# ---- the command ----


def command(*arguments: str) -> tuple[int, bytes, BaseException | None]:
    app = typer.Typer()
    simulate.register(app)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout_bytes, result.exception


def test_the_command_writes_the_log_and_the_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    code, out, _ = command(
        "--seed", "3", "--minutes", "0.3", "--rate", "30", "--partitions", "2", "--truth", str(truth)
    )
    assert code == 0
    rows = [json.loads(row) for row in out.splitlines()]
    assert {row["partition"] for row in rows} == {0, 1}
    assert set(rows[0]) == {
        "partition",
        "offset",
        "log_time_ms",
        "key",
        "value",
    }
    expected = [encode_line(entry) for entry in Simulation(small(3, 0.3, 30, partitions=2)).lines()]
    assert out.splitlines() == expected
    tags = json.loads(truth.read_bytes())["tags"]
    needed = {"hashtag", "kind", "harmful", "never_suppress", "countries", "from_ms", "to_ms"}
    assert all(needed <= tag.keys() and tag["harmful"] != tag["never_suppress"] for tag in tags)
    assert any(tag["harmful"] for tag in tags)


def test_bare_payloads_have_no_clock_that_runs_ahead() -> None:
    code, out, _ = command("--seed", "1", "--minutes", "1.5", "--rate", "60", "--bare")
    assert code == 0
    highest_ms = 0
    for payload in out.split(b"\n"):
        try:
            event = parse(payload)
        except ContractError:
            continue
        if isinstance(event, Tweet):
            highest_ms = max(highest_ms, event.created_at_ms)
    assert DEFAULT_START_MS + 80_000 < highest_ms <= DEFAULT_START_MS + 90_000


def test_the_command_plays_live(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    before_ms = simulate.now_ms()
    code, out, _ = command("--live", "--minutes", "0.01", "--rate", "50", "--truth", str(truth))
    assert code == 0
    rows = [json.loads(row) for row in out.splitlines()]
    assert rows
    assert all(before_ms <= row["log_time_ms"] for row in rows)
    assert simulate.now_ms() - before_ms >= 500
    assert json.loads(truth.read_bytes())["records"]["lines"] == len(rows)


ALONE = "import typer; from streams.cli import simulate; app = typer.Typer(); simulate.register(app); app()"


def test_a_reader_who_has_enough_is_no_failure() -> None:
    with subprocess.Popen([sys.executable, "-c", ALONE, "--minutes", "2"], stdout=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b'{"partition"')
        running.stdout.close()
        assert running.wait(60) == 0


def test_a_live_run_that_is_interrupted_leaves_its_truth(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    arguments = [sys.executable, "-c", ALONE, "--live", "--rate", "20", "--truth", str(truth)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["offset"] == 0
        assert json.loads(truth.read_bytes())["tags"]  # the plan is there while it runs
        running.send_signal(signal.SIGINT)
        running.stdout.read()
        assert running.wait(60) == 0
    assert json.loads(truth.read_bytes())["records"]["lines"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--minutes", "0"), ("--minutes", "nan"), ("--rate", "0"), ("--rate", "inf"), ("--minutes", "99999"),
        ("--preset", "demo", "--rate", "5"), ("--texts", "no/such/file"), ("--truth", "no/such/folder/truth.json"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named_with_the_fix(arguments: tuple[str, ...]) -> None:
    code, out, error = command(*arguments)
    assert code == 1
    assert isinstance(error, CallerMistake)
    assert error.fix
    assert error.exit_code == 2
    assert not out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "a fine enough text", "y": 0}\n{"text": 5, "y": 0}\n', "line 2"),
        ('{"text": "a fine enough text"}\n', "line 1"),
        ('{"text": "a fine enough text", "harmful": 7}\n', "line 1"),
        ("not json\n", "line 1"),
        ('{"text": "only clean texts in here", "y": 0}\n', "0 harmful"),
        ("", "0 harmful and 0 clean"),
    ],
)
def test_wrong_texts_are_named_with_their_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CallerMistake, match=said):
        simulate.load_texts(path)


def test_texts_from_a_file_are_what_is_said(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [{"text": row.text, "harmful": row.harmful, "lang": row.lang} for row in LABELLED]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    code, out, _ = command("--texts", str(path), "--minutes", "0.3", "--rate", "40", "--bare")
    assert code == 0
    tweets = [event for payload in out.splitlines() if isinstance(event := _parsed(payload), Tweet)]
    english = [tweet for tweet in tweets if tweet.lang == "en"]
    assert english
    assert all(re.search("sentence|number", tweet.text.casefold()) for tweet in english)  # copies may lack either


def _parsed(payload: bytes) -> Tweet | Control | None:
    try:
        return parse(payload)
    except ContractError:
        return None


# ---- the benchmark's verdict ----

START_MS = 1_000_000


def tag(hashtag: str, kind: str, harmful: bool, country: str = "IN") -> dict[str, object]:
    return {
        "hashtag": hashtag, "kind": kind, "harmful": harmful, "never_suppress": not harmful, "countries": [country],
        "from_ms": START_MS, "to_ms": START_MS + 600_000, "language": "en",
    }  # fmt: skip


def said(hashtag: str, action: str, at_seconds: int, *, country: str = "IN", early: bool = False) -> dict[str, object]:
    at_ms = START_MS + at_seconds * 1000
    ruling = {"category": "abuse", "surface": "trends", "action": action, "since_ms": at_ms, "provisional": early}
    return {"hashtag": hashtag, "country": country, "rulings": [ruling], "decided_at_ms": at_ms, "provisional": early}


TRUTH = [tag("out", "campaign", True), tag("march", "protest", False)]
GOOD = [said("out", "suppress", 12, early=True), said("out", "suppress", 20), said("out", "suppress", 90)]


def test_a_campaign_found_and_nothing_else_passes() -> None:
    verdict = scenarios.judge(0, TRUTH, GOOD)
    assert verdict.campaigns == [scenarios.CampaignResult("out", "IN", "en", 20.0, 12.0)]
    assert verdict.campaigns[0].seconds == 12.0
    assert (verdict.false_ones, verdict.early_flags, verdict.withdrawn) == ([], 1, 0)
    assert scenarios.failures([verdict]) == []
    assert scenarios.failures([scenarios.judge(0, TRUTH, [said("out", "suppress", 20, country="*")])]) == []


@pytest.mark.parametrize(
    ("decisions", "reason"),
    [
        ([], "campaign out .* not suppressed"),
        ([said("out", "suppress", 9, early=True)], "only early"),
        ([said("out", "hold", 9), said("out", "review", 9)], "not suppressed"),
        ([said("out", "suppress", 9, country="US")], "not suppressed"),
        ([*GOOD, said("march", "suppress", 30)], "protest march suppressed in IN, settled"),
        ([*GOOD, said("march", "suppress", 30, early=True)], "protest march suppressed in IN, early"),
        ([*GOOD, said("monday", "suppress", 30)], "one-use monday"),
        ([*GOOD, said("out", "clear", 30, early=True)], "1 of 1 early flags withdrawn"),
    ],
)
def test_every_other_outcome_fails(decisions: list[dict[str, object]], reason: str) -> None:
    problems = scenarios.failures([scenarios.judge(0, TRUTH, decisions)])
    assert len(problems) == 1
    assert re.search(reason, problems[0])


def test_hold_review_and_shadow_on_a_clean_tag_are_no_failure() -> None:
    others = [said("march", action, 30) for action in ("hold", "review", "shadow", "clear", "allow")]
    assert scenarios.failures([scenarios.judge(0, TRUTH, [*GOOD, *others])]) == []


def test_few_withdrawals_are_forgiven_many_are_not() -> None:
    flags = [said("out", "suppress", second, early=True) for second in range(20)]
    one = [*GOOD[1:], *flags, said("out", "clear", 30, early=True)]
    assert scenarios.failures([scenarios.judge(0, TRUTH, one)]) == []
    assert scenarios.failures([scenarios.judge(0, TRUTH, [*one, said("out", "clear", 31, early=True)])])


def test_the_table_shows_every_seed() -> None:
    shown = scenarios.table([scenarios.judge(4, TRUTH, GOOD), scenarios.judge(5, TRUTH, [])])
    assert shown.row_count == 2


def test_the_dev_splits_become_lines(tmp_path: Path) -> None:
    if not scenarios.DEV.is_dir():
        pytest.skip("../shared/data/harm/dev is absent")
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in scenarios.dev_texts(scenarios.DEV)), encoding="utf-8")
    texts = simulate.load_texts(path)
    assert isinstance(texts, LabelledTexts)
    assert min(texts.n_harmful, texts.n_clean) > 1_500


def test_types() -> None:
    assert isinstance(OWN, OwnTexts)
    assert isinstance(OWN._phrases["clean"]["en"], Phrases)
    assert OWN.n_texts("clean", "en") > 50_000
    assert set(Tag.__struct_fields__) >= {
        "hashtag",
        "kind",
        "harmful",
        "never_suppress",
        "countries",
        "from_ms",
        "to_ms",
    }
    assert lines.line(0, 0, 1, None, b"\xff").payload == b"\xff"
