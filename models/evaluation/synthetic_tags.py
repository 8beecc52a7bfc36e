"""Evaluate estimated shares and their intervals on synthetic hashtags with known harmful shares.

A tag has a population of five times as many authors as its sample, one text each. A known part of the population is
harmful; the sample is drawn without replacement. Tags are made for each share from 0 to 100% in steps of ten, from the
tweets of one language. Tags of a single source show the limits of the interval: "harmful" is then the opinion of that
source's annotators, which no interval of this model covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from scipy.stats import spearmanr

from models import share
from models.evaluation.figures import NOT_TWEETED, POOLED, Figure, ScoredTexts
from models.evaluation.measures import CONFIDENCE, Floats, Interval
from models.scorer import LANGUAGES, LinearWeights

SHARES = tuple(tenth / 10 for tenth in range(11))
SIZES = (50, 200)
N_TAGS = 60  # tags of each share
_POPULATION = 5
_BINS = 20
_FEWEST = 50  # minimum texts of each label to make tags of


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticTags:
    """Synthetic tags of one language, source and size; arrays are (n_tags,)."""

    texts: str
    subject: str
    language: str
    n_authors: int
    truth: Floats
    mean: Floats
    estimate: Floats
    lower: Floats
    upper: Floats
    least_width: float
    """Lower bound on the mean interval width of unbiased estimates; see the function `least_width`."""

    def figures(self, seed: int = 0) -> Iterator[Figure]:
        """Yield Spearman correlation, mean absolute error, coverage and mean width, with intervals over tags."""
        rng = np.random.default_rng(seed)
        n = len(self.truth)
        chosen = [np.arange(n)] + [rng.integers(0, n, n) for _ in range(200)]
        held = (self.lower <= self.truth + 1e-9) & (self.truth <= self.upper + 1e-9)
        of_tag = {
            "share MAE": (np.abs(self.estimate - self.truth), -1),
            "share coverage": (held.astype(np.float64), 1),
            "share width": (self.upper - self.lower, -1),
        }
        measured = [("share Spearman", [float(spearmanr(self.estimate[i], self.truth[i])[0]) for i in chosen], 1)]
        measured += [
            (name, [float(values[i].mean()) for i in chosen], better) for name, (values, better) in of_tag.items()
        ]
        for measure, drawn, better in measured:
            interval = Interval.of(np.array(drawn))
            where = (self.texts, f"{self.subject}, {self.n_authors} authors", self.language, "harmful")
            yield Figure(measure, *where, interval.value, interval.low, interval.high, n, better)
        yield Figure("share least width", *where, *(self.least_width,) * 3, n)


def make_tags(of: ScoredTexts, numbers: LinearWeights) -> Iterator[SyntheticTags]:
    """Make tags of every language and source of a set with enough texts of each label."""
    keys = [
        (POOLED, e.language) if not e.source.startswith(NOT_TWEETED) else (e.source, e.language) for e in of.examples
    ]
    sources = [(e.source, e.language) for e in of.examples]
    for owners in (keys, sources):
        for subject, language in sorted(set(owners)):
            pooled = subject == POOLED or subject == "simulated"
            if subject.startswith(("identity", "hatemoji", "probes")) or pooled != (owners is keys):
                continue
            if owners is sources and language != "en":  # their languages have one source: the same tags again
                continue
            own = np.array([key == (subject, language) for key in owners])
            p, y = of.probabilities[own, 0], of.labels()[own, 0]
            if min(int((y == 1).sum()), int((y == 0).sum())) >= _FEWEST:
                for n_authors in SIZES:
                    yield _made(of.texts, subject, language, n_authors, p[y == 1], p[y == 0], numbers)


def _made(
    texts: str, subject: str, language: str, n: int, harmful: Floats, clean: Floats, numbers: LinearWeights
) -> SyntheticTags:
    rng = np.random.default_rng([0, n, *language.encode()])
    truths, means = [], []
    for true_share in np.repeat(SHARES, N_TAGS).tolist():
        n_harmful = round(_POPULATION * n * true_share)
        population = np.concatenate((rng.choice(harmful, n_harmful), rng.choice(clean, _POPULATION * n - n_harmful)))
        means.append(rng.choice(population, n, replace=False).mean())
        truths.append(n_harmful / (_POPULATION * n))
    mean = np.array(means)
    mix = np.tile(np.array([float(language == group) for group in LANGUAGES]), (len(mean), 1))
    of_column = (numbers.moments[:, 0], numbers.errors[:, 0], CONFIDENCE, numbers.between[:, 0])
    bounds = share.bounds(mean, np.full(len(mean), n), mix, *of_column)
    return SyntheticTags(texts, subject, language, n, np.array(truths), mean, *bounds, least_width(harmful, clean, n))


def least_width(harmful: Floats, clean: Floats, n: int) -> float:
    """Compute the mean interval width over SHARES of the best unbiased estimate of a share from n scores.

    The bound of Cramér and Rao: the variance is at least 1 / (n I). The information I of a score is the sum of
    (f1 - f0)^2 / (share f1 + (1 - share) f0) over bins, with f1 and f0 the distributions of harmful and clean texts.
    The variance is reduced because the sample is a part of a finite population.

    >>> least_width(np.linspace(0.5, 1, 400), np.linspace(0, 0.5, 400), 50) < 0.2  # separated: only sampling error
    True
    """
    edges = np.quantile(np.concatenate((harmful, clean)), np.linspace(0, 1, _BINS + 1)[1:-1])
    f1, f0 = (np.bincount(np.searchsorted(edges, some), minlength=_BINS) + 0.5 for some in (harmful, clean))
    f1, f0 = f1 / f1.sum(), f0 / f0.sum()
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    widths = []
    for true in SHARES:
        information = max(1e-12, float(((f1 - f0) ** 2 / (true * f1 + (1 - true) * f0)).sum()))
        half = z * float(np.sqrt(1 / (n * information) - true * (1 - true) / (_POPULATION * n)))
        widths.append(min(1.0, true + half) - max(0.0, true - half))
    return float(np.mean(widths))
