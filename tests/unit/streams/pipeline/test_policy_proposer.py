"""A policy file on a disk, edited in every way that files are edited, and what becomes of it. Kafka is memory."""

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
from streams.log.policies import REPORT_KEY, WorkerReport
from streams.pipeline.policy_proposer import PolicyProposer
from streams.policy import Policy
from streams.policy.activation import Activation
from tests.support.shells import Shells, make_shells
from tests.unit.streams.test_replay import POLICY, make_policy

FIRST = POLICY
SECOND = POLICY.replace("serial: 1", "serial: 2").replace("suppress_at: 0.45", "suppress_at: 0.5")
LONGER = SECOND + "valves: {max_automated_hours: 48}\n"


class Desk:
    """A worker's proposer, watching a folder of its own."""

    def __init__(
        self, shells: Shells, path: Path, *, began: str = FIRST, check: Callable[[Policy], None] = lambda _: None
    ) -> None:
        self.shells, self.path = shells, path
        self.proposer = PolicyProposer(
            shells.context, lambda: 1_000, "w1", structlog.get_logger(), began=make_policy(began), check=check
        )  # fmt: skip

    async def __aenter__(self) -> Desk:
        await self.proposer.begin()
        self._task = asyncio.create_task(self.proposer.run())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def activated(self) -> list[str]:
        """The policies that went down the shards, by revision; all shards have the same."""
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
        told = [one.value for one in log if one.key and one.key.startswith(REPORT_KEY)]
        return msgspec.json.decode(told[-1] or b"", type=WorkerReport) if told else None

    async def until(self, what: Callable[[], bool], seconds: float = 10) -> float:
        begin = time.monotonic()
        while not what():
            assert time.monotonic() - begin < seconds, "did not happen in time"
            await asyncio.sleep(0.02)
        return time.monotonic() - begin


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", made.topics.reader)
    return made


async def in_place(path: Path, text: str) -> None:
    path.write_text(text)


async def by_rename(path: Path, text: str) -> None:
    """As editors and `hushtag policy apply` do."""
    other = path.with_name(".policy.yaml.swp")
    other.write_text(text)
    os.replace(other, path)


