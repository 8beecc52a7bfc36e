"""The registry of protected speakers: news media, journalists, activists, politicians. Pure.

Their tweets and quotes do not count towards harm. A legal order against one is proposed as "declined: protected
speech", and two people must agree to act on it. Teams keep the registry as CSV. The log keeps the periods of
protection, and the last name and basis of each account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moderation.domain.tables import BadCell, RowProblem, TableLine, account_of, one_of, read_table, words, write_table
from streams.orders.records import CATEGORIES, RegistryRecord, Speaker, SpeakerCategory, SpeakerDetails
from streams.orders.speakers import ProtectedSpeaker

COLUMNS = ("account", "category", "name", "basis")
MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class SpeakerEntry:
    """A row of the registry."""

    account: str
    category: SpeakerCategory
    name: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class ParsedRegistry:
    """The rows of a registry file, in its order and each account once, with its bad rows."""

    entries: tuple[SpeakerEntry, ...]
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True, slots=True)
class RegistryPlan:
    """The effect of an import or a removal."""

    added: tuple[SpeakerEntry, ...] = ()
    changed: tuple[SpeakerEntry, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0

    def records(
        self, *, write: str, actor: str, reason: str, at_ms: int, registered: Mapping[str, ProtectedSpeaker]
    ) -> list[RegistryRecord]:
        """Build the records of the change, in the order in which they must be written.

        An interrupted write leaves every old and new speaker protected: protection is written before names, and names
        are removed before protection ends. A removal can therefore be repeated until it is complete.

        Args:
            write: unique id of this write; it protects the records from compaction.
            actor: person who changes the registry.
            reason: text for the log.
            at_ms: time of the change.
            registered: present speakers by account id.
        """
        entries = (*self.added, *self.changed)
        begin = [
            Speaker(id=write, account=e.account, category=e.category, actor=actor, at_ms=at_ms) for e in entries
        ]  # fmt: skip
        named = [
            SpeakerDetails(account=e.account, name=e.name, basis=e.basis, actor=actor, reason=reason, at_ms=at_ms)
            for e in entries
        ]
        forgotten = [
            SpeakerDetails(account=account, actor=actor, reason=reason, at_ms=at_ms) for account in self.removed
        ]
        end = [
            Speaker(id=write, account=account, category=registered[account].category, removed=True, actor=actor,
                    at_ms=at_ms)
            for account in self.removed
        ]  # fmt: skip
        return [*begin, *named, *forgotten, *end]


def parse(data: bytes, name: str) -> ParsedRegistry:
    """Parse a registry file; each row that cannot be used becomes a problem.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    entries: dict[str, SpeakerEntry] = {}
    problems: list[RowProblem] = []
    for line in read_table(data, name, columns=COLUMNS, required=("account", "category"), most_rows=MOST_ROWS):
        if isinstance(line, RowProblem):
            problems.append(line)
            continue
        try:
            entry = _entry(line)
            before = entries.setdefault(entry.account, entry)
            if before.category != entry.category:
                raise BadCell(
                    "category",
                    entry.category,
                    f"different from {before.category} in an earlier row",
                    "keep one row",
                )
        except BadCell as bad:
            problems.append(bad.at(line.where))
    return ParsedRegistry(tuple(entries.values()), tuple(problems))


def plan_import(
    entries: Iterable[SpeakerEntry], registered: Mapping[str, ProtectedSpeaker], *, replace: bool = False
) -> RegistryPlan:
    """Plan an import; with `replace` it removes the accounts that the file does not list."""
    listed = {entry.account: entry for entry in entries}
    added = tuple(entry for entry in listed.values() if entry.account not in registered)
    changed = tuple(e for e in listed.values() if e.account in registered and e != entry_of(registered[e.account]))
    removed = tuple(account for account in registered if account not in listed) if replace else ()
    return RegistryPlan(added, changed, removed, len(listed) - len(added) - len(changed))


def plan_removal(
    accounts: Iterable[str], registered: Mapping[str, ProtectedSpeaker]
) -> tuple[RegistryPlan, tuple[str, ...]]:
    """Plan the removal of accounts; the second value lists those that are not in the registry."""
    named = tuple(dict.fromkeys(accounts))
    removed = tuple(account for account in named if account in registered)
    return RegistryPlan(removed=removed), tuple(account for account in named if account not in registered)


def export(registered: Mapping[str, ProtectedSpeaker]) -> str:
    """Write the registry as CSV that `parse` reads, by account."""
    ordered = sorted(registered.values(), key=lambda speaker: int(speaker.account))
    return write_table(COLUMNS, ({name: getattr(speaker, name) for name in COLUMNS} for speaker in ordered))


def entry_of(speaker: ProtectedSpeaker) -> SpeakerEntry:
    """Convert a speaker to a row."""
    return SpeakerEntry(speaker.account, speaker.category, speaker.name, speaker.basis)


def _entry(line: TableLine) -> SpeakerEntry:
    category = one_of("category", line.cells["category"], CATEGORIES)
    return SpeakerEntry(
        account=account_of("account", line.cells["account"]),
        category=next(name for name in CATEGORIES if name == category),
        name=words("name", line.cells.get("name", ""), empty=True),
        basis=words("basis", line.cells.get("basis", ""), empty=True),
    )
