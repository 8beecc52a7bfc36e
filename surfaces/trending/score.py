"""The trending score: volume times velocity.

    score = ln(1 + total) * (recent + PRIOR) / (expected + PRIOR)

`total` is the tag's tweets in the whole window, `recent` those of its last seconds, and `expected` what the tag's own
past in the window predicts for as many seconds. A steady tag has a velocity near 1 and ranks by the logarithm of its
volume; a new one that brings a dozen tweets in a few seconds has 3 or more and passes it at once; a fading one sinks
before its tweets have left the window. PRIOR keeps two tweets after none from counting as growth without bound.
"""

from __future__ import annotations

from math import log1p

PRIOR_TWEETS = 5.0


def velocity(total: int, recent: int, recent_seconds: float, observed_seconds: float) -> float:
    """How many times as fast as by its own past a tag moves now; 1 is steady.

    `observed_seconds` is how much of the window has been watched so far. A past shorter than `recent_seconds` counts
    as that long, so just after a start every tag looks young alike, and their order is that of their volume.

    >>> velocity(600, 15, 15.0, 600.0)
    1.0
    >>> velocity(12, 12, 15.0, 600.0)
    3.4
    """
    past_seconds = max(observed_seconds - recent_seconds, recent_seconds)
    expected = (total - recent) * recent_seconds / past_seconds
    return (recent + PRIOR_TWEETS) / (expected + PRIOR_TWEETS)


def trending_score(total: int, recent: int, recent_seconds: float, observed_seconds: float) -> float:
    """The rank's sort key, 0 for a tag without tweets; see the module's formula."""
    return log1p(total) * velocity(total, recent, recent_seconds, observed_seconds)
