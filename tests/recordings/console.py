"""Records what the API and the console answer: every GET, every page that links lead to, and every write.

A file a state, role and method: one line of JSON an answer. White space of pages is folded. A write goes to a world of
its own, and its line has the records that it appends.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from fastapi.testclient import TestClient
from httpx import Response

from tests.recordings.states import STATES, State
from tests.recordings.still import still
from tests.support.api_calls import KEYS
from tests.support.console_client import console_client
from tests.support.endpoints import ENDPOINTS, WITHOUT_ACTOR
from tests.support.in_memory_log import InMemoryLog

_LINKS = re.compile(r'(?:href|hx-get|data-part|data-next)="(/console[^"]*)"')
_STREAMS = ("/v1/events", "/console/stream")
_QUERIES = {
    "/v1/hashtags": "prefix=f",
    "/v1/orders/{order}/notice": "recipient=legal@example.org&site=example.org",
    "/v1/cases": "closed_within=7d",
    "/v1/cases/{case}/texts": "purpose=decide",
}
_TRIES, _PAUSE_SECONDS = 200, 0.05
MOST_PAGES = 400
"""Pages of a walk; more are a bug, such as links that never repeat."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A client of one role in a new world of one state."""

    client: TestClient
    log: InMemoryLog
    names: dict[str, str]
    """Values of the names in paths."""
    role: str

    def get(self, path: str) -> Response:
        """Read a path; a part that asks again in a second is read until its run has ended."""
        headers = {"Authorization": f"Bearer {KEYS[self.role]}"}
        for _ in range(_TRIES):
            answer = self.client.get(path, headers=headers, follow_redirects=False)
            if "delay:1s" not in answer.text:
                return answer
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError(f"{path} still asks again")

    def post(self, path: str, body: dict[str, Any]) -> Response:
        """Write to a path."""
        headers = {"Authorization": f"Bearer {KEYS[self.role]}", "Idempotency-Key": "recorded"}
        return self.client.post(path, json=body, headers=headers)


def visit(state: State, role: str) -> Visit:
    """Build a world, let people act in it, and name what they made; the clock must stand still."""
    decisions, log = state.decisions(), InMemoryLog()
    client = console_client(*decisions, log=log, policies=state.policies())
    names = asyncio.run(_acted(state, client.app.state.services, decisions))  # type: ignore[attr-defined]
    return Visit(client, log, names, role)


async def _acted(state: State, services: Any, decisions: list[Any]) -> dict[str, str]:
    await state.fill(services, decisions)
    names = {
        "case": "case-" + "0" * 16, "hashtag": "first", "appeal": "a" * 16, "order": "IN-0123456789",
        "revision": "0" * 12, "job": "1", "run": "1", "name": "2026", "file": "report.html", "session": "s",
        "number": "0", "amendment": "a" * 16,
    }  # fmt: skip
    await services.reviews.refresh()
    if decisions:
        names |= {"hashtag": decisions[0].hashtag, "case": (await services.cases.log.find(decisions[0].hashtag)).id}
    names["revision"] = (await services.policy_topic()).records[-1][1].revision
    if orders := (await services.orders.refresh()).by_id:
        names["order"] = min(orders)
    return names


def reads(name: str, role: str) -> list[str]:
    """Return a line for each GET of the API and each page of a state, as one role."""
    with still(f"{name} {role}"):
        return list(_reads(name, role))


def _reads(name: str, role: str) -> Iterator[str]:
    here = visit(STATES[name], role)
    with here.client:
        for method, path in ENDPOINTS:
            if method == "GET" and path not in _STREAMS:
                for query in filter(None, ("?", _QUERIES.get(path))):
                    address = path.format_map(here.names) + (f"?{query}" if query != "?" else "")
                    yield _line(address, here.get(address))
        waiting, seen = deque(["/console"]), {"/console"}
        while waiting:
            address = waiting.popleft()
            answer = here.get(address)
            yield _line(address, answer)
            assert len(seen) < MOST_PAGES, f"too many pages, last {address}"
            links = [urljoin(address, html.unescape(link)).partition("#")[0] for link in _LINKS.findall(answer.text)]
            for link in [*links, *filter(None, [answer.headers.get("location", "")])]:
                if link not in seen and link.startswith("/console") and not link.startswith(_STREAMS):
                    seen.add(link)
                    waiting.append(link)


def writes(name: str, role: str) -> Iterator[str]:
    """Yield a line for each write of the API in a new world of a state, as one role."""
    for (method, path), (_, body) in ENDPOINTS.items():
        if method != "POST":
            continue
        with still(f"{name} {role} {path}"):
            here = visit(STATES[name], role)
            before = len(here.log.records)
            said = {} if path in WITHOUT_ACTOR else {"actor": role, "reason": "recorded"}
            answer = here.post(path.format_map(here.names), said | (body or {}))
            records = [[one.key.decode(errors="replace"), one.value.decode()] for one in here.log.records[before:]]
            yield _line(path, answer, records)


def _line(path: str, answer: Response, records: list[list[str]] | None = None) -> str:
    kept = ("content-type", "location", "retry-after", "cache-control", "etag", "set-cookie")
    headers = {name: answer.headers[name] for name in kept if name in answer.headers}
    body = " ".join(answer.text.split()) if "html" in headers.get("content-type", "") else answer.text
    fields = {"path": path, "status": answer.status_code, "headers": headers, "body": body}
    return json.dumps(fields | ({} if records is None else {"records": records}), ensure_ascii=False)
