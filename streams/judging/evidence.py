"""Evidence tables: the signals of many keys over one window at one tick, as columns and without texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET

from models.languages import group_name
from models.share import Scale
from streams.counting.block_counts import LINKED, RETWEET
from streams.judging.author_group import AuthorGroup, GroupBounds, ShareBounds, established, measure_group, scored_rows
from streams.judging.shown_tweets import ShownTweets, shown_tweets
from streams.judging.side_inputs.account_facts import count_visible_authors
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.side_inputs.migration import MigrationMatches
from streams.judging.two_stage_share import ShareCorrection
from streams.log.decisions import Evidence
from streams.signals.base import Bools, Doubles, Ints, Observations, Past, rounded
from streams.signals.registry import MEASURED, RECORDED
from streams.windows.window import AuthorSample


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
    shown: ShownTweets | None = None
    """Tweets that a decision names; None in a table that was read back."""
    may_miss: int = 0
    """Upper bound on the tweets of one tag that panes of the window lost to tail trimming."""
    correction: ShareCorrection | None = None
    """Correction by stage 2 that `share` includes; None: no row was corrected."""
    hidden_tags: Sequence[str] | None = None
    """(m,) hidden tag that the authors come from, "" without one; None: no tag is hidden."""
    scale: Scale | None = None
    """Meaning of `share`; None: it is the harmful share."""
    groups: Ints | None = None
    """(m, scale.n_groups) scored authors by the language group of their text; None: there is one group."""
    unread: Ints | None = None
    """(m, MAX_GROUPS) sampled authors by the language group that the model does not read; None: it read all texts."""
    established: AuthorGroup | None = None
    """The established authors in the window; None: all authors are established."""
    past: AuthorGroup | None = None
    """The established authors in the longest window before the shortest; None: not measured. See `EvidenceBuilder`."""

    @property
    def everyone(self) -> AuthorGroup:
        """All authors in the window."""
        return AuthorGroup(self.authors, self.scored, self.share, self.correction, self.scale, self.groups, self.unread)

    def estimates(self) -> Doubles:
        """Estimate the harmful shares (m, c) of all authors, any category first; NaN where no author is scored."""
        return self.everyone.estimates()

    def greatest_estimates(self) -> Doubles:
        """Return (m,) the greatest estimate of any column, of all authors, the established ones, or the others."""
        groups = [self.everyone]
        if self.established is not None:
            groups += [self.established, self.everyone.without(self.established)]
        greatest: Doubles = np.nan_to_num(np.hstack([one.estimates() for one in groups])).max(axis=1, initial=0.0)
        return greatest

    def bounds(self, column: int, confidence: float) -> GroupBounds:
        """Return estimate, lower and upper bound (m,) of the harmful share of all authors; see `AuthorGroup.bounds`."""
        return self.everyone.bounds(column, confidence)

    def take(self, rows: Ints | Bools) -> EvidenceTable:
        """Select rows by number or mask."""
        at = np.arange(len(self.keys))[rows]
        return replace(
            self,
            keys=self.keys[at],
            tweets=self.tweets[at],
            authors=self.authors[at],
            scored=self.scored[at],
            share=self.share[at],
            signals={name: values[at] for name, values in self.signals.items()},
            shown=self.shown and self.shown.take(at),
            correction=self.correction and self.correction.take(at),
            hidden_tags=None if self.hidden_tags is None else [self.hidden_tags[row] for row in at.tolist()],
            groups=None if self.groups is None else self.groups[at],
            unread=None if self.unread is None else self.unread[at],
            established=self.established and self.established.take(at),
            past=self.past and self.past.take(at),
        )

    def find(self, key: int) -> int | None:
        """Return the row of a key in an ascending table; None where it has none."""
        at = int(self.keys.searchsorted(key))
        return at if at < len(self.keys) and self.keys[at] == key else None

    def evidence(self, row: int, everyone: ShareBounds, own: ShareBounds, listed: Bools, column: int) -> Evidence:
        """Render one row for a decision record.

        Args:
            row: number of the row in the table.
            everyone: harmful share of the rule's category among all authors.
            own: the same among the established authors.
            listed: (m,) whether the tag is, or looks like, a curated term.
            column: score column of the rule's category.
        """
        signals = {one.name: one.kind.recorded(float(one.values(self, listed)[row])) for one in RECORDED}
        sampled, sampled_at = ((), ()) if self.shown is None else self.shown.random(row)
        highest, highest_at = ((), ()) if self.shown is None else self.shown.highest(row, column)
        return Evidence(
            window_ms=self.window_ms,
            tweets=int(self.tweets[row]),
            authors=int(self.authors[row]),
            scored=int(self.scored[row]),
            share=rounded(everyone.share) if self.scored[row] else 0.0,
            lower=rounded(everyone.lower),
            upper=rounded(everyone.upper),
            established=int((self.established or self.everyone).authors[row]),
            established_lower=rounded(own.lower),
            established_upper=rounded(own.upper),
            **signals,
            unread=self._unread(row) or UNSET,
            predecessor=self.hidden_tags[row] if self.hidden_tags else "",
            sampled=sampled,
            sampled_at=sampled_at,
            sampled_from=0 if self.shown is None else int(self.shown.sizes[row]),
            highest=highest,
            highest_at=highest_at,
            looked=0 if self.correction is None else int(self.correction.looked[row]),
            stage_2="" if self.correction is None else self.correction.revisions[row],
        )

    def _unread(self, row: int) -> dict[str, int]:
        """Count the sampled authors of one row by the language that the model does not read, the commonest first."""
        counts = [] if self.unread is None else self.unread[row].tolist()
        n_read = 1 if self.scale is None else self.scale.n_groups
        found: dict[str, int] = {}
        for group, count in enumerate(counts):
            if count:
                name = group_name(group, n_read)
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


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
        migrated: hidden tags that the authors come from; None: no tag is hidden.
        scale: meaning of the scores. Where it has several language groups, a text of none of them is not scored.
    """
    m = len(keys)
    authors = sample.authors(m) if whole is None or whole is sample else count_visible_authors(whole, sample, m)
    texts = scored_rows(sample, scale)
    everyone = measure_group(sample, authors, None, columns, corrections, scale, texts)
    own = established(sample, young_days, None if migrated is None else migrated.from_hidden)
    seen = Observations(
        window_ms=window_ms,
        tweets=tweets,
        tag=sample.group,
        age_days=sample.age_days,
        copy=sample.copy,
        retweet=sample.flags & RETWEET > 0,
        linked=sample.flags & LINKED > 0,
        scored=texts.scored,
        young_days=young_days,
        burst_min_past=burst_min_past,
        past=past,
        migrated=None if migrated is None else migrated.lower,
    )
    return EvidenceTable(
        window_ms=window_ms,
        keys=keys,
        tweets=tweets,
        authors=authors,
        scored=everyone.scored,
        share=everyone.share,
        signals={one.name: one.measure(seen) for one in MEASURED},
        shown=shown_tweets(sample, m),
        may_miss=may_miss,
        correction=everyone.correction,
        hidden_tags=None if migrated is None else migrated.of,
        scale=scale,
        groups=everyone.groups,
        unread=everyone.unread,
        established=measure_group(sample, authors, own, columns, corrections, scale, texts),
    )
