"""JSON answers of the API, and the convention of their models.

Each route module defines a pydantic model for every answer: a subclass of `AnswerModel` whose name ends in `Answer`,
unique in the tree, given to the route as `response_model`. The route returns a `JsonReply`, so the models document and
are not run for each call. `tests/support/api_calls.py` validates every answer that a test receives against the model
of its route; a member that the model does not declare fails the test.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.responses import JSONResponse

NextCursor = Annotated[
    str | None, Field(description="Give it as `cursor` for the next page; null at the end of the list.")
]
"""Type of the member `next` of every list."""
BlindedList = Annotated[
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


class JsonReply(JSONResponse):
    """JSON in UTF-8; a lone surrogate, which UTF-8 cannot encode, stays escaped."""

    def render(self, content: Any) -> bytes:
        """Encode compact UTF-8 JSON; refuse NaN and escape lone surrogates."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


class BlindedAnswer(AnswerModel):
    """Hashtag that the caller reviews blind: numbers, states and verdicts are left out."""

    hashtag: str
    blinded: Literal[True]
