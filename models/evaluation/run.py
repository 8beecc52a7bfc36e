"""Evaluate a scorer: read texts, score them, compute the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models import artefact, data, load_scorer, splits
from models.baseline import Baseline
from models.evaluation import guard
from models.evaluation.figures import Figure, ScoredTexts, figures, score_sets
from models.evaluation.probes import SOURCE, probes
from models.evaluation.synthetic_tags import SyntheticTags, make_tags
from models.protocol import Scorer
from models.scorer import LinearScorer

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "harm"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Results of an evaluation, as a report needs them."""

    revision: str
    sets: list[ScoredTexts]
    figures: list[Figure]
    tags: list[SyntheticTags]
    left_out: dict[str, int]


def evaluate(
    scorer: Scorer,
    folder: Path,
    *,
    compared_with: Scorer | None = None,
    max_per_source: int | None = None,
    with_baseline: bool = True,
    extra_sets: Mapping[str, list[data.Example]] | None = None,
) -> Evaluation:
    """Evaluate a scorer on labelled texts.

    Args:
        scorer: the scorer to measure.
        folder: a folder with train/ and dev/, or one with labelled texts only.
        compared_with: scorer for differences; None: the baseline.
        max_per_source: maximum texts of each source, for a slow scorer.
        with_baseline: whether to train the baseline on train/ if nothing else is compared with.
        extra_sets: further texts by name of their set.

    Raises:
        TrainingDataError: the texts cannot be used.
    """
    left_out: dict[str, int] = {}
    baseline = compared_with
    if (folder / "train").is_dir():
        training = splits.read_training(folder / "train")
        judging = splits.evaluation_split(folder / "dev", training)
        sets, left_out = {"dev": judging.dev, "held out": judging.held_out}, judging.left_out
        if compared_with is None and with_baseline:
            baseline = Baseline(training.examples)
    else:
        dev = folder / "dev"
        sets = {"dev": data.read_folder(dev if dev.is_dir() else folder)}
    sets |= {SOURCE: list(probes())} | dict(extra_sets or {})
    if max_per_source is not None:
        sets = {name: splits.thin(examples, max_per_source) for name, examples in sets.items()}
    scored, prevalences, tags = score_sets(sets, scorer, baseline), None, []
    linear = scorer if isinstance(scorer, LinearScorer) else compared_with
    if isinstance(linear, LinearScorer):  # stage 2 is calibrated to the prevalences of its stage 1
        stored = linear.training.get("prevalences")
        prevalences = stored if isinstance(stored, dict) else None
    if isinstance(scorer, LinearScorer):
        tags = [of_tags for texts in scored for of_tags in make_tags(texts, scorer.numbers)]
    measured = [*figures(scored, prevalences), *(figure for of_tags in tags for figure in of_tags.figures())]
    return Evaluation(scorer.revision, scored, measured, tags, left_out)


def measure_guarded() -> guard.Stored | None:
    """Measure the guarded figures of this release's artefact; None without the labelled texts."""
    if not (DEFAULT_DATA / "train").is_dir():
        return None
    judging = splits.evaluation_split(DEFAULT_DATA / "dev", splits.read_training(DEFAULT_DATA / "train"))
    scorer = load_scorer(artefact.ARTEFACT_PATH)
    return guard.to_stored(figures(score_sets({"dev": judging.dev, SOURCE: list(probes())}, scorer), n_draws=0))
