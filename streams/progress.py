"""Progress bars and charts of block characters, for terminals."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

BARS_MAX = 72


def progress_bar(what: str = "judging the evidence", *, enabled: bool = True) -> Progress:
    """Make a progress bar on stderr, shown only if that is a terminal and `enabled`."""
    console = Console(stderr=True)
    return Progress(
        TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=console, disable=not (enabled and console.is_terminal), transient=True,
    )  # fmt: skip


def block_bars(counts: Sequence[int], highest: int) -> str:
    """Draw counts as block characters, full at `highest`, which is at least 1; a count of 0 is blank.

    Above `BARS_MAX` counts, each bar is the maximum of a stretch, so that a short peak stays visible.

    >>> block_bars([0, 1, 4, 8], 8)
    ' ▁▄█'
    """
    per = max(1, -(-len(counts) // BARS_MAX))
    tops = [max(counts[at : at + per]) for at in range(0, len(counts), per)]
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * top // highest)] for top in tops)
