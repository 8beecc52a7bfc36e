"""Ten tenths: each text is held out once, no model knows it then, and tenths are not ranked against each other."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models import artefact, data, features, known_words, leaks, load_scorer, splits, training, vocabulary
from models.evaluation import tenths, tenths_told
from models.evaluation.figures import EACH, TOGETHER, Figure
from models.evaluation.tenths import AHEAD, AUC, LESS, LESS_WIDER, PAIRS, SCORERS, TEXTS, Tenth
from models.evaluation.told import Figures
from models.scorer import LANGUAGES, LinearScorer
from tests.support.paths import SHARED

TRAIN = SHARED / "data" / "harm" / "train"
needs_data = pytest.mark.skipif(not TRAIN.is_dir(), reason="labelled texts (../shared/data/harm) are not here")
WORDS = ["match", "train", "pune", "rain", "great", "late", "catch"]


def sentence(i: int) -> str:
    return f"tweet number {i * 7919} on {WORDS[i % 7]} and {WORDS[i % 5]} of {i * i}, own{'abcdefghij'[i % 10]}{i}x"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 texts, the first 60 once more in other dress."""
    folder = tmp_path_factory.mktemp("train")
    texts = [sentence(i) for i in range(300)] + [f"@you {sentence(i).upper()}!!" for i in range(60)]
    for name in data.TRAIN_FILES:
        rows = [{"text": text, "y": i % 2, "detail": f"l1=0 l2=0 l3={i % 2}"} for i, text in enumerate(texts)]
        lines = [json.dumps(row) for row in rows if name == "uli_en"]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    return folder


def test_every_text_is_held_out_once_and_near_copies_together(folder: Path) -> None:
    whole = Counter(e.text for e in data.read_folder(folder, data.TRAIN_FILES))
    out: Counter[str] = Counter()
    for tenth in range(splits.TENTHS):
        read = splits.read_training(folder, tenth)
        held_out = Counter(e.text for e in read.held_out)
        assert held_out and held_out + Counter(e.text for e in read.examples) == whole
        plain = {leaks.plain(text) for text in held_out}
        assert not plain & {leaks.plain(e.text) for e in read.examples}, "no twin is trained on"
        assert len(read.clusters) == len(read.examples)
        out += held_out
    assert out == whole


def test_a_tenth_is_a_hash_and_the_first_is_the_one_that_is_always_held_out(folder: Path) -> None:
    def tenth_of(text: str) -> int:
        return int.from_bytes(hashlib.sha256(leaks.plain(text).encode()).digest()[:8], "big") % 10

    for given in (0, 4):
        held_out = splits.read_training(folder, given).held_out
        assert {tenth_of(e.text) for e in held_out} == {given}
    assert splits.read_training(folder).held_out == splits.read_training(folder, 0).held_out
    assert training.prepare(folder, training.Recipe(), 4).n_held_out == len(held_out)
    assert not {e.text for e in training.prepare(folder, training.Recipe(), 4).real} & {e.text for e in held_out}


@needs_data
def test_the_model_that_comes_with_hushtag_was_trained_without_the_first_tenth() -> None:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    texts, counts = training.prepare(TRAIN, training.Recipe(), 0), scorer.training["texts"]
    assert isinstance(counts, dict)
    assert (len(texts.real), texts.n_held_out) == (counts["labelled"], counts["held out"])
    known = vocabulary.keys_of(*features.encode([example.text for example in texts.examples]))
    assert (known == np.load(vocabulary.PATH)).all(), "nor are its words known"


def test_training_is_without_the_tenth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Enough(Exception):
        pass

    def prepare(folder: Path, recipe: training.Recipe, tenth: int = 0) -> training.Prepared:
        asked.append(tenth)
        raise Enough

    monkeypatch.setattr(training, "prepare", prepare)
    with pytest.raises(Enough):
        training.train(folder, tenth=3)
    with pytest.raises(Enough):
        known_words.keys_without(folder, 4)
    assert asked == [3, 4]


def test_other_known_words_are_other_features_and_only_within() -> None:
    def joined() -> bool:
        return "vermin" in features.words_of("ver min")

    before = features.fingerprint()
    content = artefact.read(artefact.ARTEFACT_PATH)
    assert joined()
    with vocabulary.instead(np.array([], np.uint32)):
        assert not joined() and features.fingerprint() != before
        with pytest.raises(artefact.ArtefactError, match="features"):
            artefact.loads(content)
    with pytest.raises(KeyError), vocabulary.instead(np.array([], np.uint32)):
        raise KeyError
    assert joined() and features.fingerprint() == before


