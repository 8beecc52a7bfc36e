"""Log of a simulation: determinism, and invariants of a log with any faults."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.simulation.faults import NO_FAULTS, FaultRates
from devkit.simulation.firehose import firehose
from devkit.simulation.lines import encode_line
from devkit.simulation.run import Simulation
from streams.events.parse import parse
from streams.events.tweet import Tweet
from tests.support.paths import ROOT
from tests.support.simulator import LOTS, digest, read, small


def test_same_arguments_give_same_bytes_across_processes() -> None:
    code = (
        "from devkit.simulation.run import Simulation; from tests.support.simulator import digest, small; "
        "print(digest(Simulation(small(5))))\n"
        "import hashlib; from devkit.simulation.firehose import firehose\n"
        "print(hashlib.sha256(b''.join(firehose(3, 500, 'v1.1'))).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    emitted = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert emitted == [digest(Simulation(small(5))), hashlib.sha256(b"".join(firehose(3, 500, "v1.1"))).hexdigest()]


def test_other_seed_gives_other_bytes() -> None:
    assert digest(Simulation(small(5))) != digest(Simulation(small(6)))


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 9),
    st.floats(0.05, 0.6),
    st.floats(1, 60),
    st.sampled_from([NO_FAULTS, LOTS]),
)
def test_offsets_are_gapless_and_log_times_monotonic(
    seed: int, partitions: int, minutes: float, rate: float, faults: FaultRates
) -> None:
    run = Simulation(small(seed, minutes, rate, partitions=partitions, faults=faults))
    offsets: defaultdict[int, int] = defaultdict(int)
    homes: dict[str | None, int] = {}
    last_ms = run.config.start_ms
    for entry in run.lines():
        assert 0 <= entry.partition < partitions
        assert entry.offset == offsets[entry.partition]
        offsets[entry.partition] += 1
        assert homes.setdefault(entry.key, entry.partition) == entry.partition
        assert entry.log_time_ms >= last_ms
        last_ms = entry.log_time_ms
        assert b"\n" not in encode_line(entry)
    assert sum(offsets.values()) == run.records["lines"]


def test_encoded_records_read_back_equal() -> None:
    from streams.log.lines import read_lines

    entries = list(Simulation(small(2, faults=LOTS)).lines())
    assert any(entry.value is None for entry in entries)
    assert any(isinstance(entry.value_base64, str) for entry in entries)
    records = list(read_lines(encode_line(entry) + b"\n" for entry in entries))
    for entry, record in zip(entries, records, strict=True):
        assert (record.partition, record.offset, record.timestamp) == (entry.partition, entry.offset, entry.log_time_ms)
        assert (record.key, record.value) == (entry.key_bytes, entry.payload)


def test_retries_repeat_bytes_in_same_partition() -> None:
    run = Simulation(small(4, faults=dataclasses.replace(NO_FAULTS, duplicate=0.2)))
    seen: dict[tuple[int, object], int] = {}
    retries = 0
    for entry in run.lines():
        before = seen.get((entry.partition, entry.value))
        if before is not None:
            retries += 1
            assert 0 < entry.offset - before < 4096
        else:
            seen[entry.partition, entry.value] = entry.offset
    assert retries == run.records["duplicates"] > 100


def test_event_times_precede_log_times() -> None:
    delays = [entry.log_time_ms - tweet.created_at_ms for entry, tweet in read(Simulation(small(1)).lines())]
    delays.sort()
    assert 40 < delays[len(delays) // 2] < 600  # v1.1 has whole seconds
    assert any(delay > 5_000 for delay in delays)
    assert any(delay < 0 for delay in delays)


def test_fault_rates_match_configuration() -> None:
    run = Simulation(small(8, minutes=1, faults=LOTS))
    n = sum(1 for _ in run.lines())
    records = run.records
    assert records["lines"] == n == records["tweets"] + records["broken"] + records["duplicates"] + records["control"]
    made = records["tweets"] + records["broken"]
    for name, share in (("late", 0.1), ("duplicates", 0.1), ("broken", 0.1), ("control", 0.1), ("wrong_clock", 0.11)):
        assert 0.6 * share < records[name] / made < 1.4 * share, name


def test_deletions_name_earlier_tweet_of_partition() -> None:
    config = small(3, minutes=2, faults=NO_FAULTS)
    plain = [entry.value for entry in Simulation(config).lines()]
    tweets: dict[int, tuple[int, Tweet]] = {}
    gone, exact = [], 0
    for entry in Simulation(dataclasses.replace(config, deleted_share=0.2)).lines():
        event = parse(entry.payload)
        if isinstance(event, Tweet):
            tweets[event.id] = (entry.partition, event)
            continue
        assert event.kind == "delete" and event.id is not None
        partition, tweet = tweets[event.id]
        assert partition == entry.partition
        gone.append(event.id)
        exact += event.exact
        if event.exact:
            actual = (event.created_at_ms, event.country, [use.hashtag for use in event.hashtags])
            assert actual == (tweet.created_at_ms, tweet.country, [use.hashtag for use in tweet.hashtags])
    assert len(set(gone)) == len(gone)
    assert 0.15 < len(gone) / len(tweets) < 0.25
    assert 0.7 < exact / len(gone) < 0.9
    assert len(tweets) == len(plain), "nothing else changes"
