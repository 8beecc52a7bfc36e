"""Split labelled texts into training texts, dev texts (for choices) and a held-out tenth (for the final figures).

The held-out tenth is a tenth of the *training* files, the first of ten by a hash. Training never reads it, and no
choice uses it. Each of the other tenths can be held out instead, to measure the recipe on all texts. Near-duplicates
stay on one side, so that no text is scored by a model trained on its twin. Figures leave out dev and held-out texts
with a near-duplicate on another side.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import data, near_duplicates

TENTHS = 10


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSplit:
    """Training texts, the clusters (n_texts,) of their near-duplicates, and the held-out tenth."""

    examples: list[data.Example]
    clusters: npt.NDArray[np.int64]
    held_out: list[data.Example]


@dataclass(frozen=True, slots=True)
class EvaluationSplit:
    """Texts for figures that no training saw.

    left_out: number of dev texts left out for a near-duplicate in training, by source.
    """

    dev: list[data.Example]
    held_out: list[data.Example]
    left_out: dict[str, int]


def read_training(folder: Path, tenth: int = 0, without: str = "") -> TrainingSplit:
    """Read the training files with one tenth of TENTHS held out. Raises TrainingDataError.

    `without` names a source to leave out of both parts, with the near-duplicates of its texts in other sources.
    """
    examples = data.read_folder(folder, data.TRAIN_FILES)
    clusters = near_duplicates.clusters([example.text for example in examples])
    if without:
        of_source = np.array([example.source.startswith(without) for example in examples])
        rest = ~np.isin(clusters, clusters[of_source])
        examples = [example for example, is_kept in zip(examples, rest, strict=True) if is_kept]
        clusters = clusters[rest]
    out = assign_tenths(examples, clusters) == tenth
    kept = [example for example, is_out in zip(examples, out, strict=True) if not is_out]
    return TrainingSplit(
        kept, clusters[~out], [example for example, is_out in zip(examples, out, strict=True) if is_out]
    )


def evaluation_split(folder: Path, training: TrainingSplit) -> EvaluationSplit:
    """Read the dev files and leave out near-duplicates, also in the held-out tenth. Raises TrainingDataError."""
    dev = data.read_dev(folder)
    n_trained, n_held_out = len(training.examples), len(training.held_out)
    clusters = near_duplicates.clusters([example.text for example in (*training.examples, *training.held_out, *dev)])
    trained, held_out, of_dev = np.split(clusters, [n_trained, n_trained + n_held_out])
    copied, twin = np.isin(of_dev, trained), np.isin(held_out, of_dev)
    return EvaluationSplit(
        dev=[example for example, is_copy in zip(dev, copied, strict=True) if not is_copy],
        held_out=[example for example, is_copy in zip(training.held_out, twin, strict=True) if not is_copy],
        left_out=dict(Counter(example.source for example, is_copy in zip(dev, copied, strict=True) if is_copy)),
    )


def thin(examples: list[data.Example], most: int) -> list[data.Example]:
    """Keep at most `most` texts of each source, in order: those with the least hashes, the same in each run."""
    by_source: dict[str, list[tuple[bytes, int]]] = {}
    for at, example in enumerate(examples):
        hashed = hashlib.sha256(example.text.encode("utf-8", "surrogatepass")).digest()
        by_source.setdefault(example.source, []).append((hashed, at))
    kept = sorted(at for members in by_source.values() for _, at in sorted(members)[:most])
    return [examples[at] for at in kept]


def assign_tenths(examples: list[data.Example], clusters: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Assign each text to a tenth, (n_texts,) in [0, TENTHS), by the cluster (n_texts,) of its near-duplicates.

    The tenth is a hash of the least text of a cluster, so that texts keep their tenth when a file grows.
    """
    least: dict[int, str] = {}
    for example, cluster in zip(examples, clusters.tolist(), strict=True):
        text = near_duplicates.comparable(example.text)
        least[cluster] = min(text, least.get(cluster, text))
    tenth = {
        cluster: int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") % TENTHS
        for cluster, text in least.items()
    }
    return np.array([tenth[cluster] for cluster in clusters.tolist()], np.intp)
