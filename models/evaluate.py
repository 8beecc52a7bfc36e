"""How good the scorer is on labelled texts that it was not trained on: `python -m models.evaluate [--data DIR]`.

Per source, language and category: AUC, calibration error, and what the pipeline lives on, the mean probability over
groups of texts such as a hashtag's sample. Intervals are 90% bootstrap percentiles over texts (groups: over groups).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from models import calibration, data, load_scorer
from models.protocol import Scorer

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "harm"
GROUP_SIZE = 50
HARMFUL_SHARES = (0.8, 0.1, 0.0)
_N_BOOTSTRAP = 200
_FEWEST = 30  # of each class: less is not worth a figure

Interval = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one source, language and column; `groups` are mean probabilities at HARMFUL_SHARES, `separation` the AUC of
    groups of 50 texts with 80% harmful against groups with 0 to 10%."""

    source: str
    language: str
    column: str
    n_texts: int
    n_positive: int
    auc: Interval
    calibration_error: float
    groups: tuple[Interval, ...]
    separation: float


def evaluate(scorer: Scorer, examples: list[data.Example], seed: int = 0) -> list[Figures]:
    """Figures of every source, language and column that has at least 30 texts of either label, in that order."""
    probabilities = scorer.score([example.text for example in examples]).astype(np.float64)
    labels = data.labels_of(examples)
    keys = [(example.source, example.language) for example in examples]
    found = []
    for source, language in sorted(set(keys)):
        own = np.array([key == (source, language) for key in keys])
        for column, name in enumerate(data.COLUMNS):
            use = own & (labels[:, column] != data.UNLABELLED)
            y, p = labels[use, column], probabilities[use, column]
            if min(int((y == 1).sum()), int((y == 0).sum())) >= _FEWEST:
                found.append(_figures(source, language, name, y, p, np.random.default_rng(seed)))
    return found


def _figures(
    source: str,
    language: str,
    column: str,
    y: npt.NDArray[np.int8],
    p: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Figures:
    groups = [_group_means(y, p, share, rng) for share in HARMFUL_SHARES]
    harmful, clean = groups[0], np.concatenate(groups[1:])
    separation = roc_auc_score(np.repeat([1, 0], [len(harmful), len(clean)]), np.concatenate((harmful, clean)))
    return Figures(
        source,
        language,
        column,
        len(y),
        int(y.sum()),
        _bootstrap(lambda index: float(roc_auc_score(y[index], p[index])), y, rng),
        calibration.expected_calibration_error(p, y),
        tuple(_interval(means) for means in groups),
        float(separation),
    )


def _group_means(
    y: npt.NDArray[np.int8], p: npt.NDArray[np.float64], share: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    n_harmful = round(GROUP_SIZE * share)
    harmful = rng.choice(p[y == 1], (_N_BOOTSTRAP, n_harmful))
    clean = rng.choice(p[y == 0], (_N_BOOTSTRAP, GROUP_SIZE - n_harmful))
    means: npt.NDArray[np.float64] = np.concatenate((harmful, clean), axis=1).mean(axis=1)
    return means


def _bootstrap(
    figure: Callable[[npt.NDArray[np.intp]], float], y: npt.NDArray[np.int8], rng: np.random.Generator
) -> Interval:
    """The figure with its interval, drawing within each class so that both are always there."""
    classes = [np.flatnonzero(y == 1), np.flatnonzero(y == 0)]
    draws = [figure(np.concatenate([rng.choice(c, len(c)) for c in classes])) for _ in range(_N_BOOTSTRAP)]
    low, high = np.quantile(draws, (0.05, 0.95))
    return figure(np.arange(len(y))), float(low), float(high)


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, (0.05, 0.95))
    return float(values.mean()), float(low), float(high)


def table(figures: list[Figures]) -> Iterator[str]:
    """Lines of a Markdown table."""
    shares = " | ".join(f"mean p at {share:.0%} harmful" for share in HARMFUL_SHARES)
    yield f"| source | language | column | texts (harmful) | AUC | ECE | {shares} | groups told apart |"
    yield "|---" * (7 + len(HARMFUL_SHARES)) + "|"
    for f in figures:
        groups = " | ".join(_shown(group) for group in f.groups)
        yield (
            f"| {f.source} | {f.language} | {f.column} | {f.n_texts} ({f.n_positive}) | {_shown(f.auc, 3)} "
            f"| {f.calibration_error:.3f} | {groups} | {f.separation:.3f} |"
        )


def _shown(interval: Interval, digits: int = 2) -> str:
    value, low, high = (f"{number:.{digits}f}".removeprefix("0") for number in interval)
    return f"{value} [{low}, {high}]"


def main() -> None:
    """Prints the table of the model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, or one with dev/")
    parser.add_argument("--model", type=Path, help="model file; default: the one that comes with hushtag")
    options = parser.parse_args()
    folder = options.data / "dev" if (options.data / "dev").is_dir() else options.data
    try:
        scorer = load_scorer(options.model)
        examples = data.read_folder(folder)
    except ValueError as error:  # of models.errors
        parser.exit(2, f"error: {error}\n")
    print(f"Model {scorer.revision}, {len(examples)} texts, groups of {GROUP_SIZE}, 90% intervals.\n")
    for line in table(evaluate(scorer, examples)):
        print(line)


if __name__ == "__main__":
    main()
