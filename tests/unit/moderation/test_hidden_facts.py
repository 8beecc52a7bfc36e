"""Hidden facts: who may read which fact about a hashtag, in every state of its case, on every route.

Each fact has marks that occur nowhere else. Two stories lead a case through its states. In each state every person
reads every GET route of the API and the console, event streams too, and the marks are sought in the whole answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from moderation.access.keys import ALLOWED, ApiKey, KeyRing, Rights, Role, hash_of
from moderation.access.limits import RateLimit
from moderation.access.services import Services
from moderation.console.app import mount_console
from moderation.console.stream import LiveConsole
from moderation.domain.policies.backtests import BacktestJob
from moderation.domain.policies.shadow import ShadowRun
from moderation.domain.restrictions.collection import active_restrictions
from moderation.http.app import create_app
from moderation.log.drafts import OverrideDraft
from moderation.publiclog.entries import AuditEntry
from moderation.publiclog.inputs import AuditInput, SourcePosition
from streams.backtest.comparison import PolicyChange, PolicyOutcome
from streams.backtest.impact import ImpactReport
from streams.backtest.shadow import ShadowReport
from streams.clock import now_ms
from streams.constants import HOUR_MS, MINUTE_MS
from streams.log.decisions import (
    NOT_ASSESSED,
    Action,
    Decision,
    DecisionReason,
    Evidence,
    SampledAt,
    ScopeDecision,
    version_of,
)
from streams.naming import tag_of
from tests.support.in_memory_policies import POLICY
from tests.support.in_memory_public_log import InMemoryPublicLog
from tests.support.in_memory_texts import native_tweet
from tests.support.moderation_world import ApiWorld

pytestmark = pytest.mark.timeout(600)  # the fixture reads some 4,000 answers


def key(name: str, role: Role, **more: Any) -> ApiKey:
    return ApiKey(name=name, role=role, sha256=hash_of(f"hush_{name}"), **more)


KEYS = {
    "R": key("reader", "reader"),
    "L": key("legal", "legal"),
    "A": key("admin", "admin"),  # gives a first answer right after ann
    "a": key("ann", "moderator"),  # first answer and decision; first verdict of the second look
    "z": key("zoe", "moderator"),  # second verdict
    "b": key("ben", "moderator"),  # third verdict
    "o": key("outside", "moderator", rights=Rights(countries=("DE",))),
    "D": key("desk", "admin", acts_for_others=True),  # reads for zoe
}
SEEN = """
state        numbers  counts  texts   answer   marking  skip  verdict  listed
open         RL       all     all-RL  none     L        LAD   none     all
answered     RLAa     all     all-RL  LAa      LAa      LAD   none     all
decided      RLAa     all     all-RL  all-R    all-R    LAD   all      all
closed       all      all     all-RL  all-R    all-R    LAD   all      all
undone       RLAa     all     all-RL  all-R    all-R    LAD   all      all
appealed     RL       all     all-RL  all-R    all-R    LAD   all      all
look         all      all     all-RL  none     none     none  none     all
first_look   all-a    all-a   all-RL  none     none     none  none     all-a
second_look  all-zD   all-zD  all-RL  none     none     none  L        all-zD
disputed     all-b    all-b   all-RL  none     none     none  L        all-b
joined       RL       all-b   all-RL  none     none     none  L        all-b
looked       all      all     all-RL  none     none     none  all-R    all
"""
"""Who sees a fact on any route: `all-z` is all but zoe.

