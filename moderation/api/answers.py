"""What the API answers when it does not do what was asked: one JSON shape, and the status that says who must act."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from moderation.api.replays import Answer
from moderation.errors import NothingToUndo, StaleEdit
from moderation.orders.errors import StaleOrder, told
from moderation.review.errors import NoSuchCase, StaleReview
from streams.errors import ContractError, DependencyAway, HushtagError
from streams.flags.overrides import record_as_dict

SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class Json(JSONResponse):
    """JSON in UTF-8; a lone surrogate, which UTF-8 does not have, stays the escape that it came as."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "backslashreplace")


class Refused(Exception):
    """The call is refused before anything is looked at."""

    def __init__(self, status: int, error: str, message: str, fix: str = "", headers: dict[str, str] | None = None):
        super().__init__(message)
        self.answer = Answer(status, problem(error, message, fix))
        self.headers = headers or {}


def problem(error: str, message: str, fix: str = "", **more: Any) -> dict[str, Any]:
    """The body of every refusal. `error` is a short stable word, `fix` what to do next."""
    return {"error": error, "message": message, "fix": fix} | more


def of_error(error: HushtagError) -> Answer:
    """The answer to an error that was raised on purpose."""
    message = str(error)
    if isinstance(error, StaleEdit):
        changed = [record_as_dict(record) for record in error.changed]
        return Answer(409, problem("stale", message, error.fix, version=error.version, changed=changed))
    if isinstance(error, StaleOrder | StaleReview):
        changed_words = [told(one) for one in error.changed] if isinstance(error, StaleOrder) else list(error.changed)
        return Answer(409, problem("stale", message, error.fix, version=error.version, changed=changed_words))
    if isinstance(error, NothingToUndo | NoSuchCase) or message.startswith("there is no order "):
        return Answer(404, problem("not_found", message, error.fix))
    if isinstance(error, DependencyAway):
        return Answer(503, problem("away", message, error.fix))
    assert not isinstance(error, ContractError), error
    return Answer(422, problem("mistake", message, error.fix))
