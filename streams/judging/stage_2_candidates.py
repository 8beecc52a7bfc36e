"""The texts that stage 2 should read after a settled tick: those of the least certain tags first, then of the hottest.

A tag is uncertain if its harmful share may lie on either side of a threshold: there a second scorer may change the
decision. Of each tag the authors with the smallest hashes are read. They are a prefix of the sample, so a fair sample
themselves, and they are mostly the same from tick to tick.

This choice changes no decision by itself, and another judge may choose differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.block_counts import Ints
from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_name
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.rule_evaluation import scopes_of
from streams.judging.side_inputs.corrections import CorrectionIndex
from streams.judging.two_stage_share import first_scored
from streams.policy import Policy

MOST_TAGS = 64
"""Tags of one shard at one tick: more than a worker can read before the next tick."""
_EXAMINED_TAGS = 8 * MOST_TAGS
"""Tags whose texts are looked up."""
_NEAR = 2
"""Factor by which a tag may lie below its rule's floors of tweets and authors: it may soon reach them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag, and its tweets that stage 2 should read."""

    hashtag: str
    unsure: bool
    """Whether its harmful share may lie on either side of a threshold."""
    heat: int
    """Tweets in the window that has most."""
    tweets: tuple[int, ...]
    """Ids, that of the smallest author hash first."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Urgency: the greatest rank is read first."""
        return (self.unsure, self.heat)


def candidates(
    policy: Policy, columns: Mapping[str, int], evidence: EvidenceBuilder, corrections: CorrectionIndex, tags: Tags
) -> list[Candidate]:
    """Return what stage 2 should read after a settled tick under a policy, the most urgent first.

    `columns` are the score columns by category, and `corrections` the texts that stage 2 has read.
    """
    heat: dict[int, int] = {}
    unsure: set[int] = set()
    for table in evidence.tables().values():
        near, uncertain = near_and_uncertain(policy, columns, table)
        unsure.update((table.keys[uncertain] >> COUNTRY_BITS).tolist())
        for key, tweets in zip(table.keys[near].tolist(), table.tweets[near].tolist(), strict=True):
            heat[key >> COUNTRY_BITS] = max(tweets, heat.get(key >> COUNTRY_BITS, 0))
    chosen = sorted(heat, key=lambda tag: (tag not in unsure, -heat[tag], tag))[:_EXAMINED_TAGS]
    to_read = _tweets_to_read(chosen, evidence, corrections)
    return [
        Candidate(tags.name(tag << COUNTRY_BITS), tag in unsure, heat[tag], tuple(to_read[tag]))
        for tag in [tag for tag in chosen if to_read[tag]][:MOST_TAGS]
    ]


def near_and_uncertain(
    policy: Policy, columns: Mapping[str, int], table: EvidenceTable
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return (m,) the rows that are near the floors of a rule, and (m,) those whose interval holds a threshold."""
    near, uncertain = np.zeros(len(table.keys), bool), np.zeros(len(table.keys), bool)
    codes = table.keys & COUNTRY_MASK
    for code in np.unique(codes).tolist():
        country = country_name(code)
        rules = {(policy.rule(*scope, country), columns[scope[0]]) for scope in scopes_of(policy, columns)}
        for rule, column in rules:
            if table.window_ms not in rule.windows_ms:
                continue
            near_rule = (
                (codes == code)
                & (table.tweets * _NEAR >= rule.min_tweets)
                & (table.authors * _NEAR >= rule.min_authors)
                & (table.everyone.scored > 0)
            )
            _, lower, upper = table.everyone.bounds(column, rule.confidence)
            for threshold in (rule.suppress_at, rule.clear_at):
                uncertain |= near_rule & (lower < threshold) & (threshold <= upper)
            near |= near_rule
    return near, uncertain


def _tweets_to_read(
    chosen: list[int], evidence: EvidenceBuilder, corrections: CorrectionIndex
) -> dict[int, dict[int, None]]:
    """Return for each tag the tweets of its samples' first authors that stage 2 has not read, in order."""
    tweets: dict[int, dict[int, None]] = {tag: {} for tag in chosen}
    worlds = np.array(sorted(chosen), np.int64) << COUNTRY_BITS
    for window_ms, table in evidence.tables().items():
        keys: Ints = worlds[np.isin(worlds, table.keys)]
        sample = evidence.sample(evidence.store.windows[window_ms], keys)
        tags = keys[sample.group] >> COUNTRY_BITS
        first = first_scored(sample.group, ~np.isnan(sample.scores[:, 0])) & ~corrections.known(tags, sample.tweet)
        for tag, tweet in zip(tags[first].tolist(), sample.tweet[first].tolist(), strict=True):
            tweets[tag][tweet] = None
    return tweets