`numbers` are the machine's, with the highest-scoring tweets; `counts` those of tweets and authors, with the category;
`texts` are those of sampled tweets; `answer` is ann's first answer; `marking` and `skip` are other people's; `verdict`
is what people decided. `listed`: a list names the hashtag, other than as a case to work on.
"""
ROUTES = """
/v1/cases                             counts
/v1/cases/{case}                      numbers counts answer verdict
/v1/cases/{case}/texts                numbers texts
/v1/cases/{case}/sample               marking
/v1/hashtags                          listed
/v1/hashtags/{hashtag}                numbers counts verdict
/v1/hashtags/{hashtag}/statements     numbers counts verdict
/v1/decisions                         numbers counts listed
/v1/held                              counts listed
/v1/overrides                         verdict listed
/v1/appeals                           listed
/v1/events                            listed
/v1/policy/impacts/{job}              numbers counts listed
/v1/policy/shadow                     numbers counts listed
/v1/audit                             numbers counts answer marking skip verdict listed
/v1/audit/{number}                    numbers counts answer marking skip verdict listed
/v1/audit/{number}/proof              numbers counts verdict listed
/console/appeals                      counts listed
/console/appeals/{appeal}             numbers counts verdict listed
/console/audit                        numbers counts answer marking skip verdict listed
/console/audit/{number}               numbers counts answer marking skip verdict listed
/console/audit/{number}/proof.json    numbers counts verdict listed
/console/calibration                  listed
/console/cases/{case}                 numbers counts verdict
/console/cases/{case}/part            numbers counts verdict
/console/cases/{case}/people          answer verdict
/console/hashtags/{written}           numbers counts verdict
/console/held                         counts listed
/console/policy/impacts/{job}         numbers counts listed
/console/policy/shadow                numbers counts listed
/console/policy/shadow/part           numbers counts listed
/console/queue                        counts
/console/queue/bulk                   counts
/console/stop                         counts listed
/console/stream                       counts
"""
"""Facts that each route shows to a person who may see them."""
NO_FACT = """
/ /healthz /login /login/callback /login/link /readyz /v1/audit/state /v1/calibration
/v1/cases/agreement /v1/cases/{case}/crowd /v1/cases/{case}/presence /v1/exposure /v1/hashtags/{hashtag}/published
/v1/me /v1/people /v1/policy /v1/policy/history /v1/policy/history/{revision} /v1/problems/{name} /v1/reports
/v1/speakers /v1/stop
/console /console/calibration/scale /console/cases/next /console/cases/{case}/crowd /console/closed /console/find
/console/finder /console/login /console/orders /console/orders/new /console/people /console/policy
/console/policy/edit /console/policy/revisions/{revision} /console/policy/thresholds
/console/transparency /console/{path}
/v1/orders
"""
"""Routes that show none; they are read in one state of each story."""
NOT_READ = """
/metrics
/v1/orders/{order} /v1/orders/{order}/notice /v1/orders/{order}/published /v1/orders/{order}/targets
/v1/reports/preview/{run} /v1/reports/{name}/publication.json /v1/reports/{name}/{file}
/console/orders/{order} /console/orders/{order}/letter /console/orders/{order}/letter.json
/console/orders/{order}/letter.txt /console/orders/{order}/targets.csv /console/transparency/previews/{run}
"""
"""Routes of an order or a report, which other tests make, and the numbers of the process."""
FULLEST = ("decided", "disputed")
TAG = "fennecday"
QUERIES = {
    "/v1/cases": ("state=open", "state=closed"),
    "/v1/cases/{case}/texts": ("highest=true",),
    "/v1/hashtags/{hashtag}/statements": ("history=true",),
    "/console/appeals": ("state=decided",),
    "/console/find": (f"q={TAG}",),
    "/console/finder": (f"q={TAG}",),
    "/console/queue/bulk": ("verdict=hide&case={case}",),
    "/console/stream": ("view=queue",),
}
"""Further queries of a route."""
TO_WORK_ON = {
    "/v1/cases",
    "/console/find",
    "/console/finder",
    "/console/queue",
    "/console/queue/bulk",
    "/console/stream",
}
"""Routes that name the hashtag as a case, of any state."""

SHARE, LOWER, UPPER, OLD_LOWER, OLD_UPPER, COPIES, READ = 0.7319, 0.6827, 0.7793, 0.6427, 0.7153, 0.8359, 0.3917
THRESHOLD, COPIES_THRESHOLD, WEIGHT = 0.5741, 0.2297, 0.4273
SCORED, TWEETS, AUTHORS, HIGHEST = 486110377, 917332053, 702193911, "990017440021775003"
"""Too long to occur in a random id or hash."""


def written(share: float) -> set[str]:
    """Write a share as an answer may: 0.7319, 73.2%, 73%, 73 %."""
    return {str(share), f"{share:.1%}", *(f"{100 * share:.0f}{end}" for end in ("%", " %", "\u00a0%"))}


SHARES = (SHARE, LOWER, UPPER, OLD_LOWER, OLD_UPPER, COPIES, READ, THRESHOLD, COPIES_THRESHOLD, WEIGHT)
MARKS: Mapping[str, set[str]] = {
    "numbers": {f"{SCORED}", f"{SCORED:,}", HIGHEST}.union(*map(written, SHARES)),
    "counts": {f"{TWEETS}", f"{TWEETS:,}", f"{AUTHORS}", f"{AUTHORS:,}", "quagga", "Quagga"},
    "texts": {"tapir"},
    "answer": {"quokka", '"answer":"unsure"', '"action":"unsure"'},
    "marking": {"jerboa", '"mark":"reclaimed"', '"action":"reclaimed"'},
    "skip": {"axolotl"},
    "verdict": {"narwhal", "wombat", "gecko", '"verdict":"hide"', '"verdict":"show"'},
}
BLINDED = re.compile(r'"blinded":\[[^]]*\]|You review .*? blind', re.S)
"""Where an answer says which hashtags its reader reviews blind."""
PLACES = re.compile(r'\b(c?x[12]?|width)="[\d.]+%"')
"""Positions by time in charts."""
HEADERS = {who: {"authorization": f"Bearer hush_{key.name}", "last-event-id": "m0-p1"} for who, key in KEYS.items()}
HEADERS["D"]["hushtag-actor"] = "zoe"


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def ruling(action: Action, surface: str = "trends", *, unread: Mapping[str, int] | None = None, **more: Any) -> Any:
    nowhere = SampledAt(-1, 0, "und")
    evidence = Evidence(
        window_ms=600_000, tweets=TWEETS, authors=AUTHORS, scored=SCORED, share=SHARE, lower=LOWER, upper=UPPER,
        established=30817, established_lower=OLD_LOWER, established_upper=OLD_UPPER, copies=COPIES,
        unread=dict(unread or {}), sampled=("1",),
        sampled_at=(SampledAt(0, 100, "en"),), highest=(HIGHEST,), highest_at=(nowhere,),
    )  # fmt: skip
    signal, value = ("scored_share", READ) if unread else ("harmful_share_lower", LOWER)
    fields: dict[str, Any] = {
        "category": "quagga", "surface": surface, "action": action, "since_ms": now_ms() - MINUTE_MS,
        "expires_at_ms": now_ms() + 2 * HOUR_MS, "evidence": evidence,
        "reasons": (DecisionReason(signal, value, THRESHOLD), DecisionReason("copies", COPIES, COPIES_THRESHOLD)),
    }  # fmt: skip
    return ScopeDecision(**fields | more)


def decision(country: str, *rulings: ScopeDecision) -> Decision:
    return Decision(
        hashtag=TAG, display=TAG, country=country, rulings=rulings, version=version_of(1, 1), tick_ms=1, settled_ms=1,
        decided_at_ms=now_ms() - MINUTE_MS, policy_revision="p", model_revision="m",
    )  # fmt: skip


Story = tuple[Services, InMemoryPublicLog]


class KeptLog(InMemoryPublicLog):
    """Public log that builds its entries once."""

    _kept: Sequence[AuditEntry] = ()

    def all_entries(self) -> list[AuditEntry]:
        if len(self._kept) != sum(1 for _ in self._inputs()):
            self._kept = super().all_entries()
        return [*self._kept]


def world(*decisions: Decision, share: float) -> Story:
    """Build services whose audit log also has the automated decisions, and reports of a policy for each person."""
    built = ApiWorld(*decisions, share=share)
    built.audited += [
        AuditInput(
            SourcePosition("suppression-decisions", 0, offset, 1),
            f"{TAG}|{each.country}".encode(),
            msgspec.json.encode(each),
        )
        for offset, each in enumerate(decisions)
    ]
    built.public_log = KeptLog(built._inputs)
    built.tweets.records[0, 100] = native_tweet(1, f"a tapir at #{TAG}")
    services = built.services
    outcome = PolicyOutcome("suppress", 1, 1, 5.0, AUTHORS, TWEETS, LOWER, UPPER, THRESHOLD, WEIGHT)
    changes = [
        PolicyChange(kind="cleared", hashtag=TAG, country="IN", category="quagga", surfaces=("trends",),
                     effect="hidden", live=outcome)
    ]  # fmt: skip
    impact = ImpactReport(
        live_revision="p", new_revision="q", from_ms=1, to_ms=2, tag_panes=1, shards=1, changes=changes, protected=[],
        totals=[], histograms=[], needs_replay=[], answered=1, unseen=[],
    )  # fmt: skip
    for person in (each.name for each in KEYS.values()):
        job = BacktestJob(person, "q")
        job.id, job.state, job.report = f"job-{person}", "done", impact
        services.backtests._jobs.add(job)
    services.backtests._survey = BacktestJob("", POLICY.revision)
    services.shadows.current = ShadowRun(POLICY, "text", "admin", "try", began_ms=now_ms(), lasts_ms=HOUR_MS)
    services.shadows.current.report = ShadowReport(now=changes, hiding=True, over_time=[], verdict=impact)
    return services, built.public_log


async def held_story() -> AsyncIterator[tuple[str, Story]]:
    """Hold a hashtag, answer its case, decide it in parts, undo that, decide it again and appeal."""
    services, log = world(
        decision("IN", ruling("hold"), ruling("discount", "search", weight=WEIGHT),
                 ruling("review", category="spam", valve="suppressed_share_of_top")),
        decision("US", ruling("hold")),
        decision("BR", ruling("review", valve=NOT_ASSESSED, unread={"ta": 400_000_000})),
        share=0.0,
    )  # fmt: skip
    cases = services.cases
    case = await cases.claim(TAG, actor="okapi")
    await cases.skip(TAG, "distress", actor="okapi", reason="axolotl")
    await services.markings.mark(case.id, TAG, "1", "reclaimed", actor="pangolin", reason="jerboa")
    yield "open", (services, log)
    await cases.answer(TAG, "unsure", actor="ann", reason="quokka")
    await cases.answer(TAG, "hide", actor="admin", reason="seen")
    yield "answered", (services, log)
    decide = partial(cases.decide, TAG, "hide", actor="ann", reason="narwhal")
    await decide(countries=["IN"])
    yield "decided", (services, log)
    await decide()
    yield "closed", (services, log)
    await cases.undo(TAG, actor="ann", reason="sorry")
    yield "undone", (services, log)
    await decide()
    report, _ = await services.report(TAG, None)
    blocked = next(each for each in active_restrictions(report) if each.source == "human")
    await services.reviews.appeal(blocked.reference, actor="clerk", reason="no")
    yield "appealed", (services, log)


async def looked_story() -> AsyncIterator[tuple[str, Story]]:
    """Suppress a hashtag that is sampled for a second look, which three people take in turn."""
    services, log = world(decision("IN", ruling("suppress")), share=1.0)
    cases = services.cases
    yield "look", (services, log)
    await cases.claim(TAG, actor="ann")
    yield "first_look", (services, log)
    await cases.decide(TAG, "hide", actor="ann", reason="wombat")
    await cases.claim(TAG, actor="zoe")
    yield "second_look", (services, log)
    await cases.decide(TAG, "show", actor="zoe", reason="gecko")
    await cases.claim(TAG, actor="ben")
    yield "disputed", (services, log)
    block = OverrideDraft(tag_of(TAG), "block", "DE", ("trends",), "carl", "lies", now_ms() + HOUR_MS)
    await services.moderation.override([block])
    [suppression] = services.reviews.automated.restrictions
    appeal = await services.reviews.appeal(suppression, actor="clerk", reason="no")
    yield "joined", (services, log)
    await cases.decide(TAG, "hide", actor="ben", reason="wombat")
    await services.reviews.end_appeal(appeal.id, "uphold", actor="carl", reason="fine")
    yield "looked", (services, log)


async def read(app: FastAPI, path: str, headers: Mapping[str, str]) -> str:
    """Read headers and body of an answer; of an event stream what it sends until it waits."""
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000), "server": ("localhost", 80),
    }  # fmt: skip
    status, answer, waits = 0, bytearray(), asyncio.Event()
    request = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in request:
            return message
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        for name, value in message.get("headers", ()):
            answer.extend(name + b": " + value + b"\n")
        answer.extend(message.get("body", b""))
        if b"\n: ping" in answer or (path == "/console/stream" and b"data: " in answer):
            waits.set()

    async with asyncio.timeout(60):
        answered = asyncio.create_task(app(scope, receive, send))
        waiting = asyncio.create_task(waits.wait())
        await asyncio.wait({answered, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answered, waiting):
            task.cancel()
        fault, _ = await asyncio.gather(answered, waiting, return_exceptions=True)
    assert not isinstance(fault, Exception) and 200 <= status < 500, (path, fault)
    return answer.decode()


def facts_in(route: str, answer: str) -> set[str]:
    answer = PLACES.sub("", answer.replace('": "', '":"'))
    facts = {fact for fact, marks in MARKS.items() if any(mark in answer for mark in marks)}
    own = route in TO_WORK_ON or any(name in route for name in ("{case}", "{hashtag}", "{written}"))
    return facts if own or TAG not in BLINDED.sub("", answer) else facts | {"listed"}


def addresses(route: str, who: str, services: Services, entries: int) -> Iterator[str]:
    """List the addresses of a route: of each case and appeal, and of the first and last entries of the audit log."""
    person = HEADERS[who].get("hushtag-actor", KEYS[who].name)
    names = {"hashtag": TAG, "written": TAG, "path": "none", "job": f"job-{person}", "revision": POLICY.revision}
    many = {"case": services.cases.log.cases, "appeal": services.reviews.fold.appeals,
            "number": {0, entries - 2, entries - 1}}  # fmt: skip
    for name in next((many[each] for each in many if f"{{{each}}}" in f"{route}{QUERIES.get(route)}"), ["none"]):
        values = defaultdict(lambda name=name: str(name), names)
        for query in ("", *QUERIES.get(route, ())):
            yield f"{route}?{query}".format_map(values)


def get_routes(app: FastAPI) -> dict[str, str]:
    """Return the GET routes of an application, each with its permission; "" where all may call it."""
    return {
        context.path_format: (context.original_route.openapi_extra or {}).get("x-permission", "")
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and "GET" in context.original_route.methods
    }


Seen = Mapping[tuple[str, str, str], set[str]]
"""State, person and fact to the routes that show it."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    limit = RateLimit(1e6, 10**6)
    built = create_app(ApiWorld().services, KeyRing.of(KEYS.values()), limit, content_security_policy="")
    mount_console(built)
    return built


