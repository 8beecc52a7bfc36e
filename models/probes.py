"""The functional probes: what no model was trained on, one sentence a line, by language and purpose."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from models.data import UNLABELLED, Example

SOURCE = "probes"
HATE = "hate"
SPARED = ("identity", "counter", "quote", "reclaimed", "protest", "negation")
"""Purposes whose sentences attack nobody: one of them flagged is speech silenced."""


@lru_cache(maxsize=1)
def probes() -> tuple[Example, ...]:
    """All of them, in order; `detail` is the purpose. Hate is hateful conduct, the others are not; no other label."""
    table = tomllib.loads((Path(__file__).parent / "probes.toml").read_text("utf-8"))
    return tuple(
        Example(text, SOURCE, purpose, language, (*(int(purpose == HATE),) * 2, UNLABELLED, UNLABELLED))
        for language, purposes in table.items()
        for purpose in (HATE, *SPARED)
        for text in purposes[purpose]
    )
