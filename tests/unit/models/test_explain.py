"""Explanations: contributions sum to the score, words are masked, disguises are undone."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import explain, features, load_scorer
from models.evaluation import attacks
from models.scorer import LinearScorer
from tests.support.hostile_texts import HOSTILE


@pytest.fixture(scope="module")
def scorer() -> LinearScorer:
    loaded = load_scorer()
    assert isinstance(loaded, LinearScorer)
    return loaded


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.sampled_from(list(HOSTILE.values())), st.text(st.characters(), max_size=120)))
def test_contributions_and_intercept_sum_to_the_log_odds(scorer: LinearScorer, text: str) -> None:
    reading = scorer.reading_all()
    probabilities = reading.score([text])[0]
    found = explain.explain(reading, text)
    if found is None:
        assert features.words_of(text) == []
        return
    assert {word for word, _ in found.terms} == set(features.words_of(text))
    for column, p in enumerate(probabilities.tolist()):
        own = explain.explain(reading, text, column)
        assert own is not None
        expected = 1 / (1 + math.exp(-own.log_odds))
        assert min(expected, float(probabilities[0]) if column else 1.0) == pytest.approx(p, abs=1e-5)


def test_explain_lists_the_most_harmful_word_first(scorer: LinearScorer) -> None:
    for text, word, language in (
        ("those filthy vermin came to the match", "vermin", "en"),
        ("आज मैच में रंडी कहा", "रंडी", "hi"),
        ("aaj tu kutiya hai yaar", "kutiya", "hi-Latn"),
    ):
        found = explain.explain(scorer, text)
        assert found is not None
        assert (found.terms[0][0] in (word, "filthy"), found.language) == (True, language)


def test_mean_contributions_average_over_texts(scorer: LinearScorer) -> None:
    found = [explain.explain(scorer, text) for text in ("you vermin", "vermin here", "nice day", "#only")]
    terms = dict(explain.mean_contributions(found))
    alone = [dict(one.terms).get("vermin", 0.0) if one else 0.0 for one in found]
    assert terms["vermin"] == pytest.approx(sum(alone) / 4)
    assert list(terms.values()) == sorted(terms.values(), reverse=True)
    assert explain.mean_contributions([]) == []


@pytest.mark.parametrize(
    ("word", "shown"), [("a", "*"), ("an", "a*"), ("vermin", "v****n"), ("😡", "😡"), ("रंडी", "र***")]
)
def test_masked_hides_letters(word: str, shown: str) -> None:
    assert explain.masked(word) == shown


WORDS = ["vermin", "disgusting", "kutiya", "chutiya", "haramkhor", "animals"]


# Two words with a blank between them may be ordinary words: not undone, and a miss in the model card.
NOT_UNDONE = "one blank inside"


@pytest.mark.parametrize("name", [name for name in (attacks.LOOK_ALIKES | attacks.SPACINGS) if name != NOT_UNDONE])
@pytest.mark.parametrize("word", WORDS)
def test_words_of_undoes_look_alikes_and_spacing(name: str, word: str) -> None:
    disguise = (attacks.LOOK_ALIKES | attacks.SPACINGS)[name]
    disguised = disguise(word, random.Random(3))
    assert disguised != word
    assert features.words_of(f"the  {disguised}  came") == ["the", word, "came"], ascii(disguised)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([*WORDS, "रंडी", "कुत्ता", "the", "match", "😡"]), min_size=1, max_size=8),
    st.sampled_from([*attacks.LOOK_ALIKES, *attacks.SPACINGS, *attacks.SPELLINGS]),
    st.integers(0, 99),
)
def test_score_of_any_disguise_is_a_probability(scorer: LinearScorer, words: list[str], name: str, seed: int) -> None:
    disguise = (attacks.LOOK_ALIKES | attacks.SPACINGS | attacks.SPELLINGS)[name]
    text = "  ".join(disguise(word, random.Random(seed)) for word in words)
    scores = scorer.score([text])
    assert np.isfinite(scores).all() and ((scores >= 0) & (scores <= 1)).all()