@pytest.fixture(scope="module")
def seen(app: FastAPI) -> Seen:
    found = defaultdict[tuple[str, str, str], set[str]](set)

    async def see() -> None:
        for story in (held_story(), looked_story()):
            async for state, (services, log) in story:
                if app.state.services is not services:
                    app.state.services, app.state.live_console = services, LiveConsole(services)
                await services.cases.log.refresh()
                entries = len(log.all_entries())  # reading texts adds some
                for route, permission in get_routes(app).items():
                    if route in NOT_READ.split() or (route in NO_FACT.split() and state not in FULLEST):
                        continue
                    for who, api_key in KEYS.items():
                        if permission and api_key.role not in ALLOWED[permission]:
                            continue
                        for address in addresses(route, who, services, entries):
                            for fact in facts_in(route, await read(app, address, HEADERS[who])):
                                found[state, who, fact].add(route)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("moderation.access.feed.KEEPALIVE_SECONDS", 0.01)
        asyncio.run(see())
    return found


def people(cell: str) -> set[str]:
    if cell.startswith("all"):
        return {*KEYS} - {*cell.partition("-")[2]}
    return set() if cell == "none" else {*cell}


def test_every_route_says_what_it_shows(app: FastAPI) -> None:
    tables = {route for route, *_ in rows(ROUTES)}, {*NO_FACT.split()}, {*NOT_READ.split()}
    assert set(get_routes(app)) == set().union(*tables), "a new route belongs in ROUTES, NO_FACT or NOT_READ"
    assert sum(map(len, tables)) == len(set().union(*tables))


