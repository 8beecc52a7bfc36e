"""Score generated sentences of patterns not trained on, by kind: `python -m models.evaluation.unseen_patterns`.

No data set labels tweets by these kinds. A model is therefore trained without a quarter of the patterns of
`templates.toml`, and scores sentences made of that quarter. This is repeated for each quarter, because a kind has few
patterns and results depend on which ones are left out. The sentences share groups and claims with the other patterns;
only the sentence around them is unseen.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from models import artefact, templates, training
from models.evaluation.run import DEFAULT_DATA
from models.scorer import LANGUAGES

_N_SENTENCES = 2_000  # sentences of a language
_OTHER_SEED = 1


def mean_by_kind(folder: Path, recipe: training.Recipe, quarter: int) -> dict[str, dict[str, float]]:
    """Train without a quarter of the patterns and average its sentences' probability of harm.

    Returns kind -> language -> mean probability.
    """
    scorer = artefact.loads(training.train(folder, replace(recipe, template_part=f"without {quarter}"))).reading_all()
    sentences = templates.generate(_N_SENTENCES, recipe.seed + _OTHER_SEED, f"only {quarter}")
    harmful = scorer.score([sentence.text for sentence in sentences])[:, 0]
    means: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(sentence.detail for sentence in sentences):
        for language in LANGUAGES:
            own = np.array([sentence.detail == kind and sentence.language == language for sentence in sentences])
            means.setdefault(kind, {})[language] = float(harmful[own].mean())
    return means


def main() -> None:
    """Train four models, which takes minutes, and print the table of kinds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, or one with train/")
    options = parser.parse_args()
    folder = options.data / "train" if (options.data / "train").is_dir() else options.data
    try:
        quarters = [mean_by_kind(folder, training.Recipe(), quarter) for quarter in range(templates.N_PARTS)]
    except ValueError as error:  # of models.errors
        parser.exit(2, f"error: {error}\n")
    print(f"| kind | {' | '.join(LANGUAGES)} |")
    print("|---" * (1 + len(LANGUAGES)) + "|")
    for kind in quarters[0]:
        means = [[means_of[kind][language] for means_of in quarters if kind in means_of] for language in LANGUAGES]
        print(f"| {kind} | {' | '.join(f'{np.mean(m):.2f} ({min(m):.2f} to {max(m):.2f})' for m in means)} |")


if __name__ == "__main__":
    main()
