"""Train stage 1 without one source, to measure what the model does on texts of annotators that it has never seen.

    python -m models.left_out [--source uli_en] [--data DIR] [--out DIR]

A text that nearly duplicates one of the left-out source is left out too. Trainings are kept in `.cache/left-out`, under
a hash of the recipe and the labelled files, as numbers without the language gate, which is added when they are read.
The list of known words (`models/vocabulary.py`, which has no labels) stays the committed one, so that such a model
scores in any process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import fields
from pathlib import Path

import numpy as np

from models import artefact, data, features, templates, training
from models.evaluation.run import DEFAULT_DATA
from models.languages import detector_table
from models.scorer import LinearScorer, LinearWeights

SOURCES = ("davidson", "uli_en", "uli_hi", "mhs_ken20", "hatemojibuild")
"""Sources by the start of their files' names."""
RECIPE = training.Recipe(n_drawings=2)
"""Two drawings instead of ten: five trainings in a few minutes."""
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "left-out"
_VERSION = 2  # raise it when `models.training` computes something else from the same recipe


def scorer_without(folder: Path, source: str) -> LinearScorer:
    """Return stage 1 trained without a source, from the cache if it is there.

    Args:
        folder: labelled texts, with train/.
        source: one of SOURCES.

    Raises:
        TrainingDataError: the texts cannot be used.
    """
    return artefact.loads(file_without(folder, source), f"the model without {source}")


def file_without(folder: Path, source: str) -> bytes:
    """Return the model file of `scorer_without`. Raises TrainingDataError."""
    path = CACHE / f"{source}-{_digest(folder)}.npz"
    if not path.exists():
        numbers, about = training.fit(folder / "train", RECIPE, without=source)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{source}-{os.getpid()}.npz")
        kept = {field.name: getattr(numbers, field.name) for field in fields(numbers) if field.name != "detector"}
        np.savez_compressed(partial, about=np.array(json.dumps(about)), **kept)
        partial.replace(path)
    with np.load(path) as file:
        kept = dict(file)
    about = json.loads(str(kept.pop("about")))
    return artefact.dump(LinearWeights(**kept, detector=detector_table()), data.CATEGORIES, about)


def texts_of(folder: Path, source: str) -> list[data.Example]:
    """Read all labelled texts of a source, training and dev files. Raises TrainingDataError."""
    examples = [*data.read_folder(folder / "train", data.TRAIN_FILES), *data.read_dev(folder / "dev")]
    return [example for example in examples if example.source.startswith(source)]


def _digest(folder: Path) -> str:
    sha256 = hashlib.sha256(f"{_VERSION} {features.fingerprint()} {RECIPE}".encode())
    for path in (
        *(folder / "train" / f"{name}.jsonl" for name in data.TRAIN_FILES),
        Path(templates.__file__).with_name("templates.toml"),
    ):
        sha256.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return sha256.hexdigest()[:12]


def main() -> None:
    """Train the models that the cache lacks; write them as model files if a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", choices=SOURCES, action="append", help="only this source; repeatable")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    parser.add_argument("--out", type=Path, help="write a model file of each source to this folder")
    options = parser.parse_args()
    for source in options.source or SOURCES:
        content = file_without(options.data, source)
        print(f"{source}: {artefact.loads(content).revision}", flush=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{source}.skops").write_bytes(content)


if __name__ == "__main__":
    main()
