"""What a surface asks, and the answer from memory: never a wait, never an exception.

The usual path is a few dictionary reads. It is taken while the clock is before one precomputed moment, up to which the
replica is known to be good; only past it is there anything to think about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from hushtag_client.answer import Answer, answer_of
from hushtag_client.clock import Clock, in_nanoseconds
from hushtag_client.index import Index
from hushtag_client.normalise import normalise
from hushtag_client.registers import ACCOUNT, HIDING, TWEET, WORLD, Register
from hushtag_client.replica import Replica
from hushtag_client.resolution import winner

Fallback = Literal["show", "hide"]
Visibility = Literal["visible", "withheld", "suspended"]
Listener = Callable[[list[Register]], None]
MAX_STALENESS_SECONDS = 120.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """How the replica is doing: for a readiness probe, metrics or a page."""

    synced: bool
    """Whether there was ever a whole snapshot."""
    fresh: bool
    """Whether everything is answered from flags; if not, some answers are `stale` or `unavailable`."""
    registers: int
    incarnation: str
    seq: int
    seen_ms: int
    """When Redis last answered; 0: never."""
    oldest_settled_ms: int
    """Watermark of the shard that is furthest behind; 0 where none is known."""
    missing_shards: tuple[int, ...]


_LONGEST_CACHED = 300
"""Code points; a tweet has no longer hashtag, and whoever asks about longer ones shall not fill our memory."""


@lru_cache(maxsize=65_536)
def _clear(hashtag: str) -> Answer:
    return Answer(normalise.__wrapped__(hashtag), True, "clear", None)


class Answers:
    """Answers from a replica; what the thread-driven, the asyncio and the in-memory client have in common.

    Args:
        surface_defaults: surface → "show" or "hide", for when the flags cannot be trusted; "show" where not named.
        max_staleness_seconds: how old the oldest shard's settled watermark, and the last answer of Redis, may be.
        clock: wall clock in milliseconds; the system's if None.
        on_change: first listener, see `listen`.
    """

    def __init__(
        self,
        *,
        surface_defaults: Mapping[str, Fallback] | None = None,
        max_staleness_seconds: float = MAX_STALENESS_SECONDS,
        clock: Clock | None = None,
        on_change: Listener | None = None,
    ) -> None:
        if max_staleness_seconds <= 0:
            raise ValueError("max_staleness_seconds: above 0")
        for surface, fallback in (surface_defaults or {}).items():
            if fallback not in ("show", "hide"):
                raise ValueError(f"surface_defaults[{surface!r}]: 'show' or 'hide', not {fallback!r}")
        self._shown_by_default = {surface: f == "show" for surface, f in (surface_defaults or {}).items()}
        self._replica = Replica(int(max_staleness_seconds * 1000))
        self._now_ns = in_nanoseconds(clock)
        self._good_until_ns = 0
        self._complaints = 0
        self._listeners: list[Listener] = [on_change] if on_change else []

    def check(self, hashtag: str, surface: str, country: str | None = None) -> Answer:
        """Whether a surface may show a hashtag to viewers of a country; from memory, never raises.

        Args:
            hashtag: in any spelling; the leading # may be there.
            surface: as named in the policy, such as "trends".
            country: ISO 3166-1 alpha-2; None or "" where it is not known, which reads the flags for all countries only.
        """
        try:
            now_ns = self._now_ns()
            if now_ns >= self._good_until_ns:
                return self._doubtful(hashtag, surface, country, now_ns // 1_000_000)
            index = self._replica.index
            tags = index.tags
            if hashtag in tags:
                surfaces = tags[hashtag]
            else:
                clear = _clear(hashtag) if len(hashtag) <= _LONGEST_CACHED else _clear.__wrapped__(hashtag)
                if clear[0] not in tags:
                    return clear
                surfaces = tags[clear[0]]
            if surface not in surfaces:
                return _clear(hashtag)
            view = surfaces[surface]
            if country in view:
                until_ns, liftable, answer, _ = view[country]
            elif WORLD in view:
                until_ns, liftable, answer, _ = view[WORLD]
            else:
                return _clear(hashtag)
            if now_ns < until_ns and not (liftable and surface in index.stopped):
                return answer
            return _decided(answer.hashtag, index, surface, country, now_ns // 1_000_000)
        except Exception:
            return self._otherwise(hashtag, surface, country)

    def check_many(self, hashtags: Iterable[str], surface: str, country: str | None = None) -> list[Answer]:
        """`check` for each, in order; what cannot be iterated over has no answers."""
        try:
            return [self.check(hashtag, surface, country) for hashtag in hashtags]
        except Exception:
            self._complain("check_many", hashtags, surface)
            return []

    def held(self, surface: str, country: str | None = None) -> list[Register]:
        """The registers that hide something from such a viewer now, by hashtag; what staff look at."""
        try:
            tags = sorted(self._replica.index.hashtags(surface))
        except Exception:
            self._complain("held", surface, country)
            return []
        answers = self.check_many(tags, surface, country)
        return [answer.register for answer in answers if answer.why == "flagged" and answer.register]

    def account_visibility(self, account_id: str | int, country: str | None = None) -> Visibility:
        """Whether an account may be shown to viewers of a country; from memory, never raises.

        `suspended`: nowhere, under the platform's own rules. `withheld`: not in this country, by a legal order. What
        was last known is answered however old it is, and `visible` before anything was ever known: people decide on
        accounts, so a silent pipeline has no say, and a cache that is away must not undo an order.

        Args:
            account_id: the platform's numeric id.
            country: as in `check`; where it is not known only what holds everywhere counts.
        """
        register = self._withholding(ACCOUNT, account_id, country)
        if register is None:
            return "visible"
        return "suspended" if register.source == "human" else "withheld"

    def tweet_visibility(self, tweet_id: str | int, country: str | None = None) -> Visibility:
        """The same for one tweet: `visible` or `withheld`."""
        return "visible" if self._withholding(TWEET, tweet_id, country) is None else "withheld"

    def paused(self, surface: str, country: str | None = None) -> Register | None:
        """The stop button that lifts automated suppressions for such a viewer now, if one is pressed; never raises."""
        try:
            now_ms = self._now_ms()
            stops = self._replica.index.stops(surface, country)
            return next((s for s in stops if s.source == "human" and s.action == "allow" and s.in_force(now_ms)), None)
        except Exception:
            self._complain("paused", surface, country)
            return None

    def registers(self) -> list[Register]:
        """All registers that the replica knows, whether in force or not, in no order."""
        return list(self._replica.index.registers.values())

    def status(self) -> Status:
        """How the replica is doing now."""
        replica = self._replica
        settled = replica.settled_ms
        return Status(
            synced=replica.synced,
            fresh=self._now_ns() < self._good_until_ns,
            registers=len(replica.index.registers),
            incarnation=replica.incarnation,
            seq=replica.seq,
            seen_ms=replica.seen_ms,
            oldest_settled_ms=min(settled.values(), default=0),
            missing_shards=tuple(shard for shard in range(replica.partitions) if shard not in settled),
        )

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the registers that changed, after each change; returns what ends that.

        It is called where the replica is written (the client's own thread, or the event loop): be quick, and hand over.
        A flag that runs out by time is no change. An exception in it is logged, nothing more.
        """
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return stop

    def _withholding(self, surface: str, name: str | int, country: str | None) -> Register | None:
        """The register that hides an account or a tweet; a suspension before a withholding."""
        try:
            now_ms = self._now_ms()
            if now_ms * 1_000_000 >= self._good_until_ns:
                self._wake()
            found = self._replica.index.candidates(surface, country, str(name))
            hiding = [register for register in found if register.action in HIDING and register.in_force(now_ms)]
            return min(hiding, key=lambda register: register.source != "human", default=None)
        except Exception:
            self._complain(surface, name, country)
            return None

    def _changed(self, registers: list[Register]) -> None:
        for listener in self._listeners:
            try:
                listener(registers)
            except Exception:
                _log.exception("a listener for changed flags failed")

    def _now_ms(self) -> int:
        return self._now_ns() // 1_000_000

    def _renew(self) -> None:
        """Take the replica's word for how long it is good; whoever drives it calls this after each step."""
        self._good_until_ns = self._replica.good_until_ms() * 1_000_000

    def _wake(self) -> bool:
        """Begin to follow the server again where a fork ended that; whether it did."""
        return False

    def _forked(self) -> None:
        """In a child process after a fork; the replica's lock is free and nothing was half changed."""

    def _doubtful(self, hashtag: str, surface: str, country: str | None, now_ms: int) -> Answer:
        """The pipeline's word is too old, or there is none. People's word stands as long as Redis answers."""
        tag = normalise.__wrapped__(hashtag)
        replica = self._replica
        if now_ms < replica.people_until_ms():
            index = replica.index
            register = winner(index.candidates(surface, country, tag), (), now_ms, people_only=True)
            if register is not None:
                return answer_of(tag, register)
        return Answer(
            tag, self._shown_by_default.get(surface, True), "stale" if replica.synced else "unavailable", None
        )

    def _otherwise(self, hashtag: object, surface: object, country: object) -> Answer:
        """The quick way failed: what was asked is no string, or the writer took an entry away between two looks."""
        try:
            assert isinstance(hashtag, str)
            assert isinstance(surface, str)
            where = country if isinstance(country, str) else None
            return _decided(normalise.__wrapped__(hashtag), self._replica.index, surface, where, self._now_ms())
        except Exception:
            self._complain("check", hashtag, surface)
        shown = self._shown_by_default.get(surface, True) if isinstance(surface, str) else True
        return Answer(hashtag if isinstance(hashtag, str) else "", shown, "unavailable", None)

    def _complain(self, asked: str, *of: object) -> None:
        """Log the first few, so that a caller's mistake is found, and does not fill a disk."""
        self._complaints += 1
        if self._complaints <= 10:
            _log.exception("%s%.200r was answered with the fallback", asked, of)


def _decided(tag: str, index: Index, surface: str, country: str | None, now_ms: int) -> Answer:
    """The long way, for when the strongest register has run out or a stop button is pressed."""
    register = winner(index.candidates(surface, country, tag), index.stops(surface, country), now_ms)
    return _clear(tag) if register is None else answer_of(tag, register)
