"""Labelled texts, generated sentences, reproducible training and calibration."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import TrainingDataError, artefact, calibration, data, templates, training
from models.evaluation import probes, unseen_patterns
from models.romanise import romanise
from tests.support.paths import ROOT, SHARED

DEV = SHARED / "data" / "harm" / "dev"
needs_data = pytest.mark.skipif(not DEV.is_dir(), reason="labelled texts (../shared/data/harm/dev) are not here")
SIMULATED = ROOT / "devkit" / "simulation" / "data"
SMALL = training.Recipe(n_buckets=1 << 12, n_templates=60, n_folds=2, n_drawings=2)


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny set of every training file from generated sentences."""
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
def test_read_file_maps_labels_to_columns(
    tmp_path: Path, source: str, y: int, detail: str, labels: tuple[int, ...]
) -> None:
    path = tmp_path / f"{source}.jsonl"
    write_rows(path, [{"text": "<handle replaced>a &amp; b", "y": y, "detail": detail}])
    (example,) = data.read_file(path)
    assert example.labels == labels
    assert example.text == " a & b"


def test_read_file_leaves_out_offensive_tweets(tmp_path: Path) -> None:
    path = tmp_path / "davidson.jsonl"
    write_rows(path, [{"text": "x", "y": 1, "detail": "offensive"}, {"text": "y", "y": 0, "detail": "neither"}])
    assert [example.text for example in data.read_file(path)] == ["y"]


def test_read_file_detects_language(tmp_path: Path) -> None:
    texts = {"यह हिंदी है ok": "hi", "yeh hindi hai": "hi-Latn", "😀": "hi-Latn"}
    path = tmp_path / "uli_hi.jsonl"
    write_rows(path, [{"text": text, "y": 0, "detail": "l1=0 l2=0 l3=0"} for text in texts])
    assert [example.language for example in data.read_file(path)] == list(texts.values())


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"y": 1}', '{"text": 3, "y": 1}', '{"text": "a", "y": 2}', '{"text": "a", "y": 1, "detail": "l1=0"}'],
)
def test_read_file_names_a_malformed_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "uli_en.jsonl"
    path.write_text('{"text": "a", "y": 0, "detail": "l1=0 l2=0 l3=0"}\n' + line + "\n", "utf-8")
    with pytest.raises(TrainingDataError, match=r"uli_en\.jsonl, line 2"):
        data.read_file(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"davidson\.jsonl cannot be read"):
        training.train(tmp_path)
    with pytest.raises(TrainingDataError, match="no labelled texts"):
        data.read_folder(tmp_path)


def test_train_repeats_byte_for_byte(folder: Path) -> None:
    steps: list[float] = []
    first = training.train(folder, SMALL, progress=lambda step, part: steps.append(part))
    assert steps == sorted(set(steps)) and steps[-1] == 1.0
    assert training.train(folder, SMALL) == first
    assert training.train(folder, replace(SMALL, seed=1)) != first
    scorer = artefact.loads(first)
    counts = scorer.training["texts"]
    assert isinstance(counts, dict)
    assert set(counts) == {"labelled", "held out", "romanised", "templates"}
    assert min(counts.values()) > 50
    harmful, clean = scorer.score(["kill all muslims, they are vermin", "good morning, happy birthday"])[:, 0]
    assert harmful > clean


def test_drawn_changes_only_spellings_and_sentences(folder: Path) -> None:
    first = training.prepare(folder, SMALL)
    same, other = (first.drawn(SMALL, number) for number in (0, 1))
    assert (same.romanised, same.own) == (first.romanised, first.own)
    assert other.real == first.real and (other.origins == first.origins).all()
    changed = [a.text != b.text for a, b in zip(first.romanised, other.romanised, strict=True)]
    assert sum(changed) > len(changed) / 2 and other.own != first.own
    next_seed = training.prepare(folder, replace(SMALL, seed=1))
    assert next_seed.own not in (first.own, other.own), "no two seeds share a drawing"


def test_weights_of_follow_language_and_origin() -> None:
    recipe = training.Recipe(weights=(("en", 1.0), ("hi", 3.0), ("hi-Latn", 2.0)), template_weight=0.5)
    rows = [("uli_en", "en"), ("uli_hi", "hi"), (training.ROMANISED, "hi-Latn"), (templates.SOURCE, "hi")]
    examples = [data.Example("a", source, "", language, (0, 0, 0, 0)) for source, language in rows]
    assert training.weights_of(examples, recipe).tolist() == [1.0, 3.0, 2.0, 1.5]
    assert training.training_set(examples, recipe).weights.tolist() == [1.0, 3.0, 2.0, 1.5]


def test_log_count_ratios_use_text_weights() -> None:
    examples = [
        data.Example(text, "uli_en", "", "en", (y, y, y, y))
        for text, y in [("apple", 1), ("apple", 0), ("berry", 1), ("berry", 0), ("cherry", 1), ("dates", 0)] * 5
    ]
    even = training.training_set(examples, SMALL)
    heavy = np.where([e.text == "apple" and e.labels[0] == 1 for e in examples], 9.0, 1.0)
    fitted = [
        training._fit_column(replace(even, weights=weights), even.targets[:, 0], replace(SMALL, ratio_share=1e6))[0]
        for weights in (even.weights, heavy)
    ]
    apple = even.matrix[0]
    assert abs((apple @ fitted[0]).item()) < 0.2 * abs((even.matrix[4] @ fitted[0]).item()), "apple is neutral"
    assert (apple @ fitted[1]).item() > (even.matrix[2] @ fitted[1]).item(), "apple now indicates harm"


