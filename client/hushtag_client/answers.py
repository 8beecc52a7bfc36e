"""Checks of a surface, answered from memory without waiting and without exceptions.

The usual path is a few dictionary reads. It applies until one precomputed moment, up to which all shards are current.
From then on a check first looks at the shard of its hashtag, and answers as usual if that one is current.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hushtag_client.answer import Answer, Warning, Why, answer_of
from hushtag_client.clock import Clock, in_nanoseconds
from hushtag_client.index import Index
from hushtag_client.normalise import normalise
from hushtag_client.registers import ACCOUNT, TWEET, WORLD, Register
from hushtag_client.replica import Replica
from hushtag_client.resolution import restriction, winner
from hushtag_client.scopes import Scopes
from hushtag_client.shards import shard_of

Fallback = Literal["show", "hide"]
Visibility = Literal["visible", "withheld", "suspended"]
Listener = Callable[[list[Register]], None]
MAX_STALENESS_SECONDS = 120.0
SETTLING_SECONDS = 30.0
"""Least useful `max_staleness_seconds`: a healthy pipeline's watermark may be 25 s old, see the contract."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """State of the replica, for a readiness probe, metrics or a page."""

    synced: bool
    """Whether a complete snapshot was ever received."""
    fresh: bool
    """Whether all answers come from current flags; if not, some are `stale` or `unavailable`."""
    registers: int
    incarnation: str
    seq: int
    seen_ms: int
    """Time of the last answer from Redis; 0: never."""
    oldest_settled_ms: int
    """Watermark of the shard that is furthest behind; 0 if none is known."""
    missing_shards: tuple[int, ...]
    """Shards without a reliable heartbeat; their hashtags are stale."""
    behind_shards: tuple[int, ...] = ()
    """Other shards with an old watermark, or all while Redis is away: their hashtags are stale, renewed flags stand."""
    shards: int = 0
    """Number of shards; 0 before the first heartbeat."""
    surfaces: tuple[str, ...] = ()
    """Surfaces of the policy in force; empty: not known."""
    fallbacks: Mapping[Why, int] = field(default_factory=dict)
    """Checks that were answered by the fallback so far, by reason."""
    unknown: Mapping[Warning, int] = field(default_factory=dict)
    """Checks of an unknown surface or country so far."""


_LONGEST_CACHED = 300
"""Longest cached hashtag, in code points. Tweets have no longer ones; the limit protects memory."""
_MOST_CACHED = 65_536


_Cached = tuple[str, Answer]
_clear_by_spelling: dict[str, _Cached] = {}
"""Normal form and clear answer by spelling. Plain dict and tuples: CPython reads these fastest."""


def _clear_of(hashtag: str) -> _Cached:
    """Return the normal form of a hashtag and its clear answer, cached from now on unless the text is long."""
    cached = _clear_by_spelling.get(hashtag)
    if cached is None:
        tag = normalise.__wrapped__(hashtag)
        cached = tag, Answer(tag, True, "clear", None)
        if len(hashtag) <= _LONGEST_CACHED:
            if len(_clear_by_spelling) >= _MOST_CACHED:
                _clear_by_spelling.clear()
            _clear_by_spelling[hashtag] = cached
    return cached


