"""Compute all figures of a scorer as one flat list: measure, texts, value and interval.

Texts come in sets. Choices were made on `dev`, but never on `held out` (a tenth of the training files) and `probes`
(sentences written for hushtag). The caller may add sets. A second scorer for comparison is measured on the same
bootstrap draws, so that the difference has its own interval.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from models import calibration, data
from models.evaluation import measures
from models.evaluation.measures import Curve, Floats, Interval
from models.evaluation.probes import HATE, SPARED
from models.evaluation.reading import reading_all
from models.protocol import Scorer
from models.scorer import LANGUAGES

POOLED = "all tweets"
ALL = "all"
MEAN_OF_LANGUAGES = "mean of languages"
ALL_LANGUAGES = "all languages"
NOT_TWEETED = ("identity", "hatemoji", "probes", "simulated")
FEWEST = 30  # minimum texts of each label for a figure
FEWEST_SPARED = 8  # the same for false positives
_SEED = 0

OF_CURVE: dict[str, Callable[[Curve], Floats]] = {
    "AUC": measures.auc,
    "AP": measures.average_precision,
    "macro-F1": measures.macro_f1,
    **{f"recall at {rate:.0%} FPR": partial(measures.recall_at, false_positive_rate=rate) for rate in (0.05, 0.1)},
}
FLAGGED = "flagged at half recall"
ECE, ECE_AS_COLLECTED = "ECE", "ECE as collected"
SUBGROUP, BPSN, BNSP = "subgroup AUC", "BPSN AUC", "BNSP AUC"
COMPARED = ("AUC", FLAGGED)
MINUS = " minus baseline"

# Names of groups in the identity sentences and in tweets, as whole words (Borkan and others, 2019).
IDENTITIES = {
    "muslim": "muslims?|islam|musalmaa?n|muslim",
    "jewish": "jews?|jewish|yahoodi|yahudi",
    "christian": "christians?|catholics?|isaai|isai|eesaee|eesai",
    "hindu or sikh": "hindus?|sikhs?|buddhists?|hindoo|sikkh|bauddh",
    "black": "black|african americans?|africans?|afrik(?:ee|i)|kaa?la|kaa?le",
    "white": "white|europeans?|goraa?|gore",
    "asian": "asians?|chinese|japanese|indians?|eshiyaa?ee?|chee?nee?",
    "immigrant": "immigrants?|migrants?|refugees?|mexicans?|aa?pravaa?see?|sharanaa?rthee?",
    "gay or lesbian": "gays?|lesbians?|homosexuals?|bisexuals?|queer|lgbtq?|samalaingik",
    "trans": "trans|transgender|hijd[ae]|hijra",
    "women": "wom[ae]n|females?|girls?|mahilaa?(?:en)?|aurat(?:en|on)?|ladk(?:ee|i)(?:yaan)?",
    "disabled": "disabled|deaf|blind|paralyzed|viklaa?ng|andhaa?|bahraa?",
    "old": "old|elderly|older|boodhaa?|budhaa?|bujurg",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """Figure with its interval. `better` is +1 if more is better, -1 if less is better, 0 for information."""

    measure: str
    texts: str
    subject: str
    language: str
    column: str
    value: float
    low: float
    high: float
    n_texts: int
    better: int = 0

    @property
    def key(self) -> str:
        """Identifier of the figure, the same for every artefact."""
        return " / ".join((self.measure, self.texts, self.subject, self.language, self.column))

    def as_dict(self) -> dict[str, object]:
        """Convert to a dictionary for JSON, with numbers rounded to 4 digits."""
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class ScoredTexts:
    """Examples with probabilities (n, n_columns) of a scorer and, if given, (n,) of the one compared with."""

    texts: str
    examples: list[data.Example]
    probabilities: Floats
    baseline: Floats | None = None

    def labels(self) -> npt.NDArray[np.int8]:
        """Return the labels, (n_examples, n_columns)."""
        return data.labels_of(self.examples)


def score_sets(
    sets: Mapping[str, list[data.Example]], scorer: Scorer, baseline: Scorer | None = None
) -> list[ScoredTexts]:
    """Score every set with the scorer and, if given, the baseline, both without their language gates."""
    scorer, baseline = reading_all(scorer), None if baseline is None else reading_all(baseline)
    scored = []
    for name, examples in sets.items():
        texts = [example.text for example in examples]
        of_baseline = None if baseline is None else baseline.score(texts)[:, 0].astype(np.float64)
        scored.append(ScoredTexts(name, examples, scorer.score(texts).astype(np.float64), of_baseline))
    return scored


def figures(
    sets: Sequence[ScoredTexts], prevalences: Mapping[str, float] | None = None, n_draws: int = measures.N_DRAWS
) -> Iterator[Figure]:
    """Yield discrimination, calibration, identity groups and false positives of every set with enough texts."""
    for scored in sets:
        yield from _labelled(scored, prevalences, n_draws)
        yield from _over_languages(scored, n_draws)
        yield from _identities(scored, n_draws)
        yield from _spared(scored, n_draws)


def _labelled(of: ScoredTexts, prevalences: Mapping[str, float] | None, n_draws: int) -> Iterator[Figure]:
    labels = of.labels()
    owners = [
        [(POOLED if not e.source.startswith(NOT_TWEETED) else "", e.language) for e in of.examples],
        [(e.source, e.language) for e in of.examples],
    ]
    seen = set()
    for keys in owners:
        for subject, language in sorted({key for key in keys if key[0]}):
            own = np.array([key == (subject, language) for key in keys])
            if own.tobytes() in seen:  # a language with one source
                continue
            seen.add(own.tobytes())
            for column, name in enumerate(data.COLUMNS):
                use = own & (labels[:, column] != data.UNLABELLED)
                y, p = labels[use, column], of.probabilities[use, column]
                if min(int((y == 1).sum()), int((y == 0).sum())) < FEWEST:
                    continue
                baseline = of.baseline[use] if of.baseline is not None and column == 0 else None
                where = (of.texts, subject, language, name)
                yield from _of_scores(where, p, y, baseline, n_draws)
                reference = None if prevalences is None else prevalences.get(name)
                yield from _calibration(where, p, y, reference, n_draws)


def _of_scores(
    where: tuple[str, str, str, str], p: Floats, y: measures.Labels, baseline: Floats | None, n_draws: int
) -> Iterator[Figure]:
    weights = measures.draws(y, _SEED, n_draws)
    curve = measures.curve(p, y, weights)
    for measure, of_curve in OF_CURVE.items():
        drawn = of_curve(curve)
        yield _figure(measure, where, Interval.of(drawn), len(y), 1)
        if baseline is not None and measure in COMPARED:
            difference = drawn - of_curve(measures.curve(baseline, y, weights))
            yield _figure(measure + MINUS, where, Interval.of(difference), len(y))


def _over_languages(of: ScoredTexts, n_draws: int) -> Iterator[Figure]:
    """Compute AUC of `harmful` over all languages: in one ranking, and as the unweighted mean of the languages.

    One bootstrap draw draws the texts of every language. A set without one of the languages has no figure.
    """
    labels, rows, weights = of.labels()[:, 0], [], []
    for at, language in enumerate(LANGUAGES):
        own = [e.language == language and not e.source.startswith(NOT_TWEETED) for e in of.examples]
        use = np.flatnonzero(np.array(own, bool) & (labels != data.UNLABELLED))
        if min(int((labels[use] == 1).sum()), int((labels[use] == 0).sum())) < FEWEST:
            return
        rows.append(use)
        weights.append(measures.draws(labels[use], (_SEED, at), n_draws))

    def drawn(scores: Floats) -> dict[str, Floats]:
        """Compute areas (1 + n_draws,) in one ranking and as the mean of languages."""
        each = zip(rows, weights, strict=True)
        alone = [measures.auc(measures.curve(scores[use], labels[use], times)) for use, times in each]
        use = np.concatenate(rows)
        together = measures.auc(measures.curve(scores[use], labels[use], np.concatenate(weights, axis=1)))
        return {ALL_LANGUAGES: together, MEAN_OF_LANGUAGES: np.mean(alone, axis=0)}

    ours = drawn(of.probabilities[:, 0])
    of_baseline = {} if of.baseline is None else drawn(of.baseline)
    n_texts = sum(map(len, rows))
    for language, of_language in ours.items():
        where = (of.texts, POOLED, language, data.COLUMNS[0])
        yield _figure("AUC", where, Interval.of(of_language), n_texts, 1)
        if of_baseline:
            yield _figure("AUC" + MINUS, where, Interval.of(of_language - of_baseline[language]), n_texts)


def _calibration(
    where: tuple[str, str, str, str], p: Floats, y: measures.Labels, reference: float | None, n_draws: int
) -> Iterator[Figure]:
    rng = np.random.default_rng(_SEED)
    chosen = [np.arange(len(y))] + [rng.integers(0, len(y), len(y)) for _ in range(min(100, n_draws))]
    error = calibration.expected_calibration_error
    collected = [error(p[index], y[index]) for index in chosen]
    yield _figure(ECE_AS_COLLECTED, where, Interval.of(np.array(collected)), len(y))
    if reference is not None:
        weighed = [error(p[i], y[i], calibration.to_prevalence(y[i], reference)) for i in chosen if 0 < y[i].mean() < 1]
        yield _figure(ECE, where, Interval.of(np.array(weighed)), len(y), -1)


def _identities(of: ScoredTexts, n_draws: int) -> Iterator[Figure]:
    """Measure whether the name of a group raises the score: subgroup, BPSN and BNSP AUC.

    BPSN compares the group's clean texts with others' harmful ones, BNSP the group's harmful with others' clean ones.
    """
    labels = of.labels()[:, 0]
    for subject, language, own in (
        *((POOLED, "en", [e.language == "en" and not e.source.startswith(NOT_TWEETED) for e in of.examples]),),
        *(
            (source, language, [e.source == source for e in of.examples])
            for source, language in sorted({(e.source, e.language) for e in of.examples if "identity" in e.source})
        ),
    ):
        inside = np.array(own, bool) & (labels != data.UNLABELLED)
        for group, pattern in IDENTITIES.items():
            named_by = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
            named = np.array([bool(named_by.search(e.text)) for e in of.examples], bool)
            for measure, use in (
                (SUBGROUP, inside & named),
                (BPSN, inside & ((named & (labels == 0)) | (~named & (labels == 1)))),
                (BNSP, inside & ((named & (labels == 1)) | (~named & (labels == 0)))),
            ):
                y, p = labels[use], of.probabilities[use, 0]
                if min(int((y == 1).sum()), int((y == 0).sum())) >= FEWEST and (inside & named).sum() >= 2 * FEWEST:
                    interval = Interval.of(measures.auc(measures.curve(p, y, measures.draws(y, _SEED, n_draws))))
                    where = (of.texts, f"{subject}: {group}", language, data.COLUMNS[0])
                    yield _figure(measure, where, interval, len(y), 1)


def _spared(of: ScoredTexts, n_draws: int) -> Iterator[Figure]:
    """Compute the flagged share of sentences without an attack, at the threshold that finds half of the hate."""
    details, languages = (np.array([getattr(e, name) for e in of.examples]) for name in ("detail", "language"))
    sources = np.array([e.source for e in of.examples])
    for language in (ALL, *LANGUAGES):
        own = (languages == language) | (language == ALL)
        for purpose in SPARED if (details == HATE).any() else ():
            use = own & ((details == HATE) | (details == purpose))
            yield from _flagged((of.texts, purpose, language), of, use, n_draws)
        for source in sorted({s for s in sources[own].tolist() if s.startswith("identity") and language != ALL}):
            yield from _flagged((of.texts, f"{source}: identity", language), of, own & (sources == source), n_draws)


def _flagged(
    where: tuple[str, str, str], of: ScoredTexts, use: npt.NDArray[np.bool_], n_draws: int
) -> Iterator[Figure]:
    y, p = of.labels()[use, 0], of.probabilities[use, 0]
    n_spared = int((y == 0).sum())
    if min(int((y == 1).sum()), n_spared) < FEWEST_SPARED:
        return
    weights = measures.draws(y, _SEED, n_draws)
    drawn = measures.flagged_at_half(measures.curve(p, y, weights))
    key = (*where, data.COLUMNS[0])
    yield _figure(FLAGGED, key, Interval.of(drawn), n_spared, -1)
    if of.baseline is not None:
        difference = drawn - measures.flagged_at_half(measures.curve(of.baseline[use], y, weights))
        yield _figure(FLAGGED + MINUS, key, Interval.of(difference), n_spared)


def _figure(
    measure: str, where: tuple[str, str, str, str], interval: Interval, n_texts: int, better: int = 0
) -> Figure:
    return Figure(measure, *where, interval.value, interval.low, interval.high, n_texts, better)
