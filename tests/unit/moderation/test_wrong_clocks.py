"""People's writes and sessions under wrong clocks of the host where the command or the API runs."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from moderation.access.idempotency import IdempotencyStore, WriteAnswer
from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.problems import RefusedCall
from moderation.access.sessions import Sessions
from moderation.console.words import machine_time
from moderation.domain.policies import shadow
from moderation.domain.policies.shadow import ShadowRun
from moderation.log.drafts import STOP, End, OverrideDraft, UndoDraft
from moderation.log.errors import NothingToUndo
from moderation.log.service import ModerationService
from moderation.log.session_ends import end_session
from streams import clock
from streams.errors import CallerMistake
from streams.log.moderation import Verb
from streams.naming import TypedHashtag, tag_of
from tests.support.api_calls import ORDER_BODY, Calls, moved
from tests.support.backtest_cases import NEW
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.moderation_world import ApiWorld
from tests.support.wrong_clocks import ERRORS_MS, HOUR_MS, JUMP_AFTER_MS, MINUTE_MS, WRONG_CLOCKS, WrongClock

START_MS = 1_611_600_000_000
API_START_MS = 1_800_000_000_000
LASTS_MS = 5 * MINUTE_MS


class WrongHosts:
    """Log whose broker has the right time, and hosts with wrong clocks."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.log = InMemoryLog(broker_clock=lambda: self.now_ms)

    def service(self, wrong: WrongClock | None = None) -> ModerationService:
        true_ms = lambda: self.now_ms  # noqa: E731
        return in_memory_service(self.log, true_ms if wrong is None else wrong.reading(true_ms))


def draft(action: Verb = "block", tag: TypedHashtag | None = None, category: str = "") -> OverrideDraft:
    target = tag_of("rumour") if tag is None else tag
    return OverrideDraft(target, action, "*", ("trends",), "ann", "seen", lasts_ms=LASTS_MS, category=category)


UNDO = UndoDraft(tag_of("rumour"), None, None, "ann", "wrong")


@pytest.mark.parametrize("wrong", WRONG_CLOCKS)
async def test_accepted_decision_names_the_end_that_readers_apply(wrong: WrongClock) -> None:
    world = WrongHosts()
    service = world.service(wrong)
    world.now_ms += 2 * MINUTE_MS
    [accepted] = await service.override([draft()])
    record = accepted.record
    assert (record.at_ms, record.expires_at_ms) == (world.now_ms, world.now_ms + LASTS_MS)  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", WRONG_CLOCKS)
async def test_decision_in_force_can_be_undone(wrong: WrongClock) -> None:
    world = WrongHosts()
    await world.service().override([draft()])
    service = world.service(wrong)
    world.now_ms += LASTS_MS - 1
    assert (await service.undo(UNDO)).record.at_ms == world.now_ms


async def test_expired_decision_cannot_be_undone_once_the_log_has_passed_it() -> None:
    world = WrongHosts()
    await world.service().override([draft()])
    world.now_ms += LASTS_MS
    await world.service().override([draft(tag=tag_of("other"))])
    with pytest.raises(NothingToUndo):
        await world.service().undo(UNDO)


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_second_pause_is_refused_while_the_first_is_in_force(error_ms: int) -> None:
    world = WrongHosts()
    service = world.service(WrongClock(error_ms))
    await service.pause(draft("allow", STOP, "abuse"))
    world.now_ms += LASTS_MS - MINUTE_MS
    with pytest.raises(CallerMistake, match="abuse is already paused"):
        await service.pause(draft("allow", STOP, "hate"))
    world.now_ms += MINUTE_MS
    await service.pause(draft("allow", STOP, "hate"))


