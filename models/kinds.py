"""What hate, protest, counter-speech and the rest get, for sentence patterns not trained on: `python -m models.kinds`.

Nobody labelled tweets by these kinds. So a model is trained as ever but for a quarter of the patterns of
`templates.toml`, and asked about sentences made of that quarter; four times, for each quarter in turn, since a kind has
few patterns and it matters which are kept out. The sentences share their vocabulary of groups and claims with
the other patterns; what is unseen is how the sentence goes round it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from models import artefact, templates, training
from models.evaluation.run import DEFAULT_DATA
from models.scorer import LANGUAGES

_N_SENTENCES = 2_000  # a language
_OTHER_SEED = 1


def mean_by_kind(folder: Path, recipe: training.Recipe, quarter: int) -> dict[str, dict[str, float]]:
    """Kind -> language -> mean probability of harm over sentences of a quarter of the patterns, trained without it."""
    scorer = artefact.loads(training.train(folder, replace(recipe, template_part=f"without {quarter}")))
    sentences = templates.generate(_N_SENTENCES, recipe.seed + _OTHER_SEED, f"only {quarter}")
    harmful = scorer.score([sentence.text for sentence in sentences])[:, 0]
    found: dict[str, dict[str, float]] = {}
    for kind in dict.fromkeys(sentence.detail for sentence in sentences):
        for language in LANGUAGES:
            own = np.array([sentence.detail == kind and sentence.language == language for sentence in sentences])
            found.setdefault(kind, {})[language] = float(harmful[own].mean())
    return found


def main() -> None:
    """Prints the table of kinds of the model card; trains first, which takes minutes."""
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
        means = [[found[kind][language] for found in quarters if kind in found] for language in LANGUAGES]
        print(f"| {kind} | {' | '.join(f'{np.mean(m):.2f} ({min(m):.2f} to {max(m):.2f})' for m in means)} |")


if __name__ == "__main__":
    main()
