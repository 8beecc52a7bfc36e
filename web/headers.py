"""Security headers on every response, as plain ASGI middleware that does not buffer streams.

The content security policy of pages allows only scripts, styles, images and connections of this server, and no inline
ones.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

NOTHING_ALLOWED = "default-src 'none'; frame-ancestors 'none'"
"""Content security policy of servers without pages."""

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_NEVER = (b"cache-control", b"no-store")


class SecurityHeaders:
    """Adds the headers; files requested by the hash of their content may be cached for ever, others not at all."""

    def __init__(self, app: ASGIApp, content_security_policy: str = CONTENT_SECURITY_POLICY) -> None:
        self._app = app
        self._headers = [(b"content-security-policy", content_security_policy.encode()), *_HEADERS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the security headers to every HTTP response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        keep = scope["path"].startswith("/static/") and b"v=" in scope.get("query_string", b"")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = keep and message["status"] in (200, 304)
                message["headers"] = [
                    *(pair for pair in message.get("headers", ()) if pair[0].lower() != b"cache-control"),
                    *self._headers,
                    _FOR_EVER if kept else _NEVER,
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SecuredApp(FastAPI):
    """Application with the security headers on every answer, also on the one to an unexpected error.

    Starlette answers such an error outside of all middleware, so the headers are added around its whole stack.
    """

    def __init__(self, *, content_security_policy: str = CONTENT_SECURITY_POLICY, **options: Any) -> None:
        self._content_security_policy = content_security_policy
        super().__init__(**options)

    def build_middleware_stack(self) -> ASGIApp:
        """Build the usual stack, with the headers around it."""
        return SecurityHeaders(super().build_middleware_stack(), self._content_security_policy)
