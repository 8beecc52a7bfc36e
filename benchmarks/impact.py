"""Tag-panes judged per second: how long it takes to try a policy on a day of evidence.

    python -m benchmarks.impact [--tags 2000] [--panes 1000] [--shards 8] [--json]

Made-up evidence in the form that a judge writes it: every tag in the world and in a country, each pane over the 10
minute window, each minute over the hour; one tag in twenty harmful for a while. It is decoded and judged under the
shipped policy and under one with lower thresholds, as `hushtag policy impact` does; making it is not counted. A
tag-pane is one (tag, country) at one tick. Time is the process's own CPU time, on one core. Goal: 200,000 a second.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from streams.backtest import Impact, ImpactReport
from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.judging.author_group import AuthorGroup
from streams.judging.evidence import EvidenceTable
from streams.judging.evidence_codec import TickEvidence, conditions_of, records_of
from streams.log.evidence import decode_evidence_record, encode_evidence_record
from streams.log.evidence_reading import read_evidence_record
from streams.log.lines import LogRecord
from streams.policy import Policy, parse_policy
from streams.signals.registry import MEASURED

_CONFIG = Path(__file__).resolve().parent.parent / "config" / "policy.yaml"
_CATEGORIES = ("hateful_conduct", "abuse", "gendered_abuse")
GOAL = 200_000


def policies() -> tuple[Policy, Policy]:
    """The shipped one, hiding; and one that hides sooner, with an override for a country."""
    text = _CONFIG.read_text("utf-8").replace("mode: shadow", "mode: suppress")
    lower = text.replace("suppress_at: 0.45", "suppress_at: 0.35").replace("serial: 1", "serial: 2")
    override = "    overrides: [{country: IN, suppress_at: 0.4}]\n\n  abuse:"
    return parse_policy(text, "live"), parse_policy(lower.replace("\n  abuse:", override), "new")


def evidence(policy: Policy, shard: int, tags: int, panes: int, shards: int) -> Iterator[bytes]:
    """One shard's records: half as many hashtags as tags, each in the world and in one country."""
    dice, names = np.random.default_rng(shard), Tags()
    keys = np.sort([
        names.key(f"hashtag{number}of{shard}", country)
        for number in range(tags // 2)
        for country in ("*", "IN" if number % 3 else "US")
    ])  # fmt: skip
    m = len(keys)
    conditions = conditions_of(policy, shards=shards, categories=_CATEGORIES, model_revision="0" * 12)
    harmful = np.repeat(dice.random(m // 2) < 0.05, 2)
    start = np.repeat(dice.integers(0, panes, m // 2), 2)
    base, level = dice.beta(1, 12, (m, 4)), dice.uniform(0.4, 0.9, (m, 1))
    for pane in range(panes):
        active = harmful & (start <= pane) & (pane < start + 180)
        share = np.where(active[:, None], level, base) + dice.normal(0, 0.01, (m, 4))
        tables = {}
        for window_ms in (600_000, 3_600_000) if pane % 6 == 5 else (600_000,):
            tweets = dice.integers(10, 400, m)
            everyone = AuthorGroup(np.maximum(tweets * 9 // 10, 1), np.minimum(tweets, 64), share.clip(0, 1))
            tables[window_ms] = EvidenceTable(
                window_ms=window_ms,
                keys=keys,
                tweets=tweets,
                everyone=everyone,
                established=everyone,
                signals=dict.fromkeys((signal.name for signal in MEASURED), np.zeros(m))
                | {"copies": dice.random(m) * 0.5, "young": dice.random(m) * 0.5, "burst": dice.random(m) * 6},
            )
        tick = TickEvidence((pane + 1) * PANE_MS, conditions, False, tables)
        for record in records_of(tick, shard, names):
            yield encode_evidence_record(record)


def run(tags: int, panes: int, shards: int) -> tuple[ImpactReport, float, int, float]:
    """Judge the evidence.

    Returns:
        The verdict; the CPU seconds that it took; the bytes of evidence; and the CPU time to decode and check its
        records as a multiple of the time to decode them alone.
    """
    live, new = policies()
    impact, seconds, size = Impact(live, new), 0.0, 0
    decode_seconds = read_seconds = 0.0
    for shard in range(shards):
        values = list(evidence(live, shard, tags // shards, panes, shards))
        records = [LogRecord(shard, offset, panes * PANE_MS, None, value) for offset, value in enumerate(values)]
        size += sum(map(len, values))
        start = time.process_time()
        for value in values:
            decode_evidence_record(value)
        decoded = time.process_time()
        for record in records:
            read_evidence_record(record)
        read = time.process_time()
        decode_seconds, read_seconds = decode_seconds + decoded - start, read_seconds + read - decoded
        for record in records:
            impact.add(read_evidence_record(record))
        seconds += time.process_time() - read
    start = time.process_time()
    verdict = impact.finish()
    return verdict, seconds + time.process_time() - start, size, read_seconds / decode_seconds


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tags", type=int, default=2_000)
    parser.add_argument("--panes", type=int, default=1_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    verdict, seconds, size, checked = run(args.tags, args.panes, args.shards)
    rate = verdict.tag_panes / seconds
    if args.json:
        print(
            json.dumps(
                {
                    "tag_panes": verdict.tag_panes,
                    "cpu_seconds": seconds,
                    "tag_panes_per_second": rate,
                    "checked": checked,
                }
            )
        )
        return
    print(machine())
    print(f"{verdict.tag_panes:,} tag-panes ({size / 1e6:,.0f} MB) under two policies in {seconds:.2f} s of CPU")
    print(f"a record is decoded and checked in {checked:.2f} times the CPU of decoding alone")
    print(f"{rate:,.0f} tag-panes/s on one core (goal {GOAL:,}); {len(verdict.changes)} changes found")


if __name__ == "__main__":
    main()
