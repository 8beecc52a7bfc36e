"""Reading labelled texts, sentences of our own, training that repeats itself, and figures that are right."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models import TrainingDataError, artefact, calibration, data, evaluate, kinds, load_scorer, templates, training
from models.romanise import romanise

DEV = Path(__file__).resolve().parents[3] / "shared" / "data" / "harm" / "dev"
needs_data = pytest.mark.skipif(not DEV.is_dir(), reason="labelled texts (../shared/data/harm/dev) are not here")
SIMULATED = Path(__file__).resolve().parents[2] / "streams" / "simulation" / "data"
SMALL = training.Recipe(n_buckets=1 << 12, n_templates=60, n_folds=2)


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny set of every file, made of our own sentences."""
    folder = tmp_path_factory.mktemp("train")
    by_language: dict[str, list[data.Example]] = {"en": [], "hi": [], "hi-Latn": []}
    for example in templates.generate(200, seed=5):
        by_language[example.language].append(example)
    for name in data.TRAIN_FILES:
        examples = by_language["en"] if name != "uli_hi" else by_language["hi"] + by_language["hi-Latn"]
        rows = []
        for example in examples:
            y = example.labels[0]
            row: dict[str, object] = {"text": example.text, "y": y}
            if name == "davidson":
                row["detail"] = "hate" if y else "neither"
            if name.startswith("uli"):
                row["detail"] = f"l1={int(example.detail == 'gendered')} l2=0 l3={y}"
            rows.append(row)
        write_rows(folder / f"{name}.jsonl", rows)
    return folder


@pytest.mark.parametrize(
    ("source", "y", "detail", "labels"),
    [
        ("davidson", 1, "hate", (1, 1, 1, -1)),
        ("davidson", 0, "neither", (0, 0, 0, -1)),
        ("mhs_ken20_train", 1, "", (1, 1, -1, -1)),
        ("hatemojibuild_dev", 0, "none", (0, 0, -1, -1)),
        ("uli_en", 0, "l1=0 l2=0 l3=0", (0, 0, 0, 0)),
        ("uli_hi", 1, "l1=0 l2=0 l3=1", (1, -1, 1, 0)),
        ("uli_hi", 1, "l1=0 l2=1 l3=1", (1, 1, 1, 1)),
        ("uli_hi", 0, "l1=0 l2=1 l3=0", (0, -1, 0, -1)),
        ("uli_hi", 0, "l1=1 l2=0 l3=0", (1, -1, 0, 1)),
    ],
)
def test_what_labels_say(tmp_path: Path, source: str, y: int, detail: str, labels: tuple[int, ...]) -> None:
    path = tmp_path / f"{source}.jsonl"
    write_rows(path, [{"text": "<handle replaced>a &amp; b", "y": y, "detail": detail}])
    (example,) = data.read_file(path)
    assert example.labels == labels
    assert example.text == " a & b"


def test_offensive_tweets_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "davidson.jsonl"
    write_rows(path, [{"text": "x", "y": 1, "detail": "offensive"}, {"text": "y", "y": 0, "detail": "neither"}])
    assert [example.text for example in data.read_file(path)] == ["y"]


def test_language_of_a_text(tmp_path: Path) -> None:
    texts = {"यह हिंदी है ok": "hi", "yeh hindi hai": "hi-Latn", "😀": "hi-Latn"}
    path = tmp_path / "uli_hi.jsonl"
    write_rows(path, [{"text": text, "y": 0, "detail": "l1=0 l2=0 l3=0"} for text in texts])
    assert [example.language for example in data.read_file(path)] == list(texts.values())


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"y": 1}', '{"text": 3, "y": 1}', '{"text": "a", "y": 2}', '{"text": "a", "y": 1, "detail": "l1=0"}'],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "uli_en.jsonl"
    path.write_text('{"text": "a", "y": 0, "detail": "l1=0 l2=0 l3=0"}\n' + line + "\n", "utf-8")
    with pytest.raises(TrainingDataError, match=r"uli_en\.jsonl, line 2"):
        data.read_file(path)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"davidson\.jsonl cannot be read"):
        training.train(tmp_path)
    with pytest.raises(TrainingDataError, match="no labelled texts"):
        data.read_folder(tmp_path)


