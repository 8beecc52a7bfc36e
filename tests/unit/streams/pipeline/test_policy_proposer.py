"""The policy proposer: a file on a disk, edited in several ways, over Kafka in memory."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import structlog

from streams.errors import DependencyAway, TopicsError
from streams.log.partials import decode_partial
from streams.log.policies import REPORT_KEY, PolicyRecord, WorkerReport, encode_policy_record
from streams.pipeline.policy_file import policy_to_begin_with
from streams.pipeline.policy_proposer import PolicyProposer
from streams.policy import Policy
from streams.policy.activation import Activation
from tests.support.shells import SCORER, Shells, make_shells
from tests.support.word_policy import POLICY, make_policy

FIRST = POLICY
SECOND = POLICY.replace("serial: 1", "serial: 2").replace("suppress_at: 0.45", "suppress_at: 0.5")
LONGER = SECOND + "valves: {max_automated_hours: 48}\n"


class ProposerHarness:
    """A worker's proposer that watches a folder."""

    def __init__(
        self, shells: Shells, path: Path, *, began: str = FIRST, check: Callable[[Policy], None] = lambda _: None
    ) -> None:
        self.shells, self.path = shells, path
        self.proposer = PolicyProposer(
            shells.context, lambda: 1_000, "w1", structlog.get_logger(), began=make_policy(began), check=check
        )  # fmt: skip

    async def __aenter__(self) -> ProposerHarness:
        await self.proposer.begin()
        self._task = asyncio.create_task(self.proposer.run())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def activated(self) -> list[str]:
        """Return the revisions activated on the shards; all shards have the same."""
        prefix = self.shells.context.settings.topic("hashtag-partials")
        logs = [
            [
                one.revision
                for one in map(decode_partial, (kept.value or b"" for kept in log))
                if isinstance(one, Activation)
            ]
            for (topic, _), log in sorted(self.shells.topics.logs.items())
            if topic == prefix
        ]
        assert len(logs) == self.shells.context.settings.shards and all(log == logs[0] for log in logs)
        return list(dict.fromkeys(logs[0]))

    @property
    def bad(self) -> float:
        return self._gauge("hushtag_policy_file_bad")

    @property
    def drift(self) -> float:
        return self._gauge("hushtag_policy_file_drift")

    def _gauge(self, name: str) -> float:
        found = self.shells.context.metrics.registry.get_sample_value(name)
        assert found is not None
        return found

    def report(self) -> WorkerReport | None:
        log = self.shells.topics.read(self.shells.context.settings.topic("policy"), 0)
        reports = [one.value for one in log if one.key and one.key.startswith(REPORT_KEY)]
        return msgspec.json.decode(reports[-1] or b"", type=WorkerReport) if reports else None

    async def until(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not what():
                await asyncio.sleep(0.02)


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", made.topics.reader)
    return made


async def in_place(path: Path, text: str) -> None:
    path.write_text(text)


async def by_rename(path: Path, text: str) -> None:
    """Replace the file by a rename, as editors and `hushtag policy apply` do."""
    other = path.with_name(".policy.yaml.swp")
    other.write_text(text)
    os.replace(other, path)


async def in_two_writes(path: Path, text: str) -> None:
    path.write_text(text[: len(text) // 2])
    await asyncio.sleep(0.4)
    path.write_text(text)


async def by_configmap_link(path: Path, text: str) -> None:
    """Swap the link `..data`, into which `policy.yaml` points."""
    folder = path.parent
    version = folder / f"..{time.monotonic_ns()}"
    version.mkdir()
    (version / "policy.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(version.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to("..data/policy.yaml")


@pytest.mark.parametrize("edit", [in_place, by_rename, in_two_writes, by_configmap_link])
async def test_edit_is_activated_on_every_shard(edit, shells, tmp_path):
    path = tmp_path / "policy.yaml"
    await edit(path, FIRST)
    async with ProposerHarness(shells, path) as worker:
        assert worker.activated() == [make_policy(FIRST).revision]
        await edit(path, SECOND)
        await worker.until(lambda: len(worker.activated()) == 2)
        assert worker.activated()[-1] == make_policy(SECOND).revision
        await worker.until(lambda: (found := worker.report()) is not None and found.revision == worker.activated()[-1])
        assert worker.bad == 0


async def test_bad_edit_keeps_the_last_good_policy_live(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        path.write_text(SECOND.replace("clear_at: 0.3", "clear_at: 3"))
        await worker.until(lambda: worker.bad == 1)
        assert worker.activated() == [make_policy(FIRST).revision]
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "bad")
        found = worker.report()
        assert found is not None and "policy.yaml:14:15" in found.why
        path.unlink()
        await asyncio.sleep(0.3)
        assert worker.activated() == [make_policy(FIRST).revision], "a deleted file changes nothing"
        path.write_text(SECOND)
        await worker.until(lambda: worker.bad == 0 and len(worker.activated()) == 2)


async def test_policy_that_needs_a_restart_is_refused_whole(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        path.write_text(LONGER)
        await worker.until(lambda: worker.bad == 1)
        assert worker.activated() == [make_policy(FIRST).revision], "neither the valve nor the threshold"
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "bad")
        found = worker.report()
        assert found is not None and "48 is above the 24 that workers began with: they need a restart" in found.why
        assert found.began_hours == 24
    async with ProposerHarness(shells, path, began=LONGER) as restarted:
        assert restarted.activated()[-1] == make_policy(LONGER).revision
        async with ProposerHarness(shells, path) as other:  # not restarted: its file is live, and it cannot follow
            await other.until(lambda: (found := other.report()) is not None and found.verdict == "restart")


async def test_policy_beyond_topic_retention_is_refused(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    asked: list[Policy] = []

    def check(policy: Policy) -> None:
        asked.append(policy)
        raise TopicsError("hashtag-panes keeps 2 h", fix="hushtag topics create --alter")

    async with ProposerHarness(shells, path, check=check) as worker:
        path.write_text(SECOND.replace("windows: [2m]", "windows: [2m, 6h]"))
        await worker.until(lambda: worker.bad == 1)
        await worker.until(lambda: (found := worker.report()) is not None and "hashtag-panes keeps 2 h" in found.why)
        path.write_text(SECOND.replace("serial: 2", "serial: 3"))
        await worker.until(lambda: len(worker.activated()) == 2)
    assert [policy.longest_window_ms for policy in asked] == [21_600_000], "only a longer window is checked"


def deleted(path: Path) -> None:
    path.unlink()


def unreadable(path: Path) -> None:
    """Replace the file by a folder: for root, no file is unreadable."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(("lose", "why"), [(deleted, "No such file"), (unreadable, "Is a directory")])
async def test_unreadable_file_is_reported_once(lose, why, shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    logged: list[tuple[str, str]] = []
    async with ProposerHarness(shells, path) as worker:
        worker.proposer._log = SimpleNamespace(
            error=lambda what, **more: logged.append((more["why"], more["fix"])), info=lambda *_, **__: None
        )
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        lose(path)
        await worker.until(lambda: worker.bad == 1)
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "bad")
        found = worker.report()
        assert found is not None and found.revision == "" and f"cannot read the policy {path}: {why}" in found.why
        await asyncio.sleep(2.5)
        ((why, fix),) = logged
        assert why == found.why and "readable" in fix, "logged once"
        assert worker.activated() == [make_policy(FIRST).revision], "it changes nothing"
        if path.is_dir():
            path.rmdir()
        path.write_text(FIRST)
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        assert worker.bad == 0, "the file is back unchanged"


async def test_drift_is_reported_until_the_file_is_live(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        path.write_text(SECOND.replace("serial: 2", "serial: 1"))
        await worker.until(lambda: worker.drift == 1)
        path.write_text(SECOND)
        await worker.until(lambda: len(worker.activated()) == 2)
        await worker.until(lambda: worker.drift == 0)


async def go_live_elsewhere(shells, monkeypatch, path):
    """Make SECOND live by the worker of another machine."""
    path.parent.mkdir()
    path.write_text(SECOND)
    theirs = make_shells(monkeypatch, at_once=True, policy=path, shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", shells.topics.reader)
    theirs.topics.logs, theirs.sender.topics = shells.topics.logs, shells.topics
    await ProposerHarness(theirs, path).proposer.begin()


async def test_file_is_compared_again_after_another_goes_live(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        await go_live_elsewhere(shells, monkeypatch, tmp_path / "other" / "policy.yaml")
        await worker.until(lambda: worker.drift == 1)
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "behind")
        assert worker.activated()[-1] == make_policy(SECOND).revision, "reported, not replaced"
        path.write_text(SECOND)
        await worker.until(lambda: worker.drift == 0)


async def test_unreadable_policy_topic_does_not_end_the_worker(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    asked: list[str] = []

    def silent(_kafka, topic, **_):
        asked.append(topic)
        raise DependencyAway("the broker is silent")

    async with ProposerHarness(shells, path) as worker:
        monkeypatch.setattr("streams.log.policies.LogReader", silent)
        await worker.until(lambda: len(asked) >= 2)
        monkeypatch.setattr("streams.log.policies.LogReader", shells.topics.reader)
        path.write_text(SECOND)
        await worker.until(lambda: len(worker.activated()) == 2)


@pytest.mark.parametrize("error", [DependencyAway("the broker is silent"), msgspec.DecodeError("no JSON")])
async def test_failed_comparison_is_repeated_at_the_next_look(shells, tmp_path, monkeypatch, error):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_SECONDS", 0.1)
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path, asked = tmp_path / "policy.yaml", []
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        model_of = worker.proposer._model

        async def model():
            asked.append(None)
            if len(asked) == 1:
                raise error
            return await model_of()

        monkeypatch.setattr(worker.proposer, "_model", model)
        await go_live_elsewhere(shells, monkeypatch, tmp_path / "other" / "policy.yaml")
        await worker.until(lambda: worker.drift == 1)
    assert len(asked) == 2, "the worker has not ended"


def append_policy(shells: Shells, text: str, **more: object) -> int:
    """Append the record of a policy to the topic, as `hushtag policy apply --to topic` does; return its offset."""
    policy = make_policy(text)
    record = PolicyRecord(
        revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision=SCORER.revision,
        from_tick_ms=20_000, proposed_at_ms=1, proposed_by="asha", actor="asha", text=text, **more,
    )  # fmt: skip
    topic = shells.context.settings.topic("policy")
    return shells.topics.append(topic, 0, encode_policy_record(record), key=b"k").offset


def dead_letters(shells: Shells) -> list[bytes | None]:
    return [one.key for one in shells.topics.read("internal-dead-letter", 0)]


async def test_unreadable_record_is_dead_lettered_once(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        assert worker.activated() == [make_policy(FIRST).revision]
    for value in (None, b"no JSON"):
        shells.topics.append("policy", 0, value, key=b"4f1c09aa21de")
    bad = [one.offset for one in shells.topics.read("policy", 0)][-2:]
    for _ in range(2):  # a restart finds it in the dead-letter topic
        async with ProposerHarness(shells, path) as worker:
            assert worker.activated() == [make_policy(FIRST).revision], "the last readable policy stays live"
            assert dead_letters(shells) == [f"policy/0/{offset}".encode() for offset in bad]
            assert worker._gauge("hushtag_policy_records_unreadable") == 2


async def test_unreadable_record_does_not_stop_a_running_worker(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        shells.topics.append("policy", 0, b"", key=b"k")
        await worker.until(lambda: len(dead_letters(shells)) == 1)
        path.write_text(SECOND)
        await worker.until(lambda: len(worker.activated()) == 2)


async def test_clock_that_jumps_back_delays_no_other_writers_policy(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        monkeypatch.setattr("streams.pipeline.policy_proposer.now_ms", lambda: 1_000)
        append_policy(shells, SECOND, via="topic", before=0)
        await worker.until(lambda: worker.activated()[-1] == make_policy(SECOND).revision)


async def test_policy_from_the_topic_is_activated_and_outranks_the_file(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "same")
        append_policy(shells, SECOND, via="topic", before=0)
        await worker.until(lambda: worker.activated()[-1] == make_policy(SECOND).revision)
        await worker.until(lambda: (found := worker.report()) is not None and found.verdict == "behind")
        assert worker.drift == 0, "the file need not follow"
    async with ProposerHarness(shells, path) as restarted:
        assert restarted.activated()[-1] == make_policy(SECOND).revision, "an older file proposes nothing"
        path.write_text(SECOND.replace("suppress_at: 0.5", "suppress_at: 0.6"))
        await restarted.until(lambda: restarted.drift == 1)


async def test_overtaken_file_is_compared_with_the_winner(shells, tmp_path, monkeypatch):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with ProposerHarness(shells, path) as worker:
        publish = worker.proposer._publish

        async def overtaken(topic: str, value: bytes, key: bytes) -> int:
            if not key.startswith(REPORT_KEY):
                monkeypatch.setattr(worker.proposer, "_publish", publish)
                append_policy(shells, SECOND.replace("suppress_at: 0.5", "suppress_at: 0.6"), via="topic", before=0)
            return await publish(topic, value, key)

        monkeypatch.setattr(worker.proposer, "_publish", overtaken)
        monkeypatch.setattr("streams.pipeline.policy_proposer.FOLLOW_EVERY_SECONDS", 0.1)
        path.write_text(SECOND)
        await worker.until(lambda: len(worker.activated()) == 2)
        winner = make_policy(SECOND.replace("suppress_at: 0.5", "suppress_at: 0.6")).revision
        await worker.until(lambda: worker.drift == 1)
        assert worker.activated()[-1] == winner and make_policy(SECOND).revision not in worker.activated()


async def test_worker_begins_with_the_newer_of_file_and_topic(shells):
    settings, log = shells.context.settings, structlog.get_logger()
    assert await policy_to_begin_with(settings, make_policy(FIRST), log) == make_policy(FIRST)
    append_policy(shells, LONGER)
    assert (await policy_to_begin_with(settings, make_policy(FIRST), log)).valves.max_automated_hours == 48
    newer = make_policy(FIRST.replace("serial: 1", "serial: 3"))
    assert await policy_to_begin_with(settings, newer, log) is newer


async def test_missing_dead_letter_topic_does_not_stop_the_start(shells, tmp_path, monkeypatch):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    shells.topics.append("policy", 0, b"no JSON")

    async def away(*_):
        raise TopicsError("topic internal-dead-letter does not exist")

    with monkeypatch.context() as broken:
        broken.setattr("streams.pipeline.policy_proposer.read_dead_lettered", away)
        async with ProposerHarness(shells, path) as worker:
            assert worker.activated() == [make_policy(FIRST).revision] and not dead_letters(shells)
    async with ProposerHarness(shells, path):
        assert dead_letters(shells) == [b"policy/0/0"]
