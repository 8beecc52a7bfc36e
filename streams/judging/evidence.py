"""The evidence of many tags at one tick, as columns: every signal, no texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from models.share import Scale, plain
from streams.counting.block_counts import GROUP_SHIFT, LINKED, RETWEET
from streams.judging.bounds import Doubles
from streams.judging.side_inputs.account_facts import authors_left
from streams.judging.side_inputs.author_sketches import Found
from streams.judging.side_inputs.corrections import Seen
from streams.judging.two_stage_share import Correction, correct, sums
from streams.log.decisions import Evidence
from streams.windows.window import Sample

Ints = npt.NDArray[np.int64]
SAMPLED_IDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceTable:
    """Signals of m keys over one window. Shapes (m,); c score columns: any category, then each of the model's."""

    window_ms: int
    keys: Ints
    """Ascending."""
    tweets: Ints
    authors: Ints
    scored: Ints
    share: Doubles
    """(m, c) mean probability over the scored authors; NaN where there is none. What it means says `scale`."""
    copies: Doubles
    young: Doubles
    burst: Doubles
    """NaN where the tag has no past."""
    sampled: Ints
    """(m, s) the first tweets of the sample; -1 where there are fewer."""
    links: Doubles
    """Share of scored authors whose tweet links to a curated domain."""
    may_miss: int = 0
    """So many tweets more a tag may have: panes of the window gave up their tail."""
    correction: Correction | None = None
    """What stage 2 has added to `share`; None: nothing to any of them."""
    successors: Found | None = None
    """Which hidden tags the authors come from; None where nobody asked."""

    @property
    def successor(self) -> Doubles:
        """Lower bound of the share of authors who come from one hidden tag; 0 where nobody asked."""
        return np.zeros(len(self.keys)) if self.successors is None else self.successors.lower

    scale: Scale | None = None
    """What `share` means; None: it is the harmful share."""
    groups: Ints | None = None
    """(m, scale.n_groups) scored authors by the group of languages of their text; None: there is but one."""

    def estimates(self) -> Doubles:
        """(m, c) the harmful shares, any category first; NaN where nothing was scored."""
        scale, mix = self._meant()
        return scale.estimates(self.share, mix)

    def bounds(self, column: int, confidence: float) -> tuple[Doubles, Doubles, Doubles]:
        """(m,) the harmful share of a column: estimate, lower and upper bound; see `models.share.bounds`."""
        scale, mix = self._meant()
        return scale.bounds(self.share[:, column], self.scored, mix, column, confidence)

    def gaps(self, column: int) -> Doubles:
        """(m,) by how much the mean probability of a column rises from a share of 0 to one of 1."""
        scale, mix = self._meant()
        return scale.gaps(mix, column)

    def _meant(self) -> tuple[Scale, Doubles]:
        """The scale, and (m, groups) the part of each row's scored authors in each group."""
        scale = self.scale or plain(self.share.shape[1])
        if self.groups is None:
            return scale, np.ones((len(self.keys), 1))
        return scale, self.groups / np.maximum(self.scored, 1)[:, None]

    def take(self, rows: Ints | npt.NDArray[np.bool_]) -> EvidenceTable:
        """Some of the rows, by number or mask."""
        at = np.arange(len(self.keys))[rows]
        return EvidenceTable(
            window_ms=self.window_ms,
            keys=self.keys[at],
            tweets=self.tweets[at],
            authors=self.authors[at],
            scored=self.scored[at],
            share=self.share[at],
            copies=self.copies[at],
            young=self.young[at],
            burst=self.burst[at],
            sampled=self.sampled[at],
            may_miss=self.may_miss,
            links=self.links[at],
            correction=self.correction and self.correction.take(at),
            successors=self.successors and self.successors.take(at),
            scale=self.scale,
            groups=None if self.groups is None else self.groups[at],
        )

    def find(self, key: int) -> int | None:
        """Row of a key."""
        at = int(self.keys.searchsorted(key))
        return at if at < len(self.keys) and self.keys[at] == key else None

    def evidence(self, row: int, share: float, lower: float, upper: float, *, term: bool) -> Evidence:
        """One row as the decision record shows it, with its harmful share of a category and the bounds of that."""
        burst = float(self.burst[row])
        return Evidence(
            window_ms=self.window_ms,
            tweets=int(self.tweets[row]),
            authors=int(self.authors[row]),
            scored=int(self.scored[row]),
            share=rounded(share) if self.scored[row] else 0.0,
            lower=rounded(lower),
            upper=rounded(upper),
            burst=None if np.isnan(burst) else rounded(burst),
            copies=rounded(float(self.copies[row])),
            young=rounded(float(self.young[row])),
            term=term,
            links=rounded(float(self.links[row])),
            successor=rounded(float(self.successors.lower[row])) if self.successors else 0.0,
            predecessor=self.successors.of[row] if self.successors else "",
            sampled=tuple(str(tweet) for tweet in self.sampled[row].tolist() if tweet >= 0),
            looked=0 if self.correction is None else int(self.correction.looked[row]),
            stage_2="" if self.correction is None else self.correction.revisions[row],
        )


