"""Which labelled texts are for what: to train on, to choose by (dev), to judge by at the end (the held-out tenth).

The held-out tenth is a tenth of the *training* files that training never reads and no choice is made by: the first of
ten, by a hash. Each of the others can be held out in its place, to measure the recipe on all of them. Near-copies
stay together on one side, so no text is judged by a model that has seen its twin; dev texts and held-out texts with a
near-copy on the other side of a border are left out of figures.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import data, leaks

TENTHS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Texts to train on, (n_texts,) numbers of their clusters of near-copies, and the held-out tenth."""

    examples: list[data.Example]
    clusters: npt.NDArray[np.int64]
    held_out: list[data.Example]


@dataclass(frozen=True, slots=True)
class Judging:
    """Texts to judge by that no training saw. `left_out`: how many dev texts of a source had a near-copy there."""

    dev: list[data.Example]
    held_out: list[data.Example]
    left_out: dict[str, int]


def read_training(folder: Path, tenth: int = 0) -> Training:
    """From a folder of the training files, one tenth of TENTHS held out. Raises TrainingDataError."""
    examples = data.read_folder(folder, data.TRAIN_FILES)
    clusters = leaks.clusters([example.text for example in examples])
    out = tenths_of(examples, clusters) == tenth
    kept = [example for example, is_out in zip(examples, out, strict=True) if not is_out]
    return Training(kept, clusters[~out], [example for example, is_out in zip(examples, out, strict=True) if is_out])


def judging(folder: Path, training: Training) -> Judging:
    """The texts of the folder of dev files, and the held-out tenth, without near-copies. Raises TrainingDataError."""
    dev = data.read_folder(folder)
    n_trained, n_held_out = len(training.examples), len(training.held_out)
    found = leaks.clusters([example.text for example in (*training.examples, *training.held_out, *dev)])
    trained, held_out, of_dev = np.split(found, [n_trained, n_trained + n_held_out])
    copied, twin = np.isin(of_dev, trained), np.isin(held_out, of_dev)
    return Judging(
        dev=[example for example, is_copy in zip(dev, copied, strict=True) if not is_copy],
        held_out=[example for example, is_copy in zip(training.held_out, twin, strict=True) if not is_copy],
        left_out=dict(Counter(example.source for example, is_copy in zip(dev, copied, strict=True) if is_copy)),
    )


def thinned(examples: list[data.Example], most: int) -> list[data.Example]:
    """At most `most` texts of each source, in order: those with the least hashes, so the same ones each time."""
    by_source: dict[str, list[tuple[bytes, int]]] = {}
    for at, example in enumerate(examples):
        hashed = hashlib.sha256(example.text.encode("utf-8", "surrogatepass")).digest()
        by_source.setdefault(example.source, []).append((hashed, at))
    kept = sorted(at for found in by_source.values() for _, at in sorted(found)[:most])
    return [examples[at] for at in kept]


def tenths_of(examples: list[data.Example], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The tenth of each text, (n_texts,) in [0, TENTHS), of which `clusters` (n_texts,) are the near-copies.

    By a hash of the least text of each cluster: a file that grows does not deal out anew what was there before.
    """
    least: dict[int, str] = {}
    for example, cluster in zip(examples, clusters.tolist(), strict=True):
        text = leaks.plain(example.text)
        least[cluster] = min(text, least.get(cluster, text))
    tenth = {
        cluster: int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") % TENTHS
        for cluster, text in least.items()
    }
    return np.array([tenth[cluster] for cluster in clusters.tolist()], np.intp)
