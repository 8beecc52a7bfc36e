"""Check of the API's answers against the models of their routes, on every call that a test makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response
from pydantic import TypeAdapter
from starlette.routing import Match

from moderation.http.document import ProblemAnswer


def conformity_check(app: FastAPI) -> Callable[[Response], None]:
    """Return a hook that validates each answer: a member that no model declares fails the test."""

    def check(response: Response) -> None:
        response.read()
        route = _route(app, response.request.method, response.request.url.path)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", response.text
            body = ProblemAnswer.model_validate_json(response.content)
            assert body.status == response.status_code
        elif route is not None and route.response_model is not None:
            _adapter(route.response_model).validate_json(response.content)
            assert response.status_code == (route.status_code or 200)

    return check


def _route(app: FastAPI, method: str, path: str) -> APIRoute | None:
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "root_path": ""}
    for route in _routes(app.routes):
        if isinstance(route, APIRoute) and route.matches(scope)[0] == Match.FULL:
            return route
    return None


def _routes(routes: Any) -> Any:
    """Walk the routes; FastAPI keeps included routers as routes of their own."""
    for route in routes:
        inner = getattr(route, "effective_route_contexts", None)
        yield from (context.original_route for context in inner()) if inner is not None else [route]


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
