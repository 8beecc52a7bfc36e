"""Numbers of a transparency report, counted again from the log's entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moderation.audit.tlog.errors import ProofCode, ProofError, malformed
from moderation.proofs.openings import Counts
from moderation.proofs.reading import is_whole, member
from streams.constants import DAY_MS

VERBS = ("block", "allow", "hold", "undo", "pause")
"""Decisions by people that a report counts."""
_WORLD = "*"
_LAST_MS = 253_402_300_800_000
"""End of the year 9999."""


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Period [from_ms, to_ms) of a report."""

    from_ms: int
    to_ms: int

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last UTC day; None for a period that is not of whole days."""
        if self.from_ms % DAY_MS or self.to_ms % DAY_MS:
            return None
        return _day(self.from_ms), _day(self.to_ms - 1)


def period_of(report: Mapping[str, Any]) -> ReportPeriod:
    """Read the period of a report.

    Raises:
        ProofError: `malformed`.
    """
    from_ms, to_ms = (member(report, name, int, "the report") for name in ("from_ms", "to_ms"))
    if not 0 <= from_ms < to_ms <= _LAST_MS:
        raise malformed("the report's period is none")
    return ReportPeriod(from_ms, to_ms)


@dataclass(frozen=True, slots=True)
class Recounted:
    """Number of a report that equals the log's count."""

    number: str
    """Path of the number in the report."""
    value: int
    at_least: bool = False
    """True: the report's number may exceed the count."""


def recount(report: Mapping[str, Any], section: Mapping[str, Any], counts: Counts) -> list[Recounted]:
    """Compare each number of a report that counts entries with the entries.

    Args:
        report: the report.
        section: its member `log`.
        counts: entries of the log by type and period, already checked against their leaves.

    Returns:
        Numbers that add up; empty for a report of no whole days, which cannot be recounted.

    Raises:
        ProofError: `wrong_number`, with the number's path. `malformed`.
    """
    days = period_of(report).days
    if (section.get("entries") is None) is not (days is None):
        raise ProofError(
            ProofCode.wrong_number,
            "the report is of whole days, but gives no numbers of entries"
            if days
            else "the report gives numbers of entries by day, but is not of whole days",
            "do not rely on the report's numbers: nothing in the log was counted again",
            field="log.entries",
        )
    if days is None:
        return []
    for name, day in zip(("first_day", "last_day"), days, strict=True):
        if section.get(name) != day:
            raise ProofError(
                ProofCode.wrong_number,
                f"the report's period has the {name} {day}, but its entries are counted for "
                f"{repr(section.get(name))[:80]}",
                "do not rely on the report's numbers; keep report and openings as evidence",
                field=f"log.{name}",
            )
    first, last = days
    country = report.get("country")
    entries: Counter[str] = Counter()
    for (kind, period), count in counts.items():
        if period is not None and first <= period <= last and country in (_WORLD, kind.rpartition("/")[2]):
            entries[kind] += count
    published, without = _counts(section, "entries"), _counts(section, "without_effect")
    for kind in sorted({*entries, *published}):
        if published.get(kind) != entries.get(kind):
            raise _wrong(f"log.entries.{kind}", published.get(kind, 0), entries[kind])
    for kind, count in without.items():
        if count > entries[kind]:
            raise _wrong(f"log.without_effect.{kind}", count, entries[kind], "at most ")
    effective = entries - Counter(without)
    return [
        *(Recounted(f"log.entries.{kind}", count) for kind, count in sorted(entries.items())),
        *_decisions(report, effective),
        *_orders(report, effective, country),
    ]


def _decisions(report: Mapping[str, Any], effective: Counter[str]) -> Iterator[Recounted]:
    published = _counts(report, "decisions_by_people")
    for verb in sorted({*VERBS, *published}):
        count = _total(effective, f"override/{verb}/")
        yield _equal(f"decisions_by_people.{verb}", published.get(verb, 0), count)


def _orders(report: Mapping[str, Any], effective: Counter[str], country: Any) -> Iterator[Recounted]:
    received = "order/received/"
    public = member(report, "orders", int, "the report") - member(report, "confidential_orders", int, "the report")
    yield _equal("orders", public, _total(effective, received))
    if country == _WORLD:
        by_country = _counts(report, "orders_by_country")
        for kind, count in sorted(effective.items()):
            where = kind.removeprefix(received)
            if where != kind and by_country.get(where, 0) < count:
                raise _wrong(f"orders_by_country.{where}", by_country.get(where, 0), count, "at least ")
            if where != kind:
                yield Recounted(f"orders_by_country.{where}", count, at_least=True)


def _total(effective: Counter[str], prefix: str) -> int:
    return sum(count for kind, count in effective.items() if kind.startswith(prefix))


def _equal(number: str, published: int, counted: int) -> Recounted:
    if published != counted:
        raise _wrong(number, published, counted)
    return Recounted(number, counted)


def _wrong(number: str, published: int, counted: int, bound: str = "") -> ProofError:
    return ProofError(
        ProofCode.wrong_number,
        f"the report's number {number!r} is {published}, but the log's entries give {bound}{counted}",
        "do not rely on the report's numbers; keep report and openings as evidence",
        field=number,
    )


def _counts(parent: Mapping[str, Any], name: str) -> dict[str, int]:
    found = member(parent, name, dict, "the report")
    for key, value in found.items():
        if not is_whole(value) or value < 0:
            raise malformed(f"the report's number {name}.{key} is no count")
    return dict(found)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()
