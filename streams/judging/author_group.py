"""A group of authors of each hashtag, all or the established ones, with the harmful share among them.

Young accounts and copied texts are what an attacker brings, so the other authors do not speak for the established ones
(`streams.judging.standing`).

Where strata were sampled more often than others (`streams.counting.strata`), authors count by their weight, and numbers
of authors are rounded sums of weights.

An author whose text has no words (a link, an image, emoji) is silent. Silence is no evidence: it counts as clean in the
lower bound, which hides, and not at all in the share and in the upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.share import Scale, plain
from streams.counting.block_counts import GROUP_SHIFT, MAX_GROUPS, UNSCORED
from streams.judging.row_scales import RowScales
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.two_stage_share import ShareCorrection, correct
from streams.signals.base import Bools, Doubles, Ints
from streams.windows.window import AuthorSample

SILENT_GROUP = 0
"""Language group of a text without words, that of English."""


class ShareBounds(NamedTuple):
    """Estimate and bounds of the harmful share of one key's authors, from 0 to 1."""

    share: float
    lower: float
    upper: float


class GroupBounds(NamedTuple):
    """Estimates and bounds of the harmful share of many keys' authors. Shapes (m,)."""

    share: Doubles
    lower: Doubles
    upper: Doubles

    def at(self, row: int) -> ShareBounds:
        """Return those of one row."""
        return ShareBounds(float(self.share[row]), float(self.lower[row]), float(self.upper[row]))

    @classmethod
    def unknown(cls, m: int) -> GroupBounds:
        """Return the bounds of m keys without authors."""
        return cls(np.full(m, np.nan), np.zeros(m), np.ones(m))

    def spread(self, rows: Ints, m: int) -> GroupBounds:
        """Return m rows: these at `rows`, and unknown bounds at the others."""
        bounds = GroupBounds.unknown(m)
        for whole, part in zip(bounds, self, strict=True):
            whole[rows] = part
        return bounds


class ScoredRows(NamedTuple):
    """Scored texts of n sampled authors."""

    scored: Bools
    """(n,) whether the author has a score that counts."""
    language: npt.NDArray[np.uint8]
    """(n,) language group of the text, in [0, scale.n_groups) where it is scored, `UNSCORED` where it was not read."""
    unread: Bools
    """(n,) whether the text is in a language that the model does not read."""
    silent: Bools
    """(n,) whether the model has looked at a text without words."""


