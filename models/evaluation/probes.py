"""Functional probes: sentences by language and purpose that no model was trained on."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from models.data import UNLABELLED, Example

SOURCE = "probes"
HATE = "hate"
SPARED = ("identity", "counter", "quote", "reclaimed", "protest", "negation")
"""Purposes of sentences without an attack; flagging one of them silences innocent speech."""


@lru_cache(maxsize=1)
def probes() -> tuple[Example, ...]:
    """Read the probes in order; `detail` is the purpose.

    Hate is labelled harmful and hateful conduct, the other purposes are labelled neither. Other columns stay open.
    """
    table = tomllib.loads((Path(__file__).parent / "probes.toml").read_text("utf-8"))
    return tuple(
        Example(text, SOURCE, purpose, language, (*(int(purpose == HATE),) * 2, UNLABELLED, UNLABELLED))
        for language, purposes in table.items()
        for purpose in (HATE, *SPARED)
        for text in purposes[purpose]
    )
