"""Peak memory of each process of a deployment, one process a pod, at a steady load.

    python -m benchmarks.footprints [--rate 500] [--seconds 120] [--json]

Starts a local Kafka and Valkey and the processes of `deploy/kubernetes`: workers (ingest and judge), publish, audit
writer and publisher, API, trends and search. The load is the synthetic firehose, all tweets tagged. A worker's windows
fill only for as long as the load lasts: `make memory` measures full ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from aiokafka import AIOKafkaProducer

from benchmarks.live import make_load, send_steadily
from benchmarks.machine import machine
from benchmarks.peers.watch import peak_mb
from devkit.stack import LocalStack
from devkit.stack.ports import free_port
from moderation.publiclog.tlog.keys import KeyKind, new_key
from streams.log.topics import create_topics
from streams.settings import Settings

_KEYS = '{"keys": []}'
_KEY = "key of a benchmark"
_START_SECONDS = 300.0


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the command of each process, as the manifests start it; pages and API lack the port."""
    (folder / "keys.json").write_text(_KEYS)
    return {
        "worker": ["worker", "--stages", "ingest,judge"],
        "publish": ["worker", "--stages", "publish"],
        "audit": ["audit", "run"],
        "audit-publish": ["audit", "publish", "--to", str(folder / "log")],
        "api": ["api", "--keys", str(folder / "keys.json"), "--port"],
        "trends": ["trends", "--port"],
        "search": ["search", "--port"],
    }


def wait_alive(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until /healthz answers.

    Raises:
        SystemExit: the process has ended, or does not answer; with the end of its log.
    """
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"no answer: {log.read_text()[-2000:]}")


async def load(settings: Settings, rate: float, seconds: float) -> None:
    """Send the firehose at a steady rate."""
    payloads = make_load(int(rate * seconds), rate)
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka, max_batch_size=512 * 1024) as producer:
        await send_steadily(producer, settings.topic("tweets"), payloads, rate)


def measure(stack: LocalStack, folder: Path, rate: float, seconds: float) -> dict[str, float]:
    """Return the peak memory of each process in MB.

    Raises:
        SystemExit: a process has ended; with the end of its log.
    """
    settings = Settings(kafka=stack.kafka, redis_url=stack.redis_url, encoder="off")
    create_topics(settings)
    values = settings.model_dump(exclude_defaults=True) | {"hash_key": _KEY}
    key = new_key("benchmark", KeyKind.log)
    values |= {"audit_key": key.encode(), "audit_log_key": str(key.public_key)}
    environment = {**os.environ, **{f"HUSHTAG_{name.upper()}": str(value) for name, value in values.items()}}
    processes = {}
    try:
        for name, arguments in commands(folder).items():
            port = free_port()
            command = [sys.executable, "-m", "streams.cli.main", *arguments]
            with (folder / f"{name}.log").open("wb") as log:
                processes[name] = subprocess.Popen(
                    [*command, str(port)] if command[-1] == "--port" else command,
                    env=environment | {"HUSHTAG_METRICS_PORT": str(port)}, stdout=log, stderr=log,
                )  # fmt: skip
            wait_alive(port, processes[name], folder / f"{name}.log")
        asyncio.run(load(settings, rate, seconds))
        for name, process in processes.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} ended: {(folder / f'{name}.log').read_text()[-2000:]}")
        return {name: peak_mb(process.pid) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(60)


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=500, help="tweets a second")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, LocalStack(Path(name) / "stack") as stack:
        peaks = measure(stack, Path(name), options.rate, options.seconds)
    if options.json:
        print(json.dumps({"machine": machine(), "rate": options.rate, "seconds": options.seconds, "peak_mb": peaks}))
        return
    print(f"{machine()}; {options.rate:,.0f} tweets/s for {options.seconds:.0f} s")
    for process, peak in peaks.items():
        print(f"{process:10} {peak:6,.0f} MB")


if __name__ == "__main__":
    main()
