"""Duration of a legal order: read, recorded, decided in bulk, in force at a surface. `python -m benchmarks.orders`.

On a local Kafka and Valkey with a real publish stage. A surface's own replica is asked for every target, so the last
figure is the slowest of them. Prints one line a step, and a JSON line at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from hushtag_client import AsyncFlagsClient

from benchmarks.machine import machine
from devkit.stack.jars import default_cache
from devkit.stack.local_run import LocalRun
from moderation.domain.orders.intake import parse_csv
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.log.service import ModerationService
from streams.clock import monotonic_seconds, now_ms
from streams.settings import Settings

ORDER = {
    "authority": "A", "country": "IN", "legal_basis": "L", "reference": "R", "issued": "2021-02-01",
    "received": "2021-02-01", "deadline": "+48h",
}  # fmt: skip


async def measure(settings: Settings, targets: int) -> dict[str, float]:
    """Seconds of each step."""
    text = "target\n" + "".join(f"{10_000 + number}\n" for number in range(targets))
    durations: dict[str, float] = {}
    began = last = monotonic_seconds()

    def step(name: str) -> None:
        nonlocal last
        now = monotonic_seconds()
        durations[name], last = now - last, now
        print(f"{name:<22}{durations[name]:8.2f} s", flush=True)

    async with AsyncFlagsClient(settings.redis_url) as flags, ModerationService(settings) as log:
        desk = OrderService(log)
        await flags.wait_until_ready(10)
        last = began = monotonic_seconds()
        read = parse_csv(text.encode(), "order.csv", ORDER, now_ms())
        step("read and checked")
        [plan] = await desk.take_in(read.drafts, actor="bench")
        step("taken in")
        order = plan.head.id
        await desk.step(order, "acknowledged", actor="bench", reason="r")
        await desk.step(order, "under_review", actor="bench", reason="r")
        decided = await desk.rule(order, Selection(kinds=("account",)), "withheld", actor="bench", reason="r")
        assert decided.plan.decides == targets
        await desk.step(order, "final", actor="bench", reason="r")
        step("decided in bulk")
        waiting = list(range(10_000, 10_000 + targets))
        while waiting := [account for account in waiting if flags.account_visibility(account, "IN") != "withheld"]:
            await asyncio.sleep(0.005)
        step("in force at a surface")
        durations["in all"] = monotonic_seconds() - began
        await desk.step(order, "revoked", actor="bench", reason="r")
        waiting = list(range(10_000, 10_000 + targets))
        while waiting := [account for account in waiting if flags.account_visibility(account, "IN") != "visible"]:
            await asyncio.sleep(0.005)
        step("revoked at a surface")
    return durations


def main() -> None:
    """Start the parts, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--targets", type=int, default=10_000)
    targets = parser.parse_args().targets
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=default_cache()) as name,
        LocalRun(Path(name), HUSHTAG_SHARDS="2") as local,
    ):
        local.start_servers()
        local.create_topics()
        local.wait_until_ready(local.spawn_worker("--stages", "publish"))
        print(f"{targets:,} targets on {machine()}")
        durations = asyncio.run(measure(local.settings, targets))
    print(json.dumps({"targets": targets, "seconds": {step: round(at, 3) for step, at in durations.items()}}))


if __name__ == "__main__":
    main()
