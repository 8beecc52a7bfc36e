"""Base of every answer that the API renders as JSON, and commands and pages show by its attributes. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

JsonObject = dict[str, Any]
"""Document whose members another format defines, such as a proof file, OpenAPI or a policy in canonical form."""
Millis = Annotated[int, Field(description="Unix time in ms.", examples=[1_767_225_600_000])]


def record_schema(name: str) -> WithJsonSchema:
    """Describe a record of the log by its own schema; `document.RECORDS` has the type of each name."""
    return WithJsonSchema({"type": "object", "x-record": name})


DecisionJson = Annotated[JsonObject, record_schema("Decision")]
"""Automated decision as the topic has it; each reason also has its `margin`."""
EvidenceJson = Annotated[JsonObject, record_schema("Evidence")]


class AnswerModel(BaseModel):
    """Base of every answer; members that are not declared are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)  # a command uses few answers

    def members(self) -> JsonObject:
        """Return the members that were given, as plain JSON; one that was not given is left out."""
        return self.model_dump(by_alias=True, exclude_unset=True)
