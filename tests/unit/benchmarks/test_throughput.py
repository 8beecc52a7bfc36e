"""The throughput benchmark's own rules: when a run is over, which runs have no figures, and what closes its panes."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import backlog, pipeline, throughput, worker_metrics
from benchmarks.backlog import times_of
from benchmarks.cores import Cores
from benchmarks.pipeline import BenchmarkFailed, PipelineProcesses, require_judged
from benchmarks.worker_metrics import NOTHING, Scrape
from devkit.simulation.firehose import firehose
from streams.constants import PANE_MS
from streams.counting.times import TimeRules
from streams.log.lines import LogRecord
from streams.metrics import Metrics
from streams.policy import parse_policy
from streams.settings import Settings
from tests.support.paths import ROOT

SLACK_MS = TimeRules().watermark_slack_ms
UNTIL_MS = 1_790_000_000_000


def scrape(read: int, *settled_ms: int, ticks: int = 1, texts: int = 1) -> Scrape:
    settled = {
        f'hushtag_settled_tick_timestamp_seconds{{shard="{shard}"}}': at_ms / 1000
        for shard, at_ms in enumerate(settled_ms)
    }
    counts = {
        worker_metrics.TWEETS: read,
        worker_metrics.TICKS: ticks,
        worker_metrics.SCORED_TEXTS: texts,
    }
    return Scrape([counts, settled])


class ScriptedPipeline(PipelineProcesses):
    """A pipeline without processes, whose metrics are given."""

    def __init__(self, scrapes: list[Scrape]) -> None:
        self.settings = Settings(shards=2)
        self._scrapes: Iterator[Scrape] = iter(scrapes)

    def scrape(self) -> Scrape:
        return next(self._scrapes)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_SCRAPE_SECONDS", 0.0)


def test_doctests() -> None:
    for module in (backlog, worker_metrics):
        result = doctest.testmod(module)
        assert result.attempted > 0 == result.failed


def test_metrics_read_by_benchmarks_exist() -> None:
    named = {value for name, value in vars(worker_metrics).items() if name.isupper() and isinstance(value, str)}
    assert named <= Metrics().sample_names()


def test_run_ends_when_last_shard_settles_not_when_read() -> None:
    last = scrape(10, UNTIL_MS, UNTIL_MS + PANE_MS)
    scrapes = [
        scrape(9, UNTIL_MS, UNTIL_MS),
        scrape(10),
        scrape(10, UNTIL_MS),
        scrape(10, UNTIL_MS, UNTIL_MS - PANE_MS),
        last,
    ]
    end = ScriptedPipeline(scrapes).wait_until_settled("run", 10, UNTIL_MS)
    assert end.scrape is last
    assert end.read_at < end.settled_at


@pytest.mark.parametrize(("ticks", "texts"), [(0, 0), (0, 5), (5, 0)])
def test_run_that_judged_nothing_is_refused(ticks: int, texts: int) -> None:
    with pytest.raises(BenchmarkFailed, match=f"{ticks} ticks settled and {texts} texts scored"):
        ScriptedPipeline([scrape(10, UNTIL_MS, UNTIL_MS, ticks=ticks, texts=texts)]).wait_until_settled(
            "run", 10, UNTIL_MS
        )


def test_only_ticks_since_the_run_began_count() -> None:
    before = scrape(10, ticks=5, texts=5)
    require_judged("run", before, NOTHING)
    with pytest.raises(BenchmarkFailed, match="0 ticks settled and 0 texts scored"):
        require_judged("run", before, before)


def test_run_that_never_settles_ends_at_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_DEADLINE_SECONDS", 0.0)
    with pytest.raises(BenchmarkFailed, match="10 of 10 records were read, 1 ticks settled"):
        ScriptedPipeline([scrape(10, UNTIL_MS)] * 10).wait_until_settled("run", 10, UNTIL_MS)


def test_failed_run_exits_with_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(_: object) -> None:
        raise BenchmarkFailed("run: 0 ticks settled")

    monkeypatch.setattr(throughput, "run", run)
    monkeypatch.setattr("sys.argv", ["throughput"])
    with pytest.raises(SystemExit) as ended:
        throughput.main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == "error: run: 0 ticks settled\n"


@given(st.integers(1, 10**6), st.floats(1, 10**6), st.integers(10**12, 2 * 10**12), st.integers(0, 10**6))
def test_closing_records_pass_the_last_pane(tweets: int, rate: float, newest_ms: int, slack_ms: int) -> None:
    times = times_of(tweets, rate, newest_ms, slack_ms)
    last_ms = times.start_ms + int((tweets - 1) * 1000 / rate)
    assert last_ms == times.settles_ms - 1
    assert times.settles_ms % PANE_MS == 0
    assert times.settles_ms + slack_ms + PANE_MS // 2 <= times.closing_ms <= newest_ms


def test_closing_record_settles_the_last_pane_in_every_shard() -> None:
    tweets, rate = 2_000, 100.0
    times = times_of(tweets, rate, UNTIL_MS, SLACK_MS)
    path = ROOT / "config" / "demo-policy.yaml"
    cores = Cores(parse_policy(path.read_bytes(), str(path), shards=8))
    payloads = [
        *firehose(1, tweets, start_ms=times.start_ms, per_second=rate),
        *firehose(2, 1, start_ms=times.closing_ms),
    ]
    stamps = [*(times.start_ms + int(number * 1000 / rate) for number in range(tweets)), times.closing_ms]
    records = [
        LogRecord(0, at, stamp, None, payload) for at, (stamp, payload) in enumerate(zip(stamps, payloads, strict=True))
    ]
    cores.read(records[:-1])
    assert all(judge.state.settled_ms < times.settles_ms for judge in cores.judges)
    cores.read(records[-1:])
    assert all(judge.state.settled_ms >= times.settles_ms for judge in cores.judges)
