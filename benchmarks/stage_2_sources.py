"""Ranking by stage 1 and stage 2 on each source that neither was trained on.

    python -m benchmarks.stage_2_sources [--source uli_en] [--data DIR] [--remember DIR]

Each source of the labelled texts is left out in turn, of stage 1 (`models/left_out.py`) and of stage 2. A row has the
AUC of any category in one language. Vectors of texts are cached; the first run encodes 45,000 texts, at about 100 a
second and core, and a training takes five minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from models import data, left_out, splits
from models.evaluation.run import DEFAULT_DATA
from models.protocol import Scorer

MOST_TEXTS = 3_000
LEAST_TEXTS = 100
"""Least texts of a language for a row."""


class SourceRanking(NamedTuple):
    """AUC of both stages on the texts of a left-out source in one language."""

    source: str
    language: str
    n_texts: int
    stage_1: float
    stage_2: float


def rank(source: str, examples: list[data.Example], stage_1: Scorer, stage_2: Scorer) -> Iterator[SourceRanking]:
    """Compare two scorers on the texts of a source by language."""
    texts = [example.text for example in examples]
    labels = data.labels_of(examples)[:, 0]
    languages = np.array([example.language for example in examples])
    scores_1, scores_2 = (np.nan_to_num(scorer.score(texts)[:, 0], nan=0.0) for scorer in (stage_1, stage_2))
    for language in sorted(set(languages.tolist())):
        own = (languages == language) & (labels != data.UNLABELLED)
        if own.sum() >= LEAST_TEXTS and len(set(labels[own].tolist())) == 2:
            areas = (float(roc_auc_score(labels[own], scores[own])) for scores in (scores_1, scores_2))
            yield SourceRanking(source, language, int(own.sum()), *areas)


def rows_of(folder: Path, source: str, remember: Path) -> list[SourceRanking]:
    """Train both stages without a source, and compare them on it."""
    from models.encoder import stack_file, stacking
    from models.encoder.encoder import Encoder

    encoder = Encoder.with_cache(remember)
    stage_1 = left_out.scorer_without(folder, source)
    content = stacking.train(folder / "train", stage_1, encoder, without=source)
    stage_2 = stack_file.loads(content, stage_1, encoder)
    examples = splits.thin(left_out.texts_of(folder, source), MOST_TEXTS)
    return list(rank(source, examples, stage_1, stage_2))


def main() -> None:
    """Print a table of all left-out sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=left_out.SOURCES, action="append", help="only this source; repeatable")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/ and dev/"
    )
    parser.add_argument("--remember", type=Path, default=Path(".cache") / "encoder", help="cache folder of vectors")
    options = parser.parse_args()
    print("| left out | language | texts | stage 1 | stage 2 |\n|---|---|---|---|---|")
    for source in options.source or left_out.SOURCES:
        for row in rows_of(options.data, source, options.remember):
            print(
                f"| {row.source} | {row.language} | {row.n_texts} | {row.stage_1:.3f} | {row.stage_2:.3f} |", flush=True
            )


if __name__ == "__main__":
    main()
