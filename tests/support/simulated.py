"""Pipeline in memory: logs are lists, workers die at any step, zombies go on writing. One seed gives one history.

Ingest and judge runs use the cores as `streams/pipeline` does: the order of acknowledgements, the conditions for a
replay point, and the records that the next owner reads. Blocks, records and reads are small, so that a minute of log
has many of each.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from streams.constants import PANE_MS
from streams.policy import Policy
from tests.support.simulated_ingest import Ingest, Marks
from tests.support.simulated_judge import SimulatedJudge
from tests.support.simulated_logs import Logs
from tests.support.simulated_run import Run
from tests.support.simulated_sizes import PARTITIONS, SHARDS, START_MS
from tests.support.simulated_stage_2 import Reads


class SimulatedPipeline(Logs):
    """Logs, owners of partitions, and a seeded scheduler that runs and kills them.

    Args:
        harm: number of kills; None: the span's.
        stage_2: whether stage 2 runs.
        shared: further arguments of `Logs`.
    """

    def __init__(
        self, seed: int, policies: list[Policy], *, harm: int | None = None, stage_2: bool = False, **shared: Any
    ) -> None:
        super().__init__(seed, policies, **shared)
        self._harm = self.span.harm if harm is None else harm
        self._jobs: list[tuple[type[Run], int]] = [(Ingest, one) for one in range(PARTITIONS)]
        self._jobs += [(SimulatedJudge, one) for one in range(SHARDS)] + [
            (Marks, one) for one in range(2) if self.moderation
        ]
        self._jobs += [(Reads, one) for one in range(SHARDS) if stage_2]
        self._owners: list[Run] = [kind(self, number) for kind, number in self._jobs]
        self._zombies: list[list[Any]] = []
        """[run, rounds until it wakes, remaining steps] of each zombie."""

    def run(self) -> SimulatedPipeline:
        """Run the whole history."""
        rng, span = self.rng, self.span
        speeds = [rng.choice([1.0, 1.0, 1.0, 0.3, 0.05]) for _ in self._jobs]
        tick_ms = rng.choice([200, 800])
        switch_at_ms = span.end_ms * 2
        if len(self.policies) > 1:
            switch_at_ms = START_MS + rng.randrange(span.log_seconds * 2 // 5, span.log_seconds) * 1000
        rounds = span.log_seconds * 1000 // tick_ms
        kills = sorted(rng.randrange(rounds + span.rest) for _ in range(self._harm))
        for number in range(rounds + span.rest):
            if number < rounds:
                self.now_ms += tick_ms
            else:
                self.now_ms = span.closed_ms
            if self.now_ms >= switch_at_ms and len(self.activations) == 1:
                self.activate(1, (self.now_ms // PANE_MS + 1) * PANE_MS)
            self._tear(rounds if number < rounds else 0)
            while kills and kills[0] == number:
                kills.pop(0)
                self._strike(rng.randrange(len(self._jobs)))
            for _ in range(tick_ms // 25):
                at = rng.choices(range(len(self._owners)), speeds)[0]
                self._owners[at].step()
                self._commit(at)
                self._haunt()
        self._zombies = []
        if self._harm:
            for at in range(len(self._owners)):
                self._strike(at)
        self._finish()
        return self

    def _tear(self, rounds: int) -> None:
        """Append empty records of another writer to the shards' logs."""
        for shard in range(SHARDS) if self.torn and rounds else ():
            if self.rng.random() * rounds < self.torn:
                self.logs["partials", shard].append(b"")

    def _commit(self, at: int) -> None:
        owner = self._owners[at]
        if owner.replay_point is not None and self.rng.random() < 0.3:
            self.committed[owner.topic, owner.number] = owner.replay_point

    def _strike(self, at: int) -> None:
        """Kill or revoke the owner, or make it a zombie; start the next owner."""
        old, rng = self._owners[at], self.rng
        fate = rng.choice(["killed", "cut off", "revoked", "zombie", "zombie"])
        if fate == "cut off":  # dead, but some of what it sent arrives, some of it again
            old.steps = iter(())
            for log, queue in old.outbox.queues.items():
                kept = deque(list(queue)[: rng.randint(0, len(queue))])
                if log[0] == "partials":
                    kept.extendleft(reversed(self.logs[log][1:][-rng.randint(0, 4) :]))
                old.outbox.queues[log] = kept
        if fate == "revoked":
            old.dropped = True
        if fate != "killed":
            asleep = rng.choice(self.span.asleep) if fate == "zombie" else 0
            self._zombies.append([old, asleep, rng.choice([5, 30, 150])])
        kind, number = self._jobs[at]
        self._owners[at] = kind(self, number)

    def _haunt(self) -> None:
        if self._zombies and self.rng.random() < 0.3:
            at = self.rng.randrange(len(self._zombies))
            zombie = self._zombies[at]
            if zombie[1]:
                zombie[1] -= 1
                return
            zombie[0].step()
            zombie[2] -= 1
            if not zombie[2]:
                del self._zombies[at]

    def _finish(self) -> None:
        """Finish without further failures: read, flush and judge everything."""
        self.calm = True
        self.now_ms = self.span.end_ms
        quiet = 0
        while quiet < 3:
            before = sum(map(len, self.logs.values()))
            for owner in self._owners:
                for _ in range(20):
                    owner.step()
            after = sum(map(len, self.logs.values()))
            idle = all(owner.done and not owner.outbox for owner in self._owners)
            quiet = quiet + 1 if idle and before == after else 0
