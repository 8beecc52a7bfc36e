"""Ten tenths: each text is held out once from training and vocabulary, and ranked within its tenth only."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models import (
    artefact,
    build_vocabulary,
    data,
    features,
    load_scorer,
    near_duplicates,
    splits,
    training,
    vocabulary,
)
from models.evaluation import tenths
from models.evaluation.figures import ALL_LANGUAGES, MEAN_OF_LANGUAGES, Figure
from models.evaluation.tenths import AUC, DIFFERENCE, PAIRS, SCORERS, TENTHS_AHEAD, TEXTS, WIDER_DIFFERENCE, TenthScores
from models.evaluation.wording import Figures
from models.scorer import LANGUAGES, LinearScorer
from tests.support.paths import SHARED

TRAIN = SHARED / "data" / "harm" / "train"
needs_data = pytest.mark.skipif(not TRAIN.is_dir(), reason="labelled texts (../shared/data/harm) are not here")
WORDS = ["match", "train", "pune", "rain", "great", "late", "catch"]


def sentence(i: int) -> str:
    return f"tweet number {i * 7919} on {WORDS[i % 7]} and {WORDS[i % 5]} of {i * i}, own{'abcdefghij'[i % 10]}{i}x"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 300 texts, and near-duplicates of the first 60."""
    folder = tmp_path_factory.mktemp("train")
    texts = [sentence(i) for i in range(300)] + [f"@you {sentence(i).upper()}!!" for i in range(60)]
    for name in data.TRAIN_FILES:
        rows = [{"text": text, "y": i % 2, "detail": f"l1=0 l2=0 l3={i % 2}"} for i, text in enumerate(texts)]
        lines = [json.dumps(row) for row in rows if name == "uli_en"]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    return folder


def test_every_text_is_held_out_once_with_near_duplicates(folder: Path) -> None:
    whole = Counter(e.text for e in data.read_folder(folder, data.TRAIN_FILES))
    out: Counter[str] = Counter()
    for tenth in range(splits.TENTHS):
        read = splits.read_training(folder, tenth)
        held_out = Counter(e.text for e in read.held_out)
        assert held_out and held_out + Counter(e.text for e in read.examples) == whole
        plain = {near_duplicates.comparable(text) for text in held_out}
        assert not plain & {near_duplicates.comparable(e.text) for e in read.examples}, "no twin is trained on"
        assert len(read.clusters) == len(read.examples)
        out += held_out
    assert out == whole


def test_tenth_is_a_hash_and_defaults_to_the_first(folder: Path) -> None:
    def tenth_of(text: str) -> int:
        return int.from_bytes(hashlib.sha256(near_duplicates.comparable(text).encode()).digest()[:8], "big") % 10

    for given in (0, 4):
        held_out = splits.read_training(folder, given).held_out
        assert {tenth_of(e.text) for e in held_out} == {given}
    assert splits.read_training(folder).held_out == splits.read_training(folder, 0).held_out
    assert training.prepare(folder, training.Recipe(), 4).n_held_out == len(held_out)
    assert not {e.text for e in training.prepare(folder, training.Recipe(), 4).real} & {e.text for e in held_out}


@needs_data
def test_artefact_was_trained_without_the_first_tenth() -> None:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    texts, counts = training.prepare(TRAIN, training.Recipe(), 0), scorer.training["texts"]
    assert isinstance(counts, dict)
    assert (len(texts.real), texts.n_held_out) == (counts["labelled"], counts["held out"])
    known = vocabulary.keys_of(*features.encode([example.text for example in texts.examples]))
    assert (known == np.load(vocabulary.PATH)).all(), "nor are its words known"


def test_training_and_vocabulary_leave_out_the_tenth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Enough(Exception):
        pass

    def prepare(folder: Path, recipe: training.Recipe, tenth: int = 0, without: str = "") -> training.TrainingTexts:
        asked.append(tenth)
        raise Enough

    monkeypatch.setattr(training, "prepare", prepare)
    with pytest.raises(Enough):
        training.train(folder, tenth=3)
    with pytest.raises(Enough):
        build_vocabulary.known_keys(folder, 4)
    assert asked == [3, 4]


