"""Compare scorers on ten tenths of the training files, each scored by models trained without it.

One held-out tenth has too few texts in Roman Hindi to separate two scorers; ten tenths have ten times as many. Ten
models have ten score scales, so texts of different tenths are never ranked together. The area under the curve is
computed within each tenth, and the figure is the mean of ten. The bootstrap draws texts within each tenth, language and
label, the same ones for every scorer.

The bootstrap interval reflects the choice of texts, but not the choice of training texts. A wider interval reflects
both. It uses the variance of the difference between tenths, times (1/10 + 1/9) instead of 1/10, because two trainings
share most of their texts (Nadeau and Bengio, 2003, "Inference for the generalization error").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from models import data
from models.evaluation import measures
from models.evaluation.figures import ALL_LANGUAGES, FEWEST, MEAN_OF_LANGUAGES, Figure
from models.evaluation.measures import Floats, Interval, Labels
from models.evaluation.wording import (
    NAMES,
    Figures,
    describe_differences,
    format_figure,
    format_interval,
    significance,
)
from models.scorer import LANGUAGES

SCORERS = ("baseline", "stage 1", "stage 2")
PAIRS = (("stage 1", "baseline"), ("stage 2", "stage 1"))
TEXTS = "ten tenths"
AUC, DIFFERENCE, WIDER_DIFFERENCE, TENTHS_AHEAD = (
    "AUC",
    "AUC difference",
    "AUC difference, trainings too",
    "tenths ahead",
)
_SEED = 0

Drawn = dict[str, dict[str, Floats]]
"""Areas (n_tenths, 1 + n_draws) by language (including all and mean) and scorer; the first is of all texts."""


@dataclass(frozen=True, slots=True, eq=False)
class TenthScores:
    """Languages, labels (1 or 0) and scores by each of SCORERS of one tenth's tweets, each (n_texts,)."""

    languages: npt.NDArray[np.str_]
    labels: Labels
    scores: Mapping[str, Floats]


def figures(tenths: Sequence[TenthScores], n_draws: int = measures.N_DRAWS) -> Iterator[Figure]:
    """Compute AUC of each scorer and differences of PAIRS: by language, in one ranking, and as mean of languages.

    A difference has a figure for all tenths (TEXTS), one with a wider interval, and one for each tenth ("tenth 0").
    TENTHS_AHEAD is the number of tenths with a positive difference. A language is left out if it has fewer than FEWEST
    texts of a label in all tenths, or none in one tenth.
    """
    n_texts = {language: _n_texts(tenths, language) for language in (ALL_LANGUAGES, MEAN_OF_LANGUAGES, *LANGUAGES)}
    for language, by_scorer in _drawn(tenths, n_draws).items():
        for scorer in SCORERS:
            yield _figure(AUC, TEXTS, scorer, language, Interval.of(by_scorer[scorer].mean(axis=0)), n_texts[language])
        for scorer, other in PAIRS:
            difference = by_scorer[scorer] - by_scorer[other]
            subject = f"{scorer} less {other}"
            overall = {
                DIFFERENCE: Interval.of(difference.mean(axis=0)),
                WIDER_DIFFERENCE: wider_interval(difference[:, 0]),
            }
            overall[TENTHS_AHEAD] = Interval(*(float((difference[:, 0] > 0).sum()),) * 3)
            for measure, interval in overall.items():
                yield _figure(measure, TEXTS, subject, language, interval, n_texts[language])
            for number, (tenth, of_tenth) in enumerate(zip(tenths, difference, strict=True)):
                n_here = _n_texts([tenth], language)
                yield _figure(DIFFERENCE, f"tenth {number}", subject, language, Interval.of(of_tenth), n_here)


def wider_interval(differences: Floats) -> Interval:
    """Compute the mean of differences (n_tenths,) and an interval that includes the variance between trainings."""
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) * (1 / n + 1 / (n - 1)) ** 0.5
    half = spread * float(stats.t.ppf((1 + measures.CONFIDENCE) / 2, n - 1))
    mean = float(differences.mean())
    return Interval(mean, mean - half, mean + half)


