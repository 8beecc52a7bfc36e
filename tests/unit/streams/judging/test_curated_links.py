"""Links as a signal: flagged while the texts exist, published with the settled pane, never part of a score."""

from __future__ import annotations

import numpy as np

from streams.constants import BLOCK
from streams.counting.block_counts import FLAGS, LINKED, RETWEET
from streams.counting.keys import Sharding
from streams.events.links import APART, with_hosts
from streams.judging.evidence_codec import records_of, table_of
from streams.log.pane_assembly import assemble
from streams.log.panes import decode_pane_record, encode_pane
from streams.policy import Policy
from streams.windows.pane import Pane
from tests.support.block_counts import BlockCount, Entry, flush
from tests.support.judge_harness import SCORER, JudgeHarness, action, early_scores
from tests.support.sources import record, source, tweet
from tests.support.word_policy import POLICY, make_policy

LISTED = "link_domains: [{domain: evil.example}]\n"


def policy_of(*, links: float = 0.5, listed: str = LISTED, serial: int = 1) -> Policy:
    text = POLICY.replace(
        "mode: shadow", f"mode: suppress\n    corroborate: {{need: 1, links: {links}, authors: 1000}}"
    )
    return make_policy(text.replace("[2m]", "[30s]").replace("serial: 1", f"serial: {serial}") + listed)


def write(harness: JudgeHarness, pane: int, texts: list[str], *, flags: int = 0, early: bool = True):
    """Write one tweet of a new author for each text, and decide early."""
    harness._blocks[0] += 1
    entries = []
    for text in texts:
        harness._author += 1
        entries.append(Entry(harness._author * 0x9E3779B97F4A7C15 % 2**64, harness._author, 100, flags, "", text))
    counts = [BlockCount("a", "", pane, len(entries), entries, harness._blocks[0])]
    harness.write(flush(counts, source=0, sources=2, block=harness._blocks[0], newest_ms=(pane + 1) * 10_000))
    if early and (firing := harness.judge.next_early()) is not None:
        return harness.judge.decide_early(firing, early_scores(firing))
    return []


def panes(harness: JudgeHarness) -> list[Pane]:
    return [pane for settled in harness.settled for pane in settled.panes if pane.length_ms == 10_000]


def linking(n: int, of: int) -> list[str]:
    """Make harmful texts; `n` of them link to a listed domain, the others to a shortener alone."""
    return [
        with_hosts(f"bad {at}", ["https://www.evil.example/x"] if at < n else ["https://t.co/x"]) for at in range(of)
    ]


def test_enough_links_corroborate():
    for n, expected in ((10, ["suppress"]), (9, ["review"])):
        harness = JudgeHarness(policy_of())
        write(harness, 0, linking(n, 20), early=False)
        decisions = harness.advance(10_000)
        assert [ruling.action for one in decisions for ruling in one.rulings] == expected
        for one in decisions:
            evidence = one.rulings[0].evidence
            assert evidence is not None and evidence.links == n / 20
            reached = [(why.signal, why.value, why.threshold) for why in one.rulings[0].reasons]
            assert (("links", 0.5, 0.5) in reached) == (expected == ["suppress"])


def test_early_decision_uses_links():
    harness = JudgeHarness(policy_of(links=0.4))
    harness.advance(10_000)
    (early,) = write(harness, 1, linking(15, 20))
    assert action(early) == ("suppress", True, 20_000)


def test_early_decision_uses_links_of_texts_scored_ahead():
    harness = JudgeHarness(policy_of(links=0.4))
    harness.advance(10_000)
    write(harness, 1, linking(15, 20), early=False)
    harness.reach(21_000, 0, 1, watermark_ms=10_000)
    texts = harness.judge.next_ahead()
    assert texts is not None
    texts.score(SCORER(texts.batch.lines))
    (early,) = harness.decide_early()
    assert action(early) == ("suppress", True, 20_000)


def test_scores_do_not_depend_on_links():
    texts = [f"bad {at}" for at in range(5)] + [f"good {at}" for at in range(5)]
    scores = []
    for hosts in ([], ["https://evil.example/x"]):
        harness = JudgeHarness(policy_of())
        write(harness, 0, [with_hosts(text, hosts) for text in texts], early=False)
        harness.advance(10_000)
        (pane,) = panes(harness)
        order = np.argsort(pane.tweet)
        scores.append((pane.scores[order].tolist(), pane.copy[order].tolist(), (pane.flags[order] & LINKED).tolist()))
    assert scores[0][:2] == scores[1][:2]
    assert set(scores[0][2]) == {0} and set(scores[1][2]) == {LINKED}


def test_link_flag_is_published_with_the_pane():
    harness = JudgeHarness(policy_of())
    write(harness, 0, linking(10, 20), flags=RETWEET, early=False)
    harness.advance(10_000)
    (pane,) = panes(harness)
    marked = sorted((pane.flags & FLAGS).tolist())
    assert marked == [RETWEET] * 10 + [RETWEET | LINKED] * 10, "also in retweets"
    (back,) = assemble(
        [decode_pane_record(value) for value in encode_pane(pane, 0, harness.judge.state.tags)],
        harness.judge.state.tags,
    )
    assert back.flags.tolist() == pane.flags.tolist()
    evidence = harness.settled[-1].evidence
    assert evidence is not None
    records = records_of(evidence, 0, harness.judge.state.tags)
    assert table_of(records, harness.judge.state.tags).signals["links"].tolist() == [0.5]
    assert records[0].conditions.links == policy_of().links_revision


def test_link_flag_follows_the_policy_of_the_settled_pane():
    harness = JudgeHarness(policy_of(listed="link_domains: [{domain: other.example}]\n"))
    harness.advance(10_000)
    write(harness, 1, linking(20, 20))
    harness.activate(policy_of(serial=2), 1, 20_000)
    harness.advance(20_000)
    write(harness, 2, linking(20, 20))
    assert set(harness.judge.state.open.panes[2].entries["flags"].tolist()) == {LINKED}, (
        "flagged early, by the second list"
    )
    harness.activate(policy_of(serial=3, links=0.5, listed="link_domains: [{domain: third.example}]\n"), 2, 30_000)
    harness.advance(30_000)
    assert [set((pane.flags & FLAGS).tolist()) for pane in panes(harness)] == [{LINKED}, {0}]


def test_text_cannot_forge_the_hosts_of_links():
    core = source(sharding=Sharding(1))
    text = f"bad{APART}good\nx"
    core.read([
        record(0, tweet(1, tags=("a",), text=text)),
        record(BLOCK - 1, tweet(2, tags=("a",), text=text, urls=["https://evil.example/x"])),
    ])  # fmt: skip
    (sent,) = core.flush()[0]
    assert sorted(sent.texts.decode().splitlines(keepends=True)) == [
        "bad good x\n",
        f"bad good x{APART}evil.example\n",
    ]
