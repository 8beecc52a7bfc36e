"""Compiles the kernels that read texts, or reads their machine code from disk, before a process waits for them."""

from __future__ import annotations

from models import artefact, copies, features, vocabulary
from models.explain import explain

_BUCKETS = 1 << 10
_TEXTS = ("warm up",)


def warm_up() -> None:
    """Score, fingerprint and explain one text, and read it as training does; with the scorer of this release."""
    scorer = artefact.load(artefact.ARTEFACT_PATH)
    scorer.score(_TEXTS)
    copies.fingerprints(_TEXTS)  # as for a model that cannot be loaded
    explain(scorer, _TEXTS[0])
    features.matrix(_TEXTS, _BUCKETS)
    vocabulary.keys_of(*features.encode(_TEXTS))
