"""Language gate of the committed scorer: script, the payload's tag, detector; and that it changes no score."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.simulation.data import own_texts
from devkit.simulation.texts import KINDS
from models import artefact, languages, load_scorer, sources, templates
from models.scorer import LANGUAGES, LinearScorer
from streams.counting import origins
from streams.counting.block_counts import MAX_GROUPS
from tests.support.hostile_texts import HOSTILE
from tests.support.other_languages import IN_SCRIPT, LATIN, MARATHI, READ
from tests.support.paths import ROOT

LABELLED = ROOT.parent / "shared" / "data" / "harm"
MISTAKEN = ("", "in", "id", "tl", "et", "ht", "cy", "so", "tr", "vi", "und", "zz")
"""Tags that platforms give to Roman Hindi by mistake, and tags that say nothing."""


@pytest.fixture(scope="module")
def scorer() -> LinearScorer:
    loaded = load_scorer()
    assert isinstance(loaded, LinearScorer)
    return loaded


def named(scorer: LinearScorer, texts: list[str], lang: str = "") -> list[str]:
    """Name the languages of texts with the same tag; a text has a score exactly if its language is a read one."""
    hints = np.full(len(texts), languages.hint_of(lang), np.uint8)
    probabilities, found = scorer.score_languages(texts, hints)
    unread = np.isnan(probabilities)
    assert (unread == unread[:, :1]).all()
    assert [one not in (*LANGUAGES, languages.UNDETERMINED) for one in found] == unread[:, 0].tolist()
    return found


@pytest.mark.parametrize("language", IN_SCRIPT)
@pytest.mark.parametrize("lang", ["", "en", "hi", "es", "in"])
def test_unread_script_names_its_language_for_any_tag(scorer: LinearScorer, language: str, lang: str) -> None:
    assert named(scorer, list(IN_SCRIPT[language]), lang) == [language] * 10


@pytest.mark.parametrize("lang", ["ar", "fa", "ps", "sd", "pa"])
def test_tag_names_language_within_its_script(scorer: LinearScorer, lang: str) -> None:
    assert named(scorer, list(IN_SCRIPT["ur"]), lang) == [lang] * 10


@pytest.mark.parametrize("language", LATIN)
def test_detector_finds_other_languages(scorer: LinearScorer, language: str) -> None:
    found = named(scorer, list(LATIN[language]))
    assert sum(one not in LANGUAGES for one in found) >= 19, found
    assert found.count(language) >= 18, found


@pytest.mark.parametrize("language", ["es", "pt", "fr", "de", "it"])
def test_tag_of_large_language_is_believed(scorer: LinearScorer, language: str) -> None:
    assert all(one not in LANGUAGES for one in named(scorer, [*LATIN[language], "hola", "ok"], language))


def test_clear_english_and_hindi_are_read_despite_a_large_language_tag(scorer: LinearScorer) -> None:
    texts = [
        "I really do not know what they were thinking when they wrote this down",
        "mujhe nahi pata ye log kya soch rahe the jab unhone ye likha tha",
    ]
    for lang in ("es", "pt", "fr", "de", "it"):
        assert named(scorer, texts, lang) == ["en", "hi-Latn"]


@pytest.mark.parametrize("lang", MISTAKEN)
def test_read_texts_are_read_for_a_mistaken_tag(scorer: LinearScorer, lang: str) -> None:
    assert {*named(scorer, list(READ), lang)} <= {*LANGUAGES, languages.UNDETERMINED}


@pytest.mark.parametrize("language", LATIN)
@pytest.mark.parametrize("lang", ["en", "hi", "en_GB", "hi-Latn"])
def test_tag_of_read_language_reads_latin_script(scorer: LinearScorer, language: str, lang: str) -> None:
    assert {*named(scorer, list(LATIN[language]), lang)} <= {*LANGUAGES}


@pytest.mark.parametrize("lang", ["ta", "te", "bn", "mr", "ur", "pa", "ne"])
def test_tag_of_indian_language_is_believed_in_latin_script(scorer: LinearScorer, lang: str) -> None:
    assert named(scorer, ["enna da panra", "ami tomake chini na", "super"], lang) == [lang] * 3


def test_devanagari_is_hindi_unless_the_tag_names_another(scorer: LinearScorer) -> None:
    assert named(scorer, list(MARATHI), "mr") == ["mr"] * 10
    for lang in (*MISTAKEN, "hi", "en", "es", "ta"):
        assert named(scorer, list(MARATHI), lang) == ["hi"] * 10
    assert named(scorer, ["आज मौसम बहुत अच्छा है"], "ne") == ["ne"]


def test_script_of_most_letters_decides(scorer: LinearScorer) -> None:
    tamil, english = "இந்த படம் நன்றாக இருக்கிறது", "what a day"
    assert named(
        scorer, [f"{tamil} {english}", f"{english} and what a wonderful film that was இந்த", "😀" * 90 + tamil]
    ) == [
        "ta",
        "en",
        "ta",
    ]
    assert named(scorer, ["இந்த படம் ఈ సినిమా a film"]) == ["ta"], "two unread scripts together"
    assert named(scorer, [f"#{tamil.replace(' ', '')} {english} 1234"]) == ["en"], "a hashtag is no word"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Вчера весь день шёл дождь, и мы никуда не пошли", "ru"),
        ("Почему ты всегда опаздываешь", "ru"),
        ("Сегодня на ужин картошка и сметана", "ru"),
        ("Χθες έβρεχε όλη μέρα και δεν πήγαμε πουθενά", "el"),
        ("きのうはずっと雨でした", "ja"),
        ("어제는 하루 종일 비가 왔다", "ko"),
        ("昨天下了一整天的雨", "zh"),
        ("ירד גשם כל היום אתמול", "he"),
        ("เมื่อวานฝนตกทั้งวัน", "th"),
    ],
)
def test_other_scripts_are_unread(scorer: LinearScorer, text: str, language: str) -> None:
    assert named(scorer, [text]) == [language]


def test_english_in_cyrillic_look_alikes_is_read(scorer: LinearScorer) -> None:
    assert named(scorer, ["уоu аrе а fоооl аnd а liаr", "уои аге"]) == ["en", "en"]


ANY_TEXT = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from(
        [*READ, *MARATHI, *HOSTILE.values(), *(text for one in (LATIN, IN_SCRIPT) for t in one.values() for text in t)]
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, st.integers(0, 255)), max_size=8))
def test_any_text_and_hint_gives_the_same_alone_and_together(scorer: LinearScorer, rows: list[tuple[str, int]]) -> None:
    texts, hints = [text for text, _ in rows], np.array([hint for _, hint in rows], np.uint8)
    together, found = scorer.score_languages(texts, hints)
    ungated = scorer.reading_all().score(texts)
    for at, text in enumerate(texts):
        alone, language = scorer.score_languages([text], hints[at : at + 1])
        assert alone.tobytes() == together[at].tobytes() and language == [found[at]]
        assert np.isnan(alone).all() or alone.tobytes() == ungated[at].tobytes()
        assert np.isfinite(ungated[at]).all()


def test_groups_of_texts_are_storage_groups(scorer: LinearScorer) -> None:
    from models import features

    texts = [IN_SCRIPT["ta"][0], LATIN["es"][0], LATIN["fr"][0], "good morning", "आज मौसम अच्छा है", "#only"]
    points, offsets = features.encode(texts)
    probabilities, groups, _ = scorer.score_and_fingerprint(points, offsets)
    assert [languages.GROUPS[group] for group in groups.tolist()] == ["ta", "es", "other", "en", "hi", "en"]
    assert (np.isnan(probabilities[:, 0]) == (groups >= scorer.scale.n_groups)).all()


def test_numbers_of_tags_and_groups_fit() -> None:
    assert languages.TAGS[:3] == languages.GROUPS[:3] == LANGUAGES
    assert len(languages.GROUPS) <= MAX_GROUPS and len(languages.TAGS) < languages.READS
    assert len({*languages.TAGS}) == len(languages.TAGS)
    for tag in origins.LANGUAGES:
        assert 0 <= languages.hint_of(tag) < languages.ANY
        assert languages.group_of_tag(tag) < len(languages.GROUPS)


def test_artefact_has_the_committed_table(scorer: LinearScorer) -> None:
    assert scorer.numbers.detector.tobytes() == languages.detector_table().tobytes()
    assert artefact.ARTEFACT_PATH.stat().st_size < artefact.MAX_BYTES


@pytest.mark.skipif(not LABELLED.is_dir(), reason="labelled texts of ../shared/data are absent")
def test_labelled_texts_are_read_with_unchanged_scores(scorer: LinearScorer) -> None:
    paths = [LABELLED / path for source in sources.sources().values() for path in source["sha256"]]
    texts = [json.loads(line)["text"] for path in paths for line in path.read_bytes().splitlines()]
    gated, ungated = scorer.score(texts), scorer.reading_all().score(texts)
    unread = np.isnan(gated[:, 0])
    assert unread.mean() <= 0.001, f"{unread.sum()} of {len(texts)}"
    assert gated[~unread].tobytes() == ungated[~unread].tobytes()


def test_own_sentences_are_read(scorer: LinearScorer) -> None:
    simulated, rng = own_texts(), random.Random(1)
    texts = [sentence.text for sentence in templates.generate(1_000, 5)]
    texts += [
        simulated.draw(kind, language, rng, one) for kind in KINDS for language in LANGUAGES for one in range(200)
    ]
    unread = [text for text, p in zip(texts, scorer.score(texts)[:, 0].tolist(), strict=True) if p != p]
    assert not unread
