"""Of which tags stage 2 should read some texts, and which: the least certain first, and of these the hottest.

Uncertain is a tag whose harmful share may lie on either side of a threshold: there another scorer may change what is
decided. Of each tag those authors are asked for whose hashes are the smallest. They are a prefix of the sample, so a
fair sample themselves; and from tick to tick mostly the same ones.

What is chosen here changes no decision by itself, and no other judge need choose the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.counting.keys import COUNTRY_BITS, COUNTRY_MASK, Tags, country_name
from streams.judging.evidence import EvidenceTable
from streams.judging.levels import levels
from streams.judging.side_inputs.corrections import Corrected
from streams.judging.two_stage_share import first_scored
from streams.judging.window_store import Views
from streams.policy import Policy, Rule
from streams.windows.corrections import Ints

MOST_TAGS = 64
"""At one tick of one shard: more than a worker can read before the next."""
_ASKED_TAGS = 8 * MOST_TAGS
"""So many tags are asked whether anything of them is left to read."""
_NEAR = 2
"""A tag with so many times fewer tweets and authors than its rule's floors is worth a look: it may soon have them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag, and the tweets of it that are to be read."""

    hashtag: str
    unsure: bool
    """Whether its harmful share may lie on either side of a threshold."""
    heat: int
    """Tweets in the window that has most."""
    tweets: tuple[int, ...]
    """Their ids, the smallest author hash first."""

    @property
    def rank(self) -> tuple[bool, int]:
        """The greatest is read first."""
        return (self.unsure, self.heat)


def candidates(
    policy: Policy, columns: Mapping[str, int], tables: Mapping[int, EvidenceTable], views: Views, tags: Tags
) -> list[Candidate]:
    """What stage 2 should read after a settled tick, the most urgent first.

    Args:
        columns: score column by category.
        tables: the evidence of this tick by window, in milliseconds; `views`: where it comes from.
    """
    heat: dict[int, int] = {}
    unsure: set[int] = set()
    for table in tables.values():
        worth, open_to_doubt = doubts(policy, columns, table)
        unsure.update((table.keys[open_to_doubt] >> COUNTRY_BITS).tolist())
        for key, tweets in zip(table.keys[worth].tolist(), table.tweets[worth].tolist(), strict=True):
            heat[key >> COUNTRY_BITS] = max(tweets, heat.get(key >> COUNTRY_BITS, 0))
    chosen = sorted(heat, key=lambda tag: (tag not in unsure, -heat[tag], tag))[:_ASKED_TAGS]
    wanted = _tweets(chosen, tables, views, views.corrected)
    return [
        Candidate(tags.name(tag << COUNTRY_BITS), tag in unsure, heat[tag], tuple(wanted[tag]))
        for tag in [tag for tag in chosen if wanted[tag]][:MOST_TAGS]
    ]


def doubts(
    policy: Policy, columns: Mapping[str, int], table: EvidenceTable
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(m,) which rows are near the floors of a rule, and (m,) of which of them an interval holds a threshold."""
    m = len(table.keys)
    worth, unsure = np.zeros(m, bool), np.zeros(m, bool)
    no_terms = np.zeros(m, bool)
    codes = table.keys & COUNTRY_MASK
    for code in np.unique(codes).tolist():
        for rule, column in _rules(policy, columns, country_name(code)):
            if table.window_ms not in rule.windows_ms:
                continue
            near = (
                (codes == code)
                & (table.tweets * _NEAR >= rule.min_tweets)
                & (table.authors * _NEAR >= rule.min_authors)
                & (table.scored > 0)
            )
            judged = levels(table, rule, column, no_terms, rule.confidence)
            for threshold in (rule.suppress_at, rule.clear_at):
                unsure |= near & (judged.lower < threshold) & (threshold <= judged.upper)
            worth |= near
    return worth, unsure


def _rules(policy: Policy, columns: Mapping[str, int], country: str) -> set[tuple[Rule, int]]:
    return {
        (policy.rule(category, surface, country), columns[category])
        for category in policy.category_names
        if category in columns
        for surface in policy.surfaces
    }


def _tweets(
    chosen: list[int], tables: Mapping[int, EvidenceTable], views: Views, corrected: Corrected
) -> dict[int, dict[int, None]]:
    """Of each tag the tweets of the first authors of its samples that stage 2 has not read, in order."""
    found: dict[int, dict[int, None]] = {tag: {} for tag in chosen}
    worlds = np.array(sorted(chosen), np.int64) << COUNTRY_BITS
    for window_ms, table in tables.items():
        keys: Ints = worlds[np.isin(worlds, table.keys)]
        if not len(keys):
            continue
        sample = views.sample(views.windows[window_ms], keys)
        if not len(sample.group):
            continue
        tags = keys[sample.group] >> COUNTRY_BITS
        first = first_scored(sample.group, ~np.isnan(sample.scores[:, 0])) & ~corrected.known(tags, sample.tweet)
        for tag, tweet in zip(tags[first].tolist(), sample.tweet[first].tolist(), strict=True):
            found[tag][tweet] = None
    return found
