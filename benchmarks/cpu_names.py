"""Cost of kernels that are compiled for a named processor type, as in the image, instead of for this machine.

    python -m benchmarks.cpu_names [--rounds 5] [--json]

A worker's cores without Kafka and Redis read the synthetic firehose, and texts are scored, in a process for each
processor type. Rounds take turns. Time is the process's own CPU time. `host` is what numba chooses on this machine, and
`x86-64-v3` is the image's setting; `--names` measures others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.cores import Cores
from benchmarks.machine import machine
from benchmarks.scoring import texts_per_second, texts_to_score
from devkit.simulation.firehose import firehose
from models import load_scorer
from streams.counting.times import FLUSH_MS
from streams.log.lines import LogRecord
from streams.policy import parse_policy

HOST = "host"
NAME = "x86-64-v3"
START_MS = 3_600_000
RATE = 2_000
SECONDS = 60
BATCH = 256


def environment(name: str, cache: Path) -> dict[str, str]:
    """Return the environment in which numba compiles for a processor type; only the host's code is cached already."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    if name == HOST:
        return bare
    return bare | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(cache / name)}


def measure() -> dict[str, float]:
    """Measure this process: texts scored per CPU second, and CPU seconds of the cores per million tweets."""
    texts, _ = texts_to_score(4_096)
    rate = texts_per_second(load_scorer().score, texts, BATCH, 2.0)
    path = Path("config/policy.yaml")
    cores = Cores(parse_policy(path.read_text("utf-8"), str(path)))
    payloads = list(firehose(4, RATE * SECONDS, "native", start_ms=START_MS, per_second=RATE))
    records = [LogRecord(0, i, START_MS + i * 1000 // RATE, None, payload) for i, payload in enumerate(payloads)]
    size = RATE * FLUSH_MS // 1000
    began = time.process_time()
    for at in range(0, len(records), size):
        cores.read(records[at : at + size])
    spent = time.process_time() - began
    return {"texts_per_second": rate, "cpu_seconds_per_million": spent / len(records) * 1e6}


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--names", default=NAME, help="processor types of LLVM, separated by commas")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(measure()))
        return
    names = (HOST, *options.names.split(","))
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as cache:
        for name in names:
            command = [sys.executable, "-m", "streams.cli.main", "warm-up"]
            subprocess.run(command, env=environment(name, Path(cache)), stdout=sys.stderr, check=True)
        for _ in range(options.rounds):
            for name in names:
                command = [sys.executable, "-m", "benchmarks.cpu_names", "--once"]
                done = subprocess.run(
                    command, env=environment(name, Path(cache)), capture_output=True, text=True, check=True
                )
                runs[name].append(json.loads(done.stdout))
    medians = {
        name: {what: median(measured[what] for measured in rounds) for what in rounds[0]}
        for name, rounds in runs.items()
    }
    if options.json:
        print(json.dumps({"machine": machine(), "rounds": options.rounds, "medians": medians}))
        return
    print(f"{machine()}; medians of {options.rounds} rounds")
    for name, figures in medians.items():
        scoring, cores = figures["texts_per_second"], figures["cpu_seconds_per_million"]
        against = medians[HOST]
        print(
            f"{name:12} {scoring:10,.0f} texts/s/core ({scoring / against['texts_per_second']:.2f})"
            f" {cores:8.2f} CPU s per million tweets ({cores / against['cpu_seconds_per_million']:.2f})"
        )


if __name__ == "__main__":
    main()
