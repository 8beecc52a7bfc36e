"""The campaigns whose authors go to every shard: tags that a settled tick hides, hides for longer, or releases.

A campaign is small when it is hidden, so its authors are sent again as it grows: one minute after its suppression, two,
four, and so on, as long as its texts stay harmful. All of it follows from two states of a tag, before the tick and
after it, and from the tag's level. So a judge that settles the tick again sends the same. A flag that a person ends is
not known here; it ends at its expiry, as the flag does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from streams.actions import HIDING
from streams.constants import MINUTE_MS
from streams.counting.keys import Tags, country_of
from streams.judging.evidence_builder import EvidenceBuilder
from streams.judging.key_state import Scope
from streams.log.author_sketches import AuthorSketch
from streams.log.decisions import ScopeDecision


@dataclass(frozen=True, slots=True)
class Campaign:
    """A tag whose authors other shards must know."""

    key: int
    until_ms: int
    """Expiry of its last flag; 0: no flag hides it any more."""
    window_ms: int
    """Window in which it was found."""


def campaign_of(
    key: int,
    before: Mapping[Scope, ScopeDecision],
    after: Mapping[Scope, ScopeDecision],
    tick_ms: int,
    goes_on: Callable[[Scope], bool],
) -> Campaign | None:
    """Return the campaign that a settled tick must send; None: nothing has changed.

    `before` and `after` are the decisions of the key around the tick. A tag `goes_on` in a scope if its evidence there
    is not under the threshold, nor too small.
    """
    until_ms = _until(after, tick_ms)
    due = [
        scope for scope, decision in after.items() if decision.action in HIDING and _is_due(tick_ms - decision.since_ms)
    ]
    if until_ms == _until(before, tick_ms) and not any(goes_on(scope) for scope in due):
        return None
    windows_ms = [
        decision.evidence.window_ms
        for decision in after.values()
        if decision.action in HIDING and decision.expires_at_ms == until_ms and decision.evidence is not None
    ]
    return Campaign(key, until_ms, min(windows_ms, default=0))


def sketch_of(campaign: Campaign, evidence: EvidenceBuilder, tags: Tags, tick_ms: int) -> AuthorSketch:
    """Return the sketch of a campaign's authors as of a tick that has just settled."""
    authors, upto = np.zeros(0, np.uint64), 0
    if campaign.until_ms:
        authors, upto = evidence.authors(campaign.key, campaign.window_ms)
    return AuthorSketch(
        tags.name(campaign.key), country_of(campaign.key), tick_ms, campaign.until_ms, upto,
        authors.astype("<u8").tobytes(),
    )  # fmt: skip


def _is_due(age_ms: int) -> bool:
    """Return whether a suppression is one minute old, two, four, eight, ..."""
    minutes, rest = divmod(age_ms, MINUTE_MS)
    return minutes > 0 and not rest and not minutes & (minutes - 1)


def _until(decisions: Mapping[Scope, ScopeDecision], tick_ms: int) -> int:
    expiries = [
        decision.expires_at_ms
        for decision in decisions.values()
        if decision.action in HIDING and decision.expires_at_ms > tick_ms
    ]
    return max(expiries, default=0)
