"""Replay of a log under the shipped policy, and the hashtag as a viewer in its country sees it, second by second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from hushtag_client.answer import Answer
from hushtag_client.answers import Answers
from hushtag_client.memory import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import HIDING, encode

from benchmarks.hijack.posts import COUNTRY, END_MS, LENGTH_MS, START_MS, TAG, Post, log_of
from streams.constants import MINUTE_MS, PANE_MS
from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.replay import Replay
from streams.scoring import TextScorer, load_text_scorer
from surfaces.listing import Listing
from surfaces.trending.counter import TrendCounter

POLICY = Path(__file__).resolve().parents[2] / "config" / "policy.yaml"
SURFACE = "trends"
STEP_MS = 1_000
BACKGROUND = 40
"""Steady hashtags that the service ranks with the attacked one."""
FEWEST, MOST = 12, 400
"""Tweets in ten minutes of the smallest and of the largest of them. Each is by the same factor larger than the next."""
_WINDOW_MS = 10 * MINUTE_MS


class PublishedDecision(NamedTuple):
    """A decision, and the log time at which a worker publishes it."""

    at_ms: int
    decision: Decision


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


@lru_cache(1)
def shipped_policy() -> Policy:
    """Return the shipped policy with mode suppress in every category."""
    return parse_policy(POLICY.read_text("utf-8").replace("mode: shadow", "mode: suppress"), POLICY.name)


@lru_cache(1)
def _scorer() -> TextScorer:
    return load_text_scorer()


def decisions_of(posts: Iterable[Post]) -> list[PublishedDecision]:
    """Replay the log of some posts; return the decisions on the hashtag."""
    now_ms = START_MS

    def read(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
        nonlocal now_ms
        for record in records:
            now_ms = record.timestamp
            yield record

    replay = Replay([0], shipped_policy(), _scorer(), shards=1, early=True)
    return [
        PublishedDecision(now_ms, emitted)
        for emitted in replay.run(read(log_of(posts)))
        if isinstance(emitted, Decision) and emitted.hashtag == TAG.lower()
    ]


def sights(
    posts: Iterable[Post], decisions: Iterable[PublishedDecision], rank_step_ms: int = PANE_MS
) -> Iterator[Sight]:
    """Show the hashtag to a viewer each second, and rank it by the reference trends service.

    Args:
        posts: tweets of the log; only those with the hashtag count.
        decisions: decisions on the hashtag, by time.
        rank_step_ms: time between two ranks, a multiple of a second.
    """
    viewer = _Viewer()
    uses = sorted([*background(), *((post.at_ms, TAG.lower()) for post in posts if post.hashtag == TAG)])[::-1]
    waiting = list(decisions)[::-1]
    for now_ms in range(START_MS, END_MS + 1, STEP_MS):
        while uses and uses[-1][0] <= now_ms:
            viewer.count(*uses.pop())
        while waiting and waiting[-1].at_ms <= now_ms:
            viewer.publish(waiting.pop().decision)
        yield viewer.look(now_ms, ranked=(now_ms - START_MS) % rank_step_ms == 0)


@lru_cache(1)
def background() -> list[tuple[int, str]]:
    """List the uses (time, hashtag) of the steady hashtags, from a window before the start on."""
    rng, uses = Random("background"), []
    for number in range(BACKGROUND):
        tweets = MOST * (FEWEST / MOST) ** (number / (BACKGROUND - 1))
        step_ms = _WINDOW_MS / tweets
        first_ms = START_MS - _WINDOW_MS + rng.random() * step_ms
        uses += [(int(first_ms + step_ms * use), f"steady{number:02}") for use in range(int(tweets * 2.5))]
    return [use for use in uses if use[0] <= START_MS + LENGTH_MS]


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
