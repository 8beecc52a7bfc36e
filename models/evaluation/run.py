"""One evaluation from end to end: read, score, measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models import artefact, data, load_scorer, splits
from models.baseline import Baseline
from models.evaluation import guard
from models.evaluation.figures import Figure, Scored, figures, scored
from models.evaluation.tags import Tags, tags
from models.probes import SOURCE, probes
from models.protocol import Scorer
from models.scorer import LinearScorer

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "harm"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that a report tells."""

    revision: str
    sets: list[Scored]
    figures: list[Figure]
    tags: list[Tags]
    left_out: dict[str, int]


def evaluate(
    scorer: Scorer,
    folder: Path,
    *,
    beside: Scorer | None = None,
    most: int | None = None,
    with_baseline: bool = True,
    more: Mapping[str, list[data.Example]] | None = None,
) -> Evaluation:
    """Of the texts in `folder`, which has train/ and dev/, or is a folder of labelled texts to be told of alone.

    `beside`: what it is compared with; without it, `with_baseline` trains the recipe to beat on train/ for that.
    `most`: so many texts of each source, of a scorer that is slow. `more`: further sets. Raises TrainingDataError.
    """
    left_out: dict[str, int] = {}
    baseline = beside
    if (folder / "train").is_dir():
        training = splits.read_training(folder / "train")
        judging = splits.judging(folder / "dev", training)
        sets, left_out = {"dev": judging.dev, "held out": judging.held_out}, judging.left_out
        if beside is None and with_baseline:
            baseline = Baseline(training.examples)
    else:
        dev = folder / "dev"
        sets = {"dev": data.read_folder(dev if dev.is_dir() else folder)}
    sets |= {SOURCE: list(probes())} | dict(more or {})
    if most is not None:
        sets = {name: splits.thinned(examples, most) for name, examples in sets.items()}
    found, prevalences, made = scored(sets, scorer, baseline), None, []
    linear = scorer if isinstance(scorer, LinearScorer) else beside
    if isinstance(linear, LinearScorer):  # stage 2 is calibrated to the prevalences of the stage 1 beside it
        told_of = linear.training.get("prevalences")
        prevalences = told_of if isinstance(told_of, dict) else None
    if isinstance(scorer, LinearScorer):
        made = [one for of in found for one in tags(of, scorer.numbers)]
    told = [*figures(found, prevalences), *(figure for one in made for figure in one.figures())]
    return Evaluation(scorer.revision, found, told, made, left_out)


def guarded_now(folder: Path = DEFAULT_DATA) -> guard.Stored | None:
    """The guarded figures of the artefact that comes with hushtag; None where the labelled texts are not."""
    if not (folder / "train").is_dir():
        return None
    judging = splits.judging(folder / "dev", splits.read_training(folder / "train"))
    scorer = load_scorer(artefact.ARTEFACT_PATH)
    return guard.stored(figures(scored({"dev": judging.dev, SOURCE: list(probes())}, scorer), n_draws=0))