@dataclass(frozen=True, slots=True, eq=False)
class AuthorGroup:
    """Authors of m tags and the scores of their texts. Shapes (m,); c score columns: any category, then each."""

    authors: Ints
    """Estimated number of distinct authors."""
    scored: Ints
    """Sampled authors with a score that counts."""
    share: Doubles
    """(m, c) mean probability over the scored authors; NaN where none is scored. `scale` maps it to a share."""
    correction: ShareCorrection | None = None
    """Correction by stage 2 that `share` includes; None: no row was corrected."""
    scale: Scale | None = None
    """Meaning of `share`; None: it is the harmful share."""
    groups: Ints | None = None
    """(m, scale.n_groups) scored authors by the language group of their text; None: there is one group."""
    unread: Ints | None = None
    """(m, MAX_GROUPS) sampled authors by the language group that the model does not read; None: it read all texts."""
    silent: Ints | None = None
    """Sampled authors whose texts have no words; None: there are none."""

    def read_part(self) -> Doubles:
        """Return (m,) the part of the sampled authors' texts that the model has read; 1 where it has looked at none.

        A text without words counts as one that it has not read.
        """
        return self._part_of_looked(self.silent)

    def read_part_of_words(self) -> Doubles:
        """Return (m,) the part of the sampled authors' texts with words that the model has read; 1 of none."""
        return self._part_of_looked(None)

    def _part_of_looked(self, silent: Ints | None) -> Doubles:
        looked = self.scored.copy()
        for unread in (silent, None if self.unread is None else self.unread.sum(axis=1)):
            if unread is not None:
                looked += unread
        return np.where(looked > 0, self.scored / np.maximum(looked, 1), 1.0)

    def speaking(self) -> AuthorGroup:
        """Return the group without its silent authors."""
        return self if self.silent is None else replace(self, silent=None)

    def with_silence_as_clean(self) -> AuthorGroup:
        """Return the group with its silent authors among the scored ones, each of probability 0."""
        if self.silent is None:
            return self
        scored = self.scored + self.silent
        share = np.full_like(self.share, np.nan)
        total = np.nan_to_num(self.share) * self.scored[:, None]
        np.divide(total, scored[:, None], out=share, where=scored[:, None] > 0)
        np.copyto(share, self.share, where=self.silent[:, None] == 0)  # not rounded
        groups = self.groups
        if groups is not None:
            groups = groups.copy()
            groups[:, SILENT_GROUP] += self.silent
        return replace(self, scored=scored, share=share, groups=groups, silent=None)

    def estimates(self) -> Doubles:
        """Estimate the harmful shares (m, c), any category first; NaN where no author is scored."""
        return self._scales().estimates(self.share)

    def bounds(self, column: int, confidence: float) -> GroupBounds:
        """Return estimate, lower and upper bound (m,) of the harmful share of a column; see `models.share.bounds`.

        The bounds include the sampling error of stage 2's correction. Silence counts in the lower bound alone.
        """
        bounds = self._bounds(column, confidence)
        if self.silent is None:
            return bounds
        clean = self.with_silence_as_clean()._bounds(column, confidence)
        return bounds._replace(lower=np.minimum(bounds.lower, clean.lower))

    def _bounds(self, column: int, confidence: float) -> GroupBounds:
        scales = self._scales()
        share, lower, upper = scales.bounds(self.share[:, column], self.scored, column, confidence)
        if self.correction is not None:
            lower, upper = self.correction.widen(share, lower, upper, column, confidence, scales.line(column)[1])
        return GroupBounds(share, lower, upper)

    def without(self, part: AuthorGroup) -> AuthorGroup:
        """Return the authors that are not in a part of this group."""
        scored = self.scored - part.scored
        parts = part._scales().converted(part.share, self._scales())
        total = np.nan_to_num(self.share) * self.scored[:, None] - np.nan_to_num(parts) * part.scored[:, None]
        share = np.full_like(self.share, np.nan)
        np.divide(total, scored[:, None], out=share, where=scored[:, None] > 0)
        groups = None if self.groups is None or part.groups is None else self.groups - part.groups
        unread = self.unread if self.unread is None or part.unread is None else self.unread - part.unread
        silent = self.silent if self.silent is None or part.silent is None else self.silent - part.silent
        authors = np.maximum(self.authors - part.authors, 0)
        share = np.clip(share, 0.0, 1.0)
        return AuthorGroup(authors, scored, share, self.correction, self.scale, groups, unread, silent)

    def spread(self, rows: Ints, m: int) -> AuthorGroup:
        """Return m rows: this group's at `rows`, and no authors at the others. The correction is dropped."""
        at = np.full(m, -1)
        at[rows] = np.arange(len(rows))
        taken, there = self.take(at), at >= 0
        return replace(
            taken,
            authors=taken.authors * there,
            scored=taken.scored * there,
            share=np.where(there[:, None], taken.share, np.nan),
            correction=None,
            groups=None if taken.groups is None else taken.groups * there[:, None],
            unread=None if taken.unread is None else taken.unread * there[:, None],
            silent=None if taken.silent is None else taken.silent * there,
        )

    def take(self, at: Ints) -> AuthorGroup:
        """Select rows by number."""
        columns = {name: getattr(self, name) for name in ("authors", "scored", "share", "groups", "unread", "silent")}
        some = {name: column[at] for name, column in columns.items() if column is not None}
        return replace(self, correction=self.correction and self.correction.take(at), **some)

    def _scales(self) -> RowScales:
        """Return the scales of the rows, by the fraction of each row's scored authors in each language group."""
        columns = self.share.shape[1]
        mix = np.ones((len(self.scored), 1))
        if self.groups is not None:
            mix = self.groups / np.maximum(self.scored, 1)[:, None]
        return RowScales(self.scale or plain(columns), mix, self.correction, columns)


