"""The client behind HTTP on loopback, for services in other languages: `python -m hushtag_client.sidecar`.

One sidecar process per service answers from memory as the library does, so the contract with Redis stays in one place.
An invalid request gets status 400; every other request gets 200 and an answer, even while Redis is away.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hushtag_client.aio import AsyncFlagsClient
from hushtag_client.answer import Answer
from hushtag_client.answers import MAX_STALENESS_SECONDS, Answers
from hushtag_client.presentable import presentable

MOST_HASHTAGS = 10_000
"""Maximum number of hashtags in one request."""
MOST_BYTES = 2_000_000
"""Maximum size of a request body."""
MOST_CONNECTIONS = 900
"""Maximum number of open connections, also of one address: the caller is on this machine."""
_MOST_CHARACTERS = 10_000


class InvalidRequest(Exception):
    """A request that violates the API; the message names the parameter and the fix."""


def make_app(
    answers: Answers, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None
) -> Starlette:
    """Create the HTTP application over a client.

    Args:
        answers: client that the caller starts, unless `lifespan` does.
        lifespan: context of the application's run, which may start and stop the client.
    """

    async def check(request: Request) -> Response:
        query = request.query_params
        asked = _question({name: query[name] for name in ("hashtag", "surface", "country") if name in query}, "hashtag")
        answer = answers.check(asked["hashtag"], asked["surface"], asked["country"])
        return JSONResponse(_plain(answer, asked))

    async def check_many(request: Request) -> Response:
        asked = _question(await _body(request), "hashtags")
        checked = answers.check_many(asked["hashtags"], asked["surface"], asked["country"])
        return JSONResponse({"answers": [_plain(answer, asked) for answer in checked]})

    async def visibility(request: Request) -> Response:
        query = request.query_params
        named = [kind for kind in ("account", "tweet") if query.get(kind)]
        if len(named) != 1 or not query[named[0]].isascii() or not query[named[0]].isdigit():
            raise InvalidRequest("give either account or tweet, with an id in digits")
        ask = answers.account_visibility if named[0] == "account" else answers.tweet_visibility
        country = query.get("country")
        seen = ask(query[named[0]], country)
        warning = answers.warning(named[0], country)
        return JSONResponse({named[0]: query[named[0]], "country": country, "visibility": seen, "warning": warning})

    async def healthz(request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def readyz(request: Request) -> Response:
        status = answers.status()
        body = {
            "ready": status.synced,
            "fresh": status.fresh,
            "registers": status.registers,
            "seq": status.seq,
            "seen_ms": status.seen_ms,
            "oldest_settled_ms": status.oldest_settled_ms,
            "missing_shards": list(status.missing_shards),
            "behind_shards": list(status.behind_shards),
            "surfaces": list(status.surfaces),
        }
        return JSONResponse(body, status_code=200 if status.synced else 503)

    async def refuse(request: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status_code=400)

    return Starlette(
        routes=[
            Route("/v1/check", check),
            Route("/v1/check_many", check_many, methods=["POST"]),
            Route("/v1/visibility", visibility),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ],
        exception_handlers={InvalidRequest: refuse},
        lifespan=lifespan,
    )


def _question(body: Any, what: str) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidRequest(f'the body must be a JSON object: {{"{what}": ..., "surface": "trends", "country": "IN"}}')
    surface, country = body.get("surface"), body.get("country")
    if not isinstance(surface, str) or not surface or not _is_encodable(surface):
        raise InvalidRequest('surface: missing; give the name of a surface in the policy, such as "trends"')
    if country is not None and not (isinstance(country, str) and _is_encodable(country)):
        raise InvalidRequest('country: must be two letters such as "IN", or absent if unknown')
    asked = body.get(what)
    hashtags = asked if what == "hashtags" else [asked]
    if not isinstance(hashtags, list) or not all(isinstance(h, str) and len(h) <= _MOST_CHARACTERS for h in hashtags):
        raise InvalidRequest(f"{what}: missing, or not texts of at most {_MOST_CHARACTERS} characters")
    if len(hashtags) > MOST_HASHTAGS:
        raise InvalidRequest(f"hashtags: at most {MOST_HASHTAGS} per request")
    return {what: asked, "surface": surface, "country": country}


async def _body(request: Request) -> Any:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise InvalidRequest(f"body: at most {MOST_BYTES} bytes")
    try:
        return json.loads(bytes(body))
    except (ValueError, RecursionError):
        raise InvalidRequest("body: must be JSON") from None


def _is_encodable(text: str) -> bool:
    """Return whether UTF-8 can encode a text; JSON may carry a lone surrogate, which no name has."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _plain(answer: Answer, asked: Mapping[str, object]) -> dict[str, object]:
    return {
        "hashtag": answer.hashtag.encode("utf-8", "replace").decode(),  # a lone surrogate is no JSON text
        "surface": asked["surface"],
        "country": asked["country"],
        "shown": answer.shown,
        "why": answer.why,
        "weight": answer.weight,
        "register": presentable(answer.register).as_dict() if answer.register else None,
        "warning": answer.warning,
    }


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a port from 1 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sidecar until stopped."""
    import uvicorn

    from hushtag_client.http_limits import HttpLimits, limited_http

    parser = argparse.ArgumentParser(prog="python -m hushtag_client.sidecar", description=__doc__.splitlines()[0])
    parser.add_argument("--redis-url", default=os.environ.get("HUSHTAG_REDIS_URL", "redis://127.0.0.1:6379/0"))
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; keep it on loopback, there is no authentication"
    )
    parser.add_argument("--port", type=_port, default=8731, metavar="PORT", help="1 to 65535; default: 8731")
    parser.add_argument("--max-staleness-seconds", type=float, default=MAX_STALENESS_SECONDS)
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="SURFACE",
        help="hide all hashtags on this surface while flags are stale",
    )
    options = parser.parse_args(arguments)
    try:
        client = AsyncFlagsClient(
            options.redis_url,
            surface_defaults=dict.fromkeys(options.hide, "hide"),
            max_staleness_seconds=options.max_staleness_seconds,
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    uvicorn.run(
        make_app(client, lifespan),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        http=limited_http(HttpLimits(per_address=MOST_CONNECTIONS, total=MOST_CONNECTIONS)),
        ws="none",
    )


if __name__ == "__main__":
    main()
