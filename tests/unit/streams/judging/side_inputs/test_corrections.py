"""What stage 2 has said of a shard's entries: from which tick on it counts, of which entries, and after a restart."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from streams.counting.block_counts import PANE_MS
from streams.counting.keys import Tags
from streams.judging.shard_judge import ShardJudge
from streams.judging.side_inputs.corrections import Corrected
from streams.judging.two_stage_share import LEAST
from streams.log.corrections import decode_corrections, encode_rows
from streams.log.panes import assemble, decode_pane_record, encode_pane
from streams.windows.corrections import Corrections
from tests.support.block_counts import Entry, Register, flush
from tests.unit.streams.judging.side_inputs.test_retractions import sample
from tests.unit.streams.judging.test_shard_judge import HASHES, SCORER, SUPPRESS, Court, activation

COLUMNS = 1 + len(SCORER.categories)


def corrections(
    tweets: list[int], by: float = -0.5, *, tag: str = "a", revision: str = "new", model: str = SCORER.revision
) -> Corrections:
    differences = np.full((len(tweets), COLUMNS), by, "<f4")
    return Corrections(revision, model, [tag] * len(tweets), np.array(tweets, "<i8").tobytes(), differences.tobytes())


def read(court: Court, tweets: list[int], by: float = -0.5, **more: str) -> None:
    """A record of stage 2 in the shard's log."""
    court.offset += 1
    court.judge.apply(court.offset, corrections(tweets, by, **more))


def looked(court: Court) -> dict[int, tuple[int, float]]:
    """(how many texts stage 2 has read, harmful share) of the only tag, by settled tick."""
    found = {}
    for one in court.settled:
        assert one.evidence is not None
        table = one.evidence.tables[min(one.evidence.tables)]
        for row in range(len(table.keys)):
            n = 0 if table.correction is None else int(table.correction.looked[row])
            found[one.tick_ms] = (n, round(float(table.share[row, 0]), 3))
    return found


def tweets_of(court: Court) -> list[int]:
    """All that the only tag's shortest window holds."""
    window = court.judge.views.shortest
    assert window is not None
    return sorted({tweet for pane in window.panes for tweet in pane.tweet.tolist()})


def after_ten(court: Court) -> list[int]:
    """A tick with ten authors has settled; their tweets."""
    court.hear(0, bad=10, look=False)
    court.pass_to(10_000)
    return tweets_of(court)


def heir_of(court: Court, *, forget: bool = False) -> Court:
    """Whoever takes over from what the topics hold."""
    progress = court.settled[-1].progress
    assert progress is not None
    judge = ShardJudge(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES, max_lag_ms=40_000
    )
    panes = [pane for settled in court.settled for pane in settled.panes]
    kept = [
        decode_corrections(value)
        for one in court.settled
        if one.corrected is not None and len(one.corrected)
        for value in encode_rows(one.corrected, court.judge.tags, court.judge.corrected.revisions)
    ]
    back = assemble(
        [decode_pane_record(value) for pane in panes for value in encode_pane(pane, 0, court.judge.tags)], judge.tags
    )
    judge.recover(
        replace(progress, activations=[activation(SUPPRESS)]), court.said,
        [pane for pane in back if pane.length_ms == PANE_MS], [pane for pane in back if pane.length_ms != PANE_MS],
        corrected=[] if forget else kept,
    )  # fmt: skip
    return Court(None, judge=judge, offset=progress.position)


def test_a_correction_counts_from_the_next_tick_on_and_with_its_error() -> None:
    court = Court()
    tweets = after_ten(court)
    read(court, tweets)
    court.pass_to(20_000)
    found = looked(court)
    assert found[10_000][0] == 0 and found[20_000][0] == 10
    assert found[20_000][1] == pytest.approx(found[10_000][1] - 0.5, abs=1e-3)


@pytest.mark.parametrize("corrected", [False, True])
def test_an_early_look_sees_what_counts_by_then(corrected: bool) -> None:
    court = Court()
    court.hear(0, bad=5, look=False)
    court.pass_to(10_000)
    if corrected:
        read(court, tweets_of(court), by=-0.875)
    court.pass_to(20_000)
    assert bool(court.hear(2, bad=5)) != corrected


