"""The OpenAPI document: what FastAPI cannot know of access control, and the problem responses of every operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ConfigDict, Field

from moderation.access.problems import PROBLEM_JSON, PROBLEMS, Fault, problem
from streams.answers import AnswerModel
from streams.log.decisions import Decision, Evidence

_ALWAYS = ("unauthorised", "forbidden", "not_found", "wrong_host", "mistake", "too_often", "away")
_WRITES = ("malformed", "stale", "too_large")
_SCHEMA = "#/components/schemas/"
RECORDS: Mapping[str, type[msgspec.Struct]] = {"Decision": Decision, "Evidence": Evidence}
"""Records of the log that answers contain."""


class FaultAnswer(AnswerModel):
    """One unusable value of a request."""

    detail: str = Field(description="What is wrong with the value.")
    pointer: str | None = Field(None, description="JSON pointer into the body, such as `#/targets/3/kind`.")
    parameter: str | None = Field(None, description="Name of the query, path or header parameter.")


class ProblemAnswer(AnswerModel):
    """Refusal, as RFC 9457 defines it."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Address of this API that describes the problem.")
    title: str = Field(description="Fixed words of the type.")
    status: int
    detail: str = Field(description="What happened, to which value.")
    fix: str = Field(description="The next step of the caller.")
    errors: list[FaultAnswer] | None = Field(None, description="Every fault of the request (422).")
    version: str | None = Field(None, description="Present version of the scope (409).")
    changed: list[Any] | None = Field(None, description="What others did since the version that was seen (409).")


def complete_document(document: dict[str, Any], *models: type[AnswerModel]) -> None:
    """Add security schemes, problem responses and further models to a document, in place."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    answers: list[type[AnswerModel]] = [FaultAnswer, ProblemAnswer, *models]
    for model in answers:
        schema = model.model_json_schema(ref_template=_SCHEMA + "{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    _, records = msgspec.json.schema_components(RECORDS.values(), ref_template=_SCHEMA + "{name}")
    schemas |= records
    _refer_to_records(document)
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "API key of a service or a person."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-hushtag_session",
            "description": "Session of a browser (GET /login); writes also need X-CSRF-Token.",
        },
    }
    document["security"] = [{"key": []}, {"session": []}]
    for method, operation in _operations(document):
        kinds = [*_ALWAYS, *(_WRITES if method != "get" else ())]
        responses = operation["responses"]
        responses.pop("422", None)
        responses |= _responses(kinds)


def _refer_to_records(part: Any) -> None:
    """Replace every mark of `record_schema` by a reference, in place."""
    if isinstance(part, dict):
        if (name := part.pop("x-record", None)) is not None:
            part.clear()
            part["$ref"] = _SCHEMA + RECORDS[name].__name__
        for inner in part.values():
            _refer_to_records(inner)
    elif isinstance(part, list):
        for inner in part:
            _refer_to_records(inner)


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method, operation


def _responses(kinds: list[str]) -> dict[str, Any]:
    """Build the problem responses by status; a status has an example for each of its types."""
    responses: dict[str, Any] = {}
    for name, problem_type in PROBLEMS.items():
        if any(PROBLEMS[kind].status == problem_type.status for kind in kinds):
            first = {"description": problem_type.title, "content": {PROBLEM_JSON: {}}}
            entry = responses.setdefault(str(problem_type.status), first)
            content = entry["content"][PROBLEM_JSON]
            content["schema"] = {"$ref": _SCHEMA + ProblemAnswer.__name__}
            content.setdefault("examples", {})[name] = {"summary": problem_type.title, "value": _example(name)}
    return dict(sorted(responses.items()))


def _example(name: str) -> dict[str, Any]:
    faults = [Fault("an integer is needed, not 'ten'", "#/targets/3/kind")] if name == "mistake" else []
    return problem(name, PROBLEMS[name].meaning, errors=faults)
