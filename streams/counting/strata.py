"""Strata of authors, so that a flood of accounts that were created together cannot fill a hashtag's sample.

An account's stratum is the year of its creation: years of 365 days since the Unix epoch, in a cycle of three. Accounts
of all ages spread over the three evenly. Those created within weeks, like a flood's, share one, or two at a year's end.
Accounts of unknown age have a stratum of their own. It never changes, so samples of any times unite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.compiled import compiled
from streams.constants import DAY_MS

STRATA = 4
UNKNOWN = 0
"""Stratum of accounts of unknown age."""
STRATUM_SHIFT = 2
"""Position of the stratum in an entry's flags."""
LEAST = 12
"""Least number of authors of each stratum that a sample has, as far as there are so many."""
_YEAR_MS = 365 * DAY_MS


@compiled
def stratum_of(born_ms: Any) -> Any:
    """Return the stratum of an account that was created at `born_ms`; below 0: unknown."""
    return UNKNOWN if born_ms < 0 else 1 + born_ms // _YEAR_MS % (STRATA - 1)


def strata_of(flags: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the strata (n,) of entries, by their flags (n,)."""
    return flags >> np.uint8(STRATUM_SHIFT) & np.uint8(STRATA - 1)
