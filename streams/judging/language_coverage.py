"""Count of the sampled texts by language, hour by hour: which part of the traffic the model has read.

The count adds up settled panes, each once, and its state is in the progress record. So the next owner continues where
the previous one stopped, and a replay of the same log counts the same. The windows could not be counted instead: they
may be shorter than an hour, and their samples are thinned at other moments after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from models.languages import group_name
from models.share import Scale
from streams.constants import HOUR_MS
from streams.counting.block_counts import GROUP_SHIFT, MAX_GROUPS, UNSCORED
from streams.log.decisions import LanguageCoverage, LanguageTexts, Progress
from streams.windows.pane import Pane


class LanguageCounter:
    """Count of the texts of one shard in the present hour."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self._hour_ms = -1
        """Start of the hour; -1: nothing is counted."""
        self._texts: tuple[LanguageTexts, ...] = ()

    def add(self, pane: Pane, scale: Scale | None) -> list[LanguageCoverage]:
        """Count a settled pane of ten seconds, and return the hours that it ends.

        An idle shard skips empty panes, so an hour may end with the first pane of a later one.

        Args:
            pane: next pane of the shard.
            scale: of the model that scored it; None: the model does not tell languages apart.
        """
        ended = [*self._close(pane.start_ms)]
        groups = np.subtract(pane.flags >> GROUP_SHIFT, 1, dtype=np.uint8)
        if counted := count_texts(groups, ~np.isnan(pane.scores[:, 0]), scale):
            self._hour_ms = pane.start_ms // HOUR_MS * HOUR_MS
            self._texts = _added_up((*self._texts, *counted))
        return [*ended, *self._close(pane.end_ms)]

    def _close(self, at_ms: int) -> Iterator[LanguageCoverage]:
        begun_ms, end_ms = self._hour_ms, self._hour_ms + HOUR_MS
        if begun_ms >= 0 and at_ms >= end_ms:
            yield LanguageCoverage(shard=self._shard, from_ms=begun_ms, to_ms=end_ms, languages=self._texts)
            self._hour_ms, self._texts = -1, ()

    def progress(self) -> dict[str, Any]:
        """Return the fields of the progress record."""
        return {"texts_from_ms": self._hour_ms, "texts": self._texts}

    def recover(self, progress: Progress) -> None:
        """Continue the previous owner's count."""
        self._hour_ms, self._texts = progress.texts_from_ms, progress.texts


def count_texts(
    groups: npt.NDArray[np.uint8], is_read: npt.NDArray[np.bool_], scale: Scale | None
) -> tuple[LanguageTexts, ...]:
    """Count texts by language, by name; languages without texts are left out.

    Args:
        groups: (n,) language groups, `UNSCORED` for a text that no model has looked at.
        is_read: (n,) whether the model has read the text.
        scale: of the model; None: it has one group.
    """
    n_read = 1 if scale is None else scale.n_groups
    counts = zip(_by_group(groups), _by_group(groups[is_read]), strict=True)
    return _added_up(LanguageTexts(group_name(group, n_read), *count) for group, count in enumerate(counts) if count[0])


def _added_up(counts: Iterable[LanguageTexts]) -> tuple[LanguageTexts, ...]:
    """Add up the texts of each language, by name."""
    by_language: dict[str, tuple[int, int]] = {}
    for count in counts:
        texts, read = by_language.get(count.language, (0, 0))
        by_language[count.language] = texts + count.texts, read + count.read
    return tuple(LanguageTexts(name, *sums) for name, sums in sorted(by_language.items()))


def _by_group(groups: npt.NDArray[np.uint8]) -> list[int]:
    counts: list[int] = np.bincount(groups, minlength=UNSCORED + 1)[:MAX_GROUPS].tolist()
    return counts
