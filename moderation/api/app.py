"""The FastAPI application: routes behind access control, one shape for every refusal, and its server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from hushtag_client.http_limits import limited_http
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from moderation.api import hashtags, orders, overrides, reviews
from moderation.api.access import AccessControl
from moderation.api.answers import JsonReply, RefusedCall, answer_of, problem
from moderation.api.keys import KeyRing
from moderation.api.limits import RateLimit, SizeLimit
from moderation.api.services import Services, connect_services
from moderation.drafts import PolicyNames
from streams.errors import CallerMistake, DependencyAway, HushtagError
from streams.serving import limits_for_callers
from streams.settings import Settings
from web.callers import Network, parse_networks
from web.headers import NOTHING_ALLOWED, SecuredApp

_ERROR_WORDS = {401: "unauthorised", 403: "forbidden", 404: "not_found", 405: "wrong_method", 413: "too_large"}


class ErrorBody(BaseModel):
    """Body of every refusal."""

    error: str = Field(description="A short stable word.")
    message: str
    fix: str = Field(description="The next step of the caller.")


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The body is not JSON."},
    401: {"model": ErrorBody, "description": "The key is missing or unknown."},
    403: {
        "model": ErrorBody,
        "description": "The role lacks the permission, the key may not write as this actor, or a proxy needs keys.",
    },
    404: {"model": ErrorBody, "description": "The id is unknown."},
    409: {"model": ErrorBody, "description": "Another person acted first: `changed` lists what happened."},
    413: {"model": ErrorBody, "description": "The body is too large."},
    421: {"model": ErrorBody, "description": "Without keys only localhost is served."},
    422: {"model": ErrorBody, "description": "A value cannot be used; the message names it."},
    429: {"model": ErrorBody, "description": "Too many calls; Retry-After gives the wait."},
    503: {"model": ErrorBody, "description": "Kafka does not answer; Retry-After gives the wait."},
}


def create_app(services: Services, ring: KeyRing, limit: RateLimit, trusted: Sequence[Network] = ()) -> FastAPI:
    """Build the application.

    The OpenAPI document is at /openapi.json. Its usual pages are off, because they load scripts from other hosts.

    Args:
        services: writers of decisions, and readers.
        ring: the keys.
        limit: limit of the calls of each key.
        trusted: proxies whose X-Forwarded-For counts.
    """
    app = SecuredApp(
        content_security_policy=NOTHING_ALLOWED,
        title="hushtag moderation",
        version="1",
        description="Human decisions: overrides, orders, reviews and appeals, and the log of all decisions.",
        docs_url=None,
        redoc_url=None,
        default_response_class=JsonReply,
        responses=_REFUSALS,
    )
    app.state.services = services
    app.state.access = AccessControl(ring, limit, trusted)
    for module in (hashtags, overrides, reviews, orders):
        app.include_router(module.router)
    app.add_middleware(SizeLimit)
    app.add_exception_handler(RefusedCall, _refused_call)
    app.add_exception_handler(HushtagError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    document = app.openapi()
    document.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]
    return app


async def serve(
    settings: Settings,
    ring: KeyRing,
    names: PolicyNames,
    *,
    host: str,
    port: int,
    rate: float,
    burst: int,
    share: float,
    started: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called with the URL once the API listens.

    Raises:
        DependencyAway: Kafka does not answer.
        CallerMistake: the address cannot be used.
    """
    async with connect_services(settings, names, share=share) as services:
        trusted = parse_networks(settings.trusted_proxies)
        app = create_app(services, ring, RateLimit(rate, burst), trusted)
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http=limited_http(limits_for_callers(settings)),
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        try:
            sock = config.bind_socket()
        except SystemExit:
            raise CallerMistake(f"cannot listen on {host}:{port}", fix="give another --port") from None
        bound = sock.getsockname()[1]
        started(f"http://{f'[{host}]' if ':' in host else host}:{bound}")
        await uvicorn.Server(config).serve(sockets=[sock])


async def _refused_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedCall)
    return JsonReply(error.answer.body, error.answer.status, error.headers)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HushtagError)
    answer = answer_of(error)
    return JsonReply(answer.body, answer.status, {"Retry-After": "5"} if isinstance(error, DependencyAway) else None)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    value = ascii(first.get("input"))[:80]
    return JsonReply(problem("mistake", f"{where}: {first['msg']}, not {value}", "see /openapi.json"), 422)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    word = _ERROR_WORDS.get(error.status_code, "mistake")
    headers = dict(error.headers) if error.headers else None
    return JsonReply(problem(word, str(error.detail), "see /openapi.json"), error.status_code, headers)


async def _bug(request: Request, error: Exception) -> Response:
    """Answer an unexpected error; Starlette raises it again, and the server logs it."""
    return JsonReply(problem("bug", "the API failed", "report it with the log of `hushtag api`"), 500)
