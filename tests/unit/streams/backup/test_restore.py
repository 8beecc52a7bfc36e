"""Checks of a restore before it touches a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.backup import take
from streams.backup.manifest import ORDER
from streams.backup.restore import restore_backup
from streams.backup.take import take_backup
from streams.errors import CallerMistake
from streams.log.policies import PolicyRecord, encode_policy_record
from streams.settings import Settings
from tests.support.shells import Topics
from tests.support.word_policy import POLICY, make_policy


@pytest.fixture
async def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A backup whose live policy allows four new suppressions an hour."""
    topics, policy = Topics(), make_policy(POLICY + "valves: {new_suppressions_per_hour: 4}\n")
    monkeypatch.setattr(take, "LogReader", topics.reader)
    monkeypatch.setattr(take, "_topic_ids", lambda _: dict.fromkeys(ORDER, "id"))
    record = PolicyRecord(
        revision=policy.revision, serial=1, policy=policy.canonical, model_revision="f" * 12, from_tick_ms=0,
        proposed_at_ms=1, proposed_by="w",
    )  # fmt: skip
    topics.append("x.policy", 0, encode_policy_record(record), key=b"p")
    await take_backup(Settings(topic_prefix="x."), tmp_path / "backup")
    return tmp_path / "backup"


@pytest.mark.parametrize(
    ("settings", "why", "fix"),
    [
        ({"topic_prefix": "y."}, r"of topics with the prefix 'x\.', not 'y\.'", "HUSHTAG_TOPIC_PREFIX=x."),
        ({"topic_prefix": "x.", "shards": 8}, "new_suppressions_per_hour 4 .* is below HUSHTAG_SHARDS=8", "4 or less"),
    ],
)
async def test_backup_that_does_not_fit_is_refused(folder, settings, why, fix):
    with pytest.raises(CallerMistake, match=why) as refused:
        await restore_backup(Settings(**settings), folder, actor="asha", reason="r")
    assert fix in refused.value.fix


async def test_damaged_backup_is_refused_before_the_cluster_is_asked(folder):
    [file] = folder.glob("policy-*.gz")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CallerMistake, match="is damaged"):
        await restore_backup(Settings(topic_prefix="x.", shards=4), folder, actor="asha", reason="r")
