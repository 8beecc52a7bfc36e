"""Train stage 1 without one source, to measure what the model does on texts of annotators that it has never seen.

    python -m models.left_out [--source uli_en] [--data DIR]

A text that nearly duplicates one of the left-out source is left out too. Trainings are kept in `.cache/left-out`, under
a hash of the recipe, the labelled files and the file format. The list of known words (`models/vocabulary.py`, which
has no labels) stays the committed one, so that such a model scores in any process.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

from models import artefact, data, features, templates, training
from models.evaluation.run import DEFAULT_DATA
from models.scorer import LinearScorer

SOURCES = ("davidson", "uli_en", "uli_hi", "mhs_ken20", "hatemojibuild")
"""Sources by the start of their files' names."""
RECIPE = training.Recipe(n_drawings=2)
"""Two drawings instead of ten: five trainings in a few minutes."""
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "left-out"
_VERSION = 1  # raise it when `models.training` computes something else from the same recipe


def scorer_without(folder: Path, source: str) -> LinearScorer:
    """Return stage 1 trained without a source, from the cache if it is there.

    Args:
        folder: labelled texts, with train/.
        source: one of SOURCES.

    Raises:
        TrainingDataError: the texts cannot be used.
    """
    return artefact.load(path_without(folder, source))


def path_without(folder: Path, source: str) -> Path:
    """Return the model file that `scorer_without` loads; train it if it is missing. Raises TrainingDataError."""
    path = CACHE / f"{source}-{_digest(folder)}.skops"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{source}-{os.getpid()}.skops")
        partial.write_bytes(training.train(folder / "train", RECIPE, without=source))
        partial.replace(path)
    return path


def texts_of(folder: Path, source: str) -> list[data.Example]:
    """Read all labelled texts of a source, training and dev files. Raises TrainingDataError."""
    found = [*data.read_folder(folder / "train", data.TRAIN_FILES), *data.read_folder(folder / "dev")]
    return [example for example in found if example.source.startswith(source)]


def _digest(folder: Path) -> str:
    found = hashlib.sha256(f"{_VERSION} {artefact.FORMAT} {features.fingerprint()} {RECIPE}".encode())
    for path in (*sorted(folder.glob("train/*.jsonl")), Path(templates.__file__).with_name("templates.toml")):
        found.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def main() -> None:
    """Train the models that the cache lacks and print their files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=SOURCES, action="append", help="only this source; repeatable")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    options = parser.parse_args()
    for source in options.source or SOURCES:
        print(f"{source}: {path_without(options.data, source)}", flush=True)


if __name__ == "__main__":
    main()
