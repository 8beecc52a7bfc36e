"""The committed scorer: pure, robust, consistent, and without the GIL."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import artefact, features, load_scorer
from models.scorer import LinearScorer
from tests.support.hostile_texts import HOSTILE


@pytest.fixture(scope="module")
def scorer() -> LinearScorer:
    loaded = load_scorer()
    assert isinstance(loaded, LinearScorer)
    return loaded


def _valid(scores: npt.NDArray[np.float32]) -> bool:
    """Return whether each row has probabilities, no category above column 0, or NaN for a text that is not read."""
    unread = np.isnan(scores).all(axis=1)
    read = ((scores >= 0) & (scores <= 1) & (scores <= scores[:, :1])).all(axis=1)
    return bool((unread | read).all())


def _alone(scorer: LinearScorer, texts: Sequence[str]) -> bytes:
    return b"".join(scorer.score([text]).tobytes() for text in texts)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_score_of_hostile_text_is_probability_or_unread(scorer: LinearScorer, text: str) -> None:
    scores = scorer.score([text])
    assert scores.dtype == np.float32
    assert scores.shape == (1, 4)
    assert _valid(scores)
    assert np.isfinite(scorer.reading_all().score([text])).all()


def test_score_does_not_depend_on_the_batch(scorer: LinearScorer) -> None:
    texts = [*HOSTILE.values(), "तुम सब कीड़े हो", "what a lovely day", "tu kutta hai", "you are filth"] * 3
    alone = _alone(scorer, texts)
    assert scorer.score(texts).tobytes() == alone
    order = random.Random(1).sample(range(len(texts)), len(texts))
    mixed = scorer.score([texts[i] for i in order])
    assert b"".join(mixed[order.index(i)].tobytes() for i in range(len(texts))) == alone


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=60), max_size=9))
def test_any_texts_score_the_same_alone_and_together(scorer: LinearScorer, texts: list[str]) -> None:
    scores = scorer.score(texts)
    assert scores.tobytes() == _alone(scorer, texts)
    assert _valid(scores)


def test_score_equals_matrix_product(scorer: LinearScorer) -> None:
    texts = [
        "You are all filth, go back!",
        "तुम सब गद्दार हो, निकल जाओ",
        "lovely match in Pune 😀😀",
        "tum log gaddar ho bhai, niklo",
    ]
    numbers = scorer.numbers
    margins = features.matrix(texts, len(numbers.weights)) @ (numbers.weights * numbers.scales) + numbers.biases
    groups = np.array([0, 2, 0, 1])
    assert (margins[[0, 2], -1] < 0).all()
    assert margins[3, -1] > 0
    expected = 1 / (1 + np.exp(-(numbers.slopes[groups] * margins[:, :-1] + numbers.intercepts[groups])))
    expected[:, 1:] = np.minimum(expected[:, 1:], expected[:, :1])
    np.testing.assert_allclose(scorer.score(texts), expected, rtol=1e-5)


def test_score_separates_obvious_harm_from_clean_texts(scorer: LinearScorer) -> None:
    harmful = [
        "kill all these filthy animals, muslims are vermin",
        "तू रंडी है, कुतिया",
        "tu randi hai saali kutiya",
        "stupid faggot",
    ]
    clean = [
        "happy birthday, have a lovely day",
        "आज मौसम बहुत अच्छा है",
        "aaj mausam bahut accha hai",
        "what a catch in the last over",
    ]
    scores = scorer.score([*harmful, *clean])[:, 0]
    assert scores[: len(harmful)].min() > 0.6
    assert scores[len(harmful) :].max() < 0.4


def test_score_ignores_look_alikes_and_invisible_characters(scorer: LinearScorer) -> None:
    plain = scorer.score(["you filthy vermin"])
    for trick in (
        "YOU FILTHY VERMIN",
        "you fi\u200blthy ver\u00admin",
        "уоu filthу vеrmin",
        "ｙｏｕ filthy vermin",
        "you f1lthy verm1n",
    ):
        assert scorer.score([trick]).tobytes() == plain.tobytes(), ascii(trick)


def test_score_of_no_texts_is_empty(scorer: LinearScorer) -> None:
    assert scorer.score([]).shape == (0, 4)


def test_revision_and_categories(scorer: LinearScorer) -> None:
    assert scorer.categories == ("hateful_conduct", "abuse", "gendered_abuse")
    assert len(scorer.revision) == 12
    assert int(scorer.revision, 16) >= 0
    assert scorer.revision == artefact.load(artefact.ARTEFACT_PATH).revision


def test_artefact_is_below_five_megabytes() -> None:
    assert artefact.ARTEFACT_PATH.stat().st_size < 5_000_000


def test_score_releases_the_gil(scorer: LinearScorer) -> None:
    """While a kernel runs, a sleeping loop's longest delay stays far below the time of the call.

    Other load on the machine may delay the loop too, but not in every attempt.
    """
    texts = ["a fairly usual tweet about the match, the rain and the train to Pune"] * 60_000
    points, offsets = features.encode(texts)

    def longest_delay() -> float:
        """Return the longest delay of the loop as a share of the call's time."""
        longest, stop = 0.0, threading.Event()

        def loop() -> None:
            nonlocal longest
            while not stop.is_set():
                start = time.perf_counter()
                time.sleep(0.001)
                longest = max(longest, time.perf_counter() - start)

        thread = threading.Thread(target=loop)
        thread.start()
        start = time.perf_counter()
        scorer.score_and_fingerprint(points, offsets)
        took = time.perf_counter() - start
        stop.set()
        thread.join()
        return longest / took

    shares = [longest_delay() for _ in range(5)]
    assert min(shares) < 0.5, shares
