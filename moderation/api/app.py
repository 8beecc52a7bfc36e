"""The application: the routes behind the door, and one shape for every refusal."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from moderation.api import orders, people, reviews, stop
from moderation.api.access import Door
from moderation.api.answers import Json, Refused, of_error, problem
from moderation.api.desks import Desks
from moderation.api.keys import KeyRing
from moderation.api.limits import RateLimit
from moderation.api.sizes import SizeLimit
from streams.errors import DependencyAway, HushtagError

_WORDS = {401: "unauthorised", 403: "forbidden", 404: "not_found", 405: "wrong_method", 413: "too_large"}


class Problem(BaseModel):
    """Every refusal."""

    error: str = Field(description="A short stable word.")
    message: str
    fix: str = Field(description="What to do next.")


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is not JSON."},
    401: {"model": Problem, "description": "No key, or an unknown one."},
    403: {"model": Problem, "description": "The role may not, or the key may not write as this actor."},
    404: {"model": Problem, "description": "There is no such thing."},
    409: {"model": Problem, "description": "Somebody else was quicker: `changed` says what happened."},
    413: {"model": Problem, "description": "The body is too large."},
    421: {"model": Problem, "description": "Without keys only this machine is answered."},
    422: {"model": Problem, "description": "Something in it cannot be used; the message says what."},
    429: {"model": Problem, "description": "Too often; Retry-After says when."},
    503: {"model": Problem, "description": "Kafka does not answer; Retry-After says when to try again."},
}


def create_app(desks: Desks, ring: KeyRing, limit: RateLimit) -> FastAPI:
    """The API. The document is at /openapi.json; there is no page for it, for those load scripts from elsewhere."""
    app = FastAPI(
        title="hushtag moderation",
        version="1",
        description="What people decide: overrides, orders, reviews, appeals, and the log of it all.",
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        responses=_REFUSALS,
    )
    app.state.desks = desks
    app.state.door = Door(ring, limit)
    app.include_router(people.router)
    app.include_router(stop.router)
    app.include_router(reviews.router)
    app.include_router(orders.router)
    app.add_middleware(SizeLimit)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HushtagError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    _say_how_to_log_in(app)
    return app


def _say_how_to_log_in(app: FastAPI) -> None:
    made = app.openapi()
    made.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"key": []}]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return Json(error.answer.body, error.answer.status, error.headers)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HushtagError)
    answer = of_error(error)
    return Json(answer.body, answer.status, {"Retry-After": "5"} if isinstance(error, DependencyAway) else None)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    value = ascii(first.get("input"))[:80]
    return Json(problem("mistake", f"{where}: {first['msg']}, not {value}", "see /openapi.json"), 422)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    word = _WORDS.get(error.status_code, "mistake")
    headers = dict(error.headers) if error.headers else None
    return Json(problem(word, str(error.detail), "see /openapi.json"), error.status_code, headers)
