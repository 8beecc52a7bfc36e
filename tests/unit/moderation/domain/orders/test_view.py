"""Orders for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from moderation.domain.orders.selection import Selection
from moderation.domain.orders.view import due_words, head_lines, order_cells, order_view, rows_csv, target_cells
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld, accounts


def test_due_words_follow_the_running_clock() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    legal_order = world.desk.get(order)
    assert due_words(legal_order, NOW_MS).plain == "in 2 days"
    assert due_words(legal_order, HEAD.deadline_ms + 3 * HOUR_MS).plain == "overdue by 3 h"
    world.review(order)
    world.step(order, "interim", expires_at_ms=NOW_MS + 2 * HOUR_MS)
    assert due_words(legal_order, NOW_MS).plain == "interim ends in 2 h"
    assert due_words(legal_order, NOW_MS + 3 * HOUR_MS).plain == "interim ended 60 min ago"
    world.step(order, "revoked")
    assert due_words(legal_order, NOW_MS).plain == ""


def test_order_as_lines_tables_and_json() -> None:
    world = OrdersWorld()
    world.protect("2")
    order = world.intake(accounts(1, 2), replace(HEAD, confidential=True))
    world.review(order)
    world.rule(order, "withheld", "1", reason="incites")
    world.rule(order, "withheld", "2", against_protected=True)
    legal_order, fold = world.desk.get(order), world.desk.fold
    answer = order_view(legal_order, fold, NOW_MS)
    assert (answer.state, answer.waiting, answer.protected, answer.in_force) == ("under_review", 1, 1, False)
    assert answer.outcomes == {
        "declined": 0,
        "reduced": 0,
        "withheld": 1,
        "suspended": 0,
        "undecided": 1,
        "dropped": 0,
    }
    lines = head_lines(legal_order, fold, NOW_MS)
    assert lines[0].endswith("under review, confidential")
    assert any("ruled withheld on 1 target, 2021-02-08 16:00 UTC: incites" in line for line in lines)
    assert "1 withheld, 1 undecided" in order_cells(legal_order, NOW_MS)
    assert any("withheld, proposed by ann" in cell for cell in target_cells(legal_order, legal_order.rows[1], fold))


def test_export_contains_no_formulas() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    world.review(order)
    world.rule(order, "declined", selection=Selection(undecided=True), reason='=HYPERLINK("http://evil")')
    legal_order = world.desk.get(order)
    [row] = csv.DictReader(io.StringIO(rows_csv(legal_order, legal_order.rows, world.desk.fold)))
    assert (row["outcome"], row["ground"], row["reason"]) == ("declined", "other", '\'=HYPERLINK("http://evil")')
