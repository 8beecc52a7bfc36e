"""Tests of the words of an impact report."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from streams.backtest.compare import Kind, PolicyChange
from streams.backtest.text import summary, tags


@dataclass
class StubReport:
    """Report with given changes."""

    changes: list[PolicyChange]
    tag_panes: int = 1
    needs_replay: tuple[str, ...] = ()


def change(hashtag: str, country: str, surface: str = "trends", kind: Kind = "cleared") -> PolicyChange:
    return PolicyChange(
        kind=kind, hashtag=hashtag, country=country, category="abuse", surfaces=(surface,), effect="hidden"
    )


CHANGES = [
    change("a", "IN"), change("a", "*"), change("a", "IN", "search"), change("b", "IN"),
    change("a", "US", kind="newly"),
]  # fmt: skip


def test_summary_counts_each_hashtag_once_for_all_scopes() -> None:
    found = StubReport(CHANGES)
    assert summary(found) == "2 no longer suppressed; 1 newly suppressed."  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "words"), [(CHANGES, "2 hashtags"), (CHANGES[:3], "1 hashtag")])
def test_tags_counts_each_hashtag_once(changes: list[PolicyChange], words: str) -> None:
    assert tags(changes) == words