def test_a_decision_says_how_many_texts_stage_2_has_read() -> None:
    court = Court()
    tweets = after_ten(court)
    (before,) = {ruling.evidence for one in court.said for ruling in one.rulings}
    assert before is not None and (before.looked, before.stage_2) == (0, "")
    for at_ms in range(20_000, 130_000, 10_000):  # until it is renewed
        read(court, tweets, by=-0.0625)
        court.hear(at_ms // PANE_MS - 1, bad=4, look=False)
        court.pass_to(at_ms)
        tweets = tweets_of(court)
    counted = [ruling.evidence for one in court.said for ruling in one.rulings if ruling.evidence]
    renewed = [one for one in counted if one.looked]
    assert renewed and {one.stage_2 for one in renewed} == {"new"}
    assert all(one.lower <= one.share <= one.upper for one in counted)


def test_too_few_correct_nothing() -> None:
    court = Court()
    tweets = after_ten(court)
    read(court, tweets[: LEAST - 1])
    court.pass_to(20_000)
    assert looked(court)[20_000] == looked(court)[10_000]


@pytest.mark.parametrize("repeated", ["the record", "a row of it", "by another revision"])
def test_nothing_is_corrected_twice(repeated: str) -> None:
    court = Court()
    tweets = after_ten(court)
    if repeated == "a row of it":
        read(court, tweets + tweets)
    else:
        read(court, tweets)
        read(court, tweets, **({} if repeated == "the record" else {"by": -0.25, "revision": "newer"}))
    court.pass_to(20_000)
    assert looked(court)[20_000][0] == 10
    assert looked(court)[20_000][1] == pytest.approx(looked(court)[10_000][1] - 0.5, abs=1e-3)
    assert sum(len(one.corrected or ()) for one in court.settled) == 10, "and nothing is written twice"


def test_a_tweet_that_no_longer_speaks_for_its_author_corrects_nothing() -> None:
    """A second tweet of each author has the smaller hash: it is the one in the sample now."""
    court = Court()
    authors = sorted(HASHES.authors(range(1, 11)).tolist())
    pairs = {author: sorted((1_000 + n, 2_000 + n), key=HASHES.order) for n, author in enumerate(authors)}

    def say(pane: int, which: int, watermark_ms: int) -> None:
        court.offset += 1
        entries = [Entry(author, both[which], 100, 0, "", f"bad {both[which]}") for author, both in pairs.items()]
        register = Register("a", "", pane, len(entries), entries, pane)
        court.judge.apply(court.offset, flush([register], sources=2, block=pane, watermark_ms=watermark_ms))

    say(0, 1, 0)
    court.pass_to(10_000)
    read(court, [both[1] for both in pairs.values()])
    court.pass_to(20_000)
    assert looked(court)[20_000][0] == 10
    say(2, 0, 20_000)
    court.pass_to(30_000)
    assert looked(court)[30_000][0] == 0


def test_what_was_found_under_one_hashtag_says_nothing_of_another() -> None:
    court = Court()
    tweets = after_ten(court)
    read(court, tweets[6:], tag="b")
    read(court, tweets[:6])
    court.pass_to(20_000)
    assert looked(court)[20_000][0] == 6


def test_what_differs_from_another_stage_1_says_nothing_and_other_columns_are_left_out() -> None:
    court = Court()
    tweets = after_ten(court)
    read(court, tweets, model="another")
    court.offset += 1
    court.judge.apply(court.offset, replace(corrections(tweets), differences=np.zeros((10, 9), "<f4").tobytes()))
    court.pass_to(20_000)
    assert looked(court)[20_000][0] == 0
    assert court.judge.corrected.foreign == 10


def test_no_tick_that_may_have_settled_is_touched() -> None:
    """One source is at 20 s when the record comes, the other at 10 s: the tick at 20 s is judged without it."""
    court = Court()
    tweets = after_ten(court)
    court.hear(0, watermark_ms=20_000)
    read(court, tweets)
    court.pass_to(30_000)
    found = looked(court)
    assert [found[tick_ms][0] for tick_ms in (20_000, 30_000)] == [0, 10]


def test_a_successor_begins_at_what_does_not_count_yet_and_knows_the_watermark_there() -> None:
    """It reads the record again, and comes to the same tick, though its predecessor has seen later watermarks."""
    court = Court()
    tweets = after_ten(court)
    court.hear(0, watermark_ms=25_000)
    at = court.offset + 1
    read(court, tweets)
    court.hear(0, watermark_ms=45_000)
    court.hear(0, watermark_ms=20_000, source=1)
    progress = court.progress
    assert (progress.replay_offset, progress.replay_passed_ms, progress.passed_ms) == (at, 25_000, 45_000)
    assert court.settled[-1].corrected is not None and not len(court.settled[-1].corrected)
    heir = heir_of(court)
    heir.offset = at - 1
    read(heir, tweets)
    for one in (court, heir):
        one.pass_to(45_000 if one is heir else 30_000)
    assert looked(heir)[30_000] == looked(court)[30_000] and looked(heir)[30_000][0] == 10


def test_a_successor_has_what_its_predecessor_had() -> None:
    court = Court()
    read(court, after_ten(court))
    court.pass_to(20_000)
    heir, bare = heir_of(court), heir_of(court, forget=True)
    for one in (court, heir, bare):
        one.pass_to(30_000)
    assert looked(heir)[30_000] == looked(court)[30_000] and looked(heir)[30_000][0] == 10
    assert looked(bare)[30_000][0] == 0


def test_what_left_every_window_is_forgotten() -> None:
    court = Court()
    read(court, after_ten(court))
    court.pass_to(20_000)
    assert court.judge.corrected
    for at_ms in range(70_000, 2_000_000, 600_000):
        court.pass_to(at_ms)
    assert not court.judge.corrected and court.judge.tags.numbers() == []


def test_it_finds_rows_as_a_search_through_all_of_them_would() -> None:
    tags, dice = Tags(), np.random.default_rng(3)
    state = Corrected(COLUMNS, SCORER.revision)
    told: dict[tuple[str, int], tuple[int, float]] = {}
    for at in range(40):
        tag, tweets = "abc"[dice.integers(3)], dice.integers(0, 30, 4).tolist()
        state.passed_ms = at * 7_000
        by = float(np.float32(dice.uniform(-1, 1)))
        state.take(at, corrections(tweets, by, tag=tag), tags)
        for tweet in tweets:
            told.setdefault((tag, tweet), (at * 7_000 // PANE_MS, by))
    keys = np.array([tags.key(tag, country) for tag in "abc" for country in ("*", "IN")], np.int64)
    whole = sample(tags, range(32), keys.tolist())
    for start, end in ((0, 5), (3, 20), (10, 40)):
        found = state.of(whole, keys, start * PANE_MS, end * PANE_MS)
        for row, (group, tweet) in enumerate(zip(whole.group.tolist(), whole.tweet.tolist(), strict=True)):
            heard, by = told.get((tags.name(int(keys[group])), tweet), (-1, 0.0))
            expected = [by] * COLUMNS if start <= heard < end else [None] * COLUMNS
            got = [None] * COLUMNS if found is None or found.revisions[row] < 0 else found.differences[row].tolist()
            assert got == expected


def test_what_was_found_before_the_model_was_in_force_corrects_nothing() -> None:
    """The tweets were scored by another one: what stage 2 says beyond this one says nothing of those scores."""
    court = Court()
    tweets = after_ten(court)
    read(court, tweets, model="later")
    court.offset += 1
    court.judge.apply(court.offset, replace(activation(SUPPRESS, 1, 20_000), model_revision="later"))
    court.pass_to(30_000)
    assert court.judge.model_revision == "later"
    assert [looked(court)[tick_ms][0] for tick_ms in (20_000, 30_000)] == [0, 0]
