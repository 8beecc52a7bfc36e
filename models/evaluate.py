"""How good the scorer is on labelled texts that it was not trained on: `python -m models.evaluate [--data DIR]`.

Per source, language and column: AUC, calibration error, and what the pipeline lives on, the mean probability over
groups of texts such as a hashtag's sample. Intervals are 90% bootstrap percentiles over texts (groups: over groups).
The calibration error is given at the reference prevalence to which the scorer is calibrated (labels weighed), and as
the texts were collected.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from models import calibration, data, load_scorer
from models.calibration import Floats, Labels
from models.protocol import Scorer

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "harm"
POOLED = "all tweets"
GROUP_SIZE = 50
HARMFUL_SHARES = (0.8, 0.1, 0.0)
_FEWEST = 30  # of each label: less is not worth a figure

Interval = tuple[float, float, float]  # value, low, high


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one source, language and column.

    groups: mean probability at each of HARMFUL_SHARES. separation: how surely a group with 80% harmful texts has a
    higher mean than one with 0 or 10% (an AUC). The calibration errors are in [0, 1].
    """

    source: str
    language: str
    column: str
    n_texts: int
    n_harmful: int
    auc: Interval
    calibration_error: float | None
    calibration_error_as_collected: float
    groups: tuple[Interval, ...]
    separation: float


def evaluate(
    scorer: Scorer,
    examples: list[data.Example],
    prevalences: Mapping[str, float] | None = None,
    *,
    n_draws: int = 200,
    seed: int = 0,
) -> list[Figures]:
    """Figures of every source, language and column with at least 30 texts of either label, in that order.

    First come all tweets of a language pooled (not the identity templates and HatemojiBuild, which nobody tweeted).
    `prevalences`: the reference of each column, where there is one. Intervals are of `n_draws` bootstrap draws.
    """
    probabilities = scorer.score([example.text for example in examples]).astype(np.float64)
    labels = data.labels_of(examples)
    keys = [(example.source, example.language) for example in examples]
    pooled = [("", e.language) if not e.source.startswith(("identity", "hatemoji")) else ("-", "") for e in examples]
    found = []
    for owners in (pooled, keys):
        for source, language in sorted(set(owners) - {("-", "")}):
            own = np.array([owner == (source, language) for owner in owners])
            for column, name in enumerate(data.COLUMNS):
                use = own & (labels[:, column] != data.UNLABELLED)
                y, p = labels[use, column], probabilities[use, column]
                if min(int((y == 1).sum()), int((y == 0).sum())) >= _FEWEST:
                    reference = None if prevalences is None else prevalences.get(name)
                    rng = np.random.default_rng(seed)
                    found.append(_figures((source or POOLED, language, name), y, p, reference, rng, n_draws))
    return found


def _figures(
    key: tuple[str, str, str], y: Labels, p: Floats, reference: float | None, rng: np.random.Generator, n_draws: int
) -> Figures:
    groups = [_group_means(y, p, share, rng, n_draws) for share in HARMFUL_SHARES]
    harmful, clean = groups[0], np.concatenate(groups[1:])
    error = calibration.expected_calibration_error
    return Figures(
        *key,
        n_texts=len(y),
        n_harmful=int(y.sum()),
        auc=_bootstrap(lambda index: float(roc_auc_score(y[index], p[index])), y, rng, n_draws),
        calibration_error=None if reference is None else error(p, y, calibration.to_prevalence(y, reference)),
        calibration_error_as_collected=error(p, y),
        groups=tuple(_interval(means) for means in groups),
        separation=float(
            roc_auc_score(np.repeat([1, 0], [len(harmful), len(clean)]), np.concatenate((harmful, clean)))
        ),
    )


def _group_means(y: Labels, p: Floats, share: float, rng: np.random.Generator, n_draws: int) -> Floats:
    n_harmful = round(GROUP_SIZE * share)
    harmful = rng.choice(p[y == 1], (n_draws, n_harmful))
    clean = rng.choice(p[y == 0], (n_draws, GROUP_SIZE - n_harmful))
    means: Floats = np.concatenate((harmful, clean), axis=1).mean(axis=1)
    return means


def _bootstrap(
    figure: Callable[[npt.NDArray[np.intp]], float], y: Labels, rng: np.random.Generator, n_draws: int
) -> Interval:
    """The figure with its interval, drawing within each label so that both are always there."""
    classes = [np.flatnonzero(y == 1), np.flatnonzero(y == 0)]
    draws = [figure(np.concatenate([rng.choice(c, len(c)) for c in classes])) for _ in range(n_draws)]
    low, high = np.quantile(draws, (0.05, 0.95))
    return figure(np.arange(len(y))), float(low), float(high)


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, (0.05, 0.95))
    return float(values.mean()), float(low), float(high)


def table(figures: list[Figures]) -> Iterator[str]:
    """Lines of a Markdown table."""
    shares = " | ".join(f"mean p at {share:.0%} harmful" for share in HARMFUL_SHARES)
    yield f"| source | language | column | texts (harmful) | AUC | ECE (as collected) | {shares} | told apart |"
    yield "|---" * (7 + len(HARMFUL_SHARES)) + "|"
    for f in figures:
        error = "" if f.calibration_error is None else f"{f.calibration_error:.3f} "
        cells = (
            *(f.source, f.language, f.column, f"{f.n_texts} ({f.n_harmful})", _shown(f.auc, 3)),
            f"{error}({f.calibration_error_as_collected:.3f})",
            *(_shown(group) for group in f.groups),
            f"{f.separation:.3f}",
        )
        yield f"| {' | '.join(cells)} |"


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
    prevalences = getattr(scorer, "training", {}).get("prevalences")
    print(f"Model {scorer.revision}, {len(examples)} texts, groups of {GROUP_SIZE}, 90% intervals.\n")
    for line in table(evaluate(scorer, examples, prevalences)):
        print(line)


if __name__ == "__main__":
    main()
