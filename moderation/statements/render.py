"""All renderings of one restriction, side by side."""

from __future__ import annotations

from typing import Any

from moderation.statements.dsa import dsa_statement
from moderation.statements.restriction import Restriction
from moderation.statements.text import LANGUAGES, user_text


def statement_as_dict(restriction: Restriction) -> dict[str, Any]:
    """As plain JSON. `dsa` is null where it has no effect in the EU."""
    dsa = dsa_statement(restriction)
    return {
        "reference": restriction.reference,
        "restriction": restriction.as_dict(),
        "dsa": None if dsa is None else dsa.as_dict(),
        "text": {language: user_text(restriction, language) for language in LANGUAGES},
    }
