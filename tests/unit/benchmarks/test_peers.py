"""The side-by-side run's own arithmetic: windows, the comparison, the stopwatch, the picture."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.install import NotHere, java_with, python_with
from benchmarks.peers.picture import picture
from benchmarks.peers.watch import PeerFailed, watch
from benchmarks.peers.windows import FLOOR, PANE_MS, WINDOW_PANES, Row, Uses, compare, read_row, row_bytes
from benchmarks.peers.windows import rows_of_windows as rolling
from benchmarks.side_by_side import Result

UNTIL_MS = 200 * PANE_MS
PANES = st.dictionaries(st.integers(0, 150), st.integers(1, 2 * FLOOR), max_size=12)


def by_definition(uses: Uses, until_ms: int) -> set[Row]:
    """Every window of every key, summed from nothing."""
    rows = set()
    for (hashtag, country), panes in uses.items():
        for end in range(1, until_ms // PANE_MS + 1):
            count = sum(panes.get(pane, 0) for pane in range(end - WINDOW_PANES, end))
            if count >= FLOOR:
                rows.add(Row(hashtag, country, end * PANE_MS, count))
    return rows


@given(PANES)
def test_rolling_count_equals_window_definition(panes: dict[int, int]) -> None:
    uses: Uses = {("tag", "IN"): panes}
    assert set(rolling(uses, UNTIL_MS)) == by_definition(uses, UNTIL_MS)


def test_row_round_trips_through_topic() -> None:
    row = Row("देश", "IN", 10_000, 51)
    assert read_row(row_bytes(row)) == row


A, B = Row("a", "IN", 10_000, 60), Row("b", "IN", 20_000, 70)


@pytest.mark.parametrize(
    ("found", "exact", "right"),
    [
        ([A, B], 2, 2),
        ([B], 1, 1),
        ([A, B._replace(count=69)], 1, 1),
        ([A, B, Row("c", "IN", 20_000, 50)], 1, 2),
        ([A, B._replace(count=1), B], 2, 2),
        ([A, B, Row("c", "IN", 30_000, 50)], 2, 2),
        ([], 0, 0),
    ],
    ids=["equal", "a row missing", "short by one", "a row too many", "sent twice", "not yet closed", "nothing"],
)
def test_windows_are_exact_or_counted_as_not(found: list[Row], exact: int, right: int) -> None:
    exactness = compare([A, B], found, 20_000)
    assert (exactness.windows, exactness.exact, exactness.rows, exactness.right) == (2, exact, 2, right)


def test_windows_between_two_advances_are_not_looked_at() -> None:
    assert compare([A, B], [B], 20_000, advance_ms=20_000).windows == 1


def run_script(tmp_path: Path, script: str) -> tuple[float, float]:
    took = watch([sys.executable, "-c", script], {}, tmp_path / "log", deadline_seconds=80)
    assert took.peak_mb > 1
    return took.seconds, took.cpu_seconds


def burn(cpu_seconds: float) -> str:
    return f"import time; end = time.process_time() + {cpu_seconds}\nwhile time.process_time() < end: pass\n"


BEFORE, TIMED, AFTER = burn(1.0), burn(0.6), burn(1.0)
"""Burns around the timed one: a reader of the clock may be late by less than half a second."""


def test_clock_runs_from_started_to_done(tmp_path: Path) -> None:
    script = f"{BEFORE}print('started', flush=True)\n{TIMED}print('done', flush=True)\n{AFTER}"
    seconds, cpu_seconds = run_script(tmp_path, script)
    assert 0.1 < cpu_seconds < 1.1
    assert seconds > 0.1


def test_clock_ends_with_process(tmp_path: Path) -> None:
    _, cpu_seconds = run_script(tmp_path, f"{BEFORE}print('started', flush=True)\n{TIMED}")
    assert 0.1 < cpu_seconds < 1.1


def test_clock_ends_where_work_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.peers.watch._QUIET_SECONDS", 2.0)
    seconds, cpu_seconds = run_script(tmp_path, f"print('started', flush=True)\n{TIMED}\ntime.sleep(90)")
    assert 0.1 < cpu_seconds < 1.1
    assert seconds < 60


def test_failing_peer_reports_reason(tmp_path: Path) -> None:
    with pytest.raises(PeerFailed, match="no such broker"):
        run_script(tmp_path, "raise SystemExit('no such broker')")
    with pytest.raises(PeerFailed, match="ended with 3"):
        run_script(tmp_path, "print('started', flush=True); raise SystemExit(3)")


def test_picture_is_to_scale_with_every_figure() -> None:
    results = [Result("base & more", 10_000, 0.1, 0.05, 1), Result("slow", 100, 1.0, 0.5, 1)]
    root = ElementTree.fromstring(picture(results, {"slow": "ours"}, 10, "a machine"))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"base & more", "slow", "100,000", "100", "5.0", "5,000"} <= set(words)
    bars = [float(element.attrib["width"]) for element in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert bars[0] > bars[1] and bars[3] > bars[2]
    assert [element.attrib["class"] for element in root.iter("{http://www.w3.org/2000/svg}rect")] == ["bar", "ours"] * 2


def command_in(folder: Path, name: str, says: str, code: int = 0) -> None:
    """A command that says something and ends."""
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    (folder / name).chmod(0o755)


def test_missing_peer_part_is_named_with_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.peers.install.ENVIRONMENTS", tmp_path / "environments")
    with pytest.raises(NotHere, match=r"a JDK 17 or newer is missing \(fix: apt-get install openjdk-17-jdk-headless"):
        java_with("flink_sql", "RunSql")
    command_in(tmp_path, "javac", "javac 11.0.2")
    with pytest.raises(NotHere, match=r"'javac 11\.0\.2'; 17 or newer is needed"):
        java_with("flink_sql", "RunSql")
    command_in(tmp_path, "javac", "javac 21.0.1")
    with pytest.raises(NotHere, match=r"Maven is missing \(fix: apt-get install maven"):
        java_with("flink_sql", "RunSql")
    command_in(tmp_path, "mvn", "[ERROR] no such artefact", code=1)
    with pytest.raises(NotHere, match=r"flink_sql cannot be installed: \[ERROR\] no such artefact"):
        java_with("flink_sql", "RunSql")
    monkeypatch.setattr("benchmarks.peers.install._UV", tmp_path / "uv")
    monkeypatch.setattr("benchmarks.peers.install.ROOT", tmp_path)
    with pytest.raises(NotHere, match=r"uv is missing \(fix: make install\)"):
        python_with("bytewax", "bytewax")
