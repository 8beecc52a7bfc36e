"""A policy in the shadow of the live one, followed in a thread of the API until it ends or is stopped.

One shadow runs at a time, for everyone. It is not recorded, publishes nothing, and ends with the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from streams.clock import monotonic_seconds
from streams.constants import HOUR_MS
from streams.errors import DependencyAway, HushtagError
from streams.policy import Policy
from streams.policy_shadow import follow_shadow
from streams.settings import Settings

if TYPE_CHECKING:  # its import takes half a second
    from streams.backtest import Impact
    from streams.backtest.shadow import ShadowReport

BEGINS_BACK_MS = HOUR_MS
"""Length of the past that a shadow begins with."""
_REPORT_SECONDS = 5.0
"""Time between two reports; judging itself follows every tick."""

OnTick = Callable[["Impact"], None]
Follow = Callable[[Policy, OnTick, Callable[[int, int], None], Callable[[], bool]], None]
"""Policy, callbacks for ticks and for records of the past, and a question whether to end; blocks until then."""


class ShadowRun:
    """One policy in the shadow; it begins with its creation, and no wall clock ends it.

    Args:
        policy: the policy.
        text: the policy as it was written.
        actor: person who tries it.
        reason: the person's reason.
        began_ms: present time, Unix time in ms.
        lasts_ms: duration.
    """

    def __init__(self, policy: Policy, text: str, actor: str, reason: str, *, began_ms: int, lasts_ms: int) -> None:
        self.policy, self.text, self.actor, self.reason = policy, text, actor, reason
        self.began_ms, self.ends_at_ms = began_ms, began_ms + lasts_ms
        self._began_seconds = monotonic_seconds()
        self.done = 0
        self.total = 0
        """Records of the past; 0: not known yet."""
        self.report: ShadowReport | None = None
        """Differences so far; None until the past has been read."""
        self.error: HushtagError | None = None
        self.stopped_by = ""
        self.is_over = False

    @property
    def state(self) -> Literal["reading", "following", "ended", "stopped", "failed"]:
        """State for the page."""
        if self.error is not None:
            return "failed"
        if self.stopped_by:
            return "stopped"
        if self.is_over or self._now_ms() >= self.ends_at_ms:
            return "ended"
        return "reading" if self.report is None else "following"

    @property
    def runs(self) -> bool:
        """Whether it still judges."""
        return self.state in ("reading", "following")

    def end(self) -> None:
        """Note that it ends now, unless it has ended."""
        self.ends_at_ms = min(self.ends_at_ms, self._now_ms())

    def _now_ms(self) -> int:
        return self.began_ms + int((monotonic_seconds() - self._began_seconds) * 1000)


class Shadows:
    """The shadow of this process.

    Args:
        follow: judges evidence as it arrives, in the thread that calls it.
    """

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._task: asyncio.Task[None] | None = None
        self.current: ShadowRun | None = None
        """Shadow that runs, or the last one; None before the first."""

    def begin(self, run: ShadowRun) -> None:
        """Run a policy in the shadow; the one before must have ended."""
        assert self.current is None or not self.current.runs
        self.current = run
        self._task = asyncio.create_task(asyncio.to_thread(self._judge, run))

    def stop(self, actor: str) -> None:
        """End the shadow, in the name of a person."""
        if self.current is not None and self.current.runs:
            self.current.stopped_by = actor
            self.current.end()

    async def close(self) -> None:
        """End the shadow and wait for its thread."""
        if self.current is not None:
            self.current.is_over = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _judge(self, run: ShadowRun) -> None:
        from streams.backtest.shadow import report_of

        next_seconds = 0.0

        def on_tick(impact: Impact) -> None:
            nonlocal next_seconds
            if monotonic_seconds() >= next_seconds:
                run.report = report_of(impact)
                next_seconds = monotonic_seconds() + _REPORT_SECONDS

        def on_read(done: int, total: int) -> None:
            run.done, run.total = done, total

        try:
            self._follow(run.policy, on_tick, on_read, lambda: not run.runs)
        except HushtagError as error:
            run.error = error
        except Exception:
            run.error = DependencyAway("the shadow failed", fix="the log of `hushtag api` has the trace")
            raise
        finally:
            run.is_over = True
            run.end()


def shadow_follower(settings: Settings) -> Follow:
    """Return the follower of the configured topic."""

    def follow(policy: Policy, on_tick: OnTick, on_read: Callable[[int, int], None], ends: Callable[[], bool]) -> None:
        asyncio.run(follow_shadow(settings, policy, BEGINS_BACK_MS, on_tick, on_read=on_read, ends=ends))

    return follow
