"""Types of the members of answers; `streams.answers` has their base."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streams.answers import AnswerModel

NextCursor = Annotated[
    str | None, Field(description="Give it as `cursor` for the next page; null at the end of the list.")
]
"""Type of the member `next` of every list."""
HiddenList = Annotated[
    list[str],
    Field(description="Hashtags that you review blind; the list leaves them out, whether it had them or not."),
]


class BlindedAnswer(AnswerModel):
    """Hashtag that the caller reviews blind: numbers, states and verdicts are left out."""

    hashtag: str
    blinded: Literal[True]
