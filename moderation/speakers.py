"""The registry of protected speakers: news media, journalists, activists, politicians. Pure.

Their tweets and quotes do not count towards harm, and a legal order against one is proposed as "declined: protected
speech" and needs two people to act on. Kept as CSV by those who know the people; the log keeps who was protected when,
and the last name and basis of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moderation.tables import BadCell, Line, RowProblem, account_of, one_of, read_table, words, write_table
from streams.orders.records import CATEGORIES, RegistryRecord, Speaker, SpeakerCategory, SpeakerDetails

COLUMNS = ("account", "category", "name", "basis")
MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the registry."""

    account: str
    category: SpeakerCategory
    name: str = ""
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says. `entries` in its order, each account once."""

    entries: tuple[Entry, ...]
    problems: tuple[RowProblem, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would change."""

    added: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0

    def records(
        self, *, write: str, actor: str, reason: str, at_ms: int, known: Mapping[str, Speaker]
    ) -> list[RegistryRecord]:
        """The records that make it so, in the order in which they must be written.

        Wherever a write breaks off, whoever was or will be protected is: protection comes before the names, and names
        are forgotten before protection ends, so that a removal can be repeated until it is whole.

        Args:
            write: an id of this write alone; it keeps what compaction must not take.
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
            SpeakerDetails(account=account, actor=actor, reason="" if former else reason, at_ms=at_ms, former=former)
            for account in self.removed
            for former in (False, True)
        ]
        end = [
            Speaker(id=write, account=account, category=known[account].category, removed=True, actor=actor,
                    at_ms=at_ms)
            for account in self.removed
        ]  # fmt: skip
        return [*begin, *named, *forgotten, *end]


def parse(data: bytes, name: str) -> Parsed:
    """Read a registry file; every row that cannot be used is a problem.

    Raises:
        CallerMistake: the file as a whole cannot be used.
    """
    entries: dict[str, Entry] = {}
    problems: list[RowProblem] = []
    for line in read_table(data, name, columns=COLUMNS, required=("account", "category"), most_rows=MOST_ROWS):
        if isinstance(line, RowProblem):
            problems.append(line)
            continue
        try:
            entry = _entry(line)
            before = entries.setdefault(entry.account, entry)
            if before.category != entry.category:
                raise BadCell("category", entry.category, f"the account is {before.category} above", "leave one row")
        except BadCell as bad:
            problems.append(bad.at(line.where))
    return Parsed(tuple(entries.values()), tuple(problems))


def plan(entries: Iterable[Entry], known: Mapping[str, Speaker], *, replace: bool = False) -> Plan:
    """What an import changes; with `replace` accounts that the file does not have leave the registry."""
    wanted = {entry.account: entry for entry in entries}
    added = tuple(entry for entry in wanted.values() if entry.account not in known)
    changed = tuple(e for e in wanted.values() if e.account in known and e != entry_of(known[e.account]))
    removed = tuple(account for account in known if account not in wanted) if replace else ()
    return Plan(added, changed, removed, len(wanted) - len(added) - len(changed))


def removal(accounts: Iterable[str], known: Mapping[str, Speaker]) -> tuple[Plan, tuple[str, ...]]:
    """The plan that takes accounts out, and those that are not in the registry."""
    wanted = tuple(dict.fromkeys(accounts))
    return Plan(removed=tuple(a for a in wanted if a in known)), tuple(a for a in wanted if a not in known)


def export(known: Mapping[str, Speaker]) -> str:
    """The registry as CSV, by account; what `parse` reads."""
    ordered = sorted(known.values(), key=lambda speaker: int(speaker.account))
    return write_table(COLUMNS, ({name: getattr(speaker, name) for name in COLUMNS} for speaker in ordered))


def entry_of(speaker: Speaker) -> Entry:
    """A record as a row."""
    return Entry(speaker.account, speaker.category, speaker.name, speaker.basis)


def _entry(line: Line) -> Entry:
    category = one_of("category", line.cells["category"], CATEGORIES)
    return Entry(
        account=account_of("account", line.cells["account"]),
        category=next(known for known in CATEGORIES if known == category),
        name=words("name", line.cells.get("name", ""), empty=True),
        basis=words("basis", line.cells.get("basis", ""), empty=True),
    )
