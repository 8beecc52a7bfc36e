"""The services without a browser: filtering, responses, staff access, headers and live streams."""

from __future__ import annotations

import asyncio
import doctest
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hushtag_client.memory import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import Register, encode
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.errors import CallerMistake
from streams.explain import flag_text
from surfaces import service as service_module
from surfaces.listing import Listing
from surfaces.search import search_service
from surfaces.service import SurfaceService
from surfaces.trending.counter import TrendCounter
from surfaces.trends import trends_service
from web import assets, live
from web.hub import QUEUE_MESSAGES, EventHub
from web.live import LivePage, message

T0 = 1_800_000_000_000


class World:
    """A counter with thirty tags in India, tag00 with most tweets, and flags."""

    def __init__(self) -> None:
        self.counter = TrendCounter()
        self.server = MemoryServer()
        self.server.seed([], settled_ms=T0)
        self.flags = MemoryFlagsClient(self.server, clock=lambda: T0)
        for rank in range(30):
            for _ in range(60 - rank):
                self.counter.add("IN", [(f"tag{rank:02}", f"Tag{rank:02}")], T0, T0)

    def flag(
        self, hashtag: str, surface: str = "trends", country: str = "IN", action: str = "suppress", weight: float = 1.0
    ) -> None:
        register = Register(
            version="1", action=action, hashtag=hashtag, surface=surface, country=country,  # type: ignore[arg-type]
            display=hashtag.title(), expires_at_ms=T0 + 60_000, weight=weight,
        )  # fmt: skip
        self.server.put("0", [(register.field, encode(register))])

    def trends(self) -> SurfaceService:
        return trends_service(self.counter, self.flags, lambda: T0, search_url="http://127.0.0.1:8702")

    def search(self) -> SurfaceService:
        return search_service(self.counter, self.flags, lambda: T0)


def client(service: SurfaceService, peer: str = "127.0.0.1", base: str = "http://127.0.0.1:8701") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.app, client=(peer, 5)), base_url=base)


@example(set(range(15)))
@given(st.sets(st.integers(0, 29)))
def test_hidden_tags_leave_no_gap(hidden: set[int]) -> None:
    world = World()
    for rank in hidden:
        world.flag(f"tag{rank:02}")
    shown = [trend.hashtag for trend in Listing(world.counter, world.flags, "trends", 10).trending("IN")]
    assert shown == [f"tag{rank:02}" for rank in range(30) if rank not in hidden][:10]


weights = st.dictionaries(st.integers(0, 29), st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.9, 1.0]))


@given(st.sets(st.integers(0, 29)), weights, st.integers(0, 12))
def test_lists_are_best_of_discounted_counts(hidden: set[int], found: dict[int, float], burst: int) -> None:
    world = World()
    for rank in range(0, 30, 3):  # some tags rise
        for _ in range(burst):
            world.counter.add("IN", [(f"tag{rank:02}", f"Tag{rank:02}")], T0 + 300_000, T0 + 300_000)
    for rank in hidden:
        world.flag(f"tag{rank:02}")
    for rank, weight in found.items():  # a hidden tag stays hidden: the version is not newer
        world.flag(f"tag{rank:02}", action="discount", weight=weight)
    trends: list[tuple[float, str]] = []
    suggestions: list[tuple[int, str]] = []
    for rank in range(30):
        trend = world.counter.find("IN", f"tag{rank:02}")
        assert trend is not None
        weighted, score = trend.tweets, trend.score
        if rank in hidden:
            continue
        if rank in found:
            weighted, score = round(trend.tweets * found[rank]), math.log1p(trend.tweets * found[rank])
        if weighted >= world.counter.min_tweets:
            trends.append((score, trend.hashtag))
        if weighted and rank >= 10:
            suggestions.append((weighted, trend.hashtag))
    listing = Listing(world.counter, world.flags, "trends", 8)
    assert [(one.score, one.hashtag) for one in listing.trending("IN")] == sorted(trends, reverse=True)[:8]
    by_prefix = [*listing.suggestions("IN", "tag1"), *listing.suggestions("IN", "tag2")]
    for prefix in ("tag1", "tag2"):
        best = sorted((one for one in suggestions if one[1].startswith(prefix)), reverse=True)[:8]
        assert [(one.tweets, one.hashtag) for one in by_prefix if one.hashtag.startswith(prefix)] == best


