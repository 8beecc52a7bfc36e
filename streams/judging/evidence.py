"""Evidence tables: the signals of many keys over one window at one tick, as columns and without texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.share import Scale, plain
from streams.counting.block_counts import GROUP_SHIFT, LINKED, RETWEET
from streams.judging.side_inputs.account_facts import count_visible_authors
from streams.judging.side_inputs.author_sketches import MigrationMatches
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.two_stage_share import ShareCorrection, correct, sums
from streams.log.decisions import Evidence
from streams.signals.base import Bools, Doubles, Ints, Observations, Past, rounded
from streams.signals.registry import MEASURED, RECORDED
from streams.windows.window import AuthorSample

SAMPLED_IDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceTable:
    """Evidence of m keys over one window. Shapes (m,); c score columns: any category, then each of the model's."""

    window_ms: int
    keys: Ints
    """Ascending where a judge built the table."""
    tweets: Ints
    authors: Ints
    scored: Ints
    share: Doubles
    """(m, c) mean probability over the scored authors; NaN where none is scored. `scale` maps it to a share."""
    signals: Mapping[str, Doubles]
    """(m,) values of each signal in `MEASURED`; NaN where it could not be measured."""
    sampled: Ints
    """(m, s) ids of the first tweets of the sample; -1 where there are fewer."""
    may_miss: int = 0
    """Upper bound on the tweets of one tag that panes of the window lost to tail trimming."""
    correction: ShareCorrection | None = None
    """Correction by stage 2 that `share` includes; None: no row was corrected."""
    hidden_tags: Sequence[str] | None = None
    """(m,) hidden tag that the authors come from, "" without one; None where no rule asks for `successor`."""
    scale: Scale | None = None
    """Meaning of `share`; None: it is the harmful share."""
    groups: Ints | None = None
    """(m, scale.n_groups) scored authors by the language group of their text; None: there is one group."""

    def estimates(self) -> Doubles:
        """Estimate the harmful shares (m, c), any category first; NaN where no author is scored."""
        scale, mix = self._scale_and_mix()
        return scale.estimates(self.share, mix)

    def bounds(self, column: int, confidence: float) -> tuple[Doubles, Doubles, Doubles]:
        """Return estimate, lower and upper bound (m,) of the harmful share of a column; see `models.share.bounds`.

        The bounds include the sampling error of stage 2's correction.
        """
        scale, mix = self._scale_and_mix()
        share, lower, upper = scale.bounds(self.share[:, column], self.scored, mix, column, confidence)
        if self.correction is not None:
            lower, upper = self.correction.widen(share, lower, upper, column, confidence, scale.gaps(mix, column))
        return share, lower, upper

    def _scale_and_mix(self) -> tuple[Scale, Doubles]:
        """Return the scale, and (m, groups) the fraction of each row's scored authors in each language group."""
        scale = self.scale or plain(self.share.shape[1])
        if self.groups is None:
            return scale, np.ones((len(self.keys), 1))
        return scale, self.groups / np.maximum(self.scored, 1)[:, None]

    def take(self, rows: Ints | Bools) -> EvidenceTable:
        """Select rows by number or mask."""
        at = np.arange(len(self.keys))[rows]
        return EvidenceTable(
            window_ms=self.window_ms,
            keys=self.keys[at],
            tweets=self.tweets[at],
            authors=self.authors[at],
            scored=self.scored[at],
            share=self.share[at],
            signals={name: values[at] for name, values in self.signals.items()},
            sampled=self.sampled[at],
            may_miss=self.may_miss,
            correction=self.correction and self.correction.take(at),
            hidden_tags=None if self.hidden_tags is None else [self.hidden_tags[row] for row in at.tolist()],
            scale=self.scale,
            groups=None if self.groups is None else self.groups[at],
        )

    def find(self, key: int) -> int | None:
        """Return the row of a key in an ascending table; None where it has none."""
        at = int(self.keys.searchsorted(key))
        return at if at < len(self.keys) and self.keys[at] == key else None

    def evidence(self, row: int, share: float, lower: float, upper: float, listed: Bools) -> Evidence:
        """Render one row for a decision record.

        Args:
            row: number of the row in the table.
            share: harmful share of the rule's category, from 0 to 1.
            lower: lower bound of the share.
            upper: upper bound of the share.
            listed: (m,) whether the tag is, or looks like, a curated term.
        """
        signals = {one.name: one.kind.recorded(float(one.values(self, listed)[row])) for one in RECORDED}
        return Evidence(
            window_ms=self.window_ms,
            tweets=int(self.tweets[row]),
            authors=int(self.authors[row]),
            scored=int(self.scored[row]),
            share=rounded(share) if self.scored[row] else 0.0,
            lower=rounded(lower),
            upper=rounded(upper),
            **signals,
            predecessor=self.hidden_tags[row] if self.hidden_tags else "",
            sampled=tuple(str(tweet) for tweet in self.sampled[row].tolist() if tweet >= 0),
            looked=0 if self.correction is None else int(self.correction.looked[row]),
            stage_2="" if self.correction is None else self.correction.revisions[row],
        )


