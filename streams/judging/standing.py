"""Standing: which sampled authors are established, so that they speak for their hashtag.

An author is established whose account is not young, who wrote no harm under another hidden hashtag, and no harmful text
that another grown account has written before. A harmless copy is a slogan, which takes no standing. Only the earlier
author counts, sampled or not: an attacker could repeat other people's texts, and so take their voice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from streams.counting.block_counts import RETWEET
from streams.signals.base import Bools, Ints
from streams.windows.shared_texts import NO_AGE
from streams.windows.window import AuthorSample


class StandingView(Protocol):
    """A policy, or conditions of evidence, as far as standing depends on them."""

    @property
    def young_days(self) -> int:
        """Age in days below which an account is young."""

    @property
    def harmless_below(self) -> float:
        """Probability of harm below which a copied text takes no standing."""


class StandingKeys(NamedTuple):
    """Keys of a policy that determine standing."""

    young_days: int
    harmless_below: float

    @classmethod
    def of(cls, policy: StandingView) -> StandingKeys:
        """Read the keys of a policy, or of the conditions of evidence."""
        return cls(policy.young_days, policy.harmless_below)


def established(
    sample: AuthorSample, keys: StandingKeys, from_hidden: Bools | None, earlier: Callable[[AuthorSample], Ints]
) -> Bools:
    """Mark (n,) the sampled authors that are established.

    An account of unknown age is not young. A text without a score is not known to be harmless.

    Args:
        sample: sampled authors, with the scores of their texts.
        keys: keys of the policy.
        from_hidden: (n,) whether an author wrote harm under another tag that is hidden; None: no tag is hidden.
        earlier: returns the ages of the earlier authors of some rows' texts; see `SlidingWindow.earlier_ages`.
    """
    standing: Bools = (sample.age_days < 0) | (sample.age_days >= keys.young_days)
    if from_hidden is not None:
        standing &= ~from_hidden
    harmless = sample.scores[:, 0] < keys.harmless_below
    rows = np.flatnonzero(standing & ~harmless & (sample.flags & RETWEET == 0) & (sample.copy > 0))
    if len(rows):
        ages = earlier(sample.take(rows))
        standing[rows[(ages != NO_AGE) & (ages >= keys.young_days)]] = False
    return standing
