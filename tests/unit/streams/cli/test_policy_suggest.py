"""`hushtag policy suggest`: its numbers against plain counting, and against the suggested policy."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.backtest import Impact
from streams.backtest.peaks import Peaks
from streams.backtest.suggestion import suggest
from streams.cli.main import make_app
from streams.cli.policy_suggest import read_labels
from streams.errors import CallerMistake
from tests.support.backtest_cases import BASE, LIVE, EvidenceWorld, policy_of, steady
from tests.support.evidence_files import write_evidence


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.integers(0, 40).map(str), st.tuples(st.booleans(), st.integers(0, 1_000)), max_size=30),
    st.sampled_from([0.5, 0.8, 1.0]),
)
def test_curve_equals_counting(tags, target):
    labels = {tag: harmful for tag, (harmful, _) in tags.items()} | {"never seen": True}
    peaks = {tag: peak / 1_000 for tag, (_, peak) in tags.items()}
    with mock.patch("streams.backtest.suggestion._RESAMPLES", 2):
        found = suggest("abuse", peaks, labels, target)
    assert (found.labelled, found.harmful) == (len(tags), sum(harmful for harmful, _ in tags.values()))
    for point in found.curve:
        hit = [harmful for harmful, peak in tags.values() if peak / 1_000 >= point.suppress_at]
        assert point.hit == len(hit)
        assert point.precision == pytest.approx(sum(hit) / len(hit), abs=1e-6)
        assert point.recall == pytest.approx(sum(hit) / found.harmful, abs=1e-6)
        assert point.precision_low <= point.precision <= point.precision_high
        assert point.recall_low <= point.recall <= point.recall_high
        same = [harmful for harmful, peak in tags.values() if peak / 1_000 >= point.up_to]
        assert len(same) == point.hit, "all thresholds of a point hit the same tags"
        lower = round(point.suppress_at - 0.001, 3)
        assert (
            lower <= 0 or sum(peak / 1_000 >= lower for _, peak in tags.values()) > point.hit or point is found.curve[0]
        )
    good = [point for point in found.curve if point.precision >= target]
    assert found.chosen == (good[0] if good else None)
    if found.chosen:
        assert found.chosen.recall == max(point.recall for point in good)
    if found.best:
        assert found.best.precision == max(point.precision for point in found.curve)
    else:
        assert not found.curve


@pytest.mark.parametrize("seed", [1, 2])
def test_policy_hits_tag_up_to_its_peak(seed):
    """Set thresholds just below and just above the peak and judge with them."""
    records = EvidenceWorld(seed).records(40)
    text = (
        BASE.replace("{country: IN, suppress_at: 0.5}, ", "")
        .replace("dwell: 20s", "dwell: 10s")
        .replace("innocent_past: 15", "innocent_past: 1000")
        .replace("[tag1]", "[]")
    )
    peaks = Peaks(policy_of(text))
    for record in records:
        peaks.add(record)
    found = peaks.finish()["hateful_conduct"]
    tag, peak = sorted(found.items(), key=lambda entry: entry[1])[-4]
    assert 0.1 < peak < 1
    for suppress_at, expected in ((peak - 1e-6, True), (peak + 1e-6, False)):
        policy = policy_of(
            text.replace("suppress_at: 0.4", f"suppress_at: {suppress_at:.9f}").replace(
                "clear_at: 0.3", "clear_at: 0.01"
            )
        )
        impact = Impact(policy, policy)
        for record in records:
            impact.add(record)
        impact.finish()
        spells = impact.recorders[0].until(impact.to_ms).items()
        hit = {impact.tags.name(key) for (key, _), of_scope in spells if any(one.hides for one in of_scope)}
        assert (tag in hit) is expected


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "live.yaml").write_text(BASE)
    shares = {f"bad{at}": 0.9 for at in range(8)} | {f"good{at}": 0.3 for at in range(8)} | {"odd": 0.7}
    write_evidence(tmp_path / "evidence.jsonl", steady(LIVE, shares))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUSHTAG_POLICY", "live.yaml")
    return tmp_path


def run(*args: str):
    return CliRunner().invoke(
        make_app("policy"), ["policy", "suggest", "--labels", "labels.csv", "--evidence", "evidence.jsonl", *args]
    )


def label(files: Path, odd: str) -> None:
    rows = [f"#Bad{at},yes" for at in range(8)] + [f"good{at},no" for at in range(8)] + [f"odd,{odd}", "unseen,yes"]
    (files / "labels.csv").write_text("\ufeffhashtag,harmful\n" + "\n".join(rows) + "\n")


def test_suggests_lowest_threshold_with_target_precision(files):
    label(files, "no")
    result = run()
    assert result.exit_code == 0, result.output
    assert "hateful_conduct: 17 labelled hashtags in the evidence, 8 of them harmful" in result.stdout
    assert "precision 1.00 (0.68 to 1.00), recall 1.00 (0.68 to 1.00)" in result.stdout
    assert "few labels: the precision may be as low as 0.68" in result.stdout
    (row,) = run("--json").stdout.splitlines()
    chosen = json.loads(row)["chosen"]
    assert chosen["hit"] == 8
    assert 0.3 < chosen["suppress_at"] < 0.7 < chosen["up_to"] < 0.9, "just above the harmless ones"


def test_lowest_separating_threshold_is_suggested():
    peaks = {"a": 0.943, "b": 0.944, "c": 0.95, "x": 0.1, "y": 0.3, "z": 0.42}
    labels = {tag: tag in "abc" for tag in peaks}
    found = suggest("abuse", peaks, labels, 0.95, clear_at=0.4)
    assert found.chosen is not None and (found.chosen.suppress_at, found.chosen.up_to) == (0.421, 0.943)
    assert found.interval is not None
    low, high = found.interval
    assert low <= 0.421 and high >= 0.943
    assert "bootstrap" in found.method and "Efron" in found.method
    without_close_one = suggest("abuse", peaks | {"z": 0.0}, labels, 0.95, clear_at=0.4)
    assert without_close_one.chosen is not None and without_close_one.chosen.suppress_at == 0.401, "above clear_at"


def test_interval_narrows_with_more_labels():
    def width(n: int) -> float:
        peaks = {f"{kind}{at}": base + 0.2 * at / n for at in range(n) for kind, base in (("h", 0.6), ("c", 0.3))}
        found = suggest("abuse", peaks, {tag: tag[0] == "h" for tag in peaks}, 0.95, clear_at=0.2).interval
        assert found is not None
        return found[1] - found[0]

    assert width(100) < width(5)
    assert suggest("abuse", {"a": 0.5, "x": 0.1}, {"a": True, "x": False}, 0.95).interval is None


def test_tags_without_evidence_and_without_hit_are_named(files):
    label(files, "no")
    assert "not found in the evidence: #unseen" in run().stdout
    found = suggest("abuse", {"a": 0.5, "b": 0.0}, {"a": True, "b": True, "gone": False}, 0.9)
    assert (found.not_found, found.never_hit) == (("gone",), ("b",))


def test_exits_with_3_without_threshold(files):
    label(files, "no")
    text = (files / "labels.csv").read_text().replace("Bad0,yes", "Bad0,no").replace("Bad1,yes", "Bad1,no")
    (files / "labels.csv").write_text(text)
    result = run()
    assert result.exit_code == 3
    assert "no threshold does: best is" in result.stdout and "precision 0.75" in result.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hashtag\nx\n", "the first line must name hashtag and harmful"),
        ("hashtag,harmful\nx,maybe\n", "labels.csv:2: harmful is 'maybe'"),
        ("hashtag,harmful\nx,yes\n#X,no\n", "labels.csv:3: #x has two labels"),
        ("hashtag,harmful\nx,\n", "labels.csv:2: harmful is ''"),
        (None, "cannot read the labels"),
    ],
)
def test_bad_labels_are_reported(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CallerMistake, match=message.replace("#", "\\#").replace("'", "'")) as caught:
        read_labels(path)
    assert caught.value.fix


def test_labels_are_read_by_category(tmp_path):
    (tmp_path / "labels.csv").write_text("hashtag,harmful,category\nA,yes,abuse\na,no,hateful_conduct\n")
    assert read_labels(tmp_path / "labels.csv") == {"abuse": {"a": True}, "hateful_conduct": {"a": False}}


def test_unknown_category_is_reported(files):
    (files / "labels.csv").write_text("hashtag,harmful,category\nBad0,yes,hateful_conducts\n")
    result = run()
    assert isinstance(result.exception, CallerMistake), result.output
    assert "unknown category 'hateful_conducts'" in str(result.exception)
    assert "did you mean hateful_conduct?" in result.exception.fix


def test_since_applies_to_file(files):
    label(files, "no")
    assert isinstance(run("--since", "soon").exception, CallerMistake)
    assert run("--since", "24h").stdout == run().stdout


def test_protected_tags_do_not_count(files):
    label(files, "no")
    (files / "live.yaml").write_text(BASE.replace("[tag1]", "[ODD]"))
    result = run()
    assert "16 labelled hashtags in the evidence, 8 of them harmful" in result.stdout
    assert "not counted: 1 that never_suppress protects" in result.stdout
    found = suggest("abuse", {"a": 0.8, "b": 0.9}, {"a": True, "b": False}, 0.9, protected={"b"})
    assert found.chosen is not None and (found.chosen.up_to, found.chosen.precision) == (0.8, 1.0)
    assert (found.labelled, found.protected) == (1, 1)


def test_low_threshold_comes_with_clear_at(files):
    labels, peaks = {"a": True, "b": False}, {"a": 0.3, "b": 0.1}
    assert suggest("abuse", peaks, labels, 1.0, clear_at=0.29).clear_at is None
    assert suggest("abuse", peaks, labels, 1.0, clear_at=0.3).clear_at == 0.2
    assert suggest("abuse", peaks, {"a": False}, 1.0, clear_at=0.3).clear_at is None
    label(files, "no")
    assert "clear_at" not in run().stdout
    assert "clear_at: 0.13   the policy's clear_at is not below" in run("--min-precision", "0.4").stdout


def test_uncovered_category_needs_replay(files):
    label(files, "no")
    (files / "live.yaml").write_text(BASE.replace("[2m, 20m]", "[2m, 5m, 20m]"))
    rows = [json.loads(line) for line in run("--json").stdout.splitlines()]
    assert rows == [{"category": "hateful_conduct", "needs_replay": ["window 5m was not counted"]}]
    assert "hateful_conduct: needs replay: window 5m was not counted" in run().stdout


@pytest.mark.parametrize("hashtag", ["", "two words", "#"])
def test_label_without_hashtag_names_its_line(tmp_path: Path, hashtag: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"hashtag,harmful\ngood,no\n{hashtag},yes\n")
    with pytest.raises(CallerMistake, match=r"labels\.csv:3: .* is not a hashtag"):
        read_labels(path)
