"""Coverage and error of estimated shares before and after a calibration on labels of a source left out of the model.

    python -m benchmarks.calibration [--labels 100 300 1000] [--repeats 10] [--json] [--picture FILE]

For each source of labels, stage 1 is trained without it (`models/left_out.py`). Texts of the source are drawn at
random as labels, and `models/platform_scale.py` fits the scale to them. Hashtags with known shares of harmful authors
are made of the other texts: 50 or 64 authors, shares from 0 to 100% in steps of ten. Figures are of the column
`harmful`, over all repeats and languages of the source: the part of the 90% intervals that holds the true share, the
part whose lower bound is above it (the unsafe side), and the mean absolute error of the estimate.

Reads the texts and prints a table. The first run trains five models, which takes some minutes; they are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import chart
from benchmarks.machine import machine
from models import data, left_out, platform_scale
from models.column_fit import CONFIDENCE
from models.evaluation.run import DEFAULT_DATA
from models.platform_scale import ScoredLabel
from models.scorer import LANGUAGES, LinearScorer
from models.share import Scale
from models.training import NOT_TWEETED

SIZES = (50, 64)
SHARES = np.arange(11) / 10
N_TAGS = 200
LEAST_COVERAGE = 0.85
LABELS_OF_GOAL = 300
EXIT_NO = 3
_FEWEST = 64  # texts of each label that a language needs, to make hashtags of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CalibrationFigures:
    """Figures of one source with a number of labels; 0 labels: as trained."""

    source: str
    labels: int
    coverage: float
    unsafe: float
    """Part of the hashtags whose lower bound is above the true share."""
    error: float
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSource:
    """Scored texts of a source: probabilities (n, n_columns), labels (n,) of `harmful`, groups (n,) of languages."""

    name: str
    live: LinearScorer
    probabilities: Floats
    labels: npt.NDArray[np.int8]
    groups: npt.NDArray[np.intp]


def read(folder: Path, source: str) -> ScoredSource:
    """Score a source with the model that has not seen it; languages with few texts are left out."""
    live = left_out.scorer_without(folder, source).reading_all()
    examples = left_out.texts_of(folder, source)
    probabilities = live.score([example.text for example in examples]).astype(np.float64)
    labels = data.labels_of(examples)[:, 0]
    groups = np.array([LANGUAGES.index(example.language) for example in examples])
    keep = np.zeros(len(labels), bool)
    for group in np.unique(groups):
        own = groups == group
        if min(int((labels[own] == label).sum()) for label in (0, 1)) >= 2 * _FEWEST:
            keep |= own & (labels != data.UNLABELLED)
    return ScoredSource(source, live, probabilities[keep], labels[keep], groups[keep])


def measure(of: ScoredSource, n_labels: int, repeats: int) -> CalibrationFigures:
    """Measure one source with a number of labels, over several draws of labels and hashtags."""
    rows = np.concatenate([_repeat(of, n_labels, np.random.default_rng([n_labels, seed])) for seed in range(repeats)])
    return CalibrationFigures(of.name, n_labels, *(float(mean) for mean in rows.mean(axis=0)))


def _repeat(of: ScoredSource, n_labels: int, rng: np.random.Generator) -> Floats:
    """Fit to drawn labels and judge hashtags of the rest: (n_tags, 4) of the figures."""
    order = rng.permutation(len(of.labels))
    chosen, rest = order[:n_labels], order[n_labels:]
    scale = of.live.scale
    if n_labels:
        labels = [
            ScoredLabel(
                probabilities=tuple(of.probabilities[at].tolist()),
                language=LANGUAGES[of.groups[at]],
                harmful=bool(of.labels[at]),
            )
            for at in chosen.tolist()
        ]
        scale = platform_scale.fit(of.live, labels, with_coverage=False).scale
    return np.concatenate([_judge(of, rest[of.groups[rest] == group], scale, rng) for group in np.unique(of.groups)])


def _judge(of: ScoredSource, rows: npt.NDArray[np.intp], scale: Scale, rng: np.random.Generator) -> Floats:
    """Make hashtags of some texts of one language and compare their intervals with the true shares."""
    group = int(of.groups[rows[0]])
    clean, harmful = (of.probabilities[rows[of.labels[rows] == label], 0] for label in (0, 1))
    intervals = []
    for n in SIZES:
        counts = np.rint(n * np.resize(SHARES, N_TAGS // len(SIZES))).astype(np.int64)
        means = np.array([(rng.choice(harmful, k).sum() + rng.choice(clean, n - k).sum()) / n for k in counts.tolist()])
        mix = np.tile(np.eye(scale.n_groups)[group], (len(means), 1))
        estimate, lower, upper = scale.bounds(means, np.full(len(means), n), mix, 0, CONFIDENCE)
        truth = counts / n
        above = lower > truth + 1e-9
        intervals.append(
            np.column_stack((~above & (truth <= upper + 1e-9), above, np.abs(estimate - truth), upper - lower))
        )
    return np.concatenate(intervals)


def figures(folder: Path, counts: list[int], repeats: int) -> Iterator[CalibrationFigures]:
    """Yield the figures of every source, without labels first."""
    for source in left_out.SOURCES:
        of = read(folder, source)
        for n_labels in (0, *counts):
            if n_labels < len(of.labels) // 2:
                yield measure(of, n_labels, repeats)


def table(measured: list[CalibrationFigures]) -> Iterator[str]:
    """Write the figures as a Markdown table."""
    yield "| source left out | labels | coverage, 90% interval | lower bound above truth | mean error | width |"
    yield "|---|---|---|---|---|---|"
    for row in measured:
        cells = (row.source, f"{row.labels:,}", *(f"{v:.2f}" for v in (row.coverage, row.unsafe, row.error, row.width)))
        yield f"| {' | '.join(cells)} |"


def picture(measured: list[CalibrationFigures]) -> str:
    """Draw the coverage by number of labels as SVG, a line for each source of tweets."""
    counts = sorted({row.labels for row in measured})
    sources = [source for source in dict.fromkeys(row.source for row in measured) if not source.startswith(NOT_TWEETED)]
    lines: dict[str, Sequence[tuple[float, float]]] = {
        source: [(float(counts.index(row.labels)), row.coverage) for row in measured if row.source == source]
        for source in sources
    }
    return chart.svg(
        chart.LineChart(
            title="Coverage of the 90% interval on a source left out of the model",
            x_label="labels of that source",
            y_label="coverage",
            lines=lines,
            limits={f"goal {LEAST_COVERAGE}": LEAST_COVERAGE},
            x_names={float(at): f"{count:,}" for at, count in enumerate(counts)},
        )
    )


def main() -> None:
    """Print the figures; exit with 3 where the coverage misses the goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 300, 1_000], help="numbers of labels")
    parser.add_argument("--repeats", type=int, default=10, help="draws of labels of each number")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/ and dev/"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--picture", type=Path, help="draw the coverage there, as SVG")
    options = parser.parse_args()
    measured = list(figures(options.data, options.labels, options.repeats))
    if options.json:
        for row in measured:
            print(json.dumps(asdict(row)))
    else:
        print(machine(), file=sys.stderr)
        for line in table(measured):
            print(line)
    if options.picture:
        options.picture.write_text(picture(measured), "utf-8")
    missed = [row.source for row in measured if row.labels >= LABELS_OF_GOAL and row.coverage < LEAST_COVERAGE]
    if missed:
        names = ", ".join(dict.fromkeys(missed))
        print(f"coverage below {LEAST_COVERAGE} after {LABELS_OF_GOAL} labels: {names}", file=sys.stderr)
        raise SystemExit(EXIT_NO)


if __name__ == "__main__":
    main()