async def half_first(path: Path, text: str) -> None:
    path.write_text(text[: len(text) // 2])
    await asyncio.sleep(0.4)
    path.write_text(text)


async def as_kubernetes_does(path: Path, text: str) -> None:
    """`policy.yaml` points into `..data`, and that is a link which is swapped for another one."""
    folder = path.parent
    version = folder / f"..{time.monotonic_ns()}"
    version.mkdir()
    (version / "policy.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(version.name)
    os.replace(folder / "..data_tmp", folder / "..data")
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to("..data/policy.yaml")


@pytest.mark.parametrize("edit", [in_place, by_rename, half_first, as_kubernetes_does])
async def test_an_edit_goes_down_every_shard_however_it_is_written(edit, shells, tmp_path):
    path = tmp_path / "policy.yaml"
    await edit(path, FIRST)
    async with Desk(shells, path) as desk:
        assert desk.activated() == [make_policy(FIRST).revision]
        await edit(path, SECOND)
        took = await desk.until(lambda: len(desk.activated()) == 2)
        assert desk.activated()[-1] == make_policy(SECOND).revision and took < 2
        await desk.until(lambda: (found := desk.report()) is not None and found.revision == desk.activated()[-1])
        assert desk.bad == 0


async def test_a_broken_edit_leaves_the_last_good_policy_live_and_says_which_line(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with Desk(shells, path) as desk:
        path.write_text(SECOND.replace("clear_at: 0.3", "clear_at: 3"))
        await desk.until(lambda: desk.bad == 1)
        assert desk.activated() == [make_policy(FIRST).revision]
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "bad")
        found = desk.report()
        assert found is not None and "policy.yaml:14:15" in found.why
        path.unlink()
        await asyncio.sleep(0.3)
        assert desk.activated() == [make_policy(FIRST).revision], "a file that is gone changes nothing"
        path.write_text(SECOND)
        await desk.until(lambda: desk.bad == 0 and len(desk.activated()) == 2)


async def test_what_needs_a_restart_is_not_half_applied(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with Desk(shells, path) as desk:
        path.write_text(LONGER)
        await desk.until(lambda: desk.bad == 1)
        assert desk.activated() == [make_policy(FIRST).revision], "neither the valve nor the threshold"
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "bad")
        found = desk.report()
        assert found is not None and "48 is above the 24 that workers began with: they need a restart" in found.why
        assert found.began_hours == 24
    async with Desk(shells, path, began=LONGER) as restarted:
        assert restarted.activated()[-1] == make_policy(LONGER).revision
        async with Desk(shells, path) as other:  # it runs on: the file is the live one, and it cannot follow
            await other.until(lambda: (found := other.report()) is not None and found.verdict == "restart")


async def test_a_policy_for_which_the_topics_keep_too_little_is_refused(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    asked: list[Policy] = []

    def check(policy: Policy) -> None:
        asked.append(policy)
        raise TopicsError("hashtag-panes keeps 2 h", fix="hushtag topics create --alter")

    async with Desk(shells, path, check=check) as desk:
        path.write_text(SECOND.replace("windows: [2m]", "windows: [2m, 6h]"))
        await desk.until(lambda: desk.bad == 1)
        await desk.until(lambda: (found := desk.report()) is not None and "hashtag-panes keeps 2 h" in found.why)
        path.write_text(SECOND.replace("serial: 2", "serial: 3"))
        await desk.until(lambda: len(desk.activated()) == 2)
    assert [policy.longest_window_ms for policy in asked] == [21_600_000], "only what is longer is asked about"


def away(path: Path) -> None:
    path.unlink()


def another_users(path: Path) -> None:
    """What root sees of a file that it may not read; a folder of the same name cannot be read either."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(("lose", "why"), [(away, "No such file"), (another_users, "Is a directory")])
async def test_a_file_that_stays_unreadable_is_told(lose, why, shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    said: list[tuple[str, str]] = []
    async with Desk(shells, path) as desk:
        desk.proposer._log = SimpleNamespace(
            error=lambda what, **more: said.append((more["why"], more["fix"])), info=lambda *_, **__: None
        )
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "same")
        lose(path)
        await desk.until(lambda: desk.bad == 1)
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "bad")
        found = desk.report()
        assert found is not None and found.revision == "" and f"cannot read the policy {path}: {why}" in found.why
        await asyncio.sleep(2.5)
        ((why, fix),) = said
        assert why == found.why and "may read it" in fix, "said once"
        assert desk.activated() == [make_policy(FIRST).revision], "it changes nothing"
        if path.is_dir():
            path.rmdir()
        path.write_text(FIRST)
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "same")
        assert desk.bad == 0, "it is back as it was"


async def test_a_file_that_differs_is_told_until_it_is_the_live_one(shells, tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with Desk(shells, path) as desk:
        path.write_text(SECOND.replace("serial: 2", "serial: 1"))
        await desk.until(lambda: desk.drift == 1)
        path.write_text(SECOND)
        await desk.until(lambda: len(desk.activated()) == 2)
        await desk.until(lambda: desk.drift == 0)


async def go_live_elsewhere(shells, monkeypatch, path):
    """SECOND, by another machine's worker."""
    path.parent.mkdir()
    path.write_text(SECOND)
    theirs = make_shells(monkeypatch, at_once=True, policy=path, shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", shells.topics.reader)
    theirs.topics.logs, theirs.sender.topics = shells.topics.logs, shells.topics
    await Desk(theirs, path).proposer.begin()


async def test_a_file_is_compared_again_when_another_workers_goes_live(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_MS", 100)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    async with Desk(shells, path) as desk:
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "same")
        await go_live_elsewhere(shells, monkeypatch, tmp_path / "other" / "policy.yaml")
        await desk.until(lambda: desk.drift == 1)
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "behind")
        assert desk.activated()[-1] == make_policy(SECOND).revision, "shown, not fought over"
        path.write_text(SECOND)
        await desk.until(lambda: desk.drift == 0)


async def test_a_topic_that_cannot_be_read_for_a_while_ends_no_worker(shells, tmp_path, monkeypatch):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_MS", 100)
    path = tmp_path / "policy.yaml"
    path.write_text(FIRST)
    asked: list[str] = []

    def silent(_kafka, topic, **_):
        asked.append(topic)
        raise DependencyAway("the broker is silent")

    async with Desk(shells, path) as desk:
        monkeypatch.setattr("streams.log.policies.LogReader", silent)
        await desk.until(lambda: len(asked) >= 2)
        monkeypatch.setattr("streams.log.policies.LogReader", shells.topics.reader)
        path.write_text(SECOND)
        await desk.until(lambda: len(desk.activated()) == 2)


@pytest.mark.parametrize("error", [DependencyAway("the broker is silent"), msgspec.DecodeError("no JSON")])
async def test_what_cannot_be_read_when_another_goes_live_is_read_at_the_next_look(
    shells, tmp_path, monkeypatch, error
):
    monkeypatch.setattr("streams.pipeline.policy_proposer.REPORT_EVERY_MS", 100)
    path, asked = tmp_path / "policy.yaml", []
    path.write_text(FIRST)
    async with Desk(shells, path) as desk:
        await desk.until(lambda: (found := desk.report()) is not None and found.verdict == "same")
        model_of = desk.proposer._model

        async def model():
            asked.append(None)
            if len(asked) == 1:
                raise error
            return await model_of()

        await go_live_elsewhere(shells, monkeypatch, tmp_path / "other" / "policy.yaml")
        monkeypatch.setattr(desk.proposer, "_model", model)
        await desk.until(lambda: desk.drift == 1)
    assert len(asked) == 2, "and the worker has not ended"
