"""The FastAPI application: routes behind access control, one shape for every refusal, and its server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from hushtag_client.http_limits import limited_http
from starlette.exceptions import HTTPException
from starlette.responses import Response

import moderation.http
from moderation.access import observe
from moderation.access.access import AccessControl
from moderation.access.answers import JsonReply
from moderation.access.keys import KeyRing
from moderation.access.limits import RateLimit, SizeLimit
from moderation.access.login_settings import OidcConfig, SessionConfig, local_sessions, session_config, session_secret
from moderation.access.observe import ApiMetrics, Observed
from moderation.access.oidc import Provider
from moderation.access.problems import (
    Problem,
    ProblemReply,
    RefusedCall,
    faults_of,
    problem,
    problem_of,
    problem_of_status,
)
from moderation.access.reviewer_link import open_reviewer_link
from moderation.access.services import Services, connect_services, present_ms
from moderation.access.sessions import KEY_PAGE, Sessions
from moderation.http import events, login
from moderation.http.document import complete_document
from moderation.log.errors import ExposureLimit
from streams.clock import now_ms
from streams.discovery import discover
from streams.errors import CallerMistake, DependencyAway, HushtagError
from streams.serving import limits_for_callers
from streams.settings import Settings
from web.callers import Network, is_loopback, parse_networks
from web.headers import CONTENT_SECURITY_POLICY, NOTHING_ALLOWED, SecuredApp
from web.server import StreamingServer

RefusalPage = Callable[[Request, Problem], Response | None]


def create_app(
    services: Services,
    ring: KeyRing,
    limit: RateLimit,
    trusted: Sequence[Network] = (),
    sessions: Sessions | None = None,
    *,
    content_security_policy: str = NOTHING_ALLOWED,
) -> FastAPI:
    """Build the application.

    The OpenAPI document is at /openapi.json. Its usual pages are off, because they load scripts from other hosts.
    Pages can be mounted on the result: `app.state` has the services and the access control, and takes `refusal_page`.

    Args:
        services: writers of decisions, and readers.
        ring: the keys.
        limit: limit of the calls of each key.
        trusted: proxies whose X-Forwarded-For counts.
        sessions: browser sessions; None without a login.
        content_security_policy: of every answer; pages that are mounted need more than the API.
    """
    app = _Api(
        content_security_policy=content_security_policy,
        title="hushtag moderation",
        version="1",
        description="Human decisions: overrides, cases, appeals and orders, and the log of all decisions.",
        docs_url=None,
        redoc_url=None,
        default_response_class=JsonReply,
    )
    app.state.services = services
    app.state.access = AccessControl(ring, limit, trusted, sessions)
    app.state.metrics = ApiMetrics()
    # The services go by the log's time, and by a clock that does not jump with the host's.
    app.state.metrics.clock_ahead.set_function(lambda: (now_ms() - app.state.services.moderation.now_ms()) / 1000)
    for router in (*discover(moderation.http, "router"), login.browser, observe.router):
        app.include_router(router)
    app.add_middleware(SizeLimit)
    app.add_middleware(Observed, metrics=app.state.metrics)
    app.add_exception_handler(RefusedCall, _refused_call)
    app.add_exception_handler(HushtagError, _service_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    return app


class _Api(SecuredApp):
    """Application that builds its document at the first question for it: that takes half a second."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        if self.openapi_schema is None:
            complete_document(super().openapi(), events.EventAnswer)
        return super().openapi()