def measure_group(
    sample: AuthorSample,
    authors: Ints,
    counted: Bools | None,
    columns: int,
    corrections: SampleCorrections | None = None,
    scale: Scale | None = None,
    texts: ScoredRows | None = None,
) -> AuthorGroup:
    """Measure the sampled authors of some kind.

    Args:
        sample: sampled authors of m tags, with the scores of their texts.
        authors: (m,) estimated number of distinct authors of any kind.
        counted: (n,) whether a sampled author is of the kind; None: all are.
        columns: score columns of the model.
        corrections: differences by stage 2 of the rows of `sample`.
        scale: meaning of the scores. Where it has several language groups, a text of none of them is not scored.
        texts: the scored texts of the sample; None: they are found here.
    """
    m = len(authors)
    scored, language, unread, silent = texts or scored_rows(sample, scale)
    if counted is not None:
        authors, scored = _part_of(authors, sample, counted), scored & counted
        unread, silent = unread & counted, silent & counted
    weights, totals = _totals(
        sample.group, scored, language, sample.weight, sample.scores, m, 1 if scale is None else scale.n_groups
    )
    groups = np.diff(np.rint(np.cumsum(weights, axis=1)), prepend=0.0, axis=1).astype(np.int64)  # adds up
    counts: Ints = groups.sum(axis=1)
    whole, share = weights.sum(axis=1)[:, None], np.full((m, columns), np.nan)
    np.divide(totals, whole, out=share, where=counts[:, None] > 0)
    share, correction = correct(share, sample.group, scored, corrections)
    return AuthorGroup(
        authors,
        counts,
        share,
        correction,
        scale,
        None if scale is None else groups,
        _unread(sample.group[unread], language[unread], sample.weight[unread], m),
        _sums(sample.group[silent], sample.weight[silent], m) if silent.any() else None,
    )


def scored_rows(sample: AuthorSample, scale: Scale | None) -> ScoredRows:
    """Find the texts of a sample whose scores count."""
    n_groups = 1 if scale is None else scale.n_groups
    has_score = ~np.isnan(sample.scores[:, 0])
    group = (sample.flags >> np.uint8(GROUP_SHIFT)) - np.uint8(1)  # a text of no group has the greatest
    language = np.where(has_score, np.uint8(0), group) if n_groups == 1 else group
    scored = has_score & (language < n_groups)
    has_words = sample.copy > 0
    return ScoredRows(scored & has_words, language, ~has_score & (group != UNSCORED), scored & ~has_words)


def _sums(at: Ints, weight: Doubles, m: int) -> Ints:
    """Add up weights by the number (n,) of their place, to (m,) rounded sums."""
    return np.rint(np.bincount(at, weight, minlength=m)).astype(np.int64)


def _unread(tag: Ints, language: npt.NDArray[np.uint8], weight: Doubles, m: int) -> Ints | None:
    """Count unread texts by tag and language group (m, MAX_GROUPS); None: there are none."""
    if not len(tag):
        return None
    at = tag * MAX_GROUPS + np.minimum(language, MAX_GROUPS - 1)
    return _sums(at, weight, m * MAX_GROUPS).reshape(m, MAX_GROUPS)


def _part_of(authors: Ints, sample: AuthorSample, counted: Bools) -> Ints:
    """Estimate (m,) how many of the authors are of a kind, by its part in the sample."""
    whole = np.bincount(sample.group, sample.weight, minlength=len(authors))
    part = np.bincount(sample.group[counted], sample.weight[counted], minlength=len(authors))
    return np.rint(authors * (part / np.where(whole > 0, whole, 1.0))).astype(np.int64)


@compiled
def _totals(
    tag: Ints,
    counted: Bools,
    language: npt.NDArray[np.uint8],
    weight: Doubles,
    scores: npt.NDArray[np.float32],
    m: int,
    n_groups: int,
) -> tuple[Doubles, Doubles]:
    """Add up weights by tag and language (m, n_groups), and weighted scores by tag, in order (m, c)."""
    weights, totals = np.zeros((m, n_groups)), np.zeros((m, scores.shape[1]))
    for row in range(len(tag)):
        if counted[row]:
            weights[tag[row], language[row]] += weight[row]
            for column in range(scores.shape[1]):
                totals[tag[row], column] += weight[row] * scores[row, column]
    return weights, totals
