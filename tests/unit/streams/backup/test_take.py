"""Taking a backup over topics in memory: whole, what is new, and after an interruption."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.backup import segments, take
from streams.backup.contents import open_backup
from streams.backup.manifest import MANIFEST, ORDER, UNFINISHED, read_manifest
from streams.backup.take import take_backup
from streams.errors import CallerMistake, DependencyAway
from streams.log.fillers import FILLER_KEY
from streams.log.policies import INCARNATION_KEY, NewIncarnation, encode_policy_record
from streams.settings import Settings
from tests.support.policy_records import record_of
from tests.support.shells import Reader, Topics

SETTINGS = Settings(topic_prefix="x.", shards=4)


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    made = Topics()
    monkeypatch.setattr(take, "LogReader", made.reader)
    monkeypatch.setattr(take, "_topic_ids", lambda _: {name: f"id of {name}" for name in ORDER})
    for number in range(5):
        made.append("x.moderation", 0, b"decision %d" % number, key=b"m%d" % number)
        made.append("x.audit", 0, b"entry %d" % number)
    made.append("x.policy", 0, encode_policy_record(record_of(1)), key=b"p")
    made.append("x.policy", 0, b"a report", key=b"worker|w1")
    made.append("x.models", 0, b"\xff\x00", key=b"f" * 12)
    made.append("x.moderation", 0, None, key=FILLER_KEY)
    return made


def values(folder: Path, name: str) -> list[tuple[int, bytes | None]]:
    return [(one.offset, one.value) for one in open_backup(folder).records(name)]


async def test_backup_has_all_but_reports_and_fillers(topics, tmp_path):
    manifest = await take_backup(SETTINGS, tmp_path / "b")
    assert values(tmp_path / "b", "moderation") == [(n, b"decision %d" % n) for n in range(5)]
    assert values(tmp_path / "b", "models") == [(0, b"\xff\x00")]
    assert [offset for offset, _ in values(tmp_path / "b", "policy")] == [0]
    assert manifest.topics["policy"].next_offset == 2, "the report's offset counts"
    assert open_backup(tmp_path / "b").policy.live == record_of(1)
    assert not (tmp_path / "b" / UNFINISHED).exists() and not list((tmp_path / "b").glob("*.part"))


async def test_backup_is_for_its_owner_alone(topics, tmp_path):
    before = os.umask(0)
    try:
        await take_backup(SETTINGS, tmp_path / "b")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "b", *(tmp_path / "b").iterdir())}
    assert modes.pop(tmp_path / "b") == 0o700
    assert set(modes.values()) == {0o600}, modes


async def test_second_backup_adds_what_is_new(topics, tmp_path):
    await take_backup(SETTINGS, tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    await take_backup(SETTINGS, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == files, "nothing is new"
    topics.append("x.moderation", 0, b"decision 6", key=b"m6")
    begun = NewIncarnation(incarnation=2, why="reshard", shards=4, at_ms=1, actor="a", reason="r")
    topics.append("x.policy", 0, encode_policy_record(begun), key=INCARNATION_KEY)
    await take_backup(SETTINGS, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} - files == {
        f"moderation-{6:019d}.jsonl.gz", f"policy-{2:019d}.jsonl.gz"
    }  # fmt: skip
    assert values(tmp_path, "moderation")[-1] == (6, b"decision 6")
    assert open_backup(tmp_path).policy.incarnation == 2


async def test_interrupted_backup_is_continued(topics, tmp_path, monkeypatch):
    """The broker goes away in the second topic; the state before remains valid, and the next run goes on."""
    await take_backup(SETTINGS, tmp_path)
    for number in range(6, 10):
        topics.append("x.moderation", 0, b"decision %d" % number)
        topics.append("x.audit", 0, b"entry %d" % number)
    monkeypatch.setattr(segments, "SEGMENT_RECORDS", 2)

    class Broken(Reader):
        async def to_end(self, starts=None, ends=None) -> AsyncIterator[list]:
            async for batch in super().to_end(starts, ends):
                yield batch[:3]
                if self.topic == "x.moderation":
                    raise DependencyAway("the broker is silent")

    with monkeypatch.context() as broken:
        broken.setattr(take, "LogReader", lambda _, topic, **__: Broken(topics, topic))
        with pytest.raises(DependencyAway):
            await take_backup(SETTINGS, tmp_path)
    assert len(values(tmp_path, "moderation")) == len(values(tmp_path, "audit")) == 5, "the state before"
    assert not list(tmp_path.glob("*.part"))
    read: list[tuple[str, int | None]] = []

    class Watched(Reader):
        async def to_end(self, starts=None, ends=None) -> AsyncIterator[list]:
            read.append((self.topic, (starts or {}).get(0)))
            async for batch in super().to_end(starts, ends):
                yield batch

    monkeypatch.setattr(take, "LogReader", lambda _, topic, **__: Watched(topics, topic))
    await take_backup(SETTINGS, tmp_path)
    assert ("x.moderation", 8) in read, "two of the new records were kept"
    assert [value for _, value in values(tmp_path, "moderation")] == [b"decision %d" % n for n in range(10) if n != 5]


async def test_other_topics_are_refused(topics, tmp_path, monkeypatch):
    await take_backup(SETTINGS, tmp_path)
    with pytest.raises(CallerMistake, match=r"with the prefix 'x\.', not 'y\.'"):
        await take_backup(Settings(topic_prefix="y."), tmp_path)
    topics.logs["x.moderation", 0] = topics.logs["x.moderation", 0][:2]
    with pytest.raises(CallerMistake, match=r"x.moderation ends at 2, but .* has it up to 6: it was cut short"):
        await take_backup(SETTINGS, tmp_path)
    monkeypatch.setattr(take, "_topic_ids", lambda _: dict.fromkeys(ORDER, "another"))
    with pytest.raises(CallerMistake, match=r"another topic x.audit-checkpoints: it was created again"):
        await take_backup(SETTINGS, tmp_path)


async def test_unfinished_or_damaged_backup_is_refused(topics, tmp_path):
    with pytest.raises(CallerMistake, match=r"has no manifest.json"):
        open_backup(tmp_path)
    await take_backup(SETTINGS, tmp_path)
    whole = (tmp_path / MANIFEST).read_bytes()
    for old, new, why in (
        (b'"format": 1', b'"format": 7', "has format 7, not 1"),
        (b'"topics"', b'"others"', "its digest differs"),
        (b"{", b"", "is damaged"),
        (b'"next_offset": 6', b'"next_offset": 4', "its digest differs"),
    ):
        (tmp_path / MANIFEST).write_bytes(whole.replace(old, new))
        with pytest.raises(CallerMistake, match=why):
            open_backup(tmp_path)
    (tmp_path / MANIFEST).rename(tmp_path / UNFINISHED)
    (tmp_path / UNFINISHED).write_bytes(whole)
    with pytest.raises(CallerMistake, match="has an unfinished backup only"):
        open_backup(tmp_path)
    assert read_manifest(tmp_path) is None


async def test_folder_that_cannot_be_written_is_named(topics, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CallerMistake, match=r"cannot write .*file"):
        await take_backup(SETTINGS, tmp_path / "file")


async def test_full_disk_is_no_mistake_of_the_caller(topics, tmp_path, monkeypatch):
    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(DependencyAway, match="No space left") as failed:
            await take_backup(SETTINGS, tmp_path / "b")
    assert failed.value.exit_code == 1
    await take_backup(SETTINGS, tmp_path / "b")
    assert len(values(tmp_path / "b", "moderation")) == 5
