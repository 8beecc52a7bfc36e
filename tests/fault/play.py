"""Run of one schedule, from its seed to its result."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
import time
from dataclasses import asdict, dataclass, field

from hushtag_client import keys
from hushtag_client.registers import Register, decode
from redis.exceptions import RedisError

from streams.errors import HushtagError
from streams.log.lines import LogRecord
from streams.log.reading import LogReader, connection
from streams.scoring import TextScorer
from streams.settings import Settings
from tests.fault.cluster_faults import ALL_FAULTS
from tests.fault.oracle import Left, expected_flags, judge, unfounded_flags, wrong_blocks, wrong_flags
from tests.fault.plan import Plan, Step
from tests.fault.traffic import SOURCES, Traffic
from tests.fault.watch import Watch
from tests.fault.world import Scene, World, longest_start_seconds

PANE_MS = 10_000
SETTLE_SECONDS = 240
"""Deadline after the last fault is healed and the last tweet sent."""
RECONCILE_SECONDS = 30
"""Deadline for restoring a lost flag, not counting delays by other faults."""
_QUIET_SECONDS = 60
"""Deadline for restoring flags after the last loss of Redis."""
_LONGEST_CHECK_SECONDS = 1.0
_LONG_GAP_SECONDS = 30.0
"""Gap from which the workers' logs are kept for inspection."""


@dataclass
class Result:
    """Result of a schedule."""

    seed: int
    kinds: list[str]
    cluster: bool = False
    records: int = 0
    lost: int = 0
    doubled: int = 0
    wrong_flags: int = 0
    gap_seconds: float = 0.0
    gap_at_seconds: float = 0.0
    """Start of the longest gap, in seconds since the first tweet."""
    seconds: float = 0.0
    ticks: int = 0
    decisions: int = 0
    early: int = 0
    discounts: int = 0
    exempt: int = 0
    checks: int = 0
    flagged: int = 0
    check_seconds: float = 0.0
    restored_seconds: float = 0.0
    handover_seconds: float = 0.0
    start_seconds: float = 0.0
    """Longest time from a worker's start to its first log line."""
    timeline: list[tuple[str, float, float]] = field(default_factory=list)
    """Faults as (name, begin, end), in seconds since the first tweet."""
    exits: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def play(world: World, schedule: Plan, scorer: TextScorer) -> Result:
    """Run a schedule; problems are recorded, not raised."""
    start = time.monotonic()
    result = Result(schedule.seed, schedule.kinds, schedule.cluster)
    scene = Scene(world, schedule, world.folder / schedule.name)
    traffic = Traffic(scene.settings, schedule)
    watch = Watch(scene, traffic).start()
    try:
        _run(scene, traffic, watch, result)
        _compare(scene, watch, result, scorer)
    except Exception as error:
        result.problems.append(f"the schedule could not be played: {error!r}")
    finally:
        watch.stop()
        scene.close()
        world.heal()
    result.exits = [f"{one.worker} exit {one.code}: {one.last_line}"[:900] for one in scene.exits]
    result.problems += [f"{one.worker} ended with exit code 0 without SIGTERM" for one in scene.exits if one.code == 0]
    result.problems += [f"{one} did not end within 20 s of SIGTERM" for one in scene.deaf]
    result.start_seconds = round(longest_start_seconds(scene.starts), 1)
    result.timeline.sort(key=lambda one: one[1])
    result.seconds = round(time.monotonic() - start, 1)
    if not (result.problems or result.exits or result.gap_seconds > _LONG_GAP_SECONDS):
        shutil.rmtree(scene.folder, ignore_errors=True)
    return result


def _run(scene: Scene, traffic: Traffic, watch: Watch, result: Result) -> None:
    for slot in scene.slots[: scene.plan.workers]:
        scene.start(slot)
    scene.slots[0].worker.wait_ready(240)
    traffic.start()
    watch.measure_gaps(True)
    begun = time.monotonic()
    threads = [
        threading.Thread(target=_fault, args=(scene, watch, step, begun, result), name=step.kind)
        for step in scene.plan.steps
    ]
    for thread in threads:
        thread.start()
    for thread in [*threads, traffic]:
        thread.join(180)
        assert not thread.is_alive(), f"{thread.name} does not end"
    if traffic.error is not None:
        raise traffic.error
    scene.world.heal()
    if not scene.wanted():
        scene.start(scene.slots[0])
    _settle(scene, watch, result)
    watch.measure_gaps(False)


def _fault(scene: Scene, watch: Watch, step: Step, begun: float, result: Result) -> None:
    time.sleep(max(0.0, begun + step.at_seconds - time.monotonic()))
    start = time.monotonic() - begun
    try:
        ALL_FAULTS[step.kind](scene, watch, random.Random(step.dice))
    except Exception as error:
        result.problems.append(f"the fault {step.kind} itself failed: {error!r}")
    result.timeline.append((step.kind, round(start, 1), round(time.monotonic() - begun, 1)))


