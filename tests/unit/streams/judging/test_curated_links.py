"""Links as a signal: marked while the texts are there, kept in the settled pane, never part of a score."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from streams.counting.block_counts import BLOCK, FLAGS, LINKED, RETWEET
from streams.counting.sharding import Sharding
from streams.counting.sketch import KeyedHash
from streams.counting.uses import OpenUses
from streams.events.links import APART, with_hosts
from streams.events.tweet import HashtagUse, Tweet
from streams.judging.evidence_codec import records_of, table_of
from streams.log.panes import assemble, decode_pane_record, encode_pane
from streams.policy import Policy
from streams.windows.pane import Pane
from tests.support.block_counts import Entry, Register, flush
from tests.unit.streams.judging.test_shard_judge import SCORER, Court, action
from tests.unit.streams.test_replay import POLICY, make_policy

LISTED = "link_domains: [{domain: evil.example}]\n"


def policy_of(*, links: float = 0.5, listed: str = LISTED, serial: int = 1) -> Policy:
    text = POLICY.replace(
        "mode: shadow", f"mode: suppress\n    corroborate: {{need: 1, links: {links}, authors: 1000}}"
    )
    return make_policy(text.replace("[2m]", "[30s]").replace("serial: 1", f"serial: {serial}") + listed)


def said(court: Court, pane: int, texts: list[str], *, flags: int = 0, look: bool = True):
    """One record of so many new authors, one for each text."""
    court.offset += 1
    court._blocks[0] += 1
    entries = []
    for text in texts:
        court._author += 1
        entries.append(Entry(court._author * 0x9E3779B97F4A7C15 % 2**64, court._author, 100, flags, "", text))
    registers = [Register("a", "", pane, len(entries), entries, court._blocks[0])]
    record = flush(registers, source=0, sources=2, block=court._blocks[0], newest_ms=(pane + 1) * 10_000)
    court.judge.apply(court.offset, record)
    if look and (job := court.judge.next_look()) is not None:
        return court.judge.look(job, SCORER(job.texts))
    return []


def panes(court: Court) -> list[Pane]:
    return [pane for settled in court.settled for pane in settled.panes if pane.length_ms == 10_000]


def linking(n: int, of: int) -> list[str]:
    """Harmful texts, some with a link that Twitter has shortened."""
    return [
        with_hosts(f"bad {at}", ["https://www.evil.example/x"] if at < n else ["https://t.co/x"]) for at in range(of)
    ]


def test_enough_links_corroborate_and_too_few_do_not():
    for n, expected in ((10, ["suppress"]), (9, [])):
        court = Court(policy_of())
        said(court, 0, linking(n, 20), look=False)
        decisions = court.pass_to(10_000)
        assert [ruling.action for one in decisions for ruling in one.rulings] == expected
        for one in decisions:
            evidence = one.rulings[0].evidence
            assert evidence is not None and evidence.links == 0.5
            assert ("links", 0.5, 0.5) in [(why.signal, why.value, why.threshold) for why in one.rulings[0].reasons]


def test_an_early_look_sees_links_too():
    court = Court(policy_of(links=0.4))
    court.pass_to(10_000)
    (early,) = said(court, 1, linking(15, 20))
    assert action(early) == ("suppress", True, 20_000)


def test_a_score_does_not_depend_on_a_link():
    texts = [f"bad {at}" for at in range(5)] + [f"good {at}" for at in range(5)]
    scores = []
    for hosts in ([], ["https://evil.example/x"]):
        court = Court(policy_of())
        said(court, 0, [with_hosts(text, hosts) for text in texts], look=False)
        court.pass_to(10_000)
        (pane,) = panes(court)
        order = np.argsort(pane.tweet)
        scores.append((pane.scores[order].tolist(), pane.copy[order].tolist(), (pane.flags[order] & LINKED).tolist()))
    assert scores[0][:2] == scores[1][:2]
    assert set(scores[0][2]) == {0} and set(scores[1][2]) == {LINKED}


def test_the_mark_is_kept_in_the_pane_and_a_successor_judges_by_it():
    court = Court(policy_of())
    said(court, 0, linking(10, 20), flags=RETWEET, look=False)
    court.pass_to(10_000)
    (pane,) = panes(court)
    marked = sorted((pane.flags & FLAGS).tolist())
    assert marked == [RETWEET] * 10 + [RETWEET | LINKED] * 10, "a retweet spreads a link, too"
    (back,) = assemble(
        [decode_pane_record(value) for value in encode_pane(pane, 0, court.judge.tags)], court.judge.tags
    )
    assert back.flags.tolist() == pane.flags.tolist()
    evidence = court.settled[-1].evidence
    assert evidence is not None
    records = records_of(evidence, 0, court.judge.tags)
    assert table_of(records, court.judge.tags).links.tolist() == [0.5]
    assert records[0].conditions.links == policy_of().links_revision


def test_evidence_from_before_there_were_links_has_none():
    court = Court(policy_of())
    said(court, 0, linking(10, 20), look=False)
    court.pass_to(10_000)
    evidence = court.settled[-1].evidence
    assert evidence is not None
    (record,) = records_of(evidence, 0, court.judge.tags)
    import msgspec

    from streams.log.evidence import Conditions, EvidenceRecord, decode_evidence_record

    old = msgspec.to_builtins(record, builtin_types=(bytes,))[: EvidenceRecord.__struct_fields__.index("links")]
    old[5] = old[5][: Conditions.__struct_fields__.index("links")]
    found = decode_evidence_record(msgspec.msgpack.encode(old))
    assert found.links == b"" and found.conditions.links == ""
    assert table_of([found], court.judge.tags).links.tolist() == [0.0]


def test_the_policy_under_which_a_pane_settles_marks_it():
    court = Court(policy_of(listed="link_domains: [{domain: other.example}]\n"))
    court.pass_to(10_000)
    said(court, 1, linking(20, 20))
    court.activate(policy_of(serial=2), 1, 20_000)
    court.pass_to(20_000)
    said(court, 2, linking(20, 20))
    assert set(court.judge.open.panes[2].entries["flags"].tolist()) == {LINKED}, "for an early look, by the second list"
    court.activate(policy_of(serial=3, links=0.5, listed="link_domains: [{domain: third.example}]\n"), 2, 30_000)
    court.pass_to(30_000)
    assert [set((pane.flags & FLAGS).tolist()) for pane in panes(court)] == [{LINKED}, {0}]


def test_ingest_keeps_the_hosts_of_short_links_apart_and_a_text_cannot_forge_them():
    uses = OpenUses(Sharding(1), KeyedHash(b"k"), 10**6)
    tweet = Tweet("tweet", 1, 2, 3, "", f"bad{APART}good\nx", "", (HashtagUse("a", "a", -1, -1),), None)
    uses.add(0, 0, 1, 0, tweet)
    uses.add(BLOCK - 1, 0, 1, 0, replace(tweet, id=2, author_id=3, links=("https://evil.example/x",)))
    (record,) = uses.flush()[0]
    assert sorted(record.texts.decode().splitlines(keepends=True)) == [
        "bad good x\n",
        f"bad good x{APART}evil.example\n",
    ]