def test_burst_of_bots_moves_no_contested_tag() -> None:
    world = World()
    world.counter.advance(T0 + 300_000)
    quiet = Listing(world.counter, world.flags, "trends", 30).trending("IN")
    for _ in range(540):  # 90 % of the tweets are of coordinated accounts then
        world.counter.add("IN", [("tag00", "Tag00")], T0 + 300_000, T0 + 300_000)
    listing = Listing(world.counter, world.flags, "trends", 30)
    assert listing.trending("IN")[0].velocity > 5, "the burst would win the list"
    world.flag("tag00", action="discount", weight=0.1)
    attacked = listing.trending("IN")
    assert [one.hashtag for one in attacked] == [one.hashtag for one in quiet]
    assert (attacked[0].tweets, attacked[0].velocity) == (60, 1.0)
    world.counter.advance(T0 + 330_000)
    assert listing.trending("IN")[0].hashtag == "tag00", "the end of the burst does not look like fading"


def test_discount_applies_to_its_surface_and_country_only() -> None:
    world = World()
    world.flag("tag00", action="discount", weight=0.5)
    counts = {
        (surface, country): Listing(world.counter, world.flags, surface, 30).trending(country)
        for surface in ("trends", "search")
        for country in ("IN", None)
    }
    tweets = {scope: {one.hashtag: one.tweets for one in found}["tag00"] for scope, found in counts.items()}
    assert tweets == {("trends", "IN"): 30, ("trends", None): 60, ("search", "IN"): 60, ("search", None): 60}


async def test_staff_see_contested_tag_with_rank_before() -> None:
    world = World()
    world.flag("tag01", action="discount", weight=0.2)
    world.flag("tag03")
    held = Listing(world.counter, world.flags, "trends", 10).held("IN")
    assert [(tag.register.hashtag, tag.would_be_rank, tag.trend and tag.trend.tweets) for tag in held] == [
        ("tag01", 2, 59), ("tag03", 4, 57),
    ]  # fmt: skip
    page = world.trends().page(("IN", True))
    assert page.texts["held"] == "1 held back, 1 contested"
    row = page.lists["held"]["tag01"]
    assert "Contested: ranked by its established accounts (its tweets count 20%)" in row
    assert "59 tweets in 10 min · number 2 by all of them" in row
    assert "would be number 4" in page.lists["held"]["tag03"]
    assert "tag01" not in page.lists["trends"], "12 tweets are not enough for the first ten"
    async with client(world.trends()) as http:
        (contested, _) = (await http.get("/api/held?country=IN")).json()["held"]
        shown = (await http.get("/api/trends?country=IN")).json()["trends"]
    assert (contested["action"], contested["weight"], contested["would_be_rank"]) == ("discount", 0.2, 2)
    assert [row["hashtag"] for row in shown][:2] == ["tag00", "tag02"]


async def test_suggestions_of_contested_tag_show_its_established_tweets() -> None:
    world = World()
    world.flag("tag00", "search", action="discount", weight=0.5)
    async with client(world.search()) as http:
        found = (await http.get("/api/suggest", params={"q": "tag0", "country": "IN"})).json()["suggestions"]
        assert "tag00" not in [row["hashtag"] for row in found], "30 tweets are fewer than those of the first eight"
        (only,) = (await http.get("/api/suggest", params={"q": "tag00", "country": "IN"})).json()["suggestions"]
        whole = (await http.get("/api/tag", params={"q": "tag00", "country": "IN"})).json()
    assert (only["tweets"], whole["tweets"]) == (30, 60)


def test_held_lists_would_be_ranks() -> None:
    world = World()
    for hashtag in ("tag03", "tag00", "unused"):
        world.flag(hashtag)
    held = Listing(world.counter, world.flags, "trends", 10).held("IN")
    assert [(tag.register.hashtag, tag.would_be_rank, tag.trend is not None) for tag in held] == [
        ("tag00", 1, True), ("tag03", 4, True), ("unused", None, False),
    ]  # fmt: skip


