"""Scorers compared on ten tenths of the training files, each scored by models that never saw it.

One held-out tenth has too few texts in Roman Hindi to tell two scorers apart; ten have ten times as many. But ten
models' scores are on ten scales, so texts of different tenths are never ranked against each other: an area under the
curve is computed within each tenth, and what is told is the mean of ten. A draw of the bootstrap draws texts within
each tenth, language and label, the same ones for every scorer.

That interval knows which texts were drawn, not which ones were trained on. So a wider one stands beside it, from how
the difference varies between tenths, times (1/10 + 1/9) instead of 1/10, because any two trainings share most of their
texts (Nadeau and Bengio, 2003, "Inference for the generalization error").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from models import data
from models.evaluation import measures
from models.evaluation.figures import EACH, FEWEST, TOGETHER, Figure
from models.evaluation.measures import Floats, Interval, Labels
from models.scorer import LANGUAGES

SCORERS = ("baseline", "stage 1", "stage 2")
PAIRS = (("stage 1", "baseline"), ("stage 2", "stage 1"))
TEXTS = "ten tenths"
AUC, LESS, LESS_WIDER, AHEAD = "AUC", "AUC difference", "AUC difference, trainings too", "tenths ahead"
_SEED = 0

Drawn = dict[str, dict[str, Floats]]
"""By language (also TOGETHER and EACH) and scorer, (n_tenths, 1 + n_draws) areas, the first without drawing."""


@dataclass(frozen=True, slots=True, eq=False)
class Tenth:
    """Of a tenth's tweets languages, labels (1 or 0) and what each of SCORERS says of them, each (n_texts,)."""

    languages: npt.NDArray[np.str_]
    labels: Labels
    scores: Mapping[str, Floats]


def figures(tenths: Sequence[Tenth], n_draws: int = measures.N_DRAWS) -> Iterator[Figure]:
    """Of each scorer the AUC, of each of PAIRS the difference: by language, in one ranking, mean of the languages.

    A difference is told of all tenths (TEXTS), with a wider interval, and of each ("tenth 0"); AHEAD is the number of
    tenths in which it is above 0. Nothing is told of a language with fewer than FEWEST texts of a label in all, or
    with none in a tenth.
    """
    n_texts = {language: _n_texts(tenths, language) for language in (TOGETHER, EACH, *LANGUAGES)}
    for language, by_scorer in _drawn(tenths, n_draws).items():
        for scorer in SCORERS:
            yield _figure(AUC, TEXTS, scorer, language, Interval.of(by_scorer[scorer].mean(axis=0)), n_texts[language])
        for one, other in PAIRS:
            less = by_scorer[one] - by_scorer[other]
            subject = f"{one} less {other}"
            told = {LESS: Interval.of(less.mean(axis=0)), LESS_WIDER: wider(less[:, 0])}
            told[AHEAD] = Interval(*(float((less[:, 0] > 0).sum()),) * 3)
            for measure, interval in told.items():
                yield _figure(measure, TEXTS, subject, language, interval, n_texts[language])
            for number, (tenth, of_tenth) in enumerate(zip(tenths, less, strict=True)):
                n_here = _n_texts([tenth], language)
                yield _figure(LESS, f"tenth {number}", subject, language, Interval.of(of_tenth), n_here)


def wider(differences: Floats) -> Interval:
    """Of (n_tenths,) differences the mean, and an interval that knows that other texts could have been trained on."""
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) * (1 / n + 1 / (n - 1)) ** 0.5
    half = spread * float(stats.t.ppf((1 + measures.CONFIDENCE) / 2, n - 1))
    mean = float(differences.mean())
    return Interval(mean, mean - half, mean + half)


def _drawn(tenths: Sequence[Tenth], n_draws: int) -> Drawn:
    told = [language for language in LANGUAGES if _enough(tenths, language)]
    found = [_of_tenth(tenth, number, told, n_draws) for number, tenth in enumerate(tenths)]
    return {way: {scorer: np.stack([of[way][scorer] for of in found]) for scorer in SCORERS} for way in found[0]}


def _of_tenth(tenth: Tenth, number: int, told: Sequence[str], n_draws: int) -> Drawn:
    """Of one tenth, (1 + n_draws,) areas each."""
    rows = [np.flatnonzero(tenth.languages == language) for language in told]
    times = [measures.draws(tenth.labels[use], (_SEED, number, at), n_draws) for at, use in enumerate(rows)]

    def areas(use: npt.NDArray[np.intp], times: Floats) -> dict[str, Floats]:
        labels = tenth.labels[use]
        return {scorer: measures.auc(measures.curve(tenth.scores[scorer][use], labels, times)) for scorer in SCORERS}

    found = dict(zip(told, map(areas, rows, times), strict=True))
    if len(told) == len(LANGUAGES):
        together = areas(np.concatenate(rows), np.concatenate(times, axis=1))
        each = {scorer: np.mean([of[scorer] for of in found.values()], axis=0) for scorer in SCORERS}
        found |= {TOGETHER: together, EACH: each}
    return found


def _enough(tenths: Sequence[Tenth], language: str) -> bool:
    counts = np.array([[((t.languages == language) & (t.labels == y)).sum() for y in (0, 1)] for t in tenths])
    return bool(counts.min() > 0 and counts.sum(axis=0).min() >= FEWEST)


def _n_texts(tenths: Sequence[Tenth], language: str) -> int:
    of_all = language in (TOGETHER, EACH)
    return sum(int(np.isin(t.languages, LANGUAGES if of_all else language).sum()) for t in tenths)


def _figure(measure: str, texts: str, subject: str, language: str, found: Interval, n_texts: int) -> Figure:
    better = int(measure == AUC)
    return Figure(
        measure, texts, subject, language, data.COLUMNS[0], found.value, found.low, found.high, n_texts, better
    )
