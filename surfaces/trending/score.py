"""The trending score: volume times velocity.

    score    = ln(1 + total) * velocity
    velocity = 1 + (recent - expected -/+ noise) / (expected + PRIOR)    where that is beyond the noise, else 1
    noise    = 2 * sqrt(expected + 1)

`total` counts the tag's tweets in the whole window, `recent` those of its last seconds. `expected` is the number that
the tag's own past in the window predicts for as many seconds. Counts of independent tweets vary by about the square
root of the expected number (Poisson). Twice that counts as noise, so that steady tags rank by volume and keep their
order. A new tag with a dozen tweets in a few seconds has a velocity of 3 and overtakes them at once; a fading one falls
before its tweets leave the window. PRIOR limits the growth of a tag with two tweets after none.

A contested tag has coordinated and established authors, and ranks by the latter alone:

    score    = ln(1 + weight * total)

`weight` is the established part of its authors. Its velocity counts as 1, since the slots do not separate the two kinds
of authors. So a burst of bots does not raise the tag, and the end of the burst does not make it look like fading.
"""

from __future__ import annotations

from math import log1p, sqrt

PRIOR_TWEETS = 5.0
NOISE_DEVIATIONS = 2.0


def velocity(total: int, recent: int, recent_seconds: float, observed_seconds: float) -> float:
    """Compute a tag's present rate as a multiple of its past rate, above 0; 1 is steady.

    `observed_seconds` is the observed part of the window. A past shorter than `recent_seconds` counts as that long, so
    that just after a start all tags look equally new and rank by volume.

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
    """Compute the sort key of the ranking, 0 for a tag without tweets; see the module's formula."""
    return log1p(total) * velocity(total, recent, recent_seconds, observed_seconds)


def contested_score(total: int, weight: float) -> float:
    """Compute the sort key of a contested tag, whose established authors wrote `weight` of the tweets.

    >>> contested_score(300, 0.5) == trending_score(150, 75, 15.0, 15.0)
    True
    """
    return log1p(total * weight)
