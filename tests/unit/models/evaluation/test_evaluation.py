"""Measures against scikit-learn's, figures, the gate for worse artefacts, and the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score, roc_curve

from models import artefact, data
from models.baseline import Baseline
from models.evaluation import figures, guard, measures, probes, report, run

scores_and_labels = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=6, max_size=60).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


@settings(max_examples=30, deadline=None)
@given(scores_and_labels, st.integers(0, 5))
def test_measures_equal_scikit_learn(rows: list[tuple[int, int]], seed: int) -> None:
    p = np.array([score / 12 for score, _ in rows])
    y = np.array([label for _, label in rows], np.int8)
    weights = measures.draws(y, seed, 3)
    curve = measures.curve(p, y, weights)
    for draw, w in enumerate(weights):
        i = np.repeat(np.arange(len(y)), w.astype(int))
        assert measures.auc(curve)[draw] == pytest.approx(roc_auc_score(y[i], p[i]))
        assert measures.average_precision(curve)[draw] == pytest.approx(average_precision_score(y[i], p[i]))
        expected = f1_score(y[i], p[i] >= 0.5, average="macro", labels=[0, 1], zero_division=0)
        assert measures.macro_f1(curve)[draw] == pytest.approx(expected)
        false, true, _ = roc_curve(y[i], p[i], drop_intermediate=False)
        assert measures.recall_at(curve, 0.1)[draw] == pytest.approx(true[false <= 0.1].max())
        threshold = max(t for t in p if (p[i][y[i] == 1] >= t).mean() >= 0.5)
        assert measures.flagged_at_half(curve)[draw] == pytest.approx((p[i][y[i] == 0] >= threshold).mean())


def test_draws_keep_the_number_of_each_label() -> None:
    y = np.array([1] * 7 + [0] * 13, np.int8)
    weights = measures.draws(y, 0, 50)
    assert (weights[0] == 1).all()
    assert (weights[:, :7].sum(axis=1) == 7).all() and (weights[:, 7:].sum(axis=1) == 13).all()
    assert len({row.tobytes() for row in weights}) > 40


class WordScorer:
    """Scorer that recognises "bad" only, with a mistake every `wrong_every` texts."""

    revision = "0" * 12
    categories = data.CATEGORIES

    def __init__(self, wrong_every: int = 0) -> None:
        self.wrong_every = wrong_every

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = [
            0.1 if ("bad" in text) == bool(self.wrong_every and i % self.wrong_every == 0) else 0.9
            for i, text in enumerate(texts)
        ]
        return np.array([[p] * 4 for p in rows], np.float32)


EXAMPLES = [
    data.Example("bad" if i % 2 else "good", "uli_en", "", "en", (i % 2, i % 2, i % 2, data.UNLABELLED))
    for i in range(200)
]


def measured(scorer: WordScorer, baseline: WordScorer | None = None) -> dict[str, figures.Figure]:
    sets = figures.score_sets({"dev": EXAMPLES}, scorer, baseline)
    return {f.key: f for f in figures.figures(sets, {"harmful": 0.4}, n_draws=20)}


def test_figures_of_perfect_scorer_and_baseline() -> None:
    found = measured(WordScorer(), WordScorer(wrong_every=5))
    auc = found["AUC / dev / all tweets / en / harmful"]
    assert (auc.value, auc.low, auc.high, auc.n_texts) == (1, 1, 1, 200)
    assert found["recall at 5% FPR / dev / all tweets / en / abuse"].value == 1
    assert not any("gendered_abuse" in key for key in found), "not labelled, not measured"
    difference = found["AUC minus baseline / dev / all tweets / en / harmful"]
    assert 0 < difference.low <= difference.value <= difference.high
    assert found["ECE / dev / all tweets / en / harmful"].value == pytest.approx(0.1)


def test_mean_of_languages_weighs_languages_equally() -> None:
    def examples(language: str, n: int) -> list[data.Example]:
        source = "uli_en" if language == "en" else "uli_hi"
        return [data.Example("bad" if i % 2 else "good", source, "", language, (i % 2,) * 4) for i in range(n)]

    class HindiScorer(WordScorer):
        """Scorer that recognises texts of the first 400 only."""

        def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            found = super().score(texts)
            found[400:] = 0.5
            return found

    texts = [*examples("en", 400), *examples("hi", 100), *examples("hi-Latn", 80)]
    sets = figures.score_sets({"dev": texts}, WordScorer(), HindiScorer())
    found = {f.measure: f for f in figures.figures(sets, n_draws=50) if f.language == figures.MEAN_OF_LANGUAGES}
    assert found["AUC"].value == 1 and found["AUC"].n_texts == 580
    difference = found["AUC minus baseline"]
    values = (difference.value, difference.low, difference.high)
    assert values == pytest.approx((1 / 3,) * 3), "half of the AUC in two languages of three"
    assert difference.better == 0 and found["AUC"].better == 1
    whole = {f.measure: f for f in figures.figures(sets, n_draws=50) if f.language == figures.ALL_LANGUAGES}
    assert whole["AUC"].value == 1 and whole["AUC"].n_texts == 580
    constant = np.array([p if at < 400 else 0.5 for at, p in enumerate(sets[0].probabilities[:, 0])])
    y = sets[0].labels()[:, 0]
    assert whole["AUC minus baseline"].value == pytest.approx(1 - roc_auc_score(y, constant))
    missing = figures.figures(figures.score_sets({"dev": texts[:500]}, WordScorer()), n_draws=5)
    assert not any(f.language == figures.MEAN_OF_LANGUAGES for f in missing), (
        "a mean of two languages is not that of three"
    )


def test_false_positives_are_measured_for_every_purpose() -> None:
    sentences = list(probes.probes())
    assert len({e.text for e in sentences}) == len(sentences)
    found = list(figures.figures(figures.score_sets({"probes": sentences}, WordScorer()), n_draws=5))
    flagged = {(f.subject, f.language) for f in found if f.measure == figures.FLAGGED}
    assert flagged == {(p, lang) for p in probes.SPARED for lang in ("all", "en", "hi", "hi-Latn")}
    assert all(f.better == -1 for f in found if f.measure == figures.FLAGGED)


def stored(value: float, better: int = 1) -> guard.Stored:
    return {"a": {"value": value, "low": value - 0.02, "high": value + 0.02, "better": better}}


def test_record_refuses_worse_figures(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    assert guard.record(path, "first", stored(0.8)) == []
    assert guard.record(path, "noise", stored(0.79)) == []
    before = path.read_text()
    (problem,) = guard.record(path, "worse", stored(0.76))
    assert problem.startswith("a: 0.760, was 0.790")
    assert path.read_text() == before, "the old reference stays"
    assert guard.record(path, "worse", {}) == ["a: no longer measured"]
    assert guard.record(path, "worse", stored(0.76), "labels were fixed") == []
    assert guard.problems(json.loads(path.read_text()), "worse") == []


@pytest.mark.parametrize(
    ("value", "better", "refused"), [(0.3, -1, True), (0.1, -1, False), (0.1, 1, True), (0.3, 1, False)]
)
def test_worse_depends_on_direction(value: float, better: int, refused: bool) -> None:
    assert bool(guard.worse(stored(value, better), stored(0.2, better))) == refused


def test_problems_without_and_with_measured_figures() -> None:
    reference = {"artefact_sha256": "x", "figures": stored(0.8), "previous": {"figures": stored(0.9)}}
    assert "reference figures belong to x" in guard.problems(reference, "y")[0]
    assert len(guard.problems(reference, "x")) == 1, "worse than the one before it: hand-edited"
    fine = reference | {"previous": None}
    assert guard.problems(fine, "x", stored(0.8)) == []
    assert "0.8100 measured" in guard.problems(fine, "x", stored(0.81))[0]


def test_committed_reference_matches_the_artefact() -> None:
    reference = json.loads(guard.REFERENCE_PATH.read_text("utf-8"))
    assert guard.problems(reference, guard.sha256(artefact.ARTEFACT_PATH)) == []
    flagged = [key for key in reference["figures"] if key.startswith(figures.FLAGGED)]
    assert len(flagged) >= 20 and next(iter(reference["figures"])) in flagged, "fairness first"


def test_report_of_another_folder(tmp_path: Path) -> None:
    from models import load_scorer, templates

    rows = [
        {"text": e.text, "y": e.labels[0], "detail": f"l1=0 l2=0 l3={e.labels[0]}"} for e in templates.generate(150, 3)
    ]
    (tmp_path / "uli_en.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    found = run.evaluate(load_scorer(), tmp_path)
    assert {f.texts for f in found.figures} == {"dev", "probes"}
    page = report.html(found)
    assert found.revision in page and "<script" not in page and page.count("<svg") >= 3 and "http" not in page
    lines = list(report.markdown(found))
    assert {line.count("|") for line in lines if line.startswith("| dev / ")} <= {lines[0].count("|")}
    assert any(line.startswith("| probes | counter | hi-Latn |") for line in lines)


def test_baseline_learns() -> None:
    baseline = Baseline(EXAMPLES)
    bad, good = baseline.score(["bad", "good"])[:, 0]
    assert bad > 0.5 > good
