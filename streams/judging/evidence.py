"""Evidence tables: the signals of many keys over one window at one tick, as columns and without texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import UNSET

from models.languages import group_name
from models.share import Scale
from streams.counting.block_counts import LINKED, RETWEET
from streams.judging.author_group import AuthorGroup, ShareBounds, measure_group, scored_rows
from streams.judging.shown_tweets import ShownTweets, shown_tweets
from streams.judging.side_inputs.account_facts import count_visible_authors
from streams.judging.side_inputs.corrections import SampleCorrections
from streams.judging.side_inputs.migration import MigrationMatches
from streams.judging.standing import StandingKeys, established
from streams.languages import NO_WORDS
from streams.log.decisions import Evidence
from streams.signals.base import Bools, Doubles, Ints, Observations, Past, rounded
from streams.signals.registry import MEASURED, RECORDED
from streams.windows.window import AuthorSample


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceTable:
    """Evidence of m keys over one window. Shapes (m,)."""

    window_ms: int
    keys: Ints
    """Ascending where a judge built the table."""
    tweets: Ints
    everyone: AuthorGroup
    """All authors in the window."""
    established: AuthorGroup
    """The established authors in the window."""
    signals: Mapping[str, Doubles]
    """(m,) values of each signal in `MEASURED`; NaN where it could not be measured."""
    shown: ShownTweets | None = None
    """Tweets that a decision names; None in a table that was read back."""
    may_miss: int = 0
    """Upper bound on the tweets of one tag that panes of the window lost to tail trimming."""
    hidden_tags: Sequence[str] | None = None
    """(m,) hidden tag that the authors come from, "" without one; None: no tag is hidden."""
    past: AuthorGroup | None = None
    """The established authors in the longest window before the shortest; None: not measured. See `EvidenceBuilder`."""

    @property
    def authors(self) -> Ints:
        """(m,) estimated number of distinct authors."""
        return self.everyone.authors

    def greatest_estimates(self) -> Doubles:
        """Return (m,) the greatest estimate of any column, of all authors, the established ones, or the others."""
        groups = (self.everyone, self.established, self.everyone.without(self.established))
        greatest: Doubles = np.nan_to_num(np.hstack([group.estimates() for group in groups])).max(axis=1, initial=0.0)
        return greatest

    def take(self, rows: Ints | Bools) -> EvidenceTable:
        """Select rows by number or mask."""
        at = np.arange(len(self.keys))[rows]
        return replace(
            self,
            keys=self.keys[at],
            tweets=self.tweets[at],
            everyone=self.everyone.take(at),
            established=self.established.take(at),
            signals={name: values[at] for name, values in self.signals.items()},
            shown=self.shown and self.shown.take(at),
            hidden_tags=None if self.hidden_tags is None else [self.hidden_tags[row] for row in at.tolist()],
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
        signals = {signal.name: signal.kind.recorded(float(signal.values(self, listed)[row])) for signal in RECORDED}
        authors, scored, correction = self.everyone.authors, self.everyone.scored, self.everyone.correction
        sampled, sampled_at = ((), ()) if self.shown is None else self.shown.random(row)
        highest, highest_at = ((), ()) if self.shown is None else self.shown.highest(row, column)
        return Evidence(
            window_ms=self.window_ms,
            tweets=int(self.tweets[row]),
            authors=int(authors[row]),
            scored=int(scored[row]),
            share=rounded(everyone.share) if scored[row] else 0.0,
            lower=rounded(everyone.lower),
            upper=rounded(everyone.upper),
            established=int(self.established.authors[row]),
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
            looked=0 if correction is None else int(correction.looked[row]),
            stage_2="" if correction is None else correction.revisions[row],
        )

    def _unread(self, row: int) -> dict[str, int]:
        """Count the sampled authors of one row by the language that the model does not read, the commonest first.

        Those without words are among them.
        """
        unread, scale = self.everyone.unread, self.everyone.scale
        counts = [] if unread is None else unread[row].tolist()
        n_read = 1 if scale is None else scale.n_groups
        texts_by_group: Counter[str] = Counter()
        for group, count in enumerate(counts):
            texts_by_group[group_name(group, n_read)] += count
        if self.everyone.silent is not None:
            texts_by_group[NO_WORDS] = int(self.everyone.silent[row])
        return dict(sorted((+texts_by_group).items(), key=lambda item: (-item[1], item[0])))


def tabulate(
    window_ms: int,
    keys: Ints,
    tweets: Ints,
    sample: AuthorSample,
    columns: int,
    *,
    standing: StandingKeys,
    earlier: Callable[[AuthorSample], Ints],
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
        standing: keys of the policy.
        earlier: see `streams.judging.standing.established`.
        burst_min_past: see `Observations`.
        past: see `Observations`.
        may_miss: see `EvidenceTable`.
        whole: the sample before authors were removed from it, if any were; the number of authors is estimated from it.
        corrections: differences by stage 2 of the rows of `sample`.
        migrated: hidden tags that the authors come from; None: no tag is hidden.
        scale: meaning of the scores. Where it has several language groups, a text of none of them is not scored.
    """
    m = len(keys)
    authors = count_visible_authors(whole or sample, sample, m)
    texts = scored_rows(sample, scale)
    own = established(sample, standing, None if migrated is None else migrated.from_hidden, earlier)
    smallest = sample.without_further()  # signals and shown tweets are a fair choice of all authors
    seen = Observations(
        window_ms=window_ms,
        tweets=tweets,
        tag=smallest.group,
        age_days=smallest.age_days,
        copy=smallest.copy,
        retweet=smallest.flags & RETWEET > 0,
        linked=smallest.flags & LINKED > 0,
        scored=(texts.scored | texts.silent)[~sample.is_further],
        young_days=standing.young_days,
        burst_min_past=burst_min_past,
        past=past,
        migrated=None if migrated is None else migrated.lower,
    )
    return EvidenceTable(
        window_ms=window_ms,
        keys=keys,
        tweets=tweets,
        everyone=measure_group(sample, authors, None, columns, corrections, scale, texts),
        established=measure_group(sample, authors, own, columns, corrections, scale, texts),
        signals={signal.name: signal.measure(seen) for signal in MEASURED},
        shown=shown_tweets(smallest, m),
        may_miss=may_miss,
        hidden_tags=None if migrated is None else migrated.of,
    )
