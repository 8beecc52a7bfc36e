"""`hushtag policy shadow`: terminal, lines, JSON, page and metrics."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace as changed
from rich.console import Console

from streams.backtest import Impact
from streams.backtest.shadow import FlaggedCounts, report_of
from streams.cli import policy_shadow
from streams.cli.policy_shadow_view import ShadowView, lines_over_time, screen
from streams.errors import CallerMistake, SettingsError
from streams.log.evidence import EvidenceRecord, encode_evidence_record
from streams.log.reading import Bounds
from streams.policy.activation import Activation
from streams.settings import Settings
from tests.support.backtest_cases import BASE, LIVE, policy_of, steady
from tests.support.shells import Kept

SOFTER = policy_of(BASE.replace("country: IN, suppress_at: 0.5", "country: IN, suppress_at: 0.6"))


def growing() -> Iterator[Impact]:
    """Yield the state with a difference on `a`, then without it."""
    impact = Impact(LIVE, SOFTER, history={LIVE.revision: LIVE})
    impact.follow()
    first = steady(LIVE, {"a": 0.66, "b": 0.9}, minutes=2)
    for record in first:
        impact.add(record)
    yield impact
    for record in steady(LIVE, {"a": 0.01, "b": 0.9}, minutes=4)[len(first) :]:
        impact.add(record)
    yield impact


def test_pipe_output_has_line_per_begin_and_end(capsys):
    with ShadowView(SOFTER, once=False, html=None, as_json=False) as view:
        for impact in growing():
            view(impact)
            view(impact)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"00:01:50 live {LIVE.revision}, shadow {SOFTER.revision}: 1 differ",
        "00:01:50 #a IN search+trends hateful_conduct: suppressed live, clear in the shadow",
        "00:03:50 #a IN search+trends hateful_conduct: suppressed live, clear in the shadow: no longer",
    ]


def test_json_prints_one_object_per_tick(capsys):
    with ShadowView(SOFTER, once=False, html=None, as_json=True) as view:
        for impact in growing():
            view(impact)
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["at_ms"], first["live"], first["both"], first["hiding"]) == (110_000, 1, 1, True)
    assert [(one["hashtag"], one["kind"]) for one in first["now"]] == [("a", "cleared")]
    assert (last["now"], last["live"], last["both"]) == ([], 0, 1)


def test_screen_shows_differences_and_counts():
    impact = next(growing())
    console = Console(record=True, width=160, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(screen(report_of(impact)))
    text = console.export_text()
    assert f"live {LIVE.revision}, shadow {SOFTER.revision}, settled up to 00:01:50 UTC" in text
    assert "The two differ now on 1 hashtag:" in text and "#a" in text and "no longer suppressed" in text
    assert re.search(r"hidden by both +[▁█ ]+ 1$", text, re.M) and re.search(r"live one only +[▁█ ]+ 1$", text, re.M)
    empty = Console(record=True, width=160, file=console.file)
    empty.print(screen(report_of(Impact(LIVE, SOFTER))))
    assert "no evidence yet" in empty.export_text()
    console.file.close()


def test_bars_keep_short_differences():
    report = report_of(next(growing()))
    report.over_time = [FlaggedCounts(at, 0, int(at == 101), 0) for at in range(240)]
    assert "█" in lines_over_time(report)[2]


def test_page_is_written_at_start_and_end(tmp_path: Path):
    path = tmp_path / "shadow.html"
    with ShadowView(SOFTER, once=False, html=path, as_json=True) as view:
        for impact in growing():
            view(impact)
            page = path.read_text("utf-8")
            assert page.count("<polyline") == 3
            assert ("Hashtags on which the two policies differ now" in page) == (impact.to_ms == 110_000)
        path.unlink()
    assert "The two policies do not differ now." in path.read_text("utf-8")
    assert not re.findall(r"""(?:src|href|url\()\s*=?\s*["']?(?!data:)(?:https?:|//)""", path.read_text("utf-8"))
    with (
        pytest.raises(CallerMistake, match="cannot write"),
        ShadowView(SOFTER, once=True, html=tmp_path / "no" / "x.html", as_json=True) as view,
    ):
        view(impact)


def test_metrics_count_differences(capsys):
    view = ShadowView(SOFTER, once=False, html=None, as_json=True)
    view.serve(Settings(), 0)
    url = re.search(r"http://\S+", capsys.readouterr().err)
    assert url is not None
    with view:
        for impact in growing():
            view(impact)
            text = urllib.request.urlopen(url[0], timeout=30).read().decode()
            differ = 1.0 if impact.to_ms == 110_000 else 0.0
            assert f'hushtag_shadow_differing_tags{{category="hateful_conduct",kind="live"}} {differ}' in text
            assert f"hushtag_shadow_settled_tick_timestamp_seconds {impact.to_ms / 1000}" in text
        other = ShadowView(SOFTER, once=False, html=None, as_json=True)
        with pytest.raises(SettingsError, match="metrics cannot be served"):
            other.serve(Settings(), int(url[0].rsplit(":", 1)[1].split("/")[0]))


class Log:
    """`hashtag-evidence` of two shards: five ticks are kept, the others arrive shard by shard."""

    partitions = (0, 1)

    def __init__(self, *_: object) -> None:
        records = steady(LIVE, {"a": 0.66, "b": 0.9}, minutes=2)
        self.kept = [changed(record, shard=shard) for record in records[:5] for shard in (0, 1)]
        self.coming = [[changed(record, shard=shard)] for record in records[5:] for shard in (0, 1)]

    async def __aenter__(self) -> Log:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def bounds(self) -> dict[int, Bounds]:
        return {0: Bounds(0, 5), 1: Bounds(0, 5)}

    async def offset_at(self, *_: int) -> int:
        return 0

    async def to_end(self, *_: object) -> AsyncIterator[list[Kept]]:
        yield [kept_record(record) for record in self.kept]

    async def follow(self, starts: dict[int, int]) -> AsyncIterator[list[Kept] | None]:
        assert starts == {0: 5, 1: 5}
        for batch in self.coming:
            yield [kept_record(record) for record in batch]
            yield None
            yield None


def kept_record(record: EvidenceRecord) -> Kept:
    return Kept(0, 0, None, encode_evidence_record(record))


async def test_view_updates_once_all_shards_are_judged(monkeypatch: pytest.MonkeyPatch, capsys):
    async def read_policies(_: Settings) -> dict[str, Activation]:
        return {LIVE.revision: Activation(LIVE.revision, 0, 0, LIVE.canonical, "m")}

    monkeypatch.setattr("streams.log.reading.LogReader", Log)
    monkeypatch.setattr("streams.log.policies.read_policies", read_policies)
    view = ShadowView(SOFTER, once=False, html=None, as_json=True)
    await policy_shadow._judge(Settings(), SOFTER, 3_600_000, view, once=False)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["at_ms"] for one in printed] == list(range(40_000, 120_000, 10_000))
    assert all([one["hashtag"] for one in line["now"]] == ["a"] for line in printed)
