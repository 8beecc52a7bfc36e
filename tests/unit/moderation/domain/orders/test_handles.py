"""Handles that orders name: their shapes, the resolver, and what an intake does with the results."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from moderation.cli import orders as orders_cli
from moderation.domain.orders.handles import (
    NO_ACCOUNT,
    Handles,
    ResolvedHandle,
    UnresolvedHandle,
    handle_of,
    handles_in,
)
from moderation.domain.orders.intake import csv_lines, parse_csv
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.view import rows_csv, target_view
from moderation.outward import handle_resolver
from moderation.outward.handle_resolver import ATTEMPTS, FAILURES_IN_A_ROW, read_handle_file, resolve_handles
from streams.errors import CallerMistake, DependencyAway
from streams.orders.records import Target
from streams.settings import Settings
from tests.support.orders_world import NOW_MS, OrdersWorld, run

GIVEN = {
    "authority": "Ministry of Examples", "country": "IN", "legal_basis": "IT Act 2000, s. 69A", "reference": "EX/7",
    "issued": "2021-02-08", "received": "2021-02-08T12:00:00+05:30", "deadline": "+48h", "confidential": "no",
}  # fmt: skip
URL = "https://accounts.example.org/by/{handle}"


@pytest.mark.parametrize(
    ("written", "handle"),
    [
        ("@Name_1", "Name_1"), ("＠name", "name"), (" @name ", "name"), ("https://twitter.com/name", "name"),
        ("https://x.com/name/", "name"), ("http://mobile.twitter.com/@name?s=20", "name"),
        ("https://X.com/name?t=a1&s=09", "name"), ("https://example.org/@ann.b", "ann.b"),
        ("https://www.example.org/@ann/?s=20", "ann"), ("https://m.twitter.com/name", "name"),
        ("https://X.com/name/with_replies", ""), ("https://www.example.org/@ann/media", ""),
        ("https://x.com/name?q=a", ""), ("https://x.com/name#top", ""),
        ("https://x.com/i/user/12", ""), ("https://x.com/name/status/12", ""), ("https://x.com/home", ""),
        ("https://x.com/toolongforahandle", ""), ("https://evil.org/name", ""), ("#name", ""), ("12", ""), ("@", ""),
        ("https://example.org/ann", ""), ("https://x.com.evil.org/name", ""), ("@two words", ""),
    ],
)  # fmt: skip
def test_handle_is_found_in_names_and_links(written: str, handle: str) -> None:
    assert handle_of(written, "https://example.org/@{handle}") == handle


def test_custom_link_shape_is_needed_for_other_hosts() -> None:
    assert handle_of("https://example.org/@ann") == ""


def test_handles_of_file_are_listed_once() -> None:
    data = b"target,author\n@Ann,\n@ann,\nhttps://x.com/a/status/7,@Ben\n12,\n#tag,\n"
    assert handles_in(csv_lines(data, "o.csv")) == ["Ann", "Ben"]


def asked(answers: Any, handles: list[str], **changes: Any) -> tuple[dict[str, Any], list[str], list[float]]:
    """Resolve handles by a transport; return results, paths in order, and pauses."""
    paths: list[str] = []
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        found = answers(request)
        assert isinstance(found, httpx.Response)
        return found

    settings = Settings(handle_resolver=URL, **changes)
    transport = httpx.MockTransport(answer)
    return asyncio.run(resolve_handles(handles, settings, transport=transport, pause=pause)), paths, pauses


def test_service_answers_become_accounts_or_reasons() -> None:
    bodies = {"ann": '{"id": "12"}', "ben": '{"data": {"id": 2244994945}}', "cat": '{"id": "x"}', "dan": "oops"}

    def answers(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer secret"
        body = bodies.get(request.url.path.rpartition("/")[2])
        return httpx.Response(404) if body is None else httpx.Response(200, text=body)

    found, paths, pauses = asked(answers, [*bodies, "Eve"], handle_resolver_key="secret")
    assert (found["ann"].account, found["ben"].account) == ("12", "2244994945")
    assert all("has no account id" in found[name].problem for name in ("cat", "dan"))
    assert found["eve"] == NO_ACCOUNT
    assert (sorted(paths)[0], pauses) == ("/by/Eve", [])


def test_overloaded_service_is_asked_again() -> None:
    replies = [
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(200, text='{"id": "5"}'),
    ]
    found, _, pauses = asked(lambda _: replies.pop(0), ["ann"])
    assert (found["ann"].account, pauses) == ("5", [0.5, 7.0])


def test_unreachable_service_is_given_up_and_rest_listed() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    names = [f"n{number}" for number in range(500)]
    found, paths, _ = asked(refuse, names)
    assert set(found) == set(names)
    assert all("connection refused" in one.problem for one in found.values())
    assert FAILURES_IN_A_ROW * ATTEMPTS <= len(paths) < 2 * FAILURES_IN_A_ROW * ATTEMPTS


def test_one_timeout_does_not_stop_the_rest() -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/by/slow":
            raise httpx.ReadTimeout("timed out")
        return httpx.Response(200, text='{"id": "5"}')

    found, _, _ = asked(answers, ["a", "slow", "b"])
    assert [type(found[name]) for name in ("a", "slow", "b")] == [ResolvedHandle, UnresolvedHandle, ResolvedHandle]


def test_unreadable_answer_does_not_stop_the_rest() -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/by/odd":
            raise httpx.DecodingError("incorrect header check")
        return httpx.Response(200, text='{"id": "5"}')

    found, _, _ = asked(answers, ["a", "odd"])
    assert [type(found[name]) for name in ("a", "odd")] == [ResolvedHandle, UnresolvedHandle]


@pytest.mark.parametrize("written", ["@..", "@.", "@-."])
def test_name_of_dots_is_no_handle(written: str) -> None:
    """The address of `..` would be another one of the resolver, asked with its key."""
    assert handle_of(written) == ""


def test_refused_key_stops_the_intake() -> None:
    with pytest.raises(CallerMistake, match="refuses the key"):
        asked(lambda _: httpx.Response(401), ["a", "b"])


def test_few_requests_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running = most = 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1
            return httpx.Response(200, text='{"id": "5"}')

    monkeypatch.setattr(handle_resolver, "MOST_REQUESTS", 3)
    done: list[int] = []
    names = [f"n{number}" for number in range(50)]
    settings = Settings(handle_resolver=URL)
    asyncio.run(resolve_handles(names, settings, transport=Slow(), on_done=lambda: done.append(1)))
    assert (most, len(done)) == (3, 50)


@pytest.mark.parametrize(
    ("name", "text"), [("h.csv", "handle,account\n@Ann,12\nben,13\n"), ("h.json", '{"Ann": 12, "@ben": "13"}')]
)
def test_file_resolves_handles_in_any_case(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = asyncio.run(resolve_handles(["ANN", "Ben", "cat"], Settings(handle_resolver=str(tmp_path / name))))
    accounts = [getattr(found[handle], "account", "") for handle in ("ann", "ben", "cat")]
    assert accounts == ["12", "13", ""] and found["cat"] == NO_ACCOUNT


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("h.csv", "handle,account\n@a,1\nA,2\n", "line 3: 'a' has two accounts"),
        ("h.csv", "handle,account\n@a,x\n", "line 2: 'x' is not an account id"),
        ("h.json", "[]", "not a JSON object"), ("h.json", "{", "not JSON"),
    ],
)  # fmt: skip
def test_unusable_file_is_refused(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(CallerMistake, match=problem):
        read_handle_file(tmp_path / name)


@pytest.mark.parametrize("url", ["http://example.org/{handle}", "https://example.org/name", "ftp://x/{handle}"])
def test_resolver_address_needs_https_and_handle(url: str) -> None:
    with pytest.raises(ValueError, match="handle_resolver"):
        Settings(handle_resolver=url)


# --- the intake --------------------------------------------------------------------------------------------------

FOUND = {"ann": ResolvedHandle("1001", NOW_MS - 5), "ben": ResolvedHandle("1002", NOW_MS - 4), "cat": NO_ACCOUNT}
TEXT = b"target,author\n@Ann,\nhttps://x.com/cat,\n@dan,\n12,\nhttps://x.com/any/status/7,@ben\n"


def taken(found: dict[str, Any]) -> Any:
    return parse_csv(TEXT, "o.csv", GIVEN, NOW_MS, Handles(found))


def test_unresolved_handles_are_listed_and_rest_go_on() -> None:
    read = taken(FOUND)
    assert list(read.drafts[0].targets.values()) == [
        Target("account", "1001", handle="Ann", resolved_ms=NOW_MS - 5),
        Target("account", "12"),
        Target("tweet", "7", author="1002", handle="ben", resolved_ms=NOW_MS - 4),
    ]
    assert [(one.where, one.value, one.problem) for one in read.problems] == [
        ("line 3", "https://x.com/cat", "no account has this handle"),
        ("line 4", "@dan", "a handle, and no resolver is set"),
    ]


def test_handle_and_time_of_resolving_survive_the_log() -> None:
    world = OrdersWorld()
    [plan] = run(world.desk.take_in(taken(FOUND).drafts, actor="ann"))
    order = world.new_desk().get(plan.head.id)
    rows = [target_view(order, row, world.desk.fold) for row in order.rows]
    assert [(row.target, row.handle, row.resolved_ms) for row in rows] == [
        ("1001", "Ann", NOW_MS - 5), ("12", "", 0), ("7", "ben", NOW_MS - 4),
    ]  # fmt: skip
    assert "1,account,1001,Ann," in rows_csv(order, order.rows, world.desk.fold)
    assert [row.target.value for row in Selection(targets=("@ANN",)).rows(order, world.desk.fold)] == ["1001"]
    with pytest.raises(CallerMistake, match="'@zoe' is not a target of IN-"):
        Selection(targets=("@zoe",)).rows(order, world.desk.fold)


def test_handle_that_moved_to_another_account_is_a_conflict() -> None:
    world = OrdersWorld()
    run(world.desk.take_in(taken(FOUND).drafts, actor="ann"))
    moved = taken(FOUND | {"ann": ResolvedHandle("6666", NOW_MS)})
    [plan] = run(world.desk.take_in(moved.drafts, actor="ann"))
    assert (plan.fate, plan.added) == ("conflict", ())
    assert "@Ann was account 1001 on 2021-02-08 15:59 UTC (target 1) and is account 6666 now" in plan.why
    [same] = run(world.desk.take_in(taken(FOUND).drafts, actor="ann"))
    assert same.fate == "known"


def test_handle_of_protected_speaker_is_recognised_by_account() -> None:
    world = OrdersWorld()
    world.protect("1001")
    [plan] = run(world.desk.take_in(taken(FOUND).drafts, actor="ann"))
    assert (len(plan.added), plan.protected) == (3, 1)


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (UnresolvedHandle("the resolver does not answer", "later", away=True), DependencyAway),
        (NO_ACCOUNT, CallerMistake),
    ],
)
def test_file_of_unresolved_handles_ends_by_cause(
    result: UnresolvedHandle, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_cli, "resolve_on_terminal", lambda handles, _: dict.fromkeys(handles, result))
    app = typer.Typer()
    orders_cli.register(app)
    (tmp_path / "o.csv").write_text("target\n@ann\n@ben\n")
    options = [word for name, value in GIVEN.items() if name != "confidential"
               for word in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    done = CliRunner().invoke(app, ["orders", "intake", str(tmp_path / "o.csv"), *options])
    assert type(done.exception) is error
    assert done.stderr.count(result.problem) == 2
