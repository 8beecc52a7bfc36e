"""A walk over every page, part and answer that a person can get from a console, as a browser without scripts."""

from __future__ import annotations

import html
import re
from collections import deque
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx

_LINKS = re.compile(r'(?:href|hx-get|data-part|data-next|data-stream)="(/(?:console|v1)[^"]*)"')
_STREAMS = ("/console/stream", "/v1/events")
MOST = 400
"""Addresses of a walk; more are a bug, such as links that never repeat."""


class Walk:
    """Bodies by address that one person gets from a console.

    Args:
        url: address of the console.
        cookies: session of the person.
    """

    def __init__(self, url: str, cookies: Mapping[str, str]) -> None:
        self._client = httpx.Client(base_url=url, cookies=dict(cookies), timeout=20)
        self.bodies: dict[str, str] = {}
        self.statuses: dict[str, int] = {}

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def follow_links(self, *starts: str) -> None:
        """Read some addresses and every page and part that they lead to; a stream's first event counts."""
        waiting = deque(starts)
        while waiting:
            path = waiting.popleft()
            if path in self.bodies:
                continue
            assert len(self.bodies) < MOST, f"too many addresses, last {path}"
            for link in _LINKS.findall(self.read(path)):
                waiting.append(urljoin(path, html.unescape(link)).partition("#")[0])

    def call_operations(self, names: Mapping[str, str], queries: Mapping[str, str]) -> None:
        """Read every GET operation of the API's document.

        Args:
            names: values of the names in paths.
            queries: queries of operations that need one, by path.
        """
        document = self._client.get("/openapi.json").json()
        for path, operations in document["paths"].items():
            if "get" in operations:
                self.read(path.format_map(names))
                if path in queries:
                    self.read(f"{path.format_map(names)}?{queries[path]}")

    def read(self, path: str, part: bool = False) -> str:
        """Read an address and return the body of its answer, or of the one that it redirects to."""
        if urlsplit(path).path in _STREAMS:
            return self._begin(path)
        answer = self._client.get(path, headers={"HX-Request": "true"} if part else {}, follow_redirects=True)
        self.statuses[path] = answer.status_code
        self.bodies[path] = answer.text
        return answer.text

    def _begin(self, path: str) -> str:
        """Read the first event of a stream, which has the whole page."""
        with self._client.stream("GET", path) as answer:
            self.statuses[path] = answer.status_code
            body = ""
            for chunk in answer.iter_text():
                body += chunk
                if "\n\n" in body or answer.status_code >= 400:
                    break
        self.bodies[path] = body
        return body