def test_override_changes_features_only_within_the_context() -> None:
    def joined() -> bool:
        return "vermin" in features.words_of("ver min")

    before = features.fingerprint()
    content = artefact.read(artefact.ARTEFACT_PATH)
    assert joined()
    with vocabulary.override(np.array([], np.uint32)):
        assert not joined() and features.fingerprint() != before
        with pytest.raises(artefact.ArtefactError, match="features"):
            artefact.loads(content)
    with pytest.raises(KeyError), vocabulary.override(np.array([], np.uint32)):
        raise KeyError
    assert joined() and features.fingerprint() == before


def made(seed: int, n: int = 60, shift: float = 0.0) -> TenthScores:
    """Make tweets of three languages, scored better by stage 1 than by the baseline, and equally by stage 2."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.array([0, 1], np.int8), n // 2 * len(LANGUAGES))
    noise = rng.normal(size=len(labels))
    one = labels * 2.0 + noise + shift
    scores = {"baseline": labels * 0.5 + noise + shift, "stage 1": one, "stage 2": one.copy()}
    return TenthScores(np.repeat(LANGUAGES, n), labels, scores)


def measured(of: list[TenthScores], n_draws: int = 40) -> dict[str, Figure]:
    return {f.key: f for f in tenths.figures(of, n_draws)}


def key(measure: str, subject: str, language: str, texts: str = TEXTS) -> str:
    return f"{measure} / {texts} / {subject} / {language} / harmful"


def test_auc_is_the_mean_within_tenths() -> None:
    parts = [made(1), made(2, n=80, shift=100.0)]
    found = measured(parts)
    for scorer in SCORERS:
        by_language = {
            language: np.mean(
                [
                    roc_auc_score(t.labels[use], t.scores[scorer][use])
                    for t in parts
                    for use in [t.languages == language]
                ]
            )
            for language in LANGUAGES
        }
        for language, area in by_language.items():
            assert found[key(AUC, scorer, language)].value == pytest.approx(area)
            assert found[key(AUC, scorer, language)].n_texts == 140
        each, together = (found[key(AUC, scorer, way)] for way in (MEAN_OF_LANGUAGES, ALL_LANGUAGES))
        assert each.value == pytest.approx(np.mean(list(by_language.values())))
        assert together.value == pytest.approx(np.mean([roc_auc_score(t.labels, t.scores[scorer]) for t in parts]))
        assert (each.n_texts, each.better) == (together.n_texts, together.better) == (420, 1)
    unshifted = measured([made(1), made(2, n=80)])
    assert {k: f.value for k, f in unshifted.items()} == pytest.approx({k: f.value for k, f in found.items()})


def test_figures_of_a_small_case() -> None:
    labels = np.array([0, 1] * 30, np.int8)
    right, wrong = labels.astype(float), 1.0 - labels
    half = np.where(np.arange(60) < 30, right, wrong)  # of the pairs half are right: those of equal scores count a half
    one = TenthScores(np.repeat("hi", 60), labels, {"baseline": wrong, "stage 1": right, "stage 2": right})
    two = TenthScores(np.repeat("hi", 60), labels, {"baseline": right, "stage 1": right, "stage 2": half})
    found = measured([one, two, two, two])
    assert [found[key(AUC, scorer, "hi")].value for scorer in SCORERS] == [0.75, 1.0, 0.625]
    first, second = (" less ".join(pair) for pair in PAIRS)
    assert [found[key(DIFFERENCE, s, "hi")].value for s in (first, second)] == [0.25, -0.375]
    assert [found[key(TENTHS_AHEAD, s, "hi")].value for s in (first, second)] == [1, 0]
    assert [found[key(DIFFERENCE, first, "hi", f"tenth {n}")].value for n in (0, 1)] == [1.0, 0.0]
    assert not any(f.language in ("en", ALL_LANGUAGES, MEAN_OF_LANGUAGES) for f in found.values()), (
        "one language is not all of them"
    )


def test_differences_use_the_same_draws() -> None:
    found = measured([made(seed) for seed in range(3)])
    for language in (*LANGUAGES, ALL_LANGUAGES, MEAN_OF_LANGUAGES):
        same = found[key(DIFFERENCE, "stage 2 less stage 1", language)]
        assert (same.value, same.low, same.high) == (0, 0, 0)
        better = found[key(DIFFERENCE, "stage 1 less baseline", language)]
        assert 0 < better.low < better.value < better.high


def test_tenths_have_independent_draws() -> None:
    few, many = (measured([made(1)] * n, 400)[key(DIFFERENCE, "stage 1 less baseline", "hi")] for n in (2, 8))
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 2, rel=0.3)


def test_wider_interval_equals_nadeau_and_bengio() -> None:
    found = tenths.wider_interval(np.array([0.0, 0.2]))
    spread = 0.02**0.5 * (1 / 2 + 1) ** 0.5
    assert (found.value, found.high) == pytest.approx((0.1, 0.1 + 6.3138 * spread), rel=1e-4)
    assert found.low == pytest.approx(0.2 - found.high)


def test_language_with_too_few_texts_has_no_figure() -> None:
    whole = made(1)
    few = np.flatnonzero((whole.languages != "hi") | (whole.labels == 0) | (np.arange(180) % 60 < 20))
    some = TenthScores(whole.languages[few], whole.labels[few], {name: s[few] for name, s in whole.scores.items()})
    assert {f.language for f in tenths.figures([whole, whole, some], 5)} == {
        *LANGUAGES,
        ALL_LANGUAGES,
        MEAN_OF_LANGUAGES,
    }
    assert {f.language for f in tenths.figures([some, some], 5)} == set(LANGUAGES) - {"hi"}
    clean = TenthScores(whole.languages, whole.labels * (whole.languages != "en"), whole.scores)
    assert {f.language for f in tenths.figures([whole, whole, clean], 5)} == set(LANGUAGES) - {"en"}, "none in a tenth"


def test_table_and_summary() -> None:
    def figure(measure: str, subject: str, language: str, low: float, high: float) -> Figure:
        return Figure(measure, TEXTS, subject, language, "harmful", (low + high) / 2, low, high, 90)

    ways = (*LANGUAGES, ALL_LANGUAGES, MEAN_OF_LANGUAGES)
    found = [figure(AUC, scorer, way, 0.7, 0.8) for scorer in SCORERS for way in ways]
    found += [figure(DIFFERENCE, "stage 1 less baseline", way, 0.01, 0.03) for way in ways]
    found += [figure(DIFFERENCE, "stage 2 less stage 1", way, -0.01 * (way == "hi-Latn"), 0.02) for way in ways]
    found += [figure(WIDER_DIFFERENCE, " less ".join(pair), way, 0, 0.04) for pair in PAIRS for way in ways]
    found += [figure(TENTHS_AHEAD, " less ".join(pair), way, 9, 9) for pair in PAIRS for way in ways]
    rows = list(tenths.table(Figures(found)))
    assert len(rows) == 7 and len({row.count("|") for row in rows}) == 1
    assert "| .020 [.010, .030] | [.000, .040] | 9 |" in next(
        row for row in rows if row.startswith("| Roman Hindi | 90 |")
    )
    summary = tenths.summary(Figures(found))
    assert "stage 1 compared with baseline: better beyond noise in English (.020 [.010, .030]), Devanagari" in summary
    assert (
        "(shown in every language and pooled). stage 2 compared with stage 1: no difference beyond noise in" in summary
    )
    assert "(not shown in English, Devanagari, Roman Hindi," in summary, "an interval that touches 0 is not above it"