def test_folds_divide_every_stratum_evenly() -> None:
    strata = [random.Random(3).choice("aab") for _ in range(50)]
    recipe = training.Recipe(n_folds=5)
    folds = training._folds(strata, np.arange(50), recipe)
    assert Counter(folds.tolist()) == dict.fromkeys(range(5), 10)
    twins = training._folds(strata, np.arange(50) // 2, recipe)
    assert (twins[::2] == twins[1::2]).all(), "near-copies are in one fold"


@pytest.mark.parametrize(
    ("devanagari", "spellings"),
    [
        ("कमल", {"kamal"}),
        ("घर", {"ghar"}),
        ("लड़की", {"ladki", "ladkee"}),
        ("समझकर", {"samajhkar"}),
        ("न", {"na"}),
        ("समय", {"samay"}),
        ("प्रिय", {"priya"}),
        ("बच्चे", {"bachche", "bacche"}),
        ("अच्छे", {"achchhe", "acche", "achche", "acchhe"}),
    ],
)
def test_romanise_draws_known_spellings(devanagari: str, spellings: set[str]) -> None:
    rng = random.Random(0)
    assert {romanise(devanagari, rng) for _ in range(60)} == spellings
    assert romanise("ok 😀 #tag", rng) == "ok 😀 #tag"


def test_generate_is_seeded_and_labelled_by_kind() -> None:
    sentences = templates.generate(300, seed=1)
    assert sentences == templates.generate(300, seed=1)
    assert sentences != templates.generate(300, seed=2)
    assert {example.language for example in sentences} == {"en", "hi", "hi-Latn"}
    assert not any("{" in example.text for example in sentences)
    for example in sentences:
        assert (example.labels[0] == 1) == (example.detail in ("hate", "gendered", "insult"))
        assert example.language == "hi" or not data.is_devanagari(example.text)


@pytest.mark.parametrize("language", ["en", "hi", "hi-Latn"])
def test_generate_covers_every_purpose(language: str) -> None:
    counts = Counter(e.detail for e in templates.generate(3_000, seed=0) if e.language == language)
    purposes = ("hate", "gendered", "insult", "identity", "negation", "counter", "quote", "reclaimed", "protest")
    assert min(counts[purpose] for purpose in purposes) >= 30, counts


def test_pattern_parts_are_complements() -> None:
    patterns = [str(i) for i in range(10)]
    assert templates._part(patterns, "only 3") == ["3", "7"]
    assert sorted(templates._part(patterns, "only 3") + templates._part(patterns, "without 3")) == patterns
    assert templates._part(patterns, "all") == patterns


def test_mean_by_kind_separates_insults_from_everyday(folder: Path) -> None:
    found = unseen_patterns.mean_by_kind(folder, SMALL, quarter=3)
    assert set(found) == set(templates.read_patterns()["en"]["kinds"])
    for language in ("en", "hi", "hi-Latn"):
        assert found["insult"][language] > found["everyday"][language]


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


@needs_data
def test_generated_sentences_are_not_in_dev() -> None:
    dev = {_plain(example.text) for example in data.read_dev(DEV)} - {""}
    ours = {_plain(example.text) for example in templates.generate(3_000, seed=0)}
    shared = {text for text in ours & dev if len(text.split()) > 2}
    assert shared == set()


def test_probes_are_neither_trained_on_nor_simulated() -> None:
    trained = {_plain(example.text) for example in templates.generate(3_000, seed=0)}
    simulated = _plain("\n".join(path.read_text("utf-8") for path in sorted(SIMULATED.glob("texts_*.yaml"))))
    for probe in probes.probes():
        assert _plain(probe.text) not in trained, probe.text
        assert _plain(probe.text) not in simulated, probe.text


def test_patterns_are_not_in_the_simulator() -> None:
    simulated = "\n".join(path.read_text("utf-8").lower() for path in sorted(SIMULATED.glob("texts_*.yaml")))
    languages = templates.read_patterns().values()
    patterns = [p for language in languages for kind in language["kinds"].values() for p in kind]
    long = [pattern for pattern in patterns if len(pattern.split()) > 3]
    assert [pattern for pattern in long if pattern.lower() in simulated] == []


def test_expected_calibration_error() -> None:
    p = np.repeat([0.1, 0.9], 500)
    y = np.zeros(1000, np.int8)
    y[:50] = 1  # 10% of the first half
    y[500:950] = 1  # 90% of the second
    rng = np.random.default_rng(0)
    order = np.concatenate((rng.permutation(500), 500 + rng.permutation(500)))
    assert calibration.expected_calibration_error(p[order], y[order], n_bins=2) == pytest.approx(0, abs=1e-9)
    assert calibration.expected_calibration_error(1 - p, y, n_bins=2) == pytest.approx(0.8)


def test_fit_platt_recovers_curve_and_prevalence() -> None:
    rng = np.random.default_rng(1)
    margins = rng.normal(size=40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-(2 * margins - 1)))).astype(np.int8)
    slope, intercept = calibration.fit_platt(margins, labels, np.ones(40_000))
    assert (slope, intercept) == pytest.approx((2, -1), abs=0.1)
    weights = calibration.to_prevalence(labels, 0.5)
    assert np.average(labels, weights=weights) == pytest.approx(0.5)
    assert weights.mean() == pytest.approx(1)
    assert calibration.fit_platt(-margins, labels, weights) == pytest.approx((0, 0), abs=1e-6)


def test_patterns_use_existing_slots() -> None:
    for language in templates.read_patterns().values():
        for pattern in (p for part in (language["kinds"], language["slots"]) for ps in part.values() for p in ps):
            assert set(templates._SLOT.findall(pattern)) <= set(language["slots"]), pattern
