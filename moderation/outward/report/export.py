"""Every number of a published report as one CSV table, for a spreadsheet. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moderation.domain.tables import write_table
from moderation.outward.report.published_report import PublishedReport

COLUMNS = ("number", "value")


def as_csv(report: PublishedReport) -> str:
    """Write a row for each value of the report; `number` is its path in the JSON, such as `states.account.withheld`."""
    return write_table(COLUMNS, ({"number": path, "value": value} for path, value in _leaves("", report.facts)))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, part in enumerate(value):
            yield from _leaves(f"{path}.{number}", part)
    else:
        yield path, "" if value is None else value
