"""Makes the file of known words anew, from the texts that `hushtag train` trains on; see `models.vocabulary`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from models import features, training, vocabulary
from models.evaluation.run import DEFAULT_DATA


def keys_without(folder: Path, tenth: int = 0) -> vocabulary.Keys:
    """Of the training files in `folder`, what is known without a tenth of them. Raises TrainingDataError."""
    texts = [example.text for example in training.prepare(folder, training.Recipe(), tenth).examples]
    return vocabulary.keys_of(*features.encode(texts))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    parser.add_argument("--out", type=Path, default=vocabulary.PATH)
    options = parser.parse_args()
    keys = keys_without(options.data / "train")
    np.save(options.out, keys, allow_pickle=False)
    print(f"{len(keys)} known words and rows of words, in {options.out}")


if __name__ == "__main__":
    main()
