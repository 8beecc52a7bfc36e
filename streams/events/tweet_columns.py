"""Columns of parsed payloads, for readers that make no object of a tweet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

(
    STATUS, TWEET, AUTHOR, CREATED, YOUNG_SINCE, IN_LANGUAGE, IN_COUNTRY, RETWEET, TEXT_BEGIN, TEXT_END, FIRST_TAG,
    END_TAG, END_HOST, FROM_TEXT,
) = range(14)  # fmt: skip
FIELDS = 14
"""Columns of a tweet. The tags of a tweet are the spans [FIRST_TAG, END_TAG), its hosts [END_TAG, END_HOST)."""

SLOW, FAST, PARSED, NO_TWEET, AHEAD = range(5)
"""Values of `STATUS`: not read yet, read by the compiled pass, by the parser, no tweet, and too far in the future."""

SPAN_BEGIN, SPAN_END, SPELLING, OF_ROW = range(4)
SPANS = 4
"""Columns of a span: its bytes, its spelling, and the row of its tweet."""
NEW, HOST = -1, -2
"""Values of `SPELLING`: a spelling that the table does not have, and the host of a link."""
