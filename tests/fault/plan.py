"""Schedule of a seed: its faults, their times, and the traffic. Pure; a seed always gives the same plan.

Every block of twenty seeds has every kind at least once, and a zombie in every third.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FEED_SECONDS = 32
BLOCK = 20

TIMED = {
    "kill": "kill -9 of a worker at any moment",
    "kill-start": "kill -9 of a worker while it starts and replays",
    "kill-rebalance": "kill -9 of a worker while another joins",
    "kill-flush": "kill -9 just after a flush of partials",
    "kill-commit": "kill -9 between a progress record and its commit",
    "zombie": "SIGSTOP longer than the session of 6 s, then SIGCONT",
    "storm": "two or three workers join those that run, and leave again",
    "rolling": "rolling upgrade with static membership: restarts, one by one, as a version with other `rules`",
    "broker-kill": "kill -9 of the broker, and restart",
    "broker-stop": "SIGSTOP of the broker",
    "broker-full": "the broker cannot write any more (disk full), ends, and is started again",
    "redis-kill": "kill -9 of Valkey, restarted with its data",
    "redis-empty": "kill -9 of Valkey, restarted empty",
    "redis-flush": "FLUSHALL",
    "redis-stop": "SIGSTOP of Valkey",
    "redis-readonly": "Valkey becomes a replica: read-only",
    "redis-memory": "Valkey is out of memory",
    "cut": "connections to Kafka or Valkey reset and refused",
    "delay": "connections to Kafka or Valkey slow",
    "half-open": "connections to Kafka or Valkey lost without a word",
    "partitions": "partitions added to `tweets`",
    "policy": "the policy edited",
}
CLOCKS = {"clock": "a worker's clock wrong by ten minutes or an hour, and right again, while people decide"}
"""Kinds of every fourth seed, from a separate random stream, so that seeds keep the rest of their schedule."""
TRAITS = {
    "duplicates": "tweets sent twice",
    "late": "late tweets",
    "clocks": "wrong clocks, ahead and far behind",
    "poison": "records that are no tweets",
    "hot": "one tag has 90%",
}
DELETIONS = {"deletions": "tweets deleted again, some before they arrive"}
"""Traits with a separate random stream, so that seeds keep the rest of their schedule."""
KINDS = TIMED | CLOCKS | TRAITS | DELETIONS
CLUSTER = {
    "leader-kill": "kill -9 of a leader of `tweets`, and restart",
    "roll": "all brokers restarted, one by one",
    "follower-stop": "SIGSTOP of an in-sync follower of `tweets`; hushtag's own topics go on",
    "minority": "one of three replicas away until the others go on without it",
    "old-leader": "a leader cut off from the other brokers; workers and producers still reach it",
}
"""Faults of a cluster of four brokers."""
BESIDE = ("kill", "kill-start", "kill-flush", "kill-commit", "zombie", "storm", "redis-kill", "redis-flush")
"""Faults of other parts that a cluster schedule has besides."""
CLUSTER_FEED_SECONDS = 40


@dataclass(frozen=True)
class Step:
    """Planned fault; `dice` seeds its further choices."""

    kind: str
    at_seconds: float
    dice: int


@dataclass(frozen=True)
class Plan:
    """Schedule of faults and traffic."""

    seed: int
    workers: int
    steps: tuple[Step, ...]
    traits: frozenset[str]
    feed_seconds: int = FEED_SECONDS
    cluster: bool = False
    acks: str | int = "all"
    """Acknowledgements that the producer of tweets waits for; with 1, a failed leader may lose some."""

    @property
    def name(self) -> str:
        return f"{'c' if self.cluster else 's'}{self.seed}"

    @property
    def kinds(self) -> list[str]:
        return sorted({step.kind for step in self.steps} | self.traits)

    @property
    def static(self) -> bool:
        """Whether workers are static members of the group."""
        return "rolling" in self.kinds


def plan(seed: int) -> Plan:
    """Draw the schedule of a seed."""
    block, place = divmod(seed, BLOCK)
    deck = _deck(random.Random(f"deck {block}"))
    rng = random.Random(f"plan {seed}")
    chosen = list(deck[place])
    if place % 3 == 0 and "zombie" not in chosen:
        chosen.append("zombie")
    while len(chosen) < 3:
        kind = rng.choice(list(TIMED))
        if kind not in chosen:
            chosen.append(kind)
    traits = {list(TRAITS)[place % len(TRAITS)], *(trait for trait in TRAITS if rng.random() < 0.35)}
    traits |= {trait for trait in DELETIONS if random.Random(f"{trait} {seed}").random() < 0.35}
    steps = [Step(kind, round(rng.uniform(3, FEED_SECONDS - 10), 2), rng.getrandbits(32)) for kind in chosen]
    if place % 4 == 1:
        steps += [_clock_step(random.Random(f"clock {seed}"))]
    workers = rng.choice([2, 2, 3]) if {"rolling", "zombie"} & set(chosen) else rng.choice([1, 2, 2, 3])
    return Plan(seed, workers, tuple(sorted(steps, key=lambda step: step.at_seconds)), frozenset(traits))


def _clock_step(rng: random.Random) -> Step:
    return Step("clock", round(rng.uniform(2, 8), 2), rng.getrandbits(32))


def cluster_plan(seed: int) -> Plan:
    """Draw the cluster schedule of a seed. The first one is short: a hung follower and one worker."""
    rng, kinds = random.Random(f"cluster {seed}"), list(CLUSTER)
    acks: str | int = "all" if seed % 2 else 1
    if seed == 0:
        steps = (Step("follower-stop", 0.5, rng.getrandbits(32)),)
        return Plan(seed, 1, steps, frozenset(), feed_seconds=24, cluster=True, acks=acks)
    first, second = kinds[seed % len(kinds)], rng.choice([kind for kind in kinds if kind != "roll"])
    times = sorted(round(rng.uniform(2, CLUSTER_FEED_SECONDS - 12), 2) for _ in range(3))
    chosen = rng.sample([first, second, rng.choice(BESIDE)], 3)
    steps = tuple(Step(kind, at, rng.getrandbits(32)) for kind, at in zip(chosen, times, strict=True))
    traits = frozenset(trait for trait in TRAITS if rng.random() < 0.3)
    return Plan(seed, 2, steps, traits, feed_seconds=CLUSTER_FEED_SECONDS, cluster=True, acks=acks)


def _deck(rng: random.Random) -> list[tuple[str, str]]:
    """Draw two different kinds for each position, all kinds among them."""
    first, second = list(TIMED), list(TIMED)
    rng.shuffle(first)
    rng.shuffle(second)
    cards = first + second
    hands = []
    for _ in range(BLOCK):
        one = cards.pop(0)
        other = next(at for at, card in enumerate(cards) if card != one)
        hands.append((one, cards.pop(other)))
    return hands