async def test_flags_apply_to_their_surface_and_country_only() -> None:
    world = World()
    world.flag("tag00", "trends", "IN")
    world.flag("tag01", "search", "*")
    async with client(world.trends()) as trends, client(world.search()) as search:
        india = (await trends.get("/api/trends", params={"country": "in"})).json()
        everywhere = (await trends.get("/api/trends")).json()
        suggested = (await search.get("/api/suggest", params={"q": "#TAG0", "country": "IN"})).json()
        assert india["country"] == "IN" and everywhere["country"] == "*"
        assert [row["hashtag"] for row in india["trends"]][:2] == ["tag01", "tag02"]
        assert [row["rank"] for row in india["trends"]] == list(range(1, 11))
        assert everywhere["trends"][0]["hashtag"] == "tag00"
        assert [row["hashtag"] for row in suggested["suggestions"]][:2] == ["tag00", "tag02"]
        assert (await search.get("/api/tag", params={"q": "#Tag01", "country": "IN"})).json()["tweets"] == 59
        assert (await search.get("/api/tag", params={"q": "unused"})).json()["tweets"] == 0


@pytest.mark.parametrize("query", ["country=IND", "country=1", "country=%2A%2A", "country=<b>"])
async def test_invalid_country_is_refused(query: str) -> None:
    world = World()
    for service in (world.trends(), world.search()):
        async with client(service) as http:
            assert (await http.get(f"/?{query}")).status_code == 422
            assert (await http.get(f"/stream?{query}")).status_code == 422


async def test_hostile_input_is_escaped() -> None:
    world = World()
    async with client(world.search()) as http:
        page = await http.get("/", params={"q": '"><script>alert(1)</script>'})
        assert page.status_code == 200 and "<script>alert" not in page.text
        assert (await http.get("/suggest", params={"q": "x" * 141})).status_code == 422
        assert (await http.get("/api/suggest", params={"q": "\u202e\u0000"})).status_code == 200


@pytest.mark.parametrize(
    ("peer", "base", "headers", "allowed"),
    [
        ("127.0.0.1", "http://127.0.0.1:8701", {}, True),
        ("::1", "http://localhost:8701", {}, True),
        ("127.0.0.1", "http://[::1]:8701", {}, True),
        ("10.0.0.9", "http://127.0.0.1:8701", {}, False),
        ("127.0.0.1", "http://trends.example", {}, False),
        ("127.0.0.1", "http://127.0.0.1:8701", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", "http://127.0.0.1:8701", {"Forwarded": "for=127.0.0.1"}, False),
        ("not an address", "http://127.0.0.1:8701", {}, False),
    ],
)
async def test_staff_access_requires_direct_loopback_request(
    peer: str, base: str, headers: dict[str, str], allowed: bool
) -> None:
    world = World()
    world.flag("tag00")
    async with client(world.trends(), peer, base) as http:
        held = await http.get("/api/held?country=IN", headers=headers)
        page = await http.get("/?country=IN", headers=headers)
        open_page = await http.get("/?country=IN&held=on", headers=headers)
        assert held.status_code == open_page.status_code == (200 if allowed else 403)
        assert ("Show what was held back" in page.text) is allowed
        assert page.status_code == 200 and "tag00" not in page.text
        if not allowed:
            assert (await http.get("/stream?held=on", headers=headers)).status_code == 403


async def test_security_headers_on_every_response() -> None:
    service = World().trends()

    @service.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a bug")

    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8701") as http:
        paths = ("/", "/api/trends", "/nothing-here", "/?country=123", "/static/surfaces.css", "/static/gone.css")
        answers = {path: await http.get(path) for path in (*paths, "/broken")}
        answers["put"] = await http.put("/api/trends")
        answers["static"] = await http.post("/static/surfaces.css")
        assert [one.status_code for one in answers.values()] == [200, 200, 404, 422, 200, 404, 500, 405, 405]
        for answer in answers.values():
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
        for path in (assets.asset_url("surfaces.css"), assets.asset_url("vendor/htmx-2.min.js")):
            assert "immutable" in (await http.get(path)).headers["cache-control"]
        assert (await http.get("/static/gone.js?v=1")).headers["cache-control"] == "no-store"
        assert (await http.get("/docs")).status_code == (await http.get("/redoc")).status_code == 404
        assert "/api/trends" in (await http.get("/openapi.json")).json()["paths"]


odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=3) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
EVIDENCE = ("authors", "tweets", "scored", "window_ms", "upper", "established", "established_upper", "reason")
odd_reasons = st.fixed_dictionaries(
    {
        "signal": st.sampled_from(["harmful_share_lower", "established_share_lower", "burst", "a_new_one", "\ud800"]),
        "value": st.floats(),
        "threshold": st.floats(),
    }
)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from(EVIDENCE), odd_values),
    st.lists(odd_reasons, max_size=2),
    st.sampled_from(["suppress", "discount"]),
    st.integers(T0 + 1, 10**30),
    st.integers(-(10**30), 10**30),
    st.text(st.characters(), max_size=3),
)
def test_odd_register_does_not_break_staff_page(
    evidence: dict[str, Any], reasons: list[dict[str, Any]], action: str, expires_ms: int, decided_ms: int, text: str
) -> None:
    world = World()
    world.flag("tag02")
    odd = Register(
        version="1", action=action, hashtag="tag00", surface="trends", country="IN",  # type: ignore[arg-type]
        display=text, category=text, actor=text, source="human", expires_at_ms=expires_ms, decided_at_ms=decided_ms,
        weight=0.5,
    )  # fmt: skip
    stop = replace(odd, action="allow", hashtag="*", country="*", category="", evidence=evidence)
    for register in (odd, stop):
        value = register.as_dict() | {"evidence": evidence, "reasons": reasons}
        world.server.put("moderation", [(register.field, json.dumps(value).encode())])

    async def ask() -> None:
        service = world.trends()
        async with client(service) as http:
            page, held = await http.get("/?country=IN&held=on"), await http.get("/api/held?country=IN")
            assert (page.status_code, held.status_code) == (200, 200)
            assert "tag00" in {one["hashtag"] for one in held.json()["held"]}
        assert b"tag00" in await anext(service.hub.stream(("IN", True)))

    asyncio.run(ask())


