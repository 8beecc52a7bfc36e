"""Copies: the share of sampled authors whose text another sampled author of the tag wrote too."""

from __future__ import annotations

from streams.signals.base import SHARE, Doubles, MeasuredSignal, Observations


class Copies(MeasuredSignal):
    """Share of authors who post a text that another author posts too."""

    name = "copies"
    order = 20
    kind = SHARE
    description = "Share of sampled authors whose text another author wrote too; retweets do not count."
    label = "Copied texts"
    statement = "many copies of the same text"

    def measure(self, seen: Observations) -> Doubles:
        """Divide authors of repeated texts by authors of texts, retweets excluded."""
        from streams.signals.kernels.repeats import copied  # a reader of policies need not wait for numba

        own = ~seen.retweet & (seen.copy > 0)
        return seen.share(own, copied(seen.tag, seen.copy, own))


SIGNAL = Copies()
