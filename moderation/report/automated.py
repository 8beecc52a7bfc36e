"""The automated decisions that a report counts, from two places: their own topic, kept for days, and the audit log.

Where both have a record they must have the same bytes, or one of them was changed and no number can be trusted. Where
neither has what was once there, the time that is missing is known, and the report says so. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern

import msgspec

from moderation.audit.chain import Entry, record_bytes
from moderation.audit.sources import is_loss
from streams.errors import EXIT_NO, HushtagError
from streams.log.decisions import HIDING, Decision, Ruling, decision_in
from streams.log.topic_specs import DECISIONS

ALWAYS_MS = 0
"""The beginning of a hole of which nobody knows when it began."""


class LogsDisagree(HushtagError):
    """The audit log and the topic that it was copied from hold different things at one place."""

    exit_code = EXIT_NO


@dataclass(frozen=True, slots=True)
class Hole:
    """A time in [from_ms, to_ms) of which some automated decisions may be lacking."""

    from_ms: int
    to_ms: int


@dataclass(slots=True)
class _Partition:
    first_offset: int
    """The first that the topic still has when it is read."""
    next_offset: int = 0
    """The first that the audit log does not have."""
    audited_ms: int = ALWAYS_MS
    """When the last record that the audit log has was logged."""
    first_ms: int | None = None
    """When the first record that the topic still has was logged."""
    lost: bool = False


class Gathered:
    """Hear the topic first, then the audit log, each in its order; then ask for `decisions` and `holes`.

    Args:
        begins: partition → the first offset that the topic has.
        from_ms, to_ms: the report's time. Of what was decided before, only the last of each key is kept, and of each
            ruling only what a report counts: a month of decisions has to fit into memory.
    """

    def __init__(self, begins: Mapping[int, int], from_ms: int, to_ms: int) -> None:
        self._partitions = {partition: _Partition(begin) for partition, begin in begins.items()}
        self._from_ms, self._to_ms = from_ms, to_ms
        self._digests: dict[tuple[int, int, int], bytes] = {}
        """(partition, offset, log time) → of the topic's record."""
        self._within: dict[tuple[str, str, str], Decision] = {}
        self._before: dict[tuple[str, str], Decision] = {}
        self._holes: list[Hole] = []

    def hear_record(self, partition: int, offset: int, log_time_ms: int, value: bytes | None) -> None:
        """Take a record of the topic."""
        known = self._partitions[partition]
        if known.first_ms is None:
            known.first_ms = log_time_ms
        self._digests[partition, offset, log_time_ms] = _digest(value)
        self._take(value)

    def hear_entry(self, entry: Entry) -> None:
        """Take an entry of the audit log.

        Raises:
            LogsDisagree: the topic has another record there.
        """
        source = entry.source
        known = self._partitions.get(source.partition)
        if source.topic != DECISIONS or known is None:
            return
        known.next_offset = source.offset + 1
        if is_loss(entry):
            known.lost = True
            return
        if known.lost:
            self._holes.append(Hole(known.audited_ms, source.log_time_ms))
        known.audited_ms, known.lost = source.log_time_ms, False
        if entry.note:
            return
        value = record_bytes(entry)
        digest = self._digests.get((source.partition, source.offset, source.log_time_ms))
        if digest is None:
            self._take(value)
        elif digest != _digest(value):
            raise LogsDisagree(
                f"entry {entry.seq} of the audit log is not what {DECISIONS}[{source.partition}] has at offset "
                f"{source.offset}: one of them was changed",
                fix="hushtag audit verify says whether it was the log; until that is known trust neither",
            )

    def decisions(self) -> list[Decision]:
        """Each once; those before the report's time only where they may still count in it."""
        return [*self._before.values(), *self._within.values()]

    def holes(self) -> list[Hole]:
        """What is lacking of the report's time, in order, without overlaps."""
        found = list(self._holes)
        for known in self._partitions.values():
            if known.lost or known.first_offset > known.next_offset:
                found.append(Hole(known.audited_ms, self._to_ms if known.first_ms is None else known.first_ms))
        merged: list[Hole] = []
        for hole in sorted(found, key=lambda one: one.from_ms):
            hole = Hole(max(hole.from_ms, self._from_ms), min(hole.to_ms, self._to_ms))
            if merged and hole.from_ms <= merged[-1].to_ms:
                merged[-1] = Hole(merged[-1].from_ms, max(merged[-1].to_ms, hole.to_ms))
            elif hole.from_ms < hole.to_ms:
                merged.append(hole)
        return merged

    def _take(self, value: bytes | None) -> None:
        said = decision_in(value)
        if said is None or said.decided_at_ms >= self._to_ms:
            return
        if said.decided_at_ms >= self._from_ms:
            self._within.setdefault((said.hashtag, said.country, said.version), _slim(said))
            return
        key = said.hashtag, said.country
        if key not in self._before or self._before[key].version < said.version:
            self._before[key] = _slim(said)


def _slim(said: Decision) -> Decision:
    """What a report counts of a decision: which categories hide, and until when."""
    ends: dict[str, int] = {}
    for ruling in said.rulings:
        if ruling.action in HIDING:
            ends[intern(ruling.category)] = max(ruling.expires_at_ms, ends.get(ruling.category, 0))
    rulings = tuple(
        Ruling(category=category, surface="", action="suppress", since_ms=0, expires_at_ms=end_ms)
        for category, end_ms in ends.items()
    )
    names = {"hashtag": intern(said.hashtag), "country": intern(said.country), "display": ""}
    return msgspec.structs.replace(said, rulings=rulings, policy_revision="", model_revision="", **names)


def _digest(value: bytes | None) -> bytes:
    return hashlib.blake2b(value or b"", digest_size=16).digest()
