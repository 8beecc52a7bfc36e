"""The detector's sums against the obvious computation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models import features, languages, load_scorer
from models.build_languages import LENGTHS, N_ROWS, _rows
from models.kernels.attribution import find_words
from models.kernels.languages import N_READ
from models.languages import CLEAR, FEW, FEWEST_WORDS
from models.scorer import LANGUAGES, LinearScorer
from tests.support.other_languages import LATIN, READ


def rows_of(text: str) -> set[int]:
    """Compute the table's rows of a text's character n-grams, from its words as strings."""
    grams = {
        padded[at : at + length]
        for word in features.words_of(text)
        for padded in [f" {word} "]
        for length in LENGTHS
        for at in range(len(padded) - length + 1)
    }
    return {int(_rows(np.array([[ord(c) for c in gram]], np.uint32))[0]) for gram in grams}


def test_rows_of_ngrams_are_those_of_the_features() -> None:
    for text in READ:
        points, offsets = features.encode([text])
        _, _, found, ends = find_words(points, offsets, *features.lookups(), 1 << 18)
        assert {*(found[ends[0] : ends[1]] & (N_ROWS - 1)).tolist()} == rows_of(text)


@pytest.mark.parametrize("language", LATIN)
def test_unread_text_leads_clearly_by_the_obvious_sum(language: str) -> None:
    scorer = load_scorer()
    assert isinstance(scorer, LinearScorer)
    texts = [*LATIN[language], *(" ".join(text.split()[:n]) for text in LATIN[language] for n in range(2, 6))]
    table, n_unread = languages.detector_table().astype(int), 0
    for text, found in zip(texts, scorer.score_languages(texts)[1], strict=True):
        points, offsets = features.encode([text])
        words, _, buckets, ends = find_words(points, offsets, *features.lookups(), 1 << 18)
        sums = table[buckets[ends[0] : ends[1]] & (N_ROWS - 1)].sum(axis=0)
        lead = sums[N_READ:].max() - sums[:N_READ].max()
        is_unread = len(words) >= FEWEST_WORDS and lead > CLEAR * math.sqrt(ends[1] - ends[0] + FEW)
        assert (found not in LANGUAGES) == is_unread, text
        assert not is_unread or found == languages.LATIN[N_READ + int(sums[N_READ:].argmax())]
        n_unread += is_unread
    assert 20 <= n_unread < len(texts)
