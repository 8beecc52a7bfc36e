"""Types and limits of encoded batches: the code points of all texts in one array (`models.features.encode`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.uint32]
Offsets = npt.NDArray[np.int64]

MAX_POINTS = 2_048  # code points read of a text, the rest is ignored; a tweet has 280
# A letter may occur twice among the words: as written, and joined (`models.kernels.known.rejoined`).
MAX_LETTERS = 2 * MAX_POINTS
MAX_WORDS = MAX_LETTERS + 2

BLANK, ASTERISK = 0x20, 0x2A
INDIC = 0x0900  # the first code point of Devanagari
