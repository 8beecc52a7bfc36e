"""HTTP server of a witness: `POST /add-checkpoint`, `GET /healthz` and `GET /readyz`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import uvicorn
from hushtag_client.http_limits import HttpLimits, limited_http
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from moderation.publiclog.witness.core import MAX_BODY_BYTES, WitnessCore
from streams.logs import logger

_LIMITS = HttpLimits(per_address=32, total=256, body_seconds=10.0, unread_seconds=30.0)


def witness_app(core: WitnessCore) -> Starlette:
    """Build the application of a witness."""
    log = logger(__name__)

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                return PlainTextResponse("the submission is too long\n", 413)
        reply = await run_in_threadpool(core.submit, bytes(body))
        log.info("checkpoint submitted", status=reply.status.value)
        # A media type would get a charset, which the protocol does not have.
        return Response(reply.body.encode(), reply.status, headers={"content-type": reply.content_type})

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return Starlette(routes=[
        Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", healthz, methods=["GET"]),
    ])  # fmt: skip


async def serve_witness(core: WitnessCore, listening: socket.socket, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `started` is called once the server answers."""
    config = uvicorn.Config(
        witness_app(core), log_config=None, log_level="warning", access_log=False, lifespan="off", server_header=False,
        proxy_headers=False, http=limited_http(_LIMITS), ws="none", timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    if server.started:
        started()
    await serving