def rounded(value: float) -> float:
    """Six digits: enough for anyone, and the same text on every machine."""
    return round(value, 6)


def tabulate(
    window_ms: int,
    keys: Ints,
    tweets: Ints,
    burst: Doubles,
    sample: Sample,
    columns: int,
    young_days: int,
    may_miss: int = 0,
    *,
    whole: Sample | None = None,
    seen: Seen | None = None,
    successors: Found | None = None,
    scale: Scale | None = None,
) -> EvidenceTable:
    """Reduce author samples to signals.

    Args:
        keys: m ascending keys, the groups of `sample`.
        tweets, burst: (m,).
        columns: score columns of the model.
        young_days: an account younger than this is young.
        may_miss: see `EvidenceTable`.
        whole: the sample before anything was taken out of it, where something was: it says how many authors there are.
        seen: what stage 2 says of the rows of `sample`.
        successors: see `EvidenceTable`.
        scale: what the scores mean. Where it tells groups of languages apart, who has none is taken as not scored.
    """
    m = len(keys)
    group = sample.group
    known, spoken = _known(sample, 1 if scale is None else scale.n_groups)
    of, scores = group[known], sample.scores[known]
    scored = np.bincount(of, minlength=m)
    share = np.full((m, columns), np.nan)
    np.divide(sums(of, scores, m), scored[:, None], out=share, where=scored[:, None] > 0)
    share, correction = correct(share, group, known, seen)
    own = (sample.flags & RETWEET == 0) & (sample.copy > 0)
    return EvidenceTable(
        window_ms=window_ms,
        keys=keys,
        tweets=tweets,
        authors=sample.authors(m) if whole is None or whole is sample else authors_left(whole, sample, m),
        scored=scored,
        share=share,
        copies=_share_of(group[own], _copied(group[own], sample.copy[own]), m),
        young=_share_of(
            group[sample.age_days >= 0], sample.age_days[sample.age_days >= 0] < young_days, m
        ),
        burst=burst,
        sampled=_first_ids(sample, m),
        links=_share_of(of, sample.flags[known] & LINKED > 0, m),
        may_miss=may_miss,
        correction=correction,
        successors=successors,
        scale=scale,
        groups=None if scale is None else _by_group(of, spoken[known], m, scale.n_groups),
    )  # fmt: skip


def _known(sample: Sample, n_groups: int) -> tuple[npt.NDArray[np.bool_], Ints]:
    """(n,) who has a score that counts, and (n,) the group of languages of their text."""
    if not len(sample.group):
        return np.zeros(0, bool), np.zeros(0, np.int64)
    known = ~np.isnan(sample.scores[:, 0])
    if n_groups == 1:
        return known, np.zeros(len(known), np.int64)
    spoken = (sample.flags >> GROUP_SHIFT).astype(np.int64) - 1
    return known & (spoken >= 0) & (spoken < n_groups), spoken


def _by_group(group: Ints, spoken: Ints, m: int, n_groups: int) -> Ints:
    counts = np.bincount(group * n_groups + spoken, minlength=m * n_groups)
    return counts.reshape(m, n_groups).astype(np.int64)


def _share_of(group: Ints, hit: npt.NDArray[np.bool_], m: int) -> Doubles:
    whole = np.bincount(group, minlength=m)
    part = np.bincount(group[hit], minlength=m)
    share: Doubles = np.where(whole > 0, part / np.maximum(whole, 1), 0.0)
    return share


@compiled
def _copied(group: Ints, copy: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Whether another row of the group has the same fingerprint; groups ascend, none is larger than a sample."""
    copied = np.zeros(len(group), np.bool_)
    first = 0
    while first < len(group):
        end = first
        while end < len(group) and group[end] == group[first]:
            end += 1
        for row in range(first, end):
            if not copied[row]:
                for other in range(row + 1, end):
                    if copy[other] == copy[row]:
                        copied[row] = copied[other] = True
        first = end
    return copied


def _first_ids(sample: Sample, m: int) -> Ints:
    starts = np.searchsorted(sample.group, np.arange(m + 1))
    rows = starts[:-1, None] + np.arange(SAMPLED_IDS)
    there = rows < starts[1:, None]
    ids: Ints = np.full((m, SAMPLED_IDS), -1)
    ids[there] = sample.tweet[rows[there]]
    return ids
