"""Comparison of hashtags with the curated terms of a policy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streams.counting.keys import COUNTRY_BITS, Tags
from streams.policy import Policy
from streams.signals.base import Bools, Ints


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
