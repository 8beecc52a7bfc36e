"""JSON answers of the API; every refusal has one shape, and its status shows who must act."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from moderation.api.idempotency import WriteAnswer
from moderation.errors import NoSuchCase, NothingToUndo, StaleEdit, StaleReview
from moderation.orders.errors import StaleOrder, change_words
from streams.errors import ContractError, DependencyAway, HushtagError
from streams.flags.overrides import record_as_dict


class JsonReply(JSONResponse):
    """JSON in UTF-8; a lone surrogate, which UTF-8 cannot encode, stays escaped."""

    def render(self, content: Any) -> bytes:
        """Encode compact UTF-8 JSON; refuse NaN and escape lone surrogates."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


class RefusedCall(Exception):
    """Refusal of a call before it reaches a service."""

    def __init__(self, status: int, error: str, message: str, fix: str = "", headers: dict[str, str] | None = None):
        super().__init__(message)
        self.answer = WriteAnswer(status, problem(error, message, fix))
        self.headers = headers or {}


def problem(error: str, message: str, fix: str = "", **more: Any) -> dict[str, Any]:
    """Build the body of a refusal.

    Args:
        error: a short stable word.
        message: sentence for a person.
        fix: what to do next.
        **more: further fields of the body.
    """
    return {"error": error, "message": message, "fix": fix} | more


def answer_of(error: HushtagError) -> WriteAnswer:
    """Convert an error of a service to an answer."""
    message = str(error)
    match error:
        case StaleEdit():
            changed = [record_as_dict(record) for record in error.changed]
            return WriteAnswer(409, problem("stale", message, error.fix, version=error.version, changed=changed))
        case StaleOrder():
            changes = [change_words(record) for record in error.changed]
            return WriteAnswer(409, problem("stale", message, error.fix, version=error.version, changed=changes))
        case StaleReview():
            return WriteAnswer(409, problem("stale", message, error.fix, version="", changed=list(error.changed)))
        case NothingToUndo() | NoSuchCase():
            return WriteAnswer(404, problem("not_found", message, error.fix))
        case DependencyAway():
            return WriteAnswer(503, problem("away", message, error.fix))
    assert not isinstance(error, ContractError), error
    return WriteAnswer(422, problem("mistake", message, error.fix))
