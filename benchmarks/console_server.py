"""Server of the console's benchmark: open cases over a log in memory, which change all the time."""

from __future__ import annotations

import asyncio
import time
from multiprocessing.connection import Connection

from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.services import Services
from moderation.access.sessions import Sessions
from streams.clock import now_ms
from streams.constants import HOUR_MS, PANE_MS
from streams.log.decisions import Decision, Evidence, ScopeDecision, version_of
from tests.support.console_world import ConsoleWorld

SLICE_SECONDS = 0.1
SETTLE_SECONDS = 3.0
"""Time after the last update until its case is closed and every page has it."""
COUNTRIES = ("IN", "FR", "BR", "*")
LANGUAGES = ("routine", "घरवापसी", "ارحلوا")


def serve(cases: int, rate: int, orders: Connection) -> None:
    """Serve the console, apply updates until `stop` is received, and send the open cases and the rate.

    The first message is the console's address and the cookie of a session.
    """
    changing = ChangingCases(cases)
    sessions = Sessions(SessionConfig(url="http://127.0.0.1", session_seconds=HOUR_MS / 1000), None, "k" * 32, now_ms)
    world = ConsoleWorld([changing.decision(number) for number in range(cases)], sessions=sessions)
    world.run(lambda services: services.cases.log.refresh())  # reads the first decisions; updates come after them
    cookie = sessions.encrypt(sessions.begin(Identity("asha", "asha", ("admin",), "")))
    orders.send((world.url, {"name": sessions.cookie, "value": cookie, "domain": "127.0.0.1", "path": "/"}))
    begin, done = time.monotonic(), 0
    while not orders.poll(SLICE_SECONDS):
        due = round((time.monotonic() - begin) * rate)
        world.run(lambda services, count=due - done: changing.update(services, count))
        done = due
    orders.recv()
    applied = done / (time.monotonic() - begin)
    time.sleep(SETTLE_SECONDS)
    orders.send((changing.held, applied))
    time.sleep(60)
    world.stop()


class ChangingCases:
    """Held hashtags: of ten updates eight change the reach of one, one begins a case, and one ends one.

    Args:
        cases: number of open cases at first.
    """

    def __init__(self, cases: int) -> None:
        self._open = list(range(cases))
        self._next = cases
        self._version = 1
        self._began_ms = now_ms() - HOUR_MS

    def decision(self, number: int, *, holds: bool = True) -> Decision:
        """Build the present decision on a hashtag; without `holds` it lifts the hold."""
        evidence = Evidence(
            window_ms=600_000, tweets=100 + (number * 37 + self._version) % 9_000, authors=90, scored=52, share=0.6,
            lower=0.5, upper=0.7,
        )  # fmt: skip
        rulings = [
            ScopeDecision(
                category="hateful_conduct", surface=surface, action="hold", since_ms=self._began_ms,
                expires_at_ms=self._began_ms + 2 * HOUR_MS + number * 1_000, evidence=evidence,
            )
            for surface in ("search", "trends")
        ]  # fmt: skip
        tag = f"{LANGUAGES[number % 3]}{number}"
        return Decision(
            hashtag=tag, display=tag, country=COUNTRIES[number % 4], rulings=tuple(rulings if holds else ()),
            version=version_of(self._version, PANE_MS), tick_ms=1, settled_ms=1, decided_at_ms=now_ms(),
            policy_revision="p", model_revision="m",
        )  # fmt: skip

    @property
    def held(self) -> int:
        """Number of hashtags on hold, each of which has an open case."""
        return len(self._open)

    async def update(self, services: Services, count: int) -> None:
        """Apply a number of updates."""
        for _ in range(count):
            self._version += 1
            place = self._version * 7919 % len(self._open)
            if self._version % 10 == 0:
                number, self._next = self._next, self._next + 1
                self._open.append(number)
                decision = self.decision(number)
            elif self._version % 10 == 5:
                decision = self.decision(self._open.pop(place), holds=False)
            else:
                decision = self.decision(self._open[place])
            services.reviews.automated.apply(decision)
        await asyncio.sleep(0)
