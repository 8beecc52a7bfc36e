"""Base of every answer, and types of its members.

The API renders an answer as JSON, a page and a command show its attributes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

NextCursor = Annotated[
    str | None, Field(description="Give it as `cursor` for the next page; null at the end of the list.")
]
"""Type of the member `next` of every list."""
HiddenList = Annotated[
    list[str],
    Field(description="Hashtags that you review blind; the list leaves them out, whether it had them or not."),
]
Millis = Annotated[int, Field(description="Unix time in ms.", examples=[1_767_225_600_000])]


def record_schema(name: str) -> WithJsonSchema:
    """Describe a record of the log by its own schema; `document.RECORDS` has the type of each name."""
    return WithJsonSchema({"type": "object", "x-record": name})


DecisionJson = Annotated[dict[str, Any], record_schema("Decision")]
"""Automated decision as the topic has it; each reason also has its `margin`."""
EvidenceJson = Annotated[dict[str, Any], record_schema("Evidence")]


class AnswerModel(BaseModel):
    """Base of every answer; members that are not declared are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def members(self) -> dict[str, Any]:
        """Return the members that were given, as plain JSON; one that was not given is left out."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class BlindedAnswer(AnswerModel):
    """Hashtag that the caller reviews blind: numbers, states and verdicts are left out."""

    hashtag: str
    blinded: Literal[True]