async def serve(
    settings: Settings,
    ring: KeyRing,
    *,
    host: str,
    port: int,
    rate: float,
    burst: int,
    share: float,
    reviewer: str,
    started: Callable[[str, str], None],
    mount: Callable[[FastAPI], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    `mount` adds pages to the application; they may set `app.state.end_streams`, which the server calls before it stops.

    `started` is called once the API listens: with its URL, and the link of the reviewer, "" without one.

    Raises:
        DependencyAway: Kafka does not answer.
        CallerMistake: the address cannot be used.
    """
    async with connect_services(settings, share=share) as services:
        trusted = parse_networks(settings.trusted_proxies)
        config, clock = session_config(settings), services.moderation.now_ms
        key = settings.session_key.get_secret_value()
        app = create_app(
            services,
            ring,
            RateLimit(rate, burst),
            trusted,
            None if config is None else await open_sessions(config, key, clock),
            content_security_policy=NOTHING_ALLOWED if mount is None else CONTENT_SECURITY_POLICY,
        )
        if mount is not None:
            mount(app)
        server = StreamingServer(
            app,
            host=host,
            port=port,
            protocol=limited_http(limits_for_callers(settings)),
            end_streams=getattr(app.state, "end_streams", lambda: None),
        )
        try:
            sock = server.config.bind_socket()
        except SystemExit:
            raise CallerMistake(f"cannot listen on {host}:{port}", fix="give another --port") from None
        bound = sock.getsockname()[1]
        url, link = f"http://{f'[{host}]' if ':' in host else host}:{bound}", ""
        access: AccessControl = app.state.access
        if reviewer:
            access.sessions, access.link, link = open_reviewer_link(settings, url, reviewer, clock)
        elif access.sessions is None and is_loopback(host):
            access.sessions = await open_sessions(local_sessions(settings, url), session_secret(settings), clock)
        started(url, link)
        await server.serve(sockets=[sock])


async def open_sessions(config: SessionConfig, secret: str, clock: Callable[[], int]) -> Sessions:
    """Build the browser sessions of the configured logins.

    A provider that is away is not an error: keys work, and logins do once it is back.

    Raises:
        SettingsError: the provider names another issuer.
    """
    if not isinstance(config, OidcConfig):
        return Sessions(config, None, secret, clock, f"log in: GET {KEY_PAGE}")
    provider = Provider(config)
    try:
        await provider.check()
    except DependencyAway as error:
        structlog.get_logger("hushtag.api").warning("identity provider is away", error=str(error))
    return Sessions(config, provider, secret, clock)


async def _refused_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedCall)
    return _refusal(request, error.body, error.headers)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HushtagError)
    headers = {}
    if isinstance(error, DependencyAway):
        headers["Retry-After"] = "5"
    elif isinstance(error, ExposureLimit) and error.next_ms:
        headers["Retry-After"] = str(max(error.next_ms - present_ms(request), 0) // 1000 + 1)
    return _refusal(request, problem_of(error), headers)


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = faults_of(error.errors())
    detail = "; ".join(f"{fault.pointer or fault.parameter}: {fault.detail}" for fault in faults[:3])
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
    if any(details["type"] == "json_invalid" for details in error.errors()):
        return _refusal(request, problem("malformed", detail, "send a JSON object in UTF-8", errors=faults))
    return _refusal(request, problem("mistake", detail + more, "correct every entry of `errors`", errors=faults))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"there is nothing at {ascii(request.url.path)[:200]}"
    if error.status_code == 405:
        detail = f"{request.url.path} does not have the method {request.method}"
    return _refusal(request, problem_of_status(error.status_code, detail), headers)


async def _bug(request: Request, error: Exception) -> Response:
    """Answer an unexpected error; Starlette raises it again, and the server logs it."""
    return _refusal(request, problem("bug", "the API failed", "report it with the log of `hushtag api`"))


def _refusal(request: Request, body: Problem, headers: dict[str, str] | None = None) -> Response:
    """Answer with a problem; a browser that opens a page gets the page that the mounted pages make of it."""
    refusal_page: RefusalPage = getattr(request.app.state, "refusal_page", _no_page)
    answer = refusal_page(request, body)
    if answer is None:
        return ProblemReply(body, headers)
    answer.headers.update(headers or {})
    return answer


def _no_page(request: Request, body: Problem) -> Response | None:
    return None
