"""The flag of entries whose tweet links to a curated domain, set while the texts exist.

The policy under which a pane settles sets it, so it is the same after a restart. The texts are dropped with the pane.
"""

from __future__ import annotations

import numpy as np

from streams.counting.block_counts import LINKED, Ints
from streams.events.links import hosts_in
from streams.policy import Policy
from streams.windows.open_pane import OpenPane


def mark_links(pane: OpenPane, entries: Ints, policy: Policy) -> None:
    """Set the flag of the entries that link to one of the policy's domains, and clear it in the others."""
    flags, matcher = pane.entries["flags"], policy.domain_matcher
    flags[entries] &= ~np.uint8(LINKED)
    if matcher:
        linked = [any(map(matcher.matches, hosts_in(line))) for line in pane.lines(entries)]
        flags[entries[np.array(linked, bool)]] |= np.uint8(LINKED)
