"""Publishers in memory over the decisions of simulated judges: kills, zombies, and a Redis that loses its data.

A run uses the fold and the memory server as `streams/pipeline/publish_partition.py` does. It reads to the end that the
log had at assignment, reconciles, then writes changes. It reconciles again after a refused write, after a loss that the
heartbeat detects, and every half a minute. Other runs may act between two portions of a write. A zombie may reconcile
after a loss with the little that it has read; the owner's next write is then refused.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from hushtag_client import MemoryFlagsClient, MemoryServer, registers
from hushtag_client.answers import Answers
from hushtag_client.registers import Register, encode

from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision, decode_record

LONGEST_MS, SKEW_MS = 60_000, 500
"""Longest expiry of a decision in `tests/simulation/test_restarts.py`."""
RECONCILE_MS = 30_000
CHUNK = 3
decode = lru_cache(4096)(registers.decode)
SURFACES = ("search", "trends")
COUNTRIES = ("IN", "US", "*")


def dated(log: Iterable[bytes]) -> list[tuple[int, Decision]]:
    """Assign to each decision, in log order, a possible append time."""
    at_ms, found = 0, []
    for value in log:
        emitted = decode_record(value)
        if isinstance(emitted, Decision):
            at_ms = max(at_ms, emitted.decided_at_ms)
            found.append((at_ms, emitted))
    return found


class Publisher:
    """Incarnation of a publisher for one partition. `dropped`: the partition was revoked from it."""

    def __init__(self, world: PublishWorld, number: int) -> None:
        self.world, self.number, self.name = world, number, str(number)
        self.fold = DecisionFold(longest_expiry_ms=LONGEST_MS, max_broker_skew_ms=SKEW_MS)
        self.at = self.written = 0
        self.ready = self.dropped = False
        self.changed: dict[str, Register] = {}
        self.writing = False
        self.due_ms = world.now_ms + RECONCILE_MS
        self._end = len(world.visible(number))
        self.steps = self.work()

    def step(self) -> None:
        next(self.steps, None)

    def work(self) -> Iterator[None]:
        rng = self.world.rng
        while self.at < self._end:
            self._read(rng.randint(1, 20))
            yield
        yield from self.reconcile()
        self.changed, self.ready = {}, True
        while not self.dropped:
            self._read(rng.randint(0, 3))
            if rng.random() < 0.4:
                yield
                continue
            yield from self._write()
            yield from self._beat()
            yield

    def reconcile(self) -> Iterator[None]:
        """Reconcile everything, from the beginning if the server loses its data again."""
        server = self.world.server
        while not self.dropped:
            self.writing = True
            yield from self._there()
            life = server.begin()
            registers, upto, refused = self.fold.registers(), self.at, False
            for first in range(0, len(registers), CHUNK):
                yield from self._there()
                refused = refused or server.put_back(life, _items(registers[first : first + CHUNK])) is None
            yield from self._there()
            if not refused and server.finish(self.name, life, upto):
                self.written = max(self.written, upto)
                break
        self.writing = False

    def _read(self, count: int) -> None:
        for _, emitted in self.world.visible(self.number)[self.at : self.at + count]:
            self.at += 1
            self.changed.update((register.field, register) for register in self.fold.apply(emitted))

    def _write(self) -> Iterator[None]:
        registers, upto, after = list(self.changed.values()), self.at, self.written
        self.changed, self.writing = {}, True
        for first in range(0, len(registers), CHUNK):
            yield from self._there()
            chunk, last = registers[first : first + CHUNK], first + CHUNK >= len(registers)
            if self.world.server.put(self.name, _items(chunk), after=after, upto=upto if last else 0) is None:
                yield from self.reconcile()
                break
            if last:
                self.written = max(self.written, upto)
        self.writing = False

    def _beat(self) -> Iterator[None]:
        world = self.world
        yield from self._there()
        if world.server.closed({self.name: self.written}):
            yield from self.reconcile()
        yield from self._there()
        world.server.beat({self.number: world.now_ms}, world.now_ms, len(world.logs))
        if world.now_ms >= self.due_ms:
            self.due_ms = world.now_ms + RECONCILE_MS
            self.fold.prune(world.now_ms)
            yield from self.reconcile()
            yield from self._there()
            world.server.sweep(world.now_ms, len(world.logs))

    def _there(self) -> Iterator[None]:
        """Wait for the server; other runs may act between two attempts."""
        if self.world.rng.random() < 0.3:
            yield
        while self.world.server.away:
            yield


def _items(registers: Iterable[Register]) -> list[tuple[str, bytes]]:
    return [(register.field, encode(register)) for register in registers]


class PublishWorld:
    """Server, owners of the partitions, zombies of former owners, and a reader.

    Args:
        logs: decisions of each partition, from `dated`.
        harm: number of kills and number of losses.
    """

    def __init__(self, seed: int, logs: list[list[tuple[int, Decision]]], *, harm: int = 12) -> None:
        self.rng = random.Random(seed)
        self.logs = logs
        self._times = [[at_ms for at_ms, _ in log] for log in logs]
        self.now_ms = min(times[0] for times in self._times if times) - 1
        self._last_ms = max(times[-1] for times in self._times if times)
        self.server = MemoryServer()
        self.server.changes_kept = self.rng.choice([1, 5, 100_000])
        self.client = MemoryFlagsClient(
            self.server, clock=lambda: self.now_ms, max_staleness_seconds=2 * (self._last_ms - self.now_ms)
        )
        self.owners = [Publisher(self, number) for number in range(len(logs))]
        self.problems: list[str] = []
        self.looks = self.answers = self.hidden = self.discounted = 0
        """Counts: comparisons of finished partitions, answers to a reader, and answers that hide or discount."""
        self._harm = harm
        self._zombies: list[list[Any]] = []
        """[publisher, rounds until it wakes, remaining steps] of each zombie."""
        self._highest: dict[str, Register] = {}
        self._seen: dict[str, bytes] = {}
        self._life = ""

    def visible(self, number: int) -> list[tuple[int, Decision]]:
        return self.logs[number][: bisect_right(self._times[number], self.now_ms)]

    def run(self) -> PublishWorld:
        """Run the whole history, until after the last expiry."""
        rng = self.rng
        rounds = 250
        end_ms = self._last_ms + 2 * (LONGEST_MS + RECONCILE_MS)
        step_ms = (end_ms - self.now_ms) // rounds
        strikes = [rng.randrange(rounds - 40) for _ in range(self._harm)]
        losses = [rng.randrange(rounds - 40) for _ in range(self._harm)]
        for number in range(rounds):
            self.now_ms += rng.randrange(2 * step_ms)
            for _ in range(strikes.count(number)):
                self._strike(rng.randrange(len(self.owners)))
            for _ in range(losses.count(number)):
                self._lose()
            self.server.away = self.server.away and rng.random() < 0.9
            for _ in range(rng.choice([1, 5, 30])):
                rng.choice(self.owners).step()
                self._haunt()
                self._watch()
            self._compare()
        self.server.away, self._zombies = False, []
        for _ in range(2):
            self.now_ms += RECONCILE_MS
            for owner in self.owners:
                for _ in range(1_000):
                    owner.step()
        self._compare()
        return self

    def _strike(self, number: int) -> None:
        old, rng = self.owners[number], self.rng
        fate = rng.choice(["killed", "revoked", "zombie", "zombie"])
        old.dropped = fate == "revoked"
        if fate != "killed":
            self._zombies.append([old, rng.choice([0, 20, 200]), rng.choice([5, 50])])
        self.owners[number] = Publisher(self, number)

    def _haunt(self) -> None:
        if self._zombies and self.rng.random() < 0.3:
            zombie = self.rng.choice(self._zombies)
            if zombie[1]:
                zombie[1] -= 1
                return
            zombie[0].step()
            zombie[2] -= 1
            if not zombie[2]:
                self._zombies.remove(zombie)

    def _lose(self) -> None:
        how = self.rng.choice(["flushall", "restart", "restart empty", "away", "cut the stream"])
        if how == "flushall":
            self.server.flushall()
        elif how == "away":
            self.server.away = True
        elif how == "cut the stream":
            self.server.changes.clear()
        else:
            self.server.restart(with_data=how == "restart")

    def _watch(self) -> None:
        """Check that versions only rise while the server keeps its data."""
        server = self.server
        if server.incarnation != self._life:
            self._life, self._highest, self._seen = server.incarnation, {}, {}
        for field, value in server.registers.items():
            if self._seen.get(field) is value:
                continue
            self._seen[field] = value
            register, highest = decode(value), self._highest.get(field)
            if highest is None or register.version > highest.version:
                self._highest[field] = register
            elif register.version < highest.version and (
                register.in_force(self.now_ms) or self.now_ms < highest.keep_until_ms
            ):
                self.problems.append(f"{field} went back from {highest.version} to {register.version}")

    def wrote_all(self, number: int) -> bool:
        """Return whether the owner has written everything of a partition that it can know."""
        owner = self.owners[number]
        idle = owner.ready and not owner.writing and not owner.changed and owner.at == len(self.visible(number))
        return idle and not self.server.closed({owner.name: owner.written})

    def _compare(self) -> None:
        if self.server.away:
            return
        shown: dict[str, tuple[str, float]] = {}
        for field, value in self.server.registers.items():
            register = decode(value)
            if register.in_force(self.now_ms):
                shown[field] = register.action, register.weight
        actual = [self.wrote_all(number) for number in range(len(self.logs))]
        for number, log in enumerate(self.logs):
            keys = {(emitted.hashtag, emitted.country) for _, emitted in log}
            if actual[number]:
                self.looks += 1
                mine = {f: action for f, action in shown.items() if tuple(f.split("|")[i] for i in (3, 1)) in keys}
                due = flags_of((emitted for _, emitted in self.visible(number)), self.now_ms)
                if mine != due:
                    self.problems.append(f"at {self.now_ms} partition {number} shows {mine}, not {due}")
        if self.rng.random() < 0.3:
            status = self.client.status()  # catches up with the server
            late = {*status.missing_shards, *status.behind_shards} if status.shards else range(len(self.logs))
            self._ask(shown, [log for n, log in enumerate(self.logs) if actual[n] and n not in late])

    def _ask(self, shown: dict[str, tuple[str, float]], logs: Sequence[list[tuple[int, Decision]]]) -> None:
        """Compare the answers about hashtags of current shards with the flags: the country's own flag comes first."""
        for hashtag in {emitted.hashtag for log in logs for _, emitted in log}:
            for surface in SURFACES:
                for country in COUNTRIES:
                    places = (f"{surface}|{where}|automated|{hashtag}" for where in (country, "*"))
                    action, weight = next((shown[place] for place in places if place in shown), ("clear", 1.0))
                    hidden = action in ("suppress", "hold")
                    answer = Answers.check(self.client, hashtag, surface, country)  # it has caught up
                    self.answers += 1
                    self.hidden += hidden
                    self.discounted += weight < 1.0
                    if (answer.shown, answer.weight) != (not hidden, weight):
                        self.problems.append(f"at {self.now_ms} a reader of {surface} {country} gets {answer}")


def flags_of(decisions: Iterable[Decision], now_ms: int) -> dict[str, tuple[str, float]]:
    """Compute (action, weight) of the flags in force naively, from the greatest version of each key."""
    latest: dict[tuple[str, str], Decision] = {}
    for emitted in decisions:
        key = (emitted.hashtag, emitted.country)
        if key not in latest or emitted.version > latest[key].version:
            latest[key] = emitted
    found: dict[str, tuple[str, float]] = {}
    for (hashtag, country), emitted in latest.items():
        for surface in SURFACES:
            of_action: dict[str, list[tuple[int, float | None]]] = {}
            for ruling in emitted.rulings:
                if ruling.surface == surface:
                    of_action.setdefault(ruling.action, []).append((ruling.expires_at_ms, ruling.weight))
            for action in ("suppress", "hold", "discount"):
                if action in of_action:
                    weight = min(weight or 0.0 for _, weight in of_action[action])
                    ends_ms = max(ms for ms, of in of_action[action] if of is None or of == weight)
                    if ends_ms > now_ms:
                        found[f"{surface}|{country}|automated|{hashtag}"] = (
                            action,
                            1.0 if action != "discount" else weight,
                        )
                    break
    return found
