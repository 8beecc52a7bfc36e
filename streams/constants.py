"""Numbers on which several rooms must agree: lengths of time in milliseconds, the size of a block, and an age."""

from __future__ import annotations

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

PANE_MS = 10_000
"""Length of a pane and of a tick."""
SHORT_WINDOW_MS = 15 * MINUTE_MS
"""Longest window that advances with every pane; longer ones advance once a minute."""
QUARTER_MS = 15 * MINUTE_MS
"""Length of the panes that form the far end of a window of more than an hour."""

BLOCK = 256
"""Offsets of a source partition in one block. `offset // BLOCK` is the block's number, for ever."""

UNKNOWN_AGE = -1
"""Age in days of an account whose payload has none."""
