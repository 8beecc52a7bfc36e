"""Replay of a log under the shipped policy, and the hashtag as a viewer in its country sees it, second by second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from hushtag_client.answer import Answer
from hushtag_client.answers import Answers
from hushtag_client.memory import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import HIDING, encode

from benchmarks.hijack.posts import COUNTRY, END_MS, LENGTH_MS, START_MS, TAG, Post, log_of
from benchmarks.judged import PublishedDecision, judged, shipped_policy
from streams.constants import MINUTE_MS, PANE_MS
from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision
from surfaces.listing import Listing
from surfaces.trending.counter import TrendCounter

SURFACE = "trends"
STEP_MS = 1_000
BACKGROUND = 40
"""Steady hashtags that the service ranks with the attacked one."""
FEWEST, MOST = 12, 400
"""Tweets in ten minutes of the smallest and of the largest of them. Each is by the same factor larger than the next."""
_WINDOW_MS = 10 * MINUTE_MS


class Sight(NamedTuple):
    """The hashtag as a viewer sees it at one moment."""

    at_ms: int
    action: str
    """Action of the flag in force; "" without one."""
    provisional: bool
    rank: int | None
    """Rank in trends, from 1; `BACKGROUND + 1` where it is not listed. None: not asked for at this moment."""

    @property
    def hidden(self) -> bool:
        """Whether the flag hides the hashtag."""
        return self.action in HIDING


def decisions_of(posts: Iterable[Post]) -> list[PublishedDecision]:
    """Replay the log of some posts; return the decisions on the hashtag."""
    decisions = judged(log_of(posts), shipped_policy())
    return [published for published in decisions if published.decision.hashtag == TAG.lower()]


def sights(
    posts: Iterable[Post], decisions: Iterable[PublishedDecision], rank_step_ms: int = PANE_MS, end_ms: int = END_MS
) -> Iterator[Sight]:
    """Show the hashtag to a viewer each second, and rank it by the reference trends service.

    Args:
        posts: tweets of the log; only those with the hashtag count.
        decisions: decisions on the hashtag, by time.
        rank_step_ms: time between two ranks, a multiple of a second.
        end_ms: last moment to show.
    """
    viewer = _Viewer()
    uses = sorted(
        [*background(end_ms - START_MS), *((post.at_ms, TAG.lower()) for post in posts if post.hashtag == TAG)]
    )[::-1]
    waiting = list(decisions)[::-1]
    for now_ms in range(START_MS, end_ms + 1, STEP_MS):
        while uses and uses[-1][0] <= now_ms:
            viewer.count(*uses.pop())
        while waiting and waiting[-1].at_ms <= now_ms:
            viewer.publish(waiting.pop().decision)
        yield viewer.look(now_ms, ranked=(now_ms - START_MS) % rank_step_ms == 0)


@lru_cache(2)
def background(length_ms: int = LENGTH_MS) -> list[tuple[int, str]]:
    """List the uses (time, hashtag) of the steady hashtags, from a window before the start on."""
    rng, uses = Random("background"), []
    for number in range(BACKGROUND):
        tweets = MOST * (FEWEST / MOST) ** (number / (BACKGROUND - 1))
        step_ms = _WINDOW_MS / tweets
        first_ms = START_MS - _WINDOW_MS + rng.random() * step_ms
        uses += [
            (int(first_ms + step_ms * use), f"steady{number:02}")
            for use in range(int(tweets * (length_ms / _WINDOW_MS + 1)))
        ]
    return [use for use in uses if use[0] <= START_MS + length_ms]


class _Flags(MemoryFlagsClient):
    """A client that catches up before each ranking instead of before each answer."""

    def check(self, hashtag: str, surface: str, country: str | None = None) -> Answer:
        return Answers.check(self, hashtag, surface, country)


class _Viewer:
    """The reference trends service with flags that a worker publishes."""

    def __init__(self) -> None:
        self._now_ms = START_MS
        self._server = MemoryServer()
        self._server.seed([], settled_ms=START_MS)
        self._flags = _Flags(self._server, clock=lambda: self._now_ms)
        self._counter = TrendCounter()
        self._listing = Listing(self._counter, self._flags, SURFACE, BACKGROUND + 1)
        self._fold = DecisionFold(longest_expiry_ms=shipped_policy().max_automated_ms, max_broker_skew_ms=0)

    def count(self, at_ms: int, hashtag: str) -> None:
        self._counter.add(COUNTRY, [(hashtag, hashtag)], at_ms, at_ms)

    def publish(self, decision: Decision) -> None:
        self._server.put("0", [(register.field, encode(register)) for register in self._fold.apply(decision)])

    def look(self, now_ms: int, *, ranked: bool) -> Sight:
        self._now_ms = now_ms
        self._counter.advance(now_ms)
        self._server.beat({0: now_ms}, now_ms, 1)
        self._flags.catch_up()
        register = self._flags.check(TAG, SURFACE, COUNTRY).register
        action, provisional = (register.action, register.provisional) if register else ("", False)
        return Sight(now_ms, action, provisional, self._rank() if ranked else None)

    def _rank(self) -> int:
        names = [trend.hashtag for trend in self._listing.trending(COUNTRY)]
        return names.index(TAG.lower()) + 1 if TAG.lower() in names else BACKGROUND + 1
