"""Build the file of known words from the texts of `hushtag train`; see `models.vocabulary`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from models import features, training, vocabulary
from models.evaluation.run import DEFAULT_DATA


def known_keys(folder: Path, tenth: int = 0) -> vocabulary.Keys:
    """Compute the known keys of the training files without one tenth. Raises TrainingDataError."""
    texts = [example.text for example in training.prepare(folder, training.Recipe(), tenth).examples]
    return vocabulary.keys_of(*features.encode(texts))


def main() -> None:
    """Build the vocabulary from labelled texts and write its file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    parser.add_argument("--out", type=Path, default=vocabulary.PATH)
    options = parser.parse_args()
    keys = known_keys(options.data / "train")
    np.save(options.out, keys, allow_pickle=False)
    print(f"{len(keys)} known words and rows of words written to {options.out}")


if __name__ == "__main__":
    main()