class Answers:
    """Answers from a replica: the common part of the threaded, the asyncio and the in-memory client.

    Args:
        surface_defaults: surface → "show" or "hide", the fallback for stale flags; "show" if not given.
        max_staleness_seconds: maximum age of the settled watermark of a hashtag's shard, and of Redis's last answer.
        clock: wall clock in milliseconds; None: the system clock.
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
        if not 0 < max_staleness_seconds < math.inf:
            raise ValueError(f"max_staleness_seconds: must be a number above 0, not {max_staleness_seconds!r}")
        if max_staleness_seconds < SETTLING_SECONDS:
            _log.warning(
                "max_staleness_seconds is %g, below %g: the flags of a healthy pipeline are up to 25 s old, so answers "
                "will change between current ones and the fallback",
                max_staleness_seconds, SETTLING_SECONDS,
            )  # fmt: skip
        for surface, fallback in (surface_defaults or {}).items():
            if fallback not in ("show", "hide"):
                raise ValueError(f"surface_defaults[{surface!r}]: must be 'show' or 'hide', not {fallback!r}")
        self._shown_by_default = {surface: f == "show" for surface, f in (surface_defaults or {}).items()}
        self._replica = Replica(int(max_staleness_seconds * 1000))
        self._now_ns = in_nanoseconds(clock)
        self._good_until_ns = 0
        self._shards_until_ns: list[int] = []
        self._flags_until_ns: list[int] = []
        self._failures = 0
        self._fallbacks: dict[Why, int] = {"stale": 0, "unavailable": 0}
        self._scopes = Scopes()
        self._passed = self._scopes.passed
        """Known countries by surface, as asked so far, for the usual path."""
        self._listeners: list[Listener] = [on_change] if on_change else []

    def check(self, hashtag: str, surface: str, country: str | None = None) -> Answer:
        """Return whether a surface may show a hashtag to viewers in a country; answers from memory and never raises.

        Args:
            hashtag: any spelling, with or without #.
            surface: name in the policy, such as "trends".
            country: ISO 3166-1 alpha-2; None or "" if unknown, which reads only the flags for all countries.
        """
        try:
            if country not in self._passed[surface]:
                return self._slow_check(hashtag, surface, country)
            clock = self._now_ns  # CPython 3.11 calls a local function faster than an attribute
            now_ns = clock()
            if now_ns >= self._good_until_ns:
                late = self._late_answer(hashtag, surface, country, now_ns)
                if late is not None:
                    return late
            index = self._replica.index
            tags = index.tags
            try:
                tag, clear = _clear_by_spelling[hashtag]
            except KeyError:
                tag, clear = _clear_of(hashtag)
            if tag not in tags:
                return clear
            surfaces = tags[tag]
            if surface not in surfaces:
                return clear
            view = surfaces[surface]
            if country in view:
                until_ns, liftable, answer, _ = view[country]
            elif WORLD in view:
                until_ns, liftable, answer, _ = view[WORLD]
            else:
                return clear
            if now_ns < until_ns and not (liftable and surface in index.stopped):
                return answer
            return _resolved(answer.hashtag, index, surface, country, now_ns // 1_000_000)
        except Exception:
            return self._slow_check(hashtag, surface, country)

    def warning(self, surface: str, country: str | None = None) -> Warning | None:
        """Return the warning that answers for a surface and a country have; None if both are known."""
        try:
            return self._scopes.find(surface, country)
        except Exception:
            self._log_failure("warning", surface, country)
            return None

    def check_many(self, hashtags: Iterable[str], surface: str, country: str | None = None) -> list[Answer]:
        """Check several hashtags, in order; a value that cannot be iterated gives no answers."""
        try:
            return [self.check(hashtag, surface, country) for hashtag in hashtags]
        except Exception:
            self._log_failure("check_many", hashtags, surface)
            return []

    def held(self, surface: str, country: str | None = None) -> list[Register]:
        """List the registers that hide hashtags from such a viewer now, by hashtag; for staff."""
        try:
            tags = sorted(self._replica.index.hashtags(surface))
        except Exception:
            self._log_failure("held", surface, country)
            return []
        answers = self.check_many(tags, surface, country)
        return [answer.register for answer in answers if answer.why == "flagged" and answer.register]

    def discounted(self, surface: str, country: str | None = None) -> list[Register]:
        """List the discounts in force for such a viewer now, by hashtag, for a ranking; fast if there are few."""
        try:
            tags = sorted(self._replica.index.discounted.get(surface, ()))
        except Exception:
            self._log_failure("discounted", surface, country)
            return []
        registers = [answer.register for answer in self.check_many(tags, surface, country)]
        return [register for register in registers if register is not None and register.action == "discount"]

    def account_visibility(self, account_id: str | int, country: str | None = None) -> Visibility:
        """Return whether an account may be shown to viewers in a country; answers from memory and never raises.

        `suspended`: hidden everywhere, under the platform's own rules. `withheld`: hidden in this country, by a legal
        order. The last known state applies however old it is, and `visible` before any flags were received. People
        decide on accounts, so a dead pipeline or an absent Redis must not undo an order.

        Args:
            account_id: the platform's numeric id.
            country: as in `check`; if unknown, only registers for all countries apply.
        """
        register = self._withholding(ACCOUNT, account_id, country)
        if register is None:
            return "visible"
        return "suspended" if register.source == "human" else "withheld"

    def tweet_visibility(self, tweet_id: str | int, country: str | None = None) -> Visibility:
        """Return whether a tweet may be shown: `visible` or `withheld`."""
        return "visible" if self._withholding(TWEET, tweet_id, country) is None else "withheld"

    def paused(self, surface: str, country: str | None = None) -> Register | None:
        """Return the stop button that lifts automated flags for such a viewer now, or None; never raises."""
        try:
            now_ms = self._now_ms()
            stops = self._replica.index.stops(surface, country)
            return next((s for s in stops if s.source == "human" and s.action == "allow" and s.in_force(now_ms)), None)
        except Exception:
            self._log_failure("paused", surface, country)
            return None

    def registers(self) -> list[Register]:
        """List all registers of the replica, in force or not, in no order."""
        return list(self._replica.index.registers.values())

    def status(self) -> Status:
        """Return the present state of the replica."""
        replica, now_ns = self._replica, self._now_ns()
        beats, until_ns = replica.heartbeats, self._shards_until_ns
        return Status(
            synced=replica.synced,
            fresh=now_ns < self._good_until_ns,
            registers=len(replica.index.registers),
            incarnation=replica.incarnation,
            seq=replica.seq,
            seen_ms=replica.seen_ms,
            oldest_settled_ms=min((beat.settled_ms for beat in beats.values()), default=0),
            missing_shards=tuple(shard for shard in range(len(until_ns)) if shard not in beats),
            behind_shards=tuple(shard for shard, ns in enumerate(until_ns) if shard in beats and ns <= now_ns),
            shards=len(until_ns),
            surfaces=tuple(sorted(self._scopes.surfaces)),
            fallbacks=dict(self._fallbacks),
            unknown=dict(self._scopes.unknown),
        )

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the changed registers after each change; return a function that ends this.

        The call runs where the replica is written (the client's thread, or the event loop), so the listener must be
        quick. The expiry of a flag is no change. Exceptions of the listener are logged.
        """
        self._listeners = [*self._listeners, listener]

        def stop() -> None:
            self._listeners = [other for other in self._listeners if other is not listener]

        return stop

    def _withholding(self, surface: str, name: str | int, country: str | None) -> Register | None:
        """Find the register that hides an account or a tweet, suspensions first."""
        try:
            self._scopes.note(surface, country)
            now_ms = self._now_ms()
            if now_ms * 1_000_000 >= self._good_until_ns:
                self._wake()
            return restriction(self._replica.index.candidates(surface, country, str(name)), now_ms)
        except Exception:
            self._log_failure(surface, name, country)
            return None

    def _changed(self, registers: list[Register]) -> None:
        for listener in self._listeners:
            try:
                listener(registers)
            except Exception:
                _log.exception("a listener of changed flags raised an exception")

    def _now_ms(self) -> int:
        return self._now_ns() // 1_000_000

    def _renew(self) -> None:
        """Update the moments up to which the replica is current; called after each step."""
        self._shards_until_ns = [until_ms * 1_000_000 for until_ms in self._replica.shards_until_ms()]
        self._flags_until_ns = [until_ms * 1_000_000 for until_ms in self._replica.flags_until_ms()]
        self._good_until_ns = min(self._shards_until_ns, default=0)
        self._scopes.follow(self._replica.surfaces)
        self._passed = self._scopes.passed

    def _wake(self) -> bool:
        """Restart the replication if a fork stopped it; return whether it did."""
        return False

    def _forked(self) -> None:
        """Reset the client in a forked child; the replica is consistent and its lock is free."""

    def _late_answer(self, hashtag: str, surface: str, country: str | None, now_ns: int) -> Answer | None:
        """Answer for a hashtag whose shard is behind or missing; None if its shard is current."""
        if self._wake() and now_ns < self._good_until_ns:
            return None
        tag = _clear_of(hashtag)[0]
        current, standing = self._shards_until_ns, self._flags_until_ns
        if not current:
            return self._stale_answer(tag, surface, country, now_ns // 1_000_000)
        if now_ns < current[shard_of(tag, len(current))]:
            return None
        stands = now_ns < standing[shard_of(tag, len(standing))]
        return self._stale_answer(tag, surface, country, now_ns // 1_000_000, people_only=not stands)

    def _stale_answer(
        self, tag: str, surface: str, country: str | None, now_ms: int, *, people_only: bool = True
    ) -> Answer:
        """Answer from registers in force while Redis answers, else with the fallback; `clear` needs a current shard.

        Args:
            tag: normalised hashtag.
            surface: as in `check`.
            country: as in `check`.
            now_ms: the reader's clock.
            people_only: whether the flags of the pipeline are stale too: the judge of the shard has not renewed them.
        """
        replica = self._replica
        if now_ms < replica.people_until_ms():
            index = replica.index
            stops = () if people_only else index.stops(surface, country)
            register = winner(index.candidates(surface, country, tag), stops, now_ms, people_only=people_only)
            if register is not None:
                return answer_of(tag, register)
        why: Why = "stale" if replica.synced else "unavailable"
        self._fallbacks[why] += 1
        return Answer(tag, self._shown_by_default.get(surface, True), why, None)

    def _slow_check(self, hashtag: object, surface: object, country: object) -> Answer:
        """Answer apart from the usual path.

        The surface or country is not known, or was not asked before; an argument is no string; or an entry was removed
        between two reads.
        """
        warning: Warning | None = None
        try:
            warning = self._scopes.note(surface, country)
            assert isinstance(hashtag, str)
            assert isinstance(surface, str)
            where = country if isinstance(country, str) else None
            now_ns = self._now_ns()
            if now_ns >= self._good_until_ns:
                late = self._late_answer(hashtag, surface, where, now_ns)
                if late is not None:
                    return late._replace(warning=warning)
            tag = normalise.__wrapped__(hashtag)
            answer = _resolved(tag, self._replica.index, surface, where, now_ns // 1_000_000)
            return answer if warning is None else answer._replace(warning=warning)
        except Exception:
            self._log_failure("check", hashtag, surface)
        self._fallbacks["unavailable"] += 1
        shown = self._shown_by_default.get(surface, True) if isinstance(surface, str) else True
        return Answer(hashtag if isinstance(hashtag, str) else "", shown, "unavailable", None, warning)

    def _log_failure(self, method: str, *arguments: object) -> None:
        """Log the first ten failures, so that a caller's mistake is visible and does not fill a disk."""
        self._failures += 1
        if self._failures <= 10:
            _log.exception("%s%.200r failed and returned the fallback", method, arguments)


def _resolved(tag: str, index: Index, surface: str, country: str | None, now_ms: int) -> Answer:
    """Resolve all candidates, because the strongest expired or a stop button is pressed."""
    register = winner(index.candidates(surface, country, tag), index.stops(surface, country), now_ms)
    return _clear_of(tag)[1] if register is None else answer_of(tag, register)