def made(seed: int, n: int = 60, shift: float = 0.0) -> Tenth:
    """Tweets of three languages; stage 1 knows more than the baseline, stage 2 says the same; `shift`: of the scale."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.array([0, 1], np.int8), n // 2 * len(LANGUAGES))
    noise = rng.normal(size=len(labels))
    one = labels * 2.0 + noise + shift
    scores = {"baseline": labels * 0.5 + noise + shift, "stage 1": one, "stage 2": one.copy()}
    return Tenth(np.repeat(LANGUAGES, n), labels, scores)


def told(of: list[Tenth], n_draws: int = 40) -> dict[str, Figure]:
    return {f.key: f for f in tenths.figures(of, n_draws)}


def key(measure: str, subject: str, language: str, texts: str = TEXTS) -> str:
    return f"{measure} / {texts} / {subject} / {language} / harmful"


def test_areas_are_those_within_tenths() -> None:
    parts = [made(1), made(2, n=80, shift=100.0)]
    found = told(parts)
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
        each, together = (found[key(AUC, scorer, way)] for way in (EACH, TOGETHER))
        assert each.value == pytest.approx(np.mean(list(by_language.values())))
        assert together.value == pytest.approx(np.mean([roc_auc_score(t.labels, t.scores[scorer]) for t in parts]))
        assert (each.n_texts, each.better) == (together.n_texts, together.better) == (420, 1)
    unshifted = told([made(1), made(2, n=80)])
    assert {k: f.value for k, f in unshifted.items()} == pytest.approx({k: f.value for k, f in found.items()})


def test_a_small_case_by_hand() -> None:
    labels = np.array([0, 1] * 30, np.int8)
    right, wrong = labels.astype(float), 1.0 - labels
    half = np.where(np.arange(60) < 30, right, wrong)  # of the pairs half are right: those of equal scores count a half
    one = Tenth(np.repeat("hi", 60), labels, {"baseline": wrong, "stage 1": right, "stage 2": right})
    two = Tenth(np.repeat("hi", 60), labels, {"baseline": right, "stage 1": right, "stage 2": half})
    found = told([one, two, two, two])
    assert [found[key(AUC, scorer, "hi")].value for scorer in SCORERS] == [0.75, 1.0, 0.625]
    first, second = (" less ".join(pair) for pair in PAIRS)
    assert [found[key(LESS, s, "hi")].value for s in (first, second)] == [0.25, -0.375]
    assert [found[key(AHEAD, s, "hi")].value for s in (first, second)] == [1, 0]
    assert [found[key(LESS, first, "hi", f"tenth {n}")].value for n in (0, 1)] == [1.0, 0.0]
    assert not any(f.language in ("en", TOGETHER, EACH) for f in found.values()), "one language is not all of them"


def test_draws_are_the_same_for_both_of_a_difference() -> None:
    found = told([made(seed) for seed in range(3)])
    for language in (*LANGUAGES, TOGETHER, EACH):
        same = found[key(LESS, "stage 2 less stage 1", language)]
        assert (same.value, same.low, same.high) == (0, 0, 0)
        better = found[key(LESS, "stage 1 less baseline", language)]
        assert 0 < better.low < better.value < better.high


def test_every_tenth_has_draws_of_its_own() -> None:
    few, many = (told([made(1)] * n, 400)[key(LESS, "stage 1 less baseline", "hi")] for n in (2, 8))
    assert (many.high - many.low) == pytest.approx((few.high - few.low) / 2, rel=0.3)


def test_the_wider_interval_is_that_of_nadeau_and_bengio() -> None:
    found = tenths.wider(np.array([0.0, 0.2]))
    spread = 0.02**0.5 * (1 / 2 + 1) ** 0.5
    assert (found.value, found.high) == pytest.approx((0.1, 0.1 + 6.3138 * spread), rel=1e-4)
    assert found.low == pytest.approx(0.2 - found.high)


def test_too_few_texts_say_nothing() -> None:
    whole = made(1)
    few = np.flatnonzero((whole.languages != "hi") | (whole.labels == 0) | (np.arange(180) % 60 < 20))
    some = Tenth(whole.languages[few], whole.labels[few], {name: s[few] for name, s in whole.scores.items()})
    assert {f.language for f in tenths.figures([whole, whole, some], 5)} == {*LANGUAGES, TOGETHER, EACH}
    assert {f.language for f in tenths.figures([some, some], 5)} == set(LANGUAGES) - {"hi"}
    clean = Tenth(whole.languages, whole.labels * (whole.languages != "en"), whole.scores)
    assert {f.language for f in tenths.figures([whole, whole, clean], 5)} == set(LANGUAGES) - {"en"}, "none in a tenth"


def test_the_table_and_what_is_read_from_it() -> None:
    def figure(measure: str, subject: str, language: str, low: float, high: float) -> Figure:
        return Figure(measure, TEXTS, subject, language, "harmful", (low + high) / 2, low, high, 90)

    ways = (*LANGUAGES, TOGETHER, EACH)
    found = [figure(AUC, scorer, way, 0.7, 0.8) for scorer in SCORERS for way in ways]
    found += [figure(LESS, "stage 1 less baseline", way, 0.01, 0.03) for way in ways]
    found += [figure(LESS, "stage 2 less stage 1", way, -0.01 * (way == "hi-Latn"), 0.02) for way in ways]
    found += [figure(LESS_WIDER, " less ".join(pair), way, 0, 0.04) for pair in PAIRS for way in ways]
    found += [figure(AHEAD, " less ".join(pair), way, 9, 9) for pair in PAIRS for way in ways]
    rows = list(tenths_told.table(Figures(found)))
    assert len(rows) == 7 and len({row.count("|") for row in rows}) == 1
    assert "| .020 [.010, .030] | [.000, .040] | 9 |" in next(
        row for row in rows if row.startswith("| Roman Hindi | 90 |")
    )
    told = tenths_told.read(Figures(found))
    assert "stage 1 beside baseline: better beyond noise in English (.020 [.010, .030]), Devanagari" in told
    assert "(so in every language and pooled). stage 2 beside stage 1: not told apart in English" in told
    assert "(not shown in English, Devanagari, Roman Hindi," in told, "an interval that touches 0 is not above it"
