"""One run of a stage in memory, and its records in flight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator

from tests.support.simulated_logs import Logs


class Outbox:
    """Records in flight from one run; each log receives them in the order of sending."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, int], deque[bytes]] = {}
        self.offsets: list[int] = []
        """Return the decisions that arrived since the last call."""

    def put(self, log: tuple[str, int], value: bytes) -> None:
        self.queues.setdefault(log, deque()).append(value)

    def __bool__(self) -> bool:
        return any(self.queues.values())

    def deliver(self, world: Logs) -> None:
        waiting = [log for log, queue in self.queues.items() if queue]
        if waiting:
            log = world.rng.choice(waiting)
            if log[0] == "decisions":
                self.offsets.append(len(world.logs[log]))
            world.logs[log].append(self.queues[log].popleft())


class Run(ABC):
    """Incarnation of a stage for one partition. `dropped`: the partition was revoked from it."""

    topic = ""

    def __init__(self, world: Logs, number: int) -> None:
        self.world, self.number = world, number
        self.outbox = Outbox()
        self.dropped = False
        self.done = False
        """Return whether the run has processed its logs completely."""
        self.replay_point: int | None = None
        self.start = world.committed.get((self.topic, number), 0)
        self.steps = self.work()

    @abstractmethod
    def work(self) -> Iterator[None]:
        """Run step by step; other runs may act at every yield."""

    def step(self) -> None:
        if self.outbox and self.world.rng.random() < 0.6:
            self.outbox.deliver(self.world)
        else:
            next(self.steps, None)

    def acknowledged(self) -> Iterator[None]:
        while self.outbox:
            yield
