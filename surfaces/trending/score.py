"""The trending score: volume times velocity.

    score    = ln(1 + total) * velocity
    velocity = 1 + (recent - expected -/+ noise) / (expected + PRIOR)    where that is beyond the noise, else 1
    noise    = 2 * sqrt(expected + 1)

`total` is the tag's tweets in the whole window, `recent` those of its last seconds, and `expected` what the tag's own
past in the window predicts for as many seconds. Counts of independent tweets vary by about the square root of what is
expected (Poisson); two of those are taken for noise, so that steady tags rank by their volume and do not dance. A new
tag that brings a dozen tweets in a few seconds has a velocity of 3 and passes them at once; a fading one sinks before
its tweets have left the window. PRIOR keeps two tweets after none from counting as growth without bound.
"""

from __future__ import annotations

from math import log1p, sqrt

PRIOR_TWEETS = 5.0
NOISE_DEVIATIONS = 2.0


def velocity(total: int, recent: int, recent_seconds: float, observed_seconds: float) -> float:
    """How many times as fast as by its own past a tag moves now, above 0; 1 is steady.

    `observed_seconds` is how much of the window has been watched so far. A past shorter than `recent_seconds` counts
    as that long, so just after a start every tag looks young alike, and their order is that of their volume.

    >>> velocity(600, 15, 15.0, 600.0), velocity(600, 20, 15.0, 600.0)
    (1.0, 1.0)
    >>> velocity(12, 12, 15.0, 600.0)
    3.0
    """
    past_seconds = max(observed_seconds - recent_seconds, recent_seconds)
    expected = (total - recent) * recent_seconds / past_seconds
    beyond_noise = max(abs(recent - expected) - NOISE_DEVIATIONS * sqrt(expected + 1), 0.0)
    growth = beyond_noise / (expected + PRIOR_TWEETS)
    return 1 + growth if recent > expected else 1 - growth


def trending_score(total: int, recent: int, recent_seconds: float, observed_seconds: float) -> float:
    """The rank's sort key, 0 for a tag without tweets; see the module's formula."""
    return log1p(total) * velocity(total, recent, recent_seconds, observed_seconds)
