"""A policy put live through the topic: checked, numbered, and refused where another writer was faster."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from streams import policy_activation
from streams.clock import now_ms
from streams.constants import PANE_MS
from streams.errors import CallerMistake, PolicyError, TopicsError
from streams.log.policies import PolicyRecord, WorkerReport, encode_policy_record, read_policy_topic
from streams.policy_activation import PolicyOvertaken, draft_policy, publish_policy
from tests.support.shells import NOW_MS, Shells, make_shells
from tests.support.word_policy import POLICY, make_policy

SECOND = POLICY.replace("suppress_at: 0.45", "suppress_at: 0.5 # less")
THIRD = POLICY.replace("suppress_at: 0.45", "suppress_at: 0.6")


class _Producer:
    """The command's own producer, over the same topics."""

    def __init__(self, shells: Shells) -> None:
        self.send, self.acknowledged = shells.sender.send, shells.sender.acknowledged

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.newest.LogReader", made.topics.reader)
    monkeypatch.setattr(policy_activation, "Sender", lambda *_, **__: _Producer(made))
    monkeypatch.setattr(policy_activation, "find_problems", lambda *_, **__: [])
    policy = make_policy()
    live = PolicyRecord(
        revision=policy.revision, serial=1, policy=policy.canonical, model_revision="f" * 12, from_tick_ms=0,
        proposed_at_ms=NOW_MS, proposed_by="w1", text=POLICY,
    )  # fmt: skip
    made.topics.append("policy", 0, encode_policy_record(live), key=b"k")
    made.topics.append("tweets", 0, b"{}")
    return made


async def draft(shells: Shells, text: str = SECOND, if_live: str | None = None):
    topic = await read_policy_topic(shells.context.settings)
    return draft_policy(topic, text.encode(), shards=2, if_live=if_live)


def report(shells: Shells, hours: int, age_ms: int = 0) -> None:
    one = WorkerReport(
        worker="w1", file="p", revision="", verdict="same", why="", at_ms=now_ms() - age_ms, began_hours=hours
    )
    shells.topics.append("policy", 0, encode_policy_record(one), key=b"worker|w1")


async def test_published_policy_is_live_with_the_next_serial(shells):
    settings = shells.context.settings
    record, offset = await publish_policy(settings, await draft(shells), actor="asha", reason="a flood")
    found = await read_policy_topic(settings)
    assert found.live == record and found.sequence == offset == 1
    assert (record.serial, record.before, record.via, record.actor, record.reason) == (2, 0, "topic", "asha", "a flood")
    assert record.model_revision == "f" * 12 and "suppress_at 0.45 → 0.5" in record.changes[0]
    assert record.text == SECOND.replace("serial: 1", "serial: 2"), "comments are kept"
    assert record.revision == make_policy(record.text).revision
    assert PANE_MS < record.from_tick_ms - NOW_MS <= 2 * PANE_MS, "time for workers to activate it"
    assert not shells.topics.read("hashtag-partials", 0), "the writer needs no right on the shards"


async def test_concurrent_policies_leave_the_first_one(shells):
    settings = shells.context.settings
    one, other = await draft(shells, SECOND), await draft(shells, THIRD)
    winner, _ = await publish_policy(settings, one, actor="asha", reason="r")
    with pytest.raises(PolicyOvertaken, match=f"policy {winner.revision} .serial 2. by asha is live") as refused:
        await publish_policy(settings, other, actor="ravi", reason="r")
    assert refused.value.exit_code == 3 and len(shells.topics.read("policy", 0)) == 2, "nothing was written"


async def test_writer_finds_its_overtaken_record_when_it_reads_back(shells, monkeypatch):
    """The other record arrives between the look at the topic and the write."""
    settings, send = shells.context.settings, policy_activation._send

    async def late(settings, record):
        theirs = replace(record, model_revision="a" * 12, actor="asha")
        shells.topics.append("policy", 0, encode_policy_record(theirs), key=b"k2")
        return await send(settings, record)

    monkeypatch.setattr(policy_activation, "_send", late)
    with pytest.raises(PolicyOvertaken, match="by asha is live"):
        await publish_policy(settings, await draft(shells), actor="ravi", reason="r")
    found = await read_policy_topic(settings)
    assert found.live is not None and found.live.actor == "asha" and len(found.refused) == 1


async def test_named_revision_must_be_live(shells):
    revision = make_policy().revision
    assert (await draft(shells, if_live=revision[:4])).sequence == 0
    for other in ("zz", ""):
        with pytest.raises(PolicyOvertaken, match=f"policy {revision} .serial 1. by w1 is live"):
            await draft(shells, if_live=other)


async def test_serial_without_room_for_later_ones_is_refused(shells):
    greatest = POLICY.replace("serial: 1", f"serial: {2**53}")
    assert make_policy(greatest).serial == 2**53, "no later policy could have a greater one"
    with pytest.raises(CallerMistake, match="no room for later policies") as refused:
        await draft(shells, greatest)
    assert refused.value.fix == "set it to 2"


async def test_equal_policy_has_no_changes(shells):
    assert not (await draft(shells, "# again\n" + POLICY)).changes


async def test_bad_policy_and_missing_live_policy_are_refused(shells):
    with pytest.raises(PolicyError):
        await draft(shells, SECOND.replace("clear_at: 0.3", "clear_at: 3"))
    shells.topics.logs.clear()
    with pytest.raises(CallerMistake, match="no policy is live yet"):
        await draft(shells)


async def test_policy_that_a_worker_cannot_follow_is_refused(shells, monkeypatch):
    settings, longer = shells.context.settings, SECOND + "valves: {max_automated_hours: 48}\n"
    report(shells, 24, age_ms=10**6)
    await publish_policy(settings, await draft(shells, longer), actor="asha", reason="no such worker is there")
    report(shells, 24)
    with pytest.raises(PolicyError, match=r"worker w1: valves.max_automated_hours 72"):
        await publish_policy(settings, await draft(shells, longer.replace("48", "72")), actor="a", reason="r")
    windows = SECOND.replace("windows: [2m]", "windows: [2m, 6h]")
    monkeypatch.setattr(policy_activation, "find_problems", lambda *_, **__: ["hashtag-panes keeps 2 h"])
    monkeypatch.setattr(policy_activation, "topics_error", lambda found: TopicsError(found[0], fix="--alter"))
    with pytest.raises(PolicyError, match="the topics keep too little for it: hashtag-panes keeps 2 h"):
        await publish_policy(settings, await draft(shells, windows), actor="a", reason="r")
