"""The registered signals: names and columns that must never change, and their words."""

from __future__ import annotations

import doctest

from streams.signals import base
from streams.signals.registry import MEASURED, SIGNALS, WEIGHED


def test_doctests() -> None:
    result = doctest.testmod(base)
    assert result.attempted and not result.failed


def test_names_keep_their_order() -> None:
    assert [one.name for one in SIGNALS] == ["burst", "copies", "young", "authors", "term", "links", "successor"]
    assert [one.name for one in WEIGHED] == ["burst", "copies", "young", "authors", "links", "successor", "term"]


def test_columns_keep_their_positions() -> None:
    positions = {one.name: one.column.position for one in MEASURED}
    assert positions == {"copies": 16, "young": 17, "burst": 18, "links": 19, "successor": 20}


def test_every_signal_has_words() -> None:
    assert all(one.description and one.label and one.statement for one in SIGNALS)
