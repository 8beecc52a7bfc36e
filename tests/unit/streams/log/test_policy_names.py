"""Names of the live policy, from the topic."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import CallerMistake
from streams.log import policy_names
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.log.policy_names import FRESH_SECONDS, LivePolicyNames, read_policy_names
from streams.policy import parse_policy
from streams.settings import Settings
from tests.support.policy_cases import GOOD
from tests.support.shells import Topics

ONLY_TRENDS = "surfaces: [trends]\n" + GOOD.replace("surface: search", "surface: trends")


class PolicyWorld:
    """Policy topic in memory, and the clock of the names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.topics, self.seconds = Topics(), 1_000.0
        monkeypatch.setattr("streams.log.policies.LogReader", self.topics.reader)
        monkeypatch.setattr(policy_names, "monotonic_seconds", lambda: self.seconds)

    def activate(self, text: str) -> None:
        policy = parse_policy(text, "policy.yaml")
        record = PolicyRecord(
            revision=policy.revision, serial=policy.serial, policy=policy.canonical, model_revision="0" * 12,
            from_tick_ms=0, proposed_at_ms=0, proposed_by="w", text=text,
        )  # fmt: skip
        self.topics.append("policy", 0, encode_policy_record(record), key=policy.revision.encode())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> PolicyWorld:
    return PolicyWorld(monkeypatch)


def local(tmp_path: Path, text: str | None = GOOD) -> Settings:
    if text is not None:
        (tmp_path / "policy.yaml").write_text(text)
    return Settings(policy=tmp_path / "policy.yaml")


async def test_live_policy_counts_and_not_the_local_file(world: PolicyWorld, tmp_path: Path) -> None:
    world.activate(ONLY_TRENDS)
    names = await read_policy_names(local(tmp_path))
    assert (names.surfaces, names.categories) == (("trends",), ("abuse",))


async def test_names_follow_the_live_policy(world: PolicyWorld, tmp_path: Path) -> None:
    names = LivePolicyNames(local(tmp_path))
    world.activate(ONLY_TRENDS)
    assert (await names.read()).surfaces == ("trends",)
    world.activate(GOOD.replace("serial: 1", "serial: 2"))
    world.seconds += FRESH_SECONDS / 2
    assert (await names.read()).surfaces == ("trends",), "read again only later"
    world.seconds += FRESH_SECONDS
    assert (await names.read()).surfaces == ("search", "trends")


async def test_file_counts_before_any_policy_is_live(world: PolicyWorld, tmp_path: Path) -> None:
    assert (await read_policy_names(local(tmp_path, ONLY_TRENDS))).surfaces == ("trends",)


async def test_missing_policy_is_a_mistake(world: PolicyWorld, tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match=r"no policy is live yet, and .* cannot be read") as caught:
        await read_policy_names(local(tmp_path, None))
    assert "start a worker" in caught.value.fix
