"""Makes the file of known words anew, from the texts that `hushtag train` trains on; see `models.vocabulary`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from models import features, training, vocabulary
from models.evaluation.run import DEFAULT_DATA


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    parser.add_argument("--out", type=Path, default=vocabulary.PATH)
    options = parser.parse_args()
    texts = [example.text for example in training.prepare(options.data / "train", training.Recipe()).examples]
    keys = vocabulary.keys_of(*features.encode(texts))
    np.save(options.out, keys, allow_pickle=False)
    print(f"{len(keys)} known words and rows of words, from {len(texts)} texts, in {options.out}")


if __name__ == "__main__":
    main()
