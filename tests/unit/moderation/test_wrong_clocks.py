"""People's writes and sessions under wrong clocks of the host where the command or the API runs."""

from __future__ import annotations

import pytest

from moderation.access.idempotency import IdempotencyStore, WriteAnswer
from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.problems import RefusedCall
from moderation.access.sessions import Sessions
from moderation.log.drafts import STOP, End, OverrideDraft, UndoDraft
from moderation.log.errors import NothingToUndo
from moderation.log.service import ModerationService
from streams import clock
from streams.errors import CallerMistake
from streams.log.moderation import Verb
from streams.naming import TypedHashtag, tag_of
from tests.support.in_memory_log import InMemoryLog, in_memory_service
from tests.support.wrong_clocks import ERRORS_MS, HOUR_MS, MINUTE_MS, WRONG_CLOCKS, WrongClock

START_MS = 1_611_600_000_000
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
@pytest.mark.parametrize("action", ["block", "hold", "allow"])
async def test_accepted_decision_names_the_end_that_readers_apply(wrong: WrongClock, action: Verb) -> None:
    world = WrongHosts()
    service = world.service(wrong)
    world.now_ms += 2 * MINUTE_MS
    [accepted] = await service.override([draft(action)])
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