async def test_service_with_missing_dependency_is_not_ready() -> None:
    service = World().trends()
    service.ready = lambda: "Kafka"
    async with client(service) as http:
        answer = await http.get("/readyz")
        assert answer.status_code == 503 and answer.json()["missing"] == "Kafka"


def test_missing_browser_files_are_named_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = assets.missing_vendor_files(tmp_path)
    monkeypatch.setattr(service_module, "missing_vendor_files", lambda: missing)
    with pytest.raises(CallerMistake, match=r"htmx-2\.min\.js") as caught:
        World().trends()
    assert "make install" in caught.value.fix


def test_page_states_whether_flags_are_current() -> None:
    world = World()
    nowhere = MemoryServer()
    nowhere.away = True
    service = trends_service(world.counter, MemoryFlagsClient(nowhere, clock=lambda: T0), lambda: T0)
    assert "no flags yet" in service.page(("IN", True)).texts["flags"]
    old = MemoryFlagsClient(world.server, clock=lambda: T0 + 3_600_000)
    assert "out of date" in trends_service(world.counter, old, lambda: T0).page(("IN", True)).texts["flags"]
    assert "up to date" in world.trends().page(("IN", True)).texts["flags"]


def test_page_counts_shards_that_are_behind() -> None:
    world = World()
    world.server.beat({0: T0, 1: T0 - 3_600_000}, T0, 2)
    for shard in "01":
        world.server.finish(shard, world.server.incarnation)
    assert "1 of 2 shards are behind" in world.trends().page(("IN", True)).texts["flags"]


def test_stale_flags_of_people_still_hide() -> None:
    """Automated flags expire with the pipeline, people's flags apply while Redis answers."""
    world, now = World(), [T0]
    world.flag("tag00")
    block = Register(
        version="1", action="suppress", hashtag="tag01", surface="trends", country="IN", source="human",
        display="Tag01", expires_at_ms=T0 + 86_400_000,
    )  # fmt: skip
    world.server.put("moderation", [(block.field, encode(block))])
    service = trends_service(world.counter, MemoryFlagsClient(world.server, clock=lambda: now[0]), lambda: now[0])
    assert set(service.page(("IN", True)).lists["held"]) == {"tag00", "tag01"}
    now[0] += 121_000
    page = service.page(("IN", True))
    assert set(page.lists["held"]) == {"tag01"}
    assert "Automated flags hide nothing; flags of people and orders still apply" in page.texts["flags"]
    world.server.away = True
    now[0] += 121_000
    page = service.page(("IN", True))
    assert page.lists["held"] == {}
    assert "while Redis answers" in page.texts["flags"]


def test_page_states_that_suppression_is_paused() -> None:
    world = World()
    service = world.trends()
    assert service.page(("IN", False)).texts["paused"] == ""
    stop = Register(
        version="1", action="allow", hashtag="*", surface="trends", country="IN", source="human", actor="ann",
        category="hateful_conduct", evidence={"reason": "false alarms"}, expires_at_ms=T0 + 60_000,
    )  # fmt: skip
    world.server.put("moderation", [(stop.field, encode(stop))])
    paused = service.page(("IN", True)).texts["paused"]
    assert "of hateful conduct is paused in India until" in paused
    assert paused.endswith("By ann: false alarms")
    assert "ann" not in service.page(("IN", False)).texts["paused"]
    assert service.page(("US", False)).texts["paused"] == ""


