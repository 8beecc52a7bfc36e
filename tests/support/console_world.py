"""The console over services in memory, on a server in a thread, with cases that the test chooses."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from hushtag_client.http_limits import HttpLimits, limited_http

from devkit.stack.ports import free_port
from moderation.access.services import Services
from moderation.access.sessions import Sessions
from streams.log.decisions import Decision
from tests.support.api_calls import RING
from tests.support.console_client import console_app
from tests.support.in_memory_log import InMemoryLog
from tests.support.in_memory_policies import InMemoryPolicies
from tests.support.moderation_world import ApiWorld
from web.server import StreamingServer


class ConsoleWorld:
    """A console on a free port; `stop` kills its server, and `start` runs it again on the same log and port.

    Args:
        decisions: automated decisions.
        sessions: browser sessions; None: the keys of `RING` are the only way in.
        policies: the topic of policies and the kept evidence; None: the shipped policy without evidence.
    """

    def __init__(
        self,
        decisions: Sequence[Decision] = (),
        *,
        sessions: Sessions | None = None,
        share: float = 0.0,
        policies: InMemoryPolicies | None = None,
    ) -> None:
        self.log = InMemoryLog()
        self.policies = policies or InMemoryPolicies()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._decisions, self._sessions, self._share = decisions, sessions, share
        self.services: Services
        self.start()

    def start(self) -> None:
        """Run the server; raises when it does not answer within ten seconds."""
        world = ApiWorld(*self._decisions, log=self.log, share=self._share, policies=self.policies)
        self.services = world.services
        app = console_app(world, RING if self._sessions is None else (), self._sessions)
        self._server = StreamingServer(
            app, host="127.0.0.1", port=self.port, protocol=limited_http(HttpLimits(per_address=500)),
            end_streams=getattr(app.state, "end_streams", lambda: None),
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline and self._thread.is_alive(), "the console did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server, unless it has ended; open connections are cut."""
        if not self._thread.is_alive():
            return
        self._server.force_exit = True
        self._server.stop()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the console did not end"

    def run(self, work: Callable[[Services], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine on the server's event loop, such as another person's decision, and return its result."""
        assert self._server.loop is not None
        return asyncio.run_coroutine_threadsafe(work(self.services), self._server.loop).result(10)