@pytest.mark.parametrize(("state", "cells"), [pytest.param(state, cells, id=state) for state, *cells in rows(SEEN)[1:]])
def test_person_sees_a_fact_only_where_the_table_says(state: str, cells: list[str], seen: Seen) -> None:
    facts = rows(SEEN)[0][1:]
    expected = {fact: people(cell) for fact, cell in zip(facts, cells, strict=True)}
    who_sees = {fact: {who for who in KEYS if (state, who, fact) in seen} for fact in facts}
    leaks = {
        f"{KEYS[who].name} sees {fact}": sorted(seen[state, who, fact])
        for fact in facts
        for who in sorted(who_sees[fact] - expected[fact])
    }
    assert not leaks
    assert who_sees == expected


def test_route_shows_the_facts_of_its_table(seen: Seen) -> None:
    shown = defaultdict[str, set[str]](set)
    for (_, _, fact), routes in seen.items():
        for route in routes:
            shown[route].add(fact)
    assert shown == {route: {*facts} for route, *facts in rows(ROUTES)}


def test_case_of_a_second_look_shows_its_reviewers_texts_alone(seen: Seen) -> None:
    of_case = {route for route, *_ in rows(ROUTES) if "{case}" in route} | TO_WORK_ON
    looks = {key: routes & of_case for key, routes in seen.items() if key[0].endswith(("look", "disputed"))}
    assert {fact for (_, _, fact), routes in looks.items() if routes} == {"texts"}
