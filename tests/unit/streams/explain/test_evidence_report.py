"""Report on a hashtag's evidence: the last tick of each window, the live policy and its files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streams.explain.evidence_report import PolicyFiles
from streams.log.policies import PolicyRecord
from tests.support.explanations import CALM, LONG, OVER, POLICY, POLICY_TEXT, SHORT, EvidenceTopics, tick


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> EvidenceTopics:
    return EvidenceTopics(monkeypatch)


async def test_window_without_hashtag_is_below_floor(topics):
    """55 minutes ago it was over in two minutes; now it is below the evidence floor there, and calm in twenty."""
    topics.write(*tick(60_000, {SHORT: {"tag": OVER}, LONG: {"tag": OVER}}))
    for at in range(1, 330):
        topics.write(
            *tick(60_000 + 10_000 * at, {SHORT: {"other": OVER}} | ({LONG: {"tag": CALM}} if at % 6 == 0 else {}))
        )
    found = await topics.read(3_360_000)
    assert {(one.level, one.window_ms, one.tick_ms) for one in found.reports} == {("under", LONG, 3_300_000)}
    (below,) = found.below
    assert (below.country, below.window_ms, below.floor) == ("*", SHORT, POLICY.evidence_floor)


async def test_repeated_record_is_not_a_later_tick(topics):
    first, second = tick(10_000, {SHORT: {"tag": CALM}}), tick(20_000, {SHORT: {"tag": OVER}})
    topics.write(*first, *second, *first)
    assert {(one.level, one.tick_ms) for one in (await topics.read(60_000)).reports} == {("over", 20_000)}


async def test_records_after_the_time_are_not_read(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}), *tick(20_000, {SHORT: {}}))
    topics.topics.append("hashtag-evidence", 0, b"not read")
    found = await topics.read(19_999)
    assert {one.level for one in found.reports} == {"over"} and not found.below


async def test_only_country_without_hashtag_is_below_floor(topics):
    """The tick has two records, as if its window did not fit in one."""
    (whole,) = tick(10_000, {SHORT: {"other": OVER, "tag": OVER}})
    parts = [msgspec.structs.replace(one, part=part, parts=2) for part, one in enumerate([
        *tick(10_000, {SHORT: {"other": OVER}}), *tick(10_000, {SHORT: {"tag": OVER}})])]  # fmt: skip
    assert whole.rows == sum(one.rows for one in parts)
    topics.write(*parts)
    found = await topics.read(60_000, "*", "IN")
    assert {(one.country, one.level) for one in found.reports} == {("*", "over")}
    assert [(one.country, one.window_ms) for one in found.below] == [("IN", SHORT)]
    assert found.seen and not (await topics.read(60_000, "IN")).seen


async def test_protection_follows_live_policy_from_its_tick(topics):
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    text = POLICY_TEXT.replace("serial: 1", "serial: 2") + "never_suppress: [TAG]\n"
    new = topics.activate(text, from_tick_ms=20_000)
    before, after = await topics.read(19_999), await topics.read(20_000)
    assert (before.live, before.protected) == (POLICY.revision, False)
    assert (after.revision, after.live, after.protected) == (POLICY.revision, new.revision, True)


async def test_live_policy_is_known_without_evidence(topics):
    found = await topics.read(60_000)
    assert (found.revision, found.live, found.seen, found.below) == ("", POLICY.revision, False, [])


async def test_fault_of_scorer_is_reported(topics):
    text = POLICY_TEXT.replace("serial: 1", "serial: 2").replace("hour: 16", "hour: 16, least_scored: 0.5")
    policy = topics.activate(text)
    blind = {"tweets": 60, "scored": 2, "share": 0.1}
    topics.write(*tick(10_000, {SHORT: {"tag": OVER} | {f"t{n}": blind for n in range(9)}}, policy))
    fault = (await topics.read(60_000)).fault
    assert fault is not None and fault.signal == "least_scored"
    assert (await topics.read(9_999)).fault is None


async def test_model_is_that_of_evidence_else_live_one(topics):
    assert (await topics.read(60_000)).model == "0" * 12
    topics.write(*tick(10_000, {SHORT: {"tag": OVER}}))
    assert (await topics.read(60_000)).model == "0" * 12


def test_policy_files_name_path_only_with_equal_content():
    record = PolicyRecord(
        revision=POLICY.revision, serial=1, policy=POLICY.canonical, model_revision="m", from_tick_ms=0,
        proposed_at_ms=0, proposed_by="w", text=POLICY_TEXT,
    )  # fmt: skip
    path, at = Path("policy.yaml"), ("harmful_share_lower", "hateful_conduct", "trends", "*")
    for text, name in ((POLICY_TEXT, "policy.yaml"), (POLICY_TEXT + "\n# edited", f"policy {POLICY.revision}")):
        files = PolicyFiles({POLICY.revision: record}, path, text)
        found = files.line_of(POLICY.revision, *at)
        assert found is not None and (found[0], found[1].line) == (name, 8)
        assert files.line_of("000000000000", *at) is None