def tabulate(
    window_ms: int,
    keys: Ints,
    tweets: Ints,
    sample: AuthorSample,
    columns: int,
    *,
    young_days: int,
    burst_min_past: int,
    past: Past | None = None,
    may_miss: int = 0,
    whole: AuthorSample | None = None,
    corrections: SampleCorrections | None = None,
    migrated: MigrationMatches | None = None,
    scale: Scale | None = None,
) -> EvidenceTable:
    """Reduce author samples to a table of signals.

    Args:
        window_ms: length of the window.
        keys: (m,) ascending, the groups of `sample`.
        tweets: (m,)
        sample: sampled authors of the keys, with the scores of their texts.
        columns: score columns of the model.
        young_days: see `Observations`.
        burst_min_past: see `Observations`.
        past: see `Observations`.
        may_miss: see `EvidenceTable`.
        whole: the sample before authors were removed from it, if any were; the number of authors is estimated from it.
        corrections: differences by stage 2 of the rows of `sample`.
        migrated: hidden tags that the authors come from; None where no rule asks.
        scale: meaning of the scores. Where it has several language groups, a text of none of them is not scored.
    """
    m = len(keys)
    scored, language = _scored(sample, 1 if scale is None else scale.n_groups)
    group = sample.group[scored]
    counts = np.bincount(group, minlength=m)
    share = np.full((m, columns), np.nan)
    np.divide(sums(group, sample.scores[scored], m), counts[:, None], out=share, where=counts[:, None] > 0)
    share, correction = correct(share, sample.group, scored, corrections)
    seen = Observations(
        window_ms=window_ms,
        tweets=tweets,
        tag=sample.group,
        age_days=sample.age_days,
        copy=sample.copy,
        retweet=sample.flags & RETWEET > 0,
        linked=sample.flags & LINKED > 0,
        scored=scored,
        young_days=young_days,
        burst_min_past=burst_min_past,
        past=past,
        migrated=None if migrated is None else migrated.lower,
    )
    return EvidenceTable(
        window_ms=window_ms,
        keys=keys,
        tweets=tweets,
        authors=sample.authors(m) if whole is None or whole is sample else count_visible_authors(whole, sample, m),
        scored=counts,
        share=share,
        signals={one.name: one.measure(seen) for one in MEASURED},
        sampled=_first_ids(sample, m),
        may_miss=may_miss,
        correction=correction,
        hidden_tags=None if migrated is None else migrated.of,
        scale=scale,
        groups=None if scale is None else _by_language(group, language[scored], m, scale.n_groups),
    )


def _scored(sample: AuthorSample, n_groups: int) -> tuple[Bools, Ints]:
    """Return (n,) whether an author has a score that counts, and (n,) the language group of the text."""
    if not len(sample.group):
        return np.zeros(0, bool), np.zeros(0, np.int64)
    scored = ~np.isnan(sample.scores[:, 0])
    if n_groups == 1:
        return scored, np.zeros(len(scored), np.int64)
    language = (sample.flags >> GROUP_SHIFT).astype(np.int64) - 1
    return scored & (language >= 0) & (language < n_groups), language


def _by_language(group: Ints, language: Ints, m: int, n_groups: int) -> Ints:
    counts = np.bincount(group * n_groups + language, minlength=m * n_groups)
    return counts.reshape(m, n_groups).astype(np.int64)


def _first_ids(sample: AuthorSample, m: int) -> Ints:
    starts = np.searchsorted(sample.group, np.arange(m + 1))
    rows = starts[:-1, None] + np.arange(SAMPLED_IDS)
    there = rows < starts[1:, None]
    ids: Ints = np.full((m, SAMPLED_IDS), -1)
    ids[there] = sample.tweet[rows[there]]
    return ids
