"""Whose authors are told to every shard: the tags that a settled tick begins to hide, hides for longer, or lets go.

A campaign is hidden when it is small, so it is told again as it grows: a minute after its suppression, two, four, and
so on, while its texts still say what they said. All of it follows from two states of a tag, before the tick and after
it, and where the tag stands: whoever settles the tick again says the same. A flag that a person ends is not known here;
it ends at its expiry, as the flag does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from streams.counting.block_counts import MINUTE_MS
from streams.counting.keys import Tags, country_of
from streams.judging.key_state import Scope
from streams.judging.window_store import Views
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import HIDING, Ruling


@dataclass(frozen=True, slots=True)
class Campaign:
    """A tag whose authors other shards must be told of."""

    key: int
    until_ms: int
    """When the last of its flags expires; 0: none hides it any more."""
    window_ms: int
    """Over which it was found."""


def campaign_of(
    key: int,
    before: Mapping[Scope, Ruling],
    after: Mapping[Scope, Ruling],
    tick_ms: int,
    goes_on: Callable[[Scope], bool],
) -> Campaign | None:
    """What a settled tick has to say of a tag; None: nothing.

    Args:
        goes_on: whether the tag is not under, nor too small to say, in a scope.
    """
    until_ms = _until(after, tick_ms)
    due = [scope for scope, one in after.items() if one.action in HIDING and _is_due(tick_ms - one.since_ms)]
    if until_ms == _until(before, tick_ms) and not any(goes_on(scope) for scope in due):
        return None
    windows_ms = [
        one.evidence.window_ms
        for one in after.values()
        if one.action in HIDING and one.expires_at_ms == until_ms and one.evidence is not None
    ]
    return Campaign(key, until_ms, min(windows_ms, default=0))


def sketch_of(campaign: Campaign, views: Views, tags: Tags, tick_ms: int) -> AuthorSketch:
    """Its authors as of a tick that has just settled."""
    found, upto = np.zeros(0, np.uint64), 0
    if campaign.until_ms:
        found, upto = views.authors(campaign.key, campaign.window_ms)
    return AuthorSketch(
        tags.name(campaign.key), country_of(campaign.key), tick_ms, campaign.until_ms, upto,
        found.astype("<u8").tobytes(),
    )  # fmt: skip


def _is_due(age_ms: int) -> bool:
    """After one minute, two, four, eight, ..."""
    minutes, rest = divmod(age_ms, MINUTE_MS)
    return minutes > 0 and not rest and not minutes & (minutes - 1)


def _until(rulings: Mapping[Scope, Ruling], tick_ms: int) -> int:
    standing = [one.expires_at_ms for one in rulings.values() if one.action in HIDING and one.expires_at_ms > tick_ms]
    return max(standing, default=0)