def _drawn(tenths: Sequence[TenthScores], n_draws: int) -> Drawn:
    measured = [language for language in LANGUAGES if _enough(tenths, language)]
    of_tenths = [_of_tenth(tenth, number, measured, n_draws) for number, tenth in enumerate(tenths)]
    return {
        way: {scorer: np.stack([of[way][scorer] for of in of_tenths]) for scorer in SCORERS} for way in of_tenths[0]
    }


def _of_tenth(tenth: TenthScores, number: int, measured: Sequence[str], n_draws: int) -> Drawn:
    """Compute the areas of one tenth, (1 + n_draws,) each."""
    rows = [np.flatnonzero(tenth.languages == language) for language in measured]
    times = [measures.draws(tenth.labels[use], (_SEED, number, at), n_draws) for at, use in enumerate(rows)]

    def areas(use: npt.NDArray[np.intp], times: Floats) -> dict[str, Floats]:
        labels = tenth.labels[use]
        return {scorer: measures.auc(measures.curve(tenth.scores[scorer][use], labels, times)) for scorer in SCORERS}

    areas_of = dict(zip(measured, map(areas, rows, times), strict=True))
    if len(measured) == len(LANGUAGES):
        together = areas(np.concatenate(rows), np.concatenate(times, axis=1))
        each = {scorer: np.mean([of[scorer] for of in areas_of.values()], axis=0) for scorer in SCORERS}
        areas_of |= {ALL_LANGUAGES: together, MEAN_OF_LANGUAGES: each}
    return areas_of


def _enough(tenths: Sequence[TenthScores], language: str) -> bool:
    counts = np.array([[((t.languages == language) & (t.labels == y)).sum() for y in (0, 1)] for t in tenths])
    return bool(counts.min() > 0 and counts.sum(axis=0).min() >= FEWEST)


def _n_texts(tenths: Sequence[TenthScores], language: str) -> int:
    of_all = language in (ALL_LANGUAGES, MEAN_OF_LANGUAGES)
    return sum(int(np.isin(t.languages, LANGUAGES if of_all else language).sum()) for t in tenths)


def _figure(measure: str, texts: str, subject: str, language: str, interval: Interval, n_texts: int) -> Figure:
    better = int(measure == AUC)
    return Figure(
        measure, texts, subject, language, data.COLUMNS[0], interval.value, interval.low, interval.high, n_texts, better
    )


def table(of: Figures) -> Iterator[str]:
    """Write the card's table, a row per language: each difference, its wider interval, and the tenths above 0."""
    heads = [f"AUC, {scorer}" for scorer in SCORERS]
    for pair in PAIRS:
        heads += [" minus ".join(pair), "[with variance of training]", "tenths above 0"]
    yield f"| language | texts | {' | '.join(heads)} |"
    yield "|---" * (2 + len(heads)) + "|"
    for language in NAMES:
        areas = [of.get(AUC, TEXTS, scorer, language) for scorer in SCORERS]
        if areas[0] is None:
            continue
        cells = [format_figure(area) for area in areas]
        for pair in PAIRS:
            measures_of_pair = (DIFFERENCE, WIDER_DIFFERENCE, TENTHS_AHEAD)
            difference, wide, ahead = (of.get(m, TEXTS, " less ".join(pair), language) for m in measures_of_pair)
            cells += [format_figure(difference), "" if wide is None else format_interval(wide)]
            cells.append("" if ahead is None else f"{ahead.value:.0f}")
        yield f"| {NAMES[language]} | {areas[0].n_texts} | {' | '.join(cells)} |"


def summary(of: Figures) -> str:
    """Write for each pair in which languages it is better beyond noise, and whether that includes all of them."""
    parts = []
    for scorer, other in PAIRS:
        differences = {language: of.get(DIFFERENCE, TEXTS, f"{scorer} less {other}", language) for language in NAMES}
        missing = [NAMES[language] for language, f in differences.items() if f is None or significance(f) != 1]
        verdict = f"not shown in {', '.join(missing)}" if missing else "shown in every language and pooled"
        parts.append(f"{scorer} compared with {other}: {describe_differences(differences)} ({verdict})")
    return f"AUC, mean of ten tenths, {'. '.join(parts)}."
