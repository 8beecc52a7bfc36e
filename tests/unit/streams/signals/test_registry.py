"""The registered signals: names and columns that must never change, and their words."""

from __future__ import annotations

import doctest

from streams.log.evidence import EvidenceRecord
from streams.signals import base
from streams.signals.registry import COLUMNS, SIGNALS, WEIGHED

KEPT = ["burst", "copies", "young", "authors", "term", "links", "successor"]


def test_doctests() -> None:
    result = doctest.testmod(base)
    assert result.attempted and not result.failed


def test_names_keep_their_order_and_new_ones_follow() -> None:
    assert [signal.name for signal in SIGNALS][: len(KEPT)] == KEPT
    reasons = [signal.name for signal in WEIGHED if signal.name in KEPT]
    assert reasons == ["burst", "copies", "young", "authors", "links", "successor", "term"]


def test_columns_keep_their_positions_behind_the_fields() -> None:
    assert COLUMNS[:5] == ("copies", "young", "burst", "links", "successor")
    assert len(EvidenceRecord.__struct_fields__) == 16 + 1, "a new field would move the column of every signal"


def test_every_signal_has_words() -> None:
    assert all(signal.description and signal.label and signal.statement for signal in SIGNALS)