def _settle(scene: Scene, watch: Watch, result: Result) -> None:
    """Wait until the pane of the last tweet has settled in all shards."""
    last_ms = int(time.time() * 1000)
    end_ms = (last_ms // PANE_MS + 1) * PANE_MS
    deadline = time.monotonic() + SETTLE_SECONDS
    while watch.settled_ms < end_ms:
        if time.monotonic() > deadline:
            tails = "\n".join(slot.worker.tail(6) for slot in scene.wanted())
            result.problems.append(f"stuck: settled {watch.settled_ms}, wanted {end_ms}\n{tails}")
            return
        time.sleep(0.2)


def _compare(scene: Scene, watch: Watch, result: Result, scorer: TextScorer) -> None:
    left, wrong = asyncio.run(_quiet(scene))
    result.wrong_flags += len(wrong)
    result.problems += [f"Redis: {one}" for one in wrong[:5]]
    watch.stop()
    for slot in scene.wanted():
        scene.stop(slot)
    result.handover_seconds = max(scene.handovers, default=0.0)
    seen = watch.seen
    unfounded = unfounded_flags(left, seen.written)
    result.wrong_flags += len(unfounded)
    result.problems += [f"Redis: {one}" for one in unfounded[:5]]
    verdict = judge(left, scorer)
    result.problems += seen.problems + verdict.problems
    result.records, result.lost, result.doubled = verdict.records, verdict.lost, verdict.doubled
    result.ticks, result.decisions, result.early = verdict.ticks, verdict.decisions, verdict.early
    result.discounts = verdict.discounts
    result.exempt, result.gap_seconds = verdict.exempt, round(seen.longest_gap_seconds, 1)
    result.gap_at_seconds = round(seen.longest_gap_at_seconds, 1)
    result.checks, result.flagged = seen.checks, seen.flagged
    result.check_seconds = round(seen.longest_check_seconds, 3)
    if seen.longest_check_seconds > _LONGEST_CHECK_SECONDS:
        result.problems.append(f"a reader waited {seen.longest_check_seconds:.2f} s")
    for loss in seen.losses:
        if loss.back_seconds is None:
            result.problems.append(f"flags never came back after a loss: {sorted(loss.missing)[:3]}")
        else:
            result.restored_seconds = max(result.restored_seconds, round(loss.back_seconds, 1))
            if loss.back_seconds > RECONCILE_SECONDS + seen.longest_gap_seconds:
                result.problems.append(f"flags were back only {loss.back_seconds:.1f} s after a loss")


async def _quiet(scene: Scene) -> tuple[Left, list[str]]:
    """Read everything, repeatedly until Redis matches the decisions or a timeout passes."""
    deadline = time.monotonic() + _QUIET_SECONDS
    while True:
        left = await _read(scene.settings)
        stands = _registers(scene)
        wrong = [*wrong_flags(left, stands), *wrong_blocks(scene.blocks, stands)]
        if not wrong or time.monotonic() > deadline:
            assert expected_flags(left) or wrong or not stands
            return left, wrong
        await asyncio.sleep(0.5)


def _registers(scene: Scene) -> dict[str, Register]:
    for _ in range(20):
        try:
            with scene.world.redis() as client:
                raw = client.hgetall(keys.REGISTERS)
            return {keys.field_text(name): decode(value) for name, value in raw.items()}
        except RedisError:
            time.sleep(0.5)
    raise AssertionError("Valkey does not answer")


async def _read(settings: Settings) -> Left:
    async def topic(name: str) -> dict[int, list]:
        for attempt in range(5):
            try:
                async with LogReader(connection(settings), settings.topic(name)) as reader:
                    found: dict[int, list] = {partition: [] for partition in reader.partitions}
                    async for batch in reader.to_end():
                        found[batch[0].partition] += batch
                return found
            except HushtagError:
                if attempt == 4:
                    raise
                await asyncio.sleep(1)
        raise AssertionError

    def values(records: dict[int, list]) -> dict[int, list[bytes]]:
        return {partition: [one.value for one in of] for partition, of in records.items()}

    tweets = await topic("tweets")
    long, short = values(await topic("hashtag-panes")), values(await topic("hashtag-short-panes"))
    dead = [one.key.decode().rsplit("/", 2) for of in (await topic("tweets-dead-letter")).values() for one in of]
    return Left(
        tweets=[
            LogRecord(partition, one.offset, one.timestamp, None, one.value)
            for partition, of in tweets.items()
            for one in of
        ],
        partials=values(await topic("hashtag-partials")),
        panes={shard: long[shard] + short[shard] for shard in long},
        decisions=values(await topic("suppression-decisions")),
        dead=[(int(partition), int(offset)) for _, partition, offset in dead],
        sources_at_start=SOURCES,
    )
