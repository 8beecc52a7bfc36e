"""Estimate how much the mean probability of harmful texts differs between sources of labels.

Each source of English is left out of a model in turn. Its harmful mean deviates from that of the other sources. The
deviation, divided by their gap between clean and harmful texts, is one draw of a random effect (DerSimonian and Laird,
1986). The mean square is the variance of a source that no model has seen.

Only a part of it, and none of the clean mean, goes into the lower bound: with all of it a hashtag whose authors all
write harm would not be hidden. `PART` is chosen by measurement (docs/decisions/18-share-bounds.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models import share

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

PART = 0.5
"""Part of the variance of the harmful mean that the lower bound carries."""
FEWEST_SOURCES = 3
"""Fewest sources to estimate a column's variance; with fewer it borrows that of `harmful`."""
FEWEST_TEXTS = 50
"""Clean and harmful texts, each, of a source that counts."""


def is_enough(labels: Labels) -> bool:
    """Return whether a source has enough labelled texts (n,) of both labels."""
    return min(int((labels == label).sum()) for label in (0, 1)) >= FEWEST_TEXTS


def deviation(outside: Floats, labels: Labels, others: Floats, labels_of_others: Labels) -> float:
    """Compute the deviation of a source's harmful mean, in gaps of the other sources.

    Args:
        outside: (n,) probabilities of the source's texts by a model without it.
        labels: (n,) of the source: 1 harmful, 0 clean, or UNLABELLED.
        others: (m,) probabilities of the other sources' texts, cross-validated.
        labels_of_others: (m,) likewise.
    """
    clean, harmful = (float(others[labels_of_others == label].mean()) for label in (0, 1))
    return (float(outside[labels == 1].mean()) - harmful) / (harmful - clean)


def between_of(deviations: Sequence[Sequence[float]], moments: Floats) -> Floats:
    """Compute `share.Scale.between` from the deviations of the sources, by column.

    All languages get the variances of the one with several sources, in units of their own gap; zeros if fewer than two
    sources have labels.

    Args:
        deviations: of each column, one for each source that labels it.
        moments: (n_languages, n_columns, 4).
    """
    between = np.zeros((*moments.shape[:2], share.N_BETWEEN))
    if len(deviations[0]) < 2:
        return between
    for column, own in enumerate(deviations):
        used = own if len(own) >= FEWEST_SOURCES else deviations[0]
        gaps = moments[:, column, 1] - moments[:, column, 0]
        between[:, column, 2] = PART * float(np.mean(np.square(used))) * gaps**2
    return between
