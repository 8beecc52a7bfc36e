"""Content of a backup: its records, checked against the manifest before anything is restored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.backup.manifest import MANIFEST, ORDER, UNFINISHED, Manifest, read_manifest
from streams.backup.segments import BackedUpRecord, check_file, damaged, read_segment
from streams.errors import CallerMistake, ContractError
from streams.log.policies import NewIncarnation, PolicyRecord, PolicyTopic, decode_policy_topic, policy_topic
from streams.log.topic_specs import POLICY


@dataclass(frozen=True, slots=True)
class BackupContents:
    """A backup whose files match its manifest."""

    folder: Path
    manifest: Manifest
    policy: PolicyTopic
    """Content of the `policy` topic."""

    def records(self, name: str) -> Iterator[BackedUpRecord]:
        """Yield the records of a topic, in the order of their offsets."""
        for segment in self.manifest.topics[name].segments:
            yield from read_segment(self.folder, segment)


def open_backup(folder: Path) -> BackupContents:
    """Check every file of a backup and read its policies.

    Raises:
        CallerMistake: the folder has no finished backup, or a file is damaged.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        unfinished = read_manifest(folder, UNFINISHED) is not None
        what = "an unfinished backup only" if unfinished else f"no {MANIFEST}"
        raise CallerMistake(f"{folder} has {what}", fix="name the folder that `hushtag backup --into` wrote to its end")
    missing = [name for name in ORDER if name not in manifest.topics]
    if missing:
        raise damaged(folder / MANIFEST, f"it lacks the topic {missing[0]}")
    for name in ORDER:
        last = 0
        for segment in manifest.topics[name].segments:
            if segment.first_offset < last or segment.next_offset <= segment.first_offset:
                raise damaged(folder / MANIFEST, f"the files of {name} overlap")
            last = segment.next_offset
            check_file(folder, segment.file, segment.sha256)
        if last > manifest.topics[name].next_offset:
            raise damaged(folder / MANIFEST, f"the files of {name} go beyond offset {last}")
    return BackupContents(folder, manifest, _policies(folder, manifest))


def _policies(folder: Path, manifest: Manifest) -> PolicyTopic:
    records: list[tuple[int, PolicyRecord]] = []
    incarnation = 0
    for segment in manifest.topics[POLICY].segments:
        for record in read_segment(folder, segment):
            try:
                decoded = decode_policy_topic(record.key, record.value, record.log_time_ms)
            except ContractError:
                continue
            if isinstance(decoded, PolicyRecord):
                records.append((record.offset, decoded))
            elif isinstance(decoded, NewIncarnation):
                incarnation = max(incarnation, decoded.incarnation)
    return policy_topic(records, {}, manifest.topics[POLICY].next_offset, {}, incarnation)
