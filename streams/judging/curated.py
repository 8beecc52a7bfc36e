"""Comparison of hashtags and links with the curated terms and domains of a policy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streams.counting.block_counts import LINKED
from streams.counting.keys import COUNTRY_BITS, Tags
from streams.events.links import hosts_in
from streams.policy import Policy
from streams.signals.base import Bools, Ints
from streams.windows.open_pane import OpenPane


class CuratedTags:
    """The hashtags that a policy's curated terms match; each hashtag is compared once."""

    def __init__(self, policy: Policy, tags: Tags) -> None:
        self._policy = policy
        self._tags = tags
        self._compared: set[int] = set()
        self._matching: set[int] = set()

    def among(self, keys: Ints) -> Bools:
        """Mark (n,) the keys whose hashtag is, or looks like, a curated term."""
        if not self._policy.curated_terms:
            return np.zeros(len(keys), bool)
        numbers = keys >> COUNTRY_BITS
        new = set(numbers.tolist()) - self._compared
        self._compared |= new
        names = self._tags.names(np.array([*new], np.int64) << COUNTRY_BITS)
        self._matching |= {
            number for number, name in zip(new, names, strict=True) if self._policy.matches_curated_term(name)
        }
        return np.isin(numbers, np.fromiter(self._matching, np.int64, len(self._matching)))

    def forget(self, unused: Iterable[int]) -> None:
        """Drop the compared hashtags whose numbers are released."""
        self._compared.difference_update(unused)
        self._matching &= self._compared


def mark_links(pane: OpenPane, entries: Ints, policy: Policy) -> None:
    """Set the flag of the entries that link to one of the policy's domains, and clear it in the others.

    It is set while the texts exist, by the policy under which their pane settles: a restart finds the same.
    """
    flags, matcher = pane.entries["flags"], policy.domain_matcher
    flags[entries] &= ~np.uint8(LINKED)
    if matcher:
        linked = [any(map(matcher.matches, hosts_in(line))) for line in pane.lines(entries)]
        flags[entries[np.array(linked, bool)]] |= np.uint8(LINKED)
