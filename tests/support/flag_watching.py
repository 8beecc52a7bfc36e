"""Writes and checks while a server fails over: as publish writes, and as a surface checks."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hushtag_client import Register, keys

from streams.errors import FlagStoreUnavailable
from tests.support.worlds import PARTITIONS, ServerWorld


def written(world: ServerWorld, registers: Sequence[Register]) -> bool:
    """Write as publish does: reconcile what the server has lost, then apply; return whether it succeeded."""
    names = (*map(str, range(PARTITIONS)), keys.MODERATION)
    try:
        for name in world.run(world.store.needing_reconcile(dict.fromkeys(names, 0))):
            world.run(world.store.reconcile(name, registers if name == "0" else []))
        world.run(world.store.heartbeat(dict.fromkeys(range(PARTITIONS), world.clock.now_ms), world.clock.now_ms))
        return not world.run(world.store.apply("0", registers)).refused
    except FlagStoreUnavailable:
        return False


class Watcher:
    """Thread that checks a flag all the time, and counts the answers that show the hashtag."""

    def __init__(self, world: ServerWorld, kind: str) -> None:
        self.reader = world.reader(kind)
        self.shown = self.checks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self.checks += 1
            self.shown += self.reader.check("old", "trends").shown

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
