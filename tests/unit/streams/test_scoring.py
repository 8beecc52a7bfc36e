"""Text scorers: texts as lines have the same scores and fingerprints as each text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import drift, load_scorer
from models.copies import fingerprints
from models.explain import explain
from models.languages import GROUPS
from models.protocol import GroupingScorer, PointsScorer
from models.scorer import LANGUAGES, LinearScorer
from models.share import Scale
from streams.counting.block_counts import MAX_GROUPS, UNSCORED, to_lines
from streams.counting.origins import language_code
from streams.pipeline.model_cache import ModelCache
from streams.scoring import TextScorer, score_batches
from streams.windows.open_pane import TextBatch
from tests.support.shells import make_shells

HOSTILE = [
    "", " ", "\ud83d\ude00 halves", "\udfff", "&lt;b&gt; &#10; &NewLine; &amp;", "\r\u2028\x85\x0b\x0c", "क" * 280,
    "\ufdfa" * 280, "z\u0301\u0335", "#only @tags", "you are filth", "😀😀",
]  # fmt: skip


class OnlyTexts:
    """A third-party scorer that only accepts texts."""

    revision = "f" * 12
    categories = ("abuse",)

    def __init__(self) -> None:
        self.received: list[str] = []

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.received += texts
        return np.array([[len(text), text.count("a")] for text in texts], np.float32).reshape(-1, 2) / 1_000


@pytest.fixture(scope="module")
def scorer() -> LinearScorer:
    loaded = load_scorer()
    assert isinstance(loaded, LinearScorer)
    return loaded


tweets = st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_characters="\n"), max_size=60), max_size=9)


@settings(max_examples=100, deadline=None)
@given(tweets)
def test_lines_score_as_each_text_alone(scorer: LinearScorer, texts: list[str]) -> None:
    assert isinstance(scorer, PointsScorer)
    scores = TextScorer(scorer)(to_lines(texts))
    assert scores.probabilities.shape == (len(texts), 1 + len(scorer.categories))
    assert scores.probabilities.tobytes() == b"".join(scorer.score([text]).tobytes() for text in texts)
    assert scores.copies.tolist() == [int(fingerprints([text])[0]) for text in texts]


@settings(max_examples=50, deadline=None)
@given(tweets)
def test_text_only_scorer_receives_unchanged_texts(texts: list[str]) -> None:
    other = OnlyTexts()
    assert not isinstance(other, PointsScorer)
    scores = TextScorer(other)(to_lines(texts))
    assert other.received == texts
    assert scores.probabilities.tobytes() == OnlyTexts().score(texts).tobytes()
    assert scores.copies.tolist() == [int(fingerprints([text])[0]) for text in texts]


def test_scores_have_the_language_group_of_each_text(scorer: LinearScorer) -> None:
    assert isinstance(scorer, GroupingScorer)
    texts = ["good morning from Leeds", "आज बहुत बारिश हुई", "aaj bahut baarish hui yaar", "", "🙂"]
    grouped = TextScorer(scorer)
    assert [LANGUAGES[at] for at in grouped(to_lines(texts)).groups.tolist()[:3]] == ["en", "hi", "hi-Latn"]
    explained = [explain(scorer, text) for text in texts]
    expected = [0 if one is None else LANGUAGES.index(one.language) for one in explained]
    assert grouped(to_lines(texts)).groups.tolist() == expected, "as `explain` names it; without words the first"
    assert grouped.scale is not None and grouped.scale.n_groups == len(LANGUAGES) <= MAX_GROUPS
    assert grouped.scale.moments.shape[1] == 1 + len(scorer.categories)


def batch(model: str, texts: list[str], languages: list[str] | None = None) -> TextBatch:
    named = [language_code(one) for one in languages or [""] * len(texts)]
    return TextBatch(model, to_lines(texts), np.array(named, np.uint8))


def test_payload_language_keeps_a_text_unread(scorer: LinearScorer) -> None:
    marathi = "आज पाऊस खूप पडला आहे"
    texts = batch("one", [marathi, marathi, "good morning from Leeds"], ["mr", "hi", "en"])
    scores = score_batches([texts], {"one": TextScorer(scorer)}.get, 1 + len(scorer.categories))
    assert scores.is_read.tolist() == [False, True, True]
    assert [GROUPS[group] for group in scores.groups.tolist()] == ["mr", "hi", "en"]


def test_text_without_a_model_has_no_group(scorer: LinearScorer) -> None:
    scores = score_batches([batch("lost", ["one"]), batch("one", ["two"])], {"one": TextScorer(scorer)}.get, 4)
    assert scores.silent and scores.groups.tolist() == [UNSCORED, 0]


def test_scorer_without_groups_may_leave_texts_unread() -> None:
    class Deaf(OnlyTexts):
        def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            return np.where(np.array(texts)[:, None] == "unread", np.float32(np.nan), super().score(texts))

    assert TextScorer(Deaf())(to_lines(["one", "unread"])).groups.tolist() == [0, 1]


def test_texts_of_two_models_keep_their_groups(scorer: LinearScorer) -> None:
    batches = [batch("one", ["good morning from Leeds"]), batch("other", ["आज बहुत बारिश हुई", "good night"])]
    scorers = {"one": TextScorer(scorer), "other": TextScorer(scorer)}
    scores = score_batches(batches, scorers.get, 1 + len(scorer.categories))
    assert [LANGUAGES[at] for at in scores.groups.tolist()] == ["en", "hi", "en"]


def test_scorer_without_groups_puts_all_texts_in_one() -> None:
    other = TextScorer(OnlyTexts())
    scores = other(to_lines(["one", "two"]))
    assert other.scale is None and scores.groups.tolist() == [0, 0]


def test_text_scorer_has_revision_and_categories_of_its_scorer(scorer: LinearScorer) -> None:
    text_scorer = TextScorer(scorer)
    assert (text_scorer.revision, text_scorer.categories) == (scorer.revision, scorer.categories)


async def test_worker_reports_score_drift(scorer: LinearScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TextScorer(scorer)
    assert texts.deciles is not None and TextScorer(OnlyTexts()).deciles is None
    shells = make_shells(monkeypatch)
    cache = ModelCache(shells.context.settings, texts, shells.context.metrics)
    context = replace(shells.context, scorer=texts, models=cache)
    await context.score([batch(texts.revision, ["good morning"] * 300)])
    (first,) = (sample.value for sample in context.metrics.score_drift.collect()[0].samples)
    assert first > drift.LARGE, "labelled tweets are never all equal"


class Numbering(OnlyTexts):
    """A third-party scorer with groups, whose unread texts have the number of a text that was not scored."""

    scale = Scale(np.tile([0.1, 0.9, 0.0, 0.0], (2, 2, 1)), np.zeros((2, 2, 3)))

    def score_points(self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return self.score_groups(points, offsets)[0]

    def score_groups(
        self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        is_read = np.arange(len(offsets) - 1) % 2 == 0
        found = np.where(is_read[:, None], 0.5, np.nan).astype(np.float32).repeat(2, axis=1)
        return found, np.where(is_read, 1, UNSCORED).astype(np.uint8)


def test_unread_text_of_another_scorer_counts_as_looked_at() -> None:
    """With the number of an unscored text it would count neither as read nor as unread."""
    assert isinstance(Numbering(), GroupingScorer)
    assert TextScorer(Numbering())(to_lines(["one", "two"])).groups.tolist() == [1, MAX_GROUPS - 1]


async def test_panes_of_one_model_count_in_drift(scorer: LinearScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = TextScorer(scorer)
    shells = make_shells(monkeypatch)
    metrics = shells.context.metrics
    context = replace(shells.context, scorer=texts, models=ModelCache(shells.context.settings, texts, metrics))
    await context.score([batch(texts.revision, ["good morning"] * 150)] * 2)
    (drift,) = (sample.value for sample in metrics.score_drift.collect()[0].samples)
    assert drift > 0