def test_training_repeats_itself_to_the_byte(folder: Path) -> None:
    steps: list[str] = []
    first = training.train(folder, SMALL, progress=steps.append)
    assert len(steps) == training.n_steps(SMALL)
    assert training.train(folder, SMALL) == first
    assert training.train(folder, replace(SMALL, seed=1)) != first
    scorer = artefact.loads(first)
    counts = scorer.training["texts"]
    assert isinstance(counts, dict)
    assert set(counts) == {"labelled", "romanised", "templates"}
    assert min(counts.values()) > 50
    harmful, clean = scorer.score(["kill all muslims, they are vermin", "good morning, happy birthday"])[:, 0]
    assert harmful > clean


def test_folds_deal_out_every_stratum() -> None:
    strata = [random.Random(3).choice("aab") for _ in range(50)]
    folds = training._folds(strata, training.Recipe(n_folds=5))
    assert Counter(folds.tolist()) == dict.fromkeys(range(5), 10)


@pytest.mark.parametrize(
    ("devanagari", "spellings"),
    [("कमल", {"kamal"}), ("घर", {"ghar"}), ("लड़की", {"ladki", "ladkee"}), ("समझकर", {"samajhkar"}), ("न", {"na"})],
)
def test_romanised_spellings(devanagari: str, spellings: set[str]) -> None:
    rng = random.Random(0)
    assert {romanise(devanagari, rng) for _ in range(40)} <= spellings
    assert romanise("ok 😀 #tag", rng) == "ok 😀 #tag"


def test_sentences_are_seeded_distinct_and_labelled_by_kind() -> None:
    sentences = templates.generate(300, seed=1)
    assert sentences == templates.generate(300, seed=1)
    assert sentences != templates.generate(300, seed=2)
    assert {example.language for example in sentences} == {"en", "hi", "hi-Latn"}
    assert not any("{" in example.text for example in sentences)
    for example in sentences:
        assert (example.labels[0] == 1) == (example.detail in ("hate", "gendered", "insult"))
        assert example.language == "hi" or not data.is_devanagari(example.text)


def test_held_out_patterns_are_the_rest_s_complement() -> None:
    patterns = [str(i) for i in range(10)]
    assert templates._part(patterns, "only 3") == ["3", "7"]
    assert sorted(templates._part(patterns, "only 3") + templates._part(patterns, "without 3")) == patterns
    assert templates._part(patterns, "all") == patterns


def test_kinds_of_held_out_sentences(folder: Path) -> None:
    found = kinds.mean_by_kind(folder, SMALL, quarter=3)
    assert set(found) == set(templates._patterns()["en"]["kinds"])
    for language in ("en", "hi", "hi-Latn"):
        assert found["insult"][language] > found["everyday"][language]


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


@needs_data
def test_no_sentence_of_ours_is_in_the_dev_set() -> None:
    dev = {_plain(example.text) for example in data.read_folder(DEV)} - {""}
    ours = {_plain(example.text) for example in templates.generate(3_000, seed=0)}
    shared = {text for text in ours & dev if len(text.split()) > 2}
    assert shared == set()


def test_no_pattern_of_ours_is_in_the_simulator() -> None:
    simulated = "\n".join(path.read_text("utf-8").lower() for path in sorted(SIMULATED.glob("texts_*.yaml")))
    patterns = [p for language in templates._patterns().values() for kind in language["kinds"].values() for p in kind]
    long = [pattern for pattern in patterns if len(pattern.split()) > 3]
    assert [pattern for pattern in long if pattern.lower() in simulated] == []


