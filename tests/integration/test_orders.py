"""Legal orders and the stop button on a real broker, with a real publish stage and the surfaces' client."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaProducer
from click.testing import Result
from hushtag_client.threaded import FlagsClient
from typer.testing import CliRunner

from moderation.cli import orders as orders_cli
from moderation.cli import overrides as cli
from moderation.cli import pause
from moderation.cli import report as report_cli
from moderation.cli import speakers as speakers_cli
from moderation.domain.orders.errors import OrderRefused, StaleOrder
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.service import OrderService
from moderation.log.errors import NothingToUndo
from moderation.log.service import ModerationService
from streams.clock import now_ms
from streams.constants import PANE_MS
from streams.counting.keys import Tags
from streams.errors import CallerMistake
from streams.log.decisions import Decision, Progress, ScopeDecision, encode_record, version_of
from streams.log.panes import encode_pane
from streams.log.reading import connection
from streams.settings import Settings
from tests.support.block_counts import Entry
from tests.support.panes import build
from tests.support.workers import WorkerProcess
from tests.support.worlds import eventually

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000
ORDER = [
    "--authority", "Ministry of Examples", "--country", "IN", "--legal-basis", "IT Act 2000, s. 69A", "--reference",
    "EX/7", "--issued", "2021-01-31", "--received", "2021-01-31T12:00", "--deadline", "+48h", "--actor", "ann",
]  # fmt: skip
Hushtag = Callable[..., Result]


@pytest.fixture
def hushtag(topics: Settings, monkeypatch: pytest.MonkeyPatch) -> Hushtag:
    """Run commands on this test's topics; errors are raised, not printed."""
    monkeypatch.setenv("HUSHTAG_KAFKA", topics.kafka)
    monkeypatch.setenv("HUSHTAG_REDIS_URL", topics.redis_url)
    monkeypatch.setenv("HUSHTAG_TOPIC_PREFIX", topics.topic_prefix)
    app = typer.Typer()
    for module in (cli, pause, orders_cli, speakers_cli, report_cli):
        module.register(app)

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def publishing(topics: Settings, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A real publish stage behind a pipeline that has just settled every shard."""
    at_ms, shards = now_ms(), range(topics.shards)
    settled_ms = at_ms // PANE_MS * PANE_MS
    settled = [Progress(shard=n, settled_ms=settled_ms, position=0, replay_offset=0, activations=[]) for n in shards]
    asyncio.run(send_records(topics, settled))
    worker = WorkerProcess(topics, tmp_path, stages="publish").start()
    worker.wait_ready()
    yield worker
    worker.stop()


@pytest.fixture
def client(topics: Settings, publishing: WorkerProcess) -> Iterator[FlagsClient]:
    """An up-to-date replica of a surface."""
    with FlagsClient(topics.redis_url) as made:
        assert made.wait_until_ready(60)
        eventually(lambda: made.status().fresh)
        yield made


async def send_records(settings: Settings, records: list[Any]) -> None:
    """Append to the decisions topic as a judge does."""
    async with AIOKafkaProducer(**connection(settings)) as sender:
        for record in records:
            shard = record.shard if isinstance(record, Progress) else 0
            await sender.send_and_wait(settings.topic("suppression-decisions"), encode_record(record), partition=shard)


def suppression(tag: str, country: str = "*", category: str = "hateful_conduct") -> Decision:
    at_ms = now_ms()
    ruling = ScopeDecision(category=category, surface="trends", action="suppress", since_ms=at_ms,
                    expires_at_ms=at_ms + 3_600_000)  # fmt: skip
    at = {"tick_ms": at_ms, "settled_ms": at_ms, "decided_at_ms": at_ms}
    return Decision(
        hashtag=tag,
        display=tag,
        country=country,
        rulings=(ruling,),
        version=version_of(1, at_ms),
        policy_revision="p",
        model_revision="m",
        **at,
    )


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def order_file(folder: Path, *targets: object) -> str:
    path = folder / "order.csv"
    path.write_text("target\n" + "".join(f"{target}\n" for target in targets), "utf-8")
    return str(path)


def test_pause_lifts_automated_suppressions_until_it_ends(
    hushtag: Hushtag, client: FlagsClient, topics: Settings
) -> None:
    tags = [f"tag{number}" for number in range(20)]
    asyncio.run(send_records(topics, [suppression(tag) for tag in tags]))
    hushtag("block", "person", "-r", "incites", "--actor", "ann")
    eventually(lambda: not any(answer.shown for answer in client.check_many([*tags, "person"], "trends", "IN")))

    async def press() -> None:
        """Decide by a running service, and wait for the last hashtag that a client shows."""
        from moderation.log.drafts import OverrideDraft

        draft = OverrideDraft(tag=pause.STOP, action="allow", country="*", surfaces=("search", "trends"), actor="ann",
                      reason="false alarms", expires_at_ms=now_ms() + 60_000)  # fmt: skip
        async with ModerationService(topics) as desk:
            await desk.override([draft])
            while not all(answer.shown for answer in client.check_many(tags, "trends", "IN")):
                await asyncio.sleep(0.01)

    asyncio.run(press())
    assert not client.check("person", "trends", "IN").shown, "what a person decided stands"
    [resumed] = rows(hushtag("resume", "--json"))
    assert (resumed["action"], resumed["published"]) == ("undo", True)
    eventually(lambda: not any(answer.shown for answer in client.check_many(tags, "trends", "IN")))

    [paused] = rows(
        hushtag("pause", "-r", "one category", "--country", "in", "--category", "hateful_conduct", "--json")
    )
    assert (paused["country"], paused["category"], paused["published"]) == ("IN", "hateful_conduct", True)
    eventually(lambda: client.check("tag1", "trends", "IN").shown)
    assert not client.check("tag1", "trends", "US").shown
    with pytest.raises(CallerMistake, match="hateful_conduct is already paused in India on search") as refused:
        hushtag("pause", "-r", "another", "--country", "IN")
    assert refused.value.fix == "hushtag resume first; a pause without --category then lifts every category"
    with pytest.raises(NothingToUndo, match="no pause is in force in Brazil"):
        hushtag("resume", "--country", "BR")
    with pytest.raises(CallerMistake, match="unknown category 'hate'"):
        hushtag("pause", "-r", "r", "--category", "hate")
    assert "automation\tIN: search, trends\tpause" in hushtag("moderation", "list").stdout


def test_look_alike_family_gets_one_decision(hushtag: Hushtag, topics: Settings) -> None:
    displays = {"cats": "Cats", "h4tetag": "H4teTag", "hatetag": "", "h\u0430tetag": ""}
    names, tags = [*displays], Tags()
    uses = {(name, "IN"): (1, [Entry(1, 1, 9, 0, display, "text 1")]) for name, display in displays.items()}
    (pane,) = encode_pane(build(uses, tags), 0, tags)

    async def settle() -> None:
        async with AIOKafkaProducer(**connection(topics)) as sender:
            await sender.send_and_wait(topics.topic("hashtag-panes"), pane, partition=0)

    asyncio.run(settle())
    result = hushtag("block", "#HateTag", "--family", "-r", "incites", "--wait", "0", "--json")
    assert sorted(row["hashtag"] for row in rows(result)) == sorted(names[1:])
    assert "#H4teTag, #h\u0430tetag look like #HateTag and are included" in " ".join(result.stderr.split())
    hushtag("allow", "h4tetag", "-r", "news", "--wait", "0")
    undone = rows(hushtag("undo", "HateTag", "--family", "--wait", "0", "--json"))
    assert sorted(row["hashtag"] for row in undone) == sorted(names[1:])
    assert [row["hashtag"] for row in rows(hushtag("moderation", "list", "--state", "in force", "--json"))] == [
        "h4tetag"
    ]
    hushtag("undo", "h4tetag", "--wait", "0")
    assert rows(hushtag("moderation", "list", "--state", "in force", "--json")) == [], (
        "nothing was left below the allow"
    )
    with pytest.raises(NothingToUndo, match="family of #hatetag"):
        hushtag("undo", "HateTag", "--family")


def test_order_takes_effect_and_ends(hushtag: Hushtag, client: FlagsClient, tmp_path: Path) -> None:
    (tmp_path / "registry.csv").write_text("account,category,name\n1002,journalist,=cmd()\n1003,polititian,\n")
    result = hushtag("speakers", "import", str(tmp_path / "registry.csv"), "-r", "press list", "--json", code=3)
    assert rows(result)[0]["problem"]["fix"] == "did you mean politician?"
    assert list(csv.reader(io.StringIO(hushtag("speakers", "export").stdout)))[1] == [
        "1002",
        "journalist",
        "'=cmd()",
        "",
    ]

    file = order_file(tmp_path, 1001, 1002, 1004, "@handle", "#HarmTag", "https://x.com/any/status/77")
    with pytest.raises(CallerMistake, match="1 bad rows"):
        hushtag("orders", "intake", file, *ORDER, "--strict")
    assert rows(hushtag("orders", "list", "--json")) == []
    taken = rows(hushtag("orders", "intake", file, *ORDER, "--json", code=3))
    assert [next(iter(row)) for row in taken] == ["problem", "order"]
    assert (taken[1]["added"], taken[1]["protected"], taken[1]["fate"]) == (5, 1, "new")
    order = taken[1]["order"]
    [again] = [row for row in rows(hushtag("orders", "intake", file, *ORDER, "--json", code=3)) if "order" in row]
    assert (again["fate"], again["known"]) == ("known", 5)

    hushtag("orders", "acknowledge", order, "-r", "seen", "--actor", "ann")
    hushtag("orders", "assign", order, "ben")
    hushtag("orders", "review", order, "-r", "counsel", "--actor", "ben")
    dry = rows(
        hushtag("orders", "decide", order, "withheld", "-r", "s. 69A", "--kind", "account", "--dry-run", "--json")
    )
    assert (dry[0]["decides"], dry[0]["spared"]) == (2, 1)
    with pytest.raises(CallerMistake, match="no targets are selected"):
        hushtag("orders", "decide", order, "withheld", "-r", "r")
    hushtag("orders", "decide", order, "withheld", "-r", "s. 69A", "--target", "1001", "--kind", "account")
    hushtag("orders", "decide", order, "withheld", "-r", "s. 69A", "--kind", "tweet")
    waiting = hushtag("orders", "decide", order, "withheld", "-r", "again", "--target", "1001").stdout
    assert "UTC; surfaces change once the order is interim or final" in waiting
    gone = hushtag("orders", "decide", order, "suspended", "-r", "spam network", "--target", "1004").stdout
    assert re.search(r"recorded \d\d:\d\d:\d\d UTC, on surfaces \d\d:\d\d:\d\d UTC", gone)
    hushtag("orders", "decide", order, "reduced", "-r", "incitement", "--kind", "hashtag")
    hushtag("orders", "decide", order, "declined", "-r", "a journalist at work", "--protected")
    assert client.check("harmtag", "trends", "IN").shown
    [interim] = rows(hushtag("orders", "interim", order, "-r", "until counsel is back", "--for", "7d", "--json"))
    assert interim["published"] is True
    assert interim["recorded_ms"] <= interim["on_surfaces_ms"] < interim["recorded_ms"] + 5_000
    eventually(lambda: client.account_visibility(1001, "IN") == "withheld")
    assert [client.account_visibility(1001, where) for where in ("US", None)] == ["visible", "visible"]
    eventually(lambda: not client.check("harmtag", "search", "IN").shown)
    assert client.check("harmtag", "search", "US").shown
    assert client.tweet_visibility(77, "IN") == "withheld"
    assert [client.account_visibility(1004, where) for where in ("IN", "US")] == ["suspended", "suspended"]
    assert client.account_visibility(1002, "IN") == "visible"

    hushtag("orders", "final", order, "-r", "decided")
    letter = hushtag("orders", "reply", order).stdout
    for line in ("1 account withheld from viewers in India", "1 account: protected speech; a journalist at work",
                 "tweet 77: withheld", "hashtag #HarmTag: reduced"):  # fmt: skip
        assert line in letter
    assert "1002" not in letter
    shown = hushtag("orders", "show", order).stdout
    assert "final" in shown
    exported = list(csv.DictReader(io.StringIO(hushtag("orders", "export", order).stdout)))
    assert [row["outcome"] for row in exported] == ["withheld", "declined", "suspended", "reduced", "withheld"]

    hushtag("orders", "revoke", order, "-r", "set aside by the court")
    eventually(lambda: client.account_visibility(1001, "IN") == "visible")
    eventually(lambda: client.check("harmtag", "search", "IN").shown)
    assert client.account_visibility(1004, "IN") == "suspended", "that was never the order's"

    [facts] = rows(hushtag("report", "--from", "2021-01-01", "--to", "2021-12-31", "--json"))
    assert (facts["orders"], facts["orders_by_state"], facts["targets"]["account"]) == (1, {"revoked": 1}, "<5")
    page = tmp_path / "report.html"
    hushtag("report", "--from", "2021-01-01", "--to", "2021-12-31", "--html", str(page))
    assert "Orders received" in page.read_text("utf-8")
    assert "1002" not in page.read_text("utf-8")


def test_order_deadline_is_a_metric(
    hushtag: Hushtag, publishing: WorkerProcess, topics: Settings, tmp_path: Path
) -> None:
    order = rows(hushtag("orders", "intake", order_file(tmp_path, 1), *ORDER, "--json"))[0]["order"]
    eventually(lambda: publishing.metric("hushtag_order_deadline_seconds") < -3600)
    eventually(lambda: publishing.metric("hushtag_orders_open") == 1)
    assert (publishing.metric("hushtag_stage"), publishing.series("hushtag_stage")) == (1, 1), "publish alone"
    assert publishing.metric("hushtag_shards") == topics.shards
    assert "overdue" in hushtag("orders", "list", "--open").stdout
    hushtag("orders", "decline", order, "-r", "no jurisdiction", "--ground", "no_legal_basis")
    eventually(lambda: publishing.metric("hushtag_orders_open") == 0)
    assert publishing.series("hushtag_order_deadline_seconds") == 0


async def test_concurrent_rulings_and_second_person_rule(hushtag: Hushtag, topics: Settings, tmp_path: Path) -> None:
    (tmp_path / "registry.csv").write_text("account,category\n2,journalist\n")
    await asyncio.to_thread(
        hushtag, "speakers", "import", str(tmp_path / "registry.csv"), "-r", "press", "--actor", "ann"
    )
    file = order_file(tmp_path, 1, 2)
    taken = await asyncio.to_thread(hushtag, "orders", "intake", file, *ORDER, "--json")
    order = rows(taken)[0]["order"]
    async with ModerationService(topics) as one, ModerationService(topics) as other:
        ann, ben = OrderService(one), OrderService(other)
        await ann.refresh()
        for state in ("acknowledged", "under_review"):
            legal_order = await ann.step(order, state, actor="ann", reason="r")  # type: ignore[arg-type]
        await ben.refresh()
        version = legal_order.version
        results = await asyncio.gather(
            ann.rule(order, Selection(targets=("1",)), "withheld", actor="ann", reason="r", expected=version),
            ben.rule(order, Selection(targets=("1",)), "declined", actor="ben", reason="r", expected=version),
            return_exceptions=True,
        )
        assert sum(isinstance(result, StaleOrder) for result in results) == 1
        both = {"reason": "court order", "against_protected": True}
        first = await ann.rule(order, Selection(targets=("2",)), "withheld", actor="ann", **both)
        assert (first.plan.decides, first.plan.proposes) == (0, 1)
        with pytest.raises(OrderRefused, match="second person"):
            await ann.step(order, "final", actor="ann", reason="r")
        await ben.refresh()
        second = await ben.rule(order, Selection(waiting=True), "withheld", actor="ben", **both)
        assert (second.plan.decides, second.plan.proposes) == (1, 0)
        legal_order = await ben.step(order, "final", actor="ben", reason="r")
        assert legal_order.rows[1].ruling is not None
        assert legal_order.rows[1].ruling.actors == ("ann", "ben")


def test_bulk_order_is_decided_by_five_commands(hushtag: Hushtag, tmp_path: Path) -> None:
    file = order_file(tmp_path, *range(10_000, 11_178))
    order = rows(hushtag("orders", "intake", file, *ORDER, "--json"))[0]["order"]
    for step in ("acknowledge", "review"):
        hushtag("orders", step, order, "-r", "r")
    hushtag("orders", "decide", order, "withheld", "-r", "r", "--all")
    final = hushtag("orders", "final", order, "-r", "r", "--wait", "0.2", code=1)
    assert "not published to the surfaces yet: publish is not running" in final.stderr
    [listed] = rows(hushtag("orders", "list", "--json"))
    assert (listed["outcomes"]["withheld"], listed["in_force"]) == (1178, True)


def test_dropped_target_is_shown_again_by_a_surface(hushtag: Hushtag, client: FlagsClient, tmp_path: Path) -> None:
    hushtag("orders", "intake", order_file(tmp_path, "1001", "1002"), *ORDER)
    [order] = [row["order"] for row in rows(hushtag("orders", "list", "--json"))]
    for step in ("acknowledge", "review"):
        hushtag("orders", step, order, "-r", "counsel", "--actor", "ann")
    hushtag("orders", "decide", order, "withheld", "--all", "-r", "s. 153A", "--actor", "ann")
    hushtag("orders", "final", order, "-r", "binding", "--actor", "ann")
    eventually(lambda: client.account_visibility("1002", "IN") == "withheld")
    added, dropped = tmp_path / "new.txt", tmp_path / "gone.txt"
    added.write_text("1003\n", "utf-8")
    dropped.write_text("https://x.com/i/user/1002\n", "utf-8")
    lists = ("--add", str(added), "--drop", str(dropped), "-r", "corrigendum", "--actor", "ann")
    proposed = hushtag("orders", "amend", order, *lists)
    assert "drops 1 target; ends 1 restriction in India" in proposed.output
    assert "waits for a second person: the amendment of ann" in hushtag("orders", "show", order).output
    with pytest.raises(OrderRefused, match="a second person must approve it"):
        hushtag("orders", "amend", order, "--approve", "-r", "mine", "--actor", "Ann")
    assert client.account_visibility("1002", "IN") == "withheld"
    hushtag("orders", "amend", order, "--approve", "-r", "checked", "--actor", "ben")
    eventually(lambda: client.account_visibility("1002", "IN") == "visible")
    assert client.account_visibility("1001", "IN") == "withheld"
    assert rows(hushtag("orders", "show", order, "--json"))[0]["outcomes"]["dropped"] == 1
