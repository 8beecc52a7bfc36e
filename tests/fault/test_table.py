"""Result table: a schedule counts for each of its kinds."""

from __future__ import annotations

import json

from tests.fault.plan import KINDS
from tests.fault.play import Result
from tests.fault.table import kept, rows, text

RESULTS = [
    Result(0, ["kill", "late"], records=10, lost=1, gap_seconds=12.0),
    Result(
        1,
        ["kill"],
        records=20,
        doubled=2,
        wrong_flags=3,
        gap_seconds=30.5,
        exits=["w0 exit 1: away"],
        timeline=[("kill", 1.0, 30.0), ("broker-kill", 2.0, 14.5)],
    ),
]


def test_table_has_row_for_every_kind():
    by_kind = {row[0]: row[1:] for row in rows(RESULTS)}
    assert list(by_kind) == list(KINDS)
    assert by_kind["kill"] == (2, 30, 1, 2, 3, 30.5)
    assert by_kind["late"] == (1, 10, 1, 0, 0, 12.0)
    assert by_kind["storm"] == (0, 0, 0, 0, 0, 0.0)


def test_table_text_sums_results():
    assert "| all | 2 | 30 | 1 | 2 | 3 | 30.5 |" in text(RESULTS)
    assert "1 workers ended by themselves" in text(RESULTS)
    assert "a broker that was killed or full was away for at most 12.5 s" in text(RESULTS)


def test_results_of_several_runs_merge(tmp_path):
    one, other, again = Result(3, ["late"], records=5), Result(1, ["kill"], records=7), Result(3, ["late"], records=6)
    for name, results in (("a", [one]), ("b", [other, again])):
        (tmp_path / name).write_text("".join(json.dumps(result.as_dict()) + "\n" for result in results))
    assert kept([tmp_path / "a", tmp_path / "b"]) == [other, again]


def test_cluster_results_have_a_table_of_their_own():
    of_cluster = Result(0, ["follower-stop", "kill"], cluster=True, records=7)
    found = text([*RESULTS, of_cluster])
    assert found.index("One broker:") < found.index("A cluster of four brokers:")
    assert "| follower-stop | 1 | 7 | 0 | 0 | 0 | 0.0 |" in found and "| roll |" not in found
    assert "| kill | 2 | 30 |" in found and "| kill | 1 | 7 |" in found


def test_merged_results_keep_both_of_one_seed(tmp_path):
    results = [Result(3, ["late"], records=5), Result(3, ["roll"], cluster=True, records=7)]
    (tmp_path / "a").write_text("".join(json.dumps(result.as_dict()) + "\n" for result in results))
    assert kept([tmp_path / "a"]) == results
