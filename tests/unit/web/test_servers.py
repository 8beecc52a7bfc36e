"""Every HTTP server of the product bounds its connections and takes no address from headers."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.paths import ROOT

PACKAGES = ("streams", "moderation", "surfaces", "web", "client/hushtag_client")
REQUIRED = {"http", "ws", "proxy_headers"}
OTHER_SERVERS = {"start_http_server", "start_wsgi_server", "make_server", "HTTPServer", "ThreadingHTTPServer"}


def calls(path: Path) -> list[tuple[str, set[str | None]]]:
    """List the calls in a module that names a server, with the names of their keyword arguments."""
    found: list[tuple[str, set[str | None]]] = []
    text = path.read_text("utf-8")
    if not any(name in text for name in ("uvicorn", *OTHER_SERVERS)):
        return found  # most modules: parsing them takes seconds
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            found.append((ast.unparse(node.func), {keyword.arg for keyword in node.keywords}))
    return found


def test_every_server_has_limits() -> None:
    servers, wrong = [], []
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        for name, keywords in calls(path):
            if name in ("uvicorn.Config", "uvicorn.run"):
                servers.append(path.name)
                wrong += [] if keywords >= REQUIRED else [f"{path.name}: {name} lacks {REQUIRED - keywords}"]
            elif name.rpartition(".")[2] in OTHER_SERVERS:
                wrong.append(f"{path.name}: {name} has no deadlines")
    assert sorted(servers) == ["server.py", "server.py", "serving.py", "sidecar.py"]
    assert not wrong