rows = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"]))
pages = st.lists(st.tuples(rows, rows, st.text(max_size=3)), min_size=2, max_size=6)


@given(pages)
def test_applying_all_messages_gives_the_page(states: list[tuple[dict[str, str], dict[str, str], str]]) -> None:
    before: LivePage | None = None
    lists: dict[str, dict[str, str]] = {"x": {}, "y": {}}
    texts: dict[str, str] = {}
    for x, y, text in states:
        page = LivePage({"x": x, "y": y}, {"t": text})
        sent = message(before, page)
        assert (sent is None) == (before is not None and _same(before, page))
        for name, change in json.loads(sent or b"{}").get("lists", {}).items():
            known = lists[name] | change.get("rows", {})
            lists[name] = {key: known[key] for key in change.get("order", list(lists[name]))}
        texts |= json.loads(sent or b"{}").get("texts", {})
        before = page
        assert (lists, texts) == ({"x": x, "y": y}, {"t": text})
        assert [list(rows) for rows in lists.values()] == [list(x), list(y)]


def _same(one: LivePage, other: LivePage) -> bool:
    def ordered(page: LivePage) -> Any:
        return [(name, list(rows.items())) for name, rows in page.lists.items()], dict(page.texts)

    return bool(ordered(one) == ordered(other))


def test_doctests() -> None:
    assert doctest.testmod(live).failed == doctest.testmod(flag_text).failed == 0


class Counting:
    """Renders pages of a number and counts the renderings."""

    def __init__(self) -> None:
        self.number = 0
        self.rendered = 0

    def __call__(self, key: str) -> LivePage:
        self.rendered += 1
        return LivePage({"rows": {key: str(self.number)}})


def data_of(event: bytes) -> Any:
    (line,) = [line for line in event.decode().splitlines() if line.startswith("data: ")]
    return json.loads(line.removeprefix("data: "))


async def test_viewers_share_one_rendering() -> None:
    render = Counting()
    hub = EventHub(render)
    viewers = [hub.stream("k") for _ in range(5)]
    for viewer in viewers:
        assert data_of(await anext(viewer))["lists"]["rows"]["rows"] == {"k": "0"}
    assert render.rendered == 1
    render.number = 1
    hub.refresh()
    events = [await anext(viewer) for viewer in viewers]
    assert render.rendered == 2 and len({id(event) for event in events}) == 1
    hub.refresh()  # nothing changed: nothing is sent
    hub.close()
    for viewer in viewers:
        with pytest.raises(StopAsyncIteration):
            await anext(viewer)
    assert [event async for event in hub.stream("k")] == [], "no stream begins after close"


async def test_slow_viewer_is_disconnected_alone() -> None:
    render = Counting()
    hub = EventHub(render)
    slow, quick = hub.stream("k"), hub.stream("k")
    await anext(slow)
    await anext(quick)
    for render.number in range(1, QUEUE_MESSAGES + 2):
        hub.refresh()
        await anext(quick)
    with pytest.raises(StopAsyncIteration):
        await anext(slow)
    assert hub.viewers == 1
    await quick.aclose()  # type: ignore[attr-defined]
    assert hub.viewers == 0
    before = render.rendered
    hub.refresh()
    assert render.rendered == before, "pages without viewers are not rendered"


async def test_viewer_after_a_pause_gets_the_present_page() -> None:
    render = Counting()
    hub = EventHub(render)
    first = hub.stream("k")
    await anext(first)
    await first.aclose()  # type: ignore[attr-defined]
    render.number = 7
    assert data_of(await anext(hub.stream("k")))["lists"]["rows"]["rows"] == {"k": "7"}


async def test_flag_reaches_open_stream_at_once() -> None:
    world = World()
    service = world.trends()
    async with service.app.router.lifespan_context(service.app):
        stream = service.hub.stream(("IN", False))
        assert "tag00" in data_of(await anext(stream))["lists"]["trends"]["order"]
        world.flag("tag00")
        async with asyncio.timeout(60):
            assert "tag00" not in data_of(await anext(stream))["lists"]["trends"]["order"]