@pytest.mark.parametrize("error_ms", ERRORS_MS)
async def test_session_ends_on_time_in_a_process_with_another_clock(error_ms: int) -> None:
    world = WrongHosts()
    config = SessionConfig(url="https://desk.example", session_seconds=HOUR_MS // 1000)
    service = world.service(WrongClock(error_ms))
    await service.override([draft()])
    begun = Sessions(config, None, "k" * 32, service.now_ms).begin(Identity("1", "ann", ("admin",), ""))
    other = Sessions(config, None, "k" * 32, world.service().now_ms)
    cookie = other.encrypt(begun)
    world.now_ms += HOUR_MS - 1
    assert (await other.open(cookie))[0].name == "ann"
    world.now_ms += 1
    with pytest.raises(RefusedCall, match="the session has ended"):
        await other.open(cookie)


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_clock_of_a_process_does_not_jump_with_the_hosts(monkeypatch: pytest.MonkeyPatch, error_ms: int) -> None:
    before_ms, real_ns = clock.steady_ms(), clock.time.time_ns
    monkeypatch.setattr(clock.time, "time_ns", lambda: real_ns() + error_ms * 1_000_000)
    assert abs(clock.now_ms() - clock.steady_ms() - error_ms) < MINUTE_MS
    assert 0 <= clock.steady_ms() - before_ms < MINUTE_MS


def test_service_reads_the_clock_that_does_not_jump() -> None:
    assert ModerationService.__init__.__kwdefaults__["clock"] is clock.steady_ms


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_end_of_a_duration_needs_no_clock(error_ms: int) -> None:
    assert End(lasts_ms=LASTS_MS).duration_ms(START_MS + error_ms) == LASTS_MS


def test_kept_answer_expires_by_the_clock_given() -> None:
    store = IdempotencyStore(keep_ms=LASTS_MS)
    assert store.begin("ann", "key", "request", 0) is None
    store.end("ann", "key", WriteAnswer(201, {}))
    assert store.begin("ann", "key", "request", LASTS_MS - 1) == WriteAnswer(201, {})
    assert store.begin("ann", "key", "request", LASTS_MS) is None


class WrongApi:
    """API on a host with a wrong clock, in front of a broker with the right time."""

    def __init__(self, client: TestClient, monkeypatch: pytest.MonkeyPatch, wrong: WrongClock) -> None:
        self.now_ms = API_START_MS
        log = InMemoryLog(broker_clock=lambda: self.now_ms)
        world = ApiWorld(log=log)
        self.moderation = world.moderation
        began_ms = wrong.shows_ms(API_START_MS, API_START_MS)
        host_ms = lambda: wrong.shows_ms(self.now_ms, API_START_MS)  # noqa: E731
        monkeypatch.setattr(clock.time, "time_ns", lambda: host_ms() * 1_000_000)
        monkeypatch.setattr(self.moderation, "_clock", lambda: began_ms + self.now_ms - API_START_MS)
        world.serve(client)
        self.legal, self.moderator = Calls(client, "legal"), Calls(client)
        self.client = client

    def jump(self) -> None:
        """Let the time come at which a clock that jumps is wrong."""
        self.now_ms += JUMP_AFTER_MS + 1_000

    def until(self, lasts_ms: int) -> str:
        return machine_time(self.now_ms + lasts_ms)

    def interim_order(self) -> str:
        """Put an order in force for five minutes, by a date."""
        order: str = self.legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
        self.jump()
        for path, body in (
            ("steps", {"to": "acknowledged"}), ("steps", {"to": "under_review"}),
            ("rulings", {"outcome": "reduced", "kinds": ["hashtag"]}),
            ("rulings", {"outcome": "withheld", "undecided": True}),
            ("steps", {"to": "interim", "until": self.until(LASTS_MS)}),
        ):  # fmt: skip
            moved(self.legal, order, path, **body)
        return order


@pytest.fixture(params=WRONG_CLOCKS)
def wrong_api(client: TestClient, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> WrongApi:
    return WrongApi(client, monkeypatch, request.param)


def test_order_is_in_force_until_its_end(wrong_api: WrongApi) -> None:
    order = wrong_api.interim_order()
    found = wrong_api.legal.get(f"/v1/orders/{order}").json()
    assert (found["in_force"], found["expires_at_ms"]) == (True, wrong_api.now_ms + LASTS_MS)
    wrong_api.now_ms += LASTS_MS
    assert wrong_api.legal.get(f"/v1/orders/{order}").json()["in_force"] is False


def test_statement_of_an_order_is_shown_until_its_end(wrong_api: WrongApi) -> None:
    wrong_api.interim_order()

    def statements() -> int:
        return len(wrong_api.legal.get("/v1/hashtags/rumour/statements").json()["items"])

    assert statements() == 1
    wrong_api.now_ms += LASTS_MS
    assert statements() == 0


def test_order_is_overdue_at_its_deadline(wrong_api: WrongApi) -> None:
    due_ms = API_START_MS + JUMP_AFTER_MS + LASTS_MS
    deadline = machine_time(due_ms)
    wrong_api.legal.post("/v1/orders", **ORDER_BODY | {"deadline": deadline})
    wrong_api.jump()
    assert wrong_api.legal.get("/v1/orders", overdue=False).json()["items"]
    wrong_api.now_ms = due_ms + 1
    assert wrong_api.legal.get("/v1/orders", overdue=True).json()["items"]


def test_pause_until_a_date_is_taken_and_shown_until_then(wrong_api: WrongApi) -> None:
    wrong_api.moderator.post("/v1/overrides", hashtag="#other", action="block", if_version="")
    wrong_api.jump()
    version = wrong_api.moderator.get("/v1/stop").json()["version"]
    paused = wrong_api.moderator.post("/v1/pause", until=wrong_api.until(LASTS_MS), if_version=version)
    assert paused.status_code == 201, paused.text
    assert wrong_api.moderator.get("/v1/stop").json()["paused"] is True
    late = wrong_api.moderator.post("/v1/pause", until=wrong_api.until(-1_000), if_version=version)
    assert late.status_code == 422, late.text
    wrong_api.now_ms += LASTS_MS
    assert wrong_api.moderator.get("/v1/stop").json()["paused"] is False


def test_appeal_is_dated_by_the_log(wrong_api: WrongApi) -> None:
    wrong_api.interim_order()
    [statement] = wrong_api.legal.get("/v1/hashtags/rumour/statements").json()["items"]
    taken = wrong_api.legal.post("/v1/appeals", reference=statement["reference"])
    assert (taken.status_code, taken.json()["at_ms"]) == (201, wrong_api.now_ms), taken.text


def test_repeated_call_gets_its_first_answer(wrong_api: WrongApi) -> None:
    body = {"hashtag": "#rumour", "action": "block", "lasts": "5m", "if_version": ""}
    first = wrong_api.moderator.post("/v1/overrides", key="once", **body)
    wrong_api.jump()
    again = wrong_api.moderator.post("/v1/overrides", key="once", **body)
    assert (first.status_code, again.json()) == (201, first.json())


async def test_log_out_is_dated_by_the_log(wrong_api: WrongApi) -> None:
    wrong_api.moderator.post("/v1/overrides", hashtag="#other", action="block", if_version="")
    wrong_api.jump()
    ended = await end_session(wrong_api.moderation, "a session", target="ann", actor="ann", reason="log out")
    assert ended.at_ms == wrong_api.now_ms


def test_wrong_clock_of_the_api_is_a_metric_and_the_api_is_ready(wrong_api: WrongApi) -> None:
    wrong_api.moderator.post("/v1/overrides", hashtag="#other", action="block", if_version="")
    wrong_api.jump()
    [line] = [
        one for one in wrong_api.client.get("/metrics").text.splitlines() if one.startswith("hushtag_clock_ahead")
    ]
    assert abs(float(line.split()[1])) in (600, 3_600)
    assert wrong_api.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("error_ms", ERRORS_MS)
def test_shadow_of_a_policy_ends_by_no_wall_clock(monkeypatch: pytest.MonkeyPatch, error_ms: int) -> None:
    run = ShadowRun(NEW, NEW.canonical, "ann", "try it", began_ms=START_MS, lasts_ms=LASTS_MS)
    real_ns, seconds = clock.time.time_ns, clock.monotonic_seconds()
    monkeypatch.setattr(clock.time, "time_ns", lambda: real_ns() + error_ms * 1_000_000)
    assert run.runs and run.ends_at_ms == START_MS + LASTS_MS
    monkeypatch.setattr(shadow, "monotonic_seconds", lambda: seconds + LASTS_MS / 1_000 + 1)
    run.end()
    assert (run.state, run.ends_at_ms) == ("ended", START_MS + LASTS_MS)