def test_calibration_error() -> None:
    p = np.repeat([0.1, 0.9], 500)
    y = np.zeros(1000, np.int8)
    y[:50] = 1  # 10% of the first half
    y[500:950] = 1  # 90% of the second
    rng = np.random.default_rng(0)
    order = np.concatenate((rng.permutation(500), 500 + rng.permutation(500)))
    assert calibration.expected_calibration_error(p[order], y[order], n_bins=2) == pytest.approx(0, abs=1e-9)
    assert calibration.expected_calibration_error(1 - p, y, n_bins=2) == pytest.approx(0.8)


def test_platt_finds_the_curve_and_the_prevalence() -> None:
    rng = np.random.default_rng(1)
    margins = rng.normal(size=40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-(2 * margins - 1)))).astype(np.int8)
    slope, intercept = calibration.fit_platt(margins, labels, np.ones(40_000))
    assert (slope, intercept) == pytest.approx((2, -1), abs=0.1)
    weights = calibration.to_prevalence(labels, 0.5)
    assert np.average(labels, weights=weights) == pytest.approx(0.5)
    assert weights.mean() == pytest.approx(1)
    assert calibration.fit_platt(-margins, labels, weights) == pytest.approx((0, 0), abs=1e-6)


class Perfect:
    """A scorer that knows: "bad" is harmful."""

    revision = "0" * 12
    categories = data.CATEGORIES

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.array([[1.0 if "bad" in text else 0.0] * 4 for text in texts], np.float32)


def test_figures_of_a_perfect_scorer() -> None:
    examples = [
        data.Example("bad" if i % 2 else "good", "uli_en", "", "en", (i % 2, i % 2, i % 2, data.UNLABELLED))
        for i in range(100)
    ]
    figures = evaluate.evaluate(Perfect(), examples, {"harmful": 0.4}, n_draws=20)
    assert [(f.source, f.column) for f in figures] == [
        (source, column) for source in (evaluate.POOLED, "uli_en") for column in data.COLUMNS[:3]
    ]
    for f in figures:
        assert (f.n_texts, f.n_harmful, f.auc, f.separation) == (100, 50, (1, 1, 1), 1)
        assert f.calibration_error_as_collected == 0
        assert [mean for mean, _, _ in f.groups] == pytest.approx(evaluate.HARMFUL_SHARES)
    assert (figures[0].calibration_error, figures[1].calibration_error) == (0, None)
    lines = list(evaluate.table(figures))
    assert len(lines) == 2 + len(figures)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}


@needs_data
def test_the_committed_model_is_as_good_as_its_card_says() -> None:
    """Floors a little below the card's figures: a worse artefact does not get in unnoticed."""
    scorer = load_scorer()
    figures = evaluate.evaluate(scorer, data.read_folder(DEV), scorer.training["prevalences"], n_draws=30)  # type: ignore[attr-defined]
    found = {(f.source, f.language): f for f in figures if f.column == "harmful"}
    floors = {
        (evaluate.POOLED, "en"): 0.845,
        (evaluate.POOLED, "hi"): 0.775,
        (evaluate.POOLED, "hi-Latn"): 0.715,
        ("identity_templates_en", "en"): 0.87,
        ("identity_templates_hi-latn", "hi-Latn"): 0.77,
    }
    for key, floor in floors.items():
        assert found[key].auc[0] > floor, key
        assert found[key].separation > 0.99, key
    for language in ("en", "hi", "hi-Latn"):
        pooled = found[(evaluate.POOLED, language)]
        assert pooled.calibration_error is not None
        assert pooled.calibration_error < 0.09, language
        assert pooled.groups[0][1] > pooled.groups[1][2], f"{language}: harmful and clean groups overlap"
    thresholds = [found[(evaluate.POOLED, language)].groups for language in ("en", "hi", "hi-Latn")]
    assert min(groups[0][0] for groups in thresholds) > max(groups[1][0] for groups in thresholds) + 0.05


def test_patterns_use_only_slots_that_exist() -> None:
    for language in templates._patterns().values():
        for pattern in (p for part in (language["kinds"], language["slots"]) for ps in part.values() for p in ps):
            assert set(templates._SLOT.findall(pattern)) <= set(language["slots"]), pattern
