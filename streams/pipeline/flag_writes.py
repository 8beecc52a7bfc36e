"""Failures to write to Redis, and settings under which it loses flags: reasons why a worker is not ready.

Failures are counted by kind and logged once a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from hushtag_client.keys import MODERATION
from hushtag_client.shards import shard_of

from streams.clock import monotonic_seconds
from streams.errors import FlagStoreUnavailable, SettingsError
from streams.flags.store import VERSION_FORM
from streams.metrics import Metrics

LOG_EVERY_SECONDS = 60.0
_MOST_NAMED = 10
"""Foreign registers that one reconcile names in the log."""
_MOST_CHARACTERS = 120


class FlagWriteState:
    """Last result of each writer: a partition by its name, or the heartbeat."""

    def __init__(self, metrics: Metrics, *, shards: int, clock: Callable[[], float] = monotonic_seconds) -> None:
        self._metrics = metrics
        self._shards = shards
        self._clock = clock
        self._failing: dict[str, FlagStoreUnavailable] = {}
        self._logged: dict[str, float] = {}
        self._foreign: dict[str, frozenset[tuple[str, str]]] = {}
        self._reached: dict[str, str] = {}
        """Greatest version that the log of a partition can have given to a register."""
        self._unsafe: SettingsError | None = None
        self._log = structlog.get_logger("hushtag.flags")

    def checked(self, unsafe: SettingsError | None) -> None:
        """Record the result of a check of the server's settings; an error if it may lose flags."""
        before, self._unsafe = self._unsafe, unsafe
        self._metrics.redis_unsafe.set(unsafe is not None)
        if unsafe is not None and self._is_due("settings of the server"):
            self._log.error("Redis may lose flags", why=str(unsafe), fix=unsafe.fix)
        elif unsafe is None and before is not None:
            self._log.info("Redis keeps all flags again", after=str(before))

    def failed(self, writer: str, error: FlagStoreUnavailable) -> None:
        """Count a failure; log the first one of a kind, and then one a minute."""
        self._failing[writer] = error
        self._metrics.redis_up.set(0)
        self._metrics.flag_write_failures.labels(kind=error.kind).inc()
        if self._is_due(error.kind):
            self._log.warning("Redis takes no writes", kind=error.kind, writer=writer, why=str(error), fix=error.fix)

    def succeeded(self, writer: str) -> None:
        """Record a write that Redis has taken."""
        failed = self._failing.pop(writer, None)
        self._metrics.redis_up.set(not self._failing)
        if failed is not None and not self._failing:
            self._logged.clear()
            self._log.info("Redis takes writes again", after=failed.kind)

    def reach(self, partition: str, version: str) -> None:
        """Set the greatest version of a partition's log, as far as this worker has read it; "" if it has none."""
        if version:
            self._reached[partition] = version

    def is_foreign(self, field: str, version: str) -> bool:
        """Return whether a version has not our form, or lies above the end of the log that this worker has read."""
        if not VERSION_FORM.fullmatch(version):
            return True
        names = field.split("|", 3)
        if len(names) < 4:  # another program's field; `surface|country|source|hashtag` is ours
            return True
        _, _, source, hashtag = names
        reached = self._reached.get(str(shard_of(hashtag, self._shards)) if source == "automated" else MODERATION)
        return reached is not None and version > reached

    def saw_foreign(self, partition: str, foreign: Iterable[tuple[str, str]]) -> None:
        """Report registers that a reconcile or a sweep found to be newer than their log.

        One counts from the second time on: a publisher with another clock may have written an expiry already.

        Args:
            partition: name of the reconciled partition, or of the sweep.
            foreign: field and version of each register.
        """
        now = frozenset(foreign)
        certain = now & self._foreign.get(partition, frozenset())
        self._foreign[partition] = now
        self._metrics.foreign_registers.labels(partition=partition).set(len(certain))
        if not certain or not self._is_due(f"foreign {partition}"):
            return
        for field, version in sorted(certain)[:_MOST_NAMED]:
            self._log.warning(
                "a register has a version that hushtag has not written, and is not replaced",
                field=field,
                version=version[:_MOST_CHARACTERS],
                fix="find the program that writes it, then run hushtag flags repair",
            )

    def forget(self, writer: str) -> None:
        """Forget a partition that another worker owns now."""
        self._failing.pop(writer, None)
        self._reached.pop(writer, None)
        self._metrics.redis_up.set(not self._failing)
        if self._foreign.pop(writer, None) is not None:
            self._metrics.foreign_registers.remove(writer)

    def _is_due(self, what: str) -> bool:
        """Return whether a line is due, at most one a minute for each subject."""
        now = self._clock()
        due = now - self._logged.get(what, -LOG_EVERY_SECONDS) >= LOG_EVERY_SECONDS
        if due:
            self._logged[what] = now
        return due

    def why_not(self) -> str:
        """Return why Redis may lose flags or takes no writes of some writer; "" if all is well.

        The health server calls it.
        """
        failing, unsafe = dict(self._failing), self._unsafe
        if not failing:
            return "" if unsafe is None else str(unsafe)
        kinds = sorted({error.kind for error in failing.values()})
        return f"Redis takes no writes ({', '.join(sorted(failing))}): {', '.join(kinds)}"
