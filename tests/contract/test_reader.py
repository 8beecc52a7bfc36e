"""Contract of all readers: the threaded, the asyncio and the in-memory client."""

from __future__ import annotations

import random

import pytest
from hushtag_client import Answer, Register, keys, registers
from hushtag_client.shards import shard_of

from tests.support.worlds import NOW_MS, PARTITIONS, StoreWorld, eventually, register

MAX_STALENESS_MS = 120_000


@pytest.fixture(params=["threaded", "asyncio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_reader_sees_snapshot_and_changes(world: StoreWorld, kind: str) -> None:
    world.open([register("there")])
    reader = world.reader(kind)
    answer = reader.check("#There", "trends", "IN")
    assert (answer.hashtag, answer.shown, answer.why) == ("there", False, "flagged")
    assert answer.register == register("there")
    assert reader.check("comes", "trends") == Answer("comes", True, "clear", None)
    world.run(world.store.apply("0", [register("comes"), register("there", 2, "clear")]))
    eventually(lambda: reader.check("there", "trends").why == "clear")
    assert not reader.check("comes", "trends").shown, "it was written before"
    assert [a.shown for a in reader.check_many(["there", "COMES", "other"], "trends")] == [True, False, True]
    assert [r.hashtag for r in reader.held("trends", "IN")] == ["comes"]


def test_scopes_are_independent(world: StoreWorld, kind: str) -> None:
    world.open([register("indian", country="IN"), register("searched", surface="search")])
    reader = world.reader(kind)
    assert not reader.check("indian", "trends", "IN").shown
    assert not reader.check("indian", "trends", "in").shown
    for country in (None, "", "*", "US"):
        assert reader.check("indian", "trends", country).shown
    assert reader.check("searched", "trends").shown
    assert not reader.check("searched", "search", "US").shown
    assert reader.check("searched", "no such surface").why == "clear"
    assert reader.held("no such surface") == []


def test_human_override_wins_until_undone(world: StoreWorld, kind: str) -> None:
    allow = register(action="allow", source="human", country="IN", expires_at_ms=NOW_MS + 1000)
    world.open([register(), allow])
    reader = world.reader(kind)
    answer = reader.check("sometag", "trends", "IN")
    assert (answer.shown, answer.why, answer.register) == (True, "clear", allow)
    assert not reader.check("sometag", "trends", "US").shown
    world.clock.now_ms += 1000
    assert not reader.check("sometag", "trends", "IN").shown, "the allow has run out, and the suppression has not"
    world.run(world.store.apply(keys.MODERATION, [register(number=2, action="suppress", source="legal", country="IN")]))
    eventually(lambda: (found := reader.check("sometag", "trends", "IN").register) and found.source == "legal")


def test_stop_button_lifts_automated_flags_in_scope(world: StoreWorld, kind: str) -> None:
    world.open([register("auto", category="abuse"), register("person", source="human")])
    reader = world.reader(kind)
    stop = register("*", 1, "allow", source="human", country="IN")
    world.run(world.store.apply(keys.MODERATION, [stop]))
    eventually(lambda: reader.check("auto", "trends", "IN").shown)
    assert reader.check("auto", "trends", "IN") == Answer("auto", True, "clear", stop)
    assert not reader.check("auto", "trends", "US").shown
    assert not reader.check("auto", "trends").shown
    assert not reader.check("person", "trends", "IN").shown, "people's own decisions stand"
    world.run(world.store.apply(keys.MODERATION, [register("*", 2, "clear", source="human", country="IN")]))
    eventually(lambda: not reader.check("auto", "trends", "IN").shown)


def test_discount_replaces_suppression_and_stop_button_lifts_it(world: StoreWorld, kind: str) -> None:
    world.open([register(number=1)])
    reader = world.reader(kind)
    assert not reader.check("sometag", "trends").shown
    discount = register(number=2, action="discount", weight=0.4)
    world.run(world.store.apply("0", [discount]))
    eventually(lambda: reader.check("sometag", "trends").shown)
    answer = reader.check("sometag", "trends", "IN")
    assert (answer.why, answer.register, answer.weight) == ("clear", discount, 0.4)
    assert reader.discounted("trends", "IN") == [discount] and reader.held("trends") == []
    stop = register("*", 1, "allow", source="human", country="IN")
    world.run(world.store.apply(keys.MODERATION, [stop]))
    eventually(lambda: reader.check("sometag", "trends", "IN").weight == 1.0)
    assert reader.check("sometag", "trends", "IN") == Answer("sometag", True, "clear", stop)
    assert reader.discounted("trends", "IN") == []
    assert reader.check("sometag", "trends", "US").weight == 0.4


def test_unknown_action_replaces_suppression_and_shows(
    world: StoreWorld, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open([register(number=1)])
    reader = world.reader(kind)
    assert not reader.check("sometag", "trends").shown
    monkeypatch.setattr(registers, "ACTIONS", (*registers.ACTIONS, "added_later"))  # a writer that knows more
    world.run(world.store.apply("0", [register(number=2, action="added_later", weight=0.4)]))
    eventually(lambda: reader.check("sometag", "trends").shown)
    answer = reader.check("sometag", "trends")
    assert (answer.why, answer.weight, answer.register and answer.register.action) == ("clear", 1.0, "added_later")
    assert world.run(world.store.apply("0", [register(number=3)])).applied == 1
    eventually(lambda: not reader.check("sometag", "trends").shown)


def test_expiry_follows_reader_clock(world: StoreWorld, kind: str) -> None:
    world.open([register(expires_at_ms=NOW_MS + 10)])
    reader = world.reader(kind)
    world.clock.now_ms = NOW_MS + 9
    assert not reader.check("sometag", "trends").shown
    world.clock.now_ms = NOW_MS + 10
    assert reader.check("sometag", "trends").why == "clear"
    assert reader.held("trends") == []


SHARD_OF_SOMETAG = shard_of("sometag", PARTITIONS)
OTHER_SHARD = 1 - SHARD_OF_SOMETAG
OF_OTHER_SHARD = next(tag for tag in map("tag{}".format, range(99)) if shard_of(tag, PARTITIONS) == OTHER_SHARD)


def test_stopped_shard_makes_only_its_hashtags_stale(world: StoreWorld, kind: str) -> None:
    world.open([register(), register(OF_OTHER_SHARD), register("person", source="human")])
    reader = world.reader(kind, surface_defaults={"search": "hide"})
    world.clock.now_ms = NOW_MS + MAX_STALENESS_MS
    assert reader.check("sometag", "trends").why == reader.check(OF_OTHER_SHARD, "trends").why == "stale"
    world.run(world.store.heartbeat({OTHER_SHARD: world.clock.now_ms}, world.clock.now_ms))
    eventually(lambda: reader.check(OF_OTHER_SHARD, "trends").why == "flagged")
    assert reader.check(OF_OTHER_SHARD, "search") == Answer(OF_OTHER_SHARD, True, "clear", None)
    assert reader.check("person", "trends").why == "flagged", "Redis answers, and people need no pipeline"
    assert reader.check("sometag", "trends") == Answer("sometag", True, "stale", None)
    assert reader.check("sometag", "search") == Answer("sometag", False, "stale", None)
    assert [r.hashtag for r in reader.held("trends")] == sorted(["person", OF_OTHER_SHARD])
    status = reader.status()
    assert (status.behind_shards, status.missing_shards, status.shards) == ((SHARD_OF_SOMETAG,), (), PARTITIONS)
    assert not status.fresh
    world.run(world.store.heartbeat({SHARD_OF_SOMETAG: world.clock.now_ms}, world.clock.now_ms))
    eventually(lambda: reader.check("sometag", "trends").why == "flagged")


def test_renewed_flags_of_stopped_shard_stand(world: StoreWorld, kind: str) -> None:
    """The judge of the shard of `sometag` has stopped for ten minutes and renews its flags."""
    world.open([register(), register("sometag", action="discount", weight=0.4, surface="search")])
    reader = world.reader(kind)
    world.clock.now_ms = now = NOW_MS + 600_000
    settled_ms = {SHARD_OF_SOMETAG: NOW_MS, OTHER_SHARD: now}
    world.run(world.store.heartbeat(settled_ms, now, {SHARD_OF_SOMETAG: now - 1_000}))
    eventually(lambda: reader.check("sometag", "trends").why == "flagged")
    assert reader.check("sometag", "search").weight == 0.4
    assert reader.check("sometag", "other surface").why == "stale", "no flag, and nothing is judged there"
    assert reader.check(OF_OTHER_SHARD, "trends").why == "clear"
    assert reader.status().behind_shards == (SHARD_OF_SOMETAG,)
    stop = register("*", 1, "allow", source="human")
    world.run(world.store.apply(keys.MODERATION, [stop]))
    eventually(lambda: reader.check("sometag", "trends") == Answer("sometag", True, "clear", stop))
    world.run(world.store.apply(keys.MODERATION, [register("*", 2, "clear", source="human")]))
    eventually(lambda: reader.check("sometag", "trends").why == "flagged")
    world.clock.now_ms += MAX_STALENESS_MS - 1_000
    world.run(world.store.heartbeat({OTHER_SHARD: world.clock.now_ms}, world.clock.now_ms))
    eventually(lambda: reader.check(OF_OTHER_SHARD, "trends").why == "clear")
    assert reader.check("sometag", "trends").why == "stale", "the judge renews no more"


def test_missing_shard_is_stale(world: StoreWorld, kind: str) -> None:
    world.open([register()])
    world.flushall()
    for partition in (str(OTHER_SHARD), keys.MODERATION):
        world.run(world.store.reconcile(partition, [register(OF_OTHER_SHARD)]))
    world.beat(NOW_MS)
    reader = world.reader(kind)
    assert reader.check("sometag", "trends").why == "stale", (
        "its shard has a heartbeat, but its registers are not reconciled"
    )
    assert reader.check(OF_OTHER_SHARD, "trends").why == "flagged"
    assert reader.status().missing_shards == (SHARD_OF_SOMETAG,)
    world.run(world.store.reconcile(str(SHARD_OF_SOMETAG), [register()]))
    eventually(lambda: reader.check("sometag", "trends").why == "flagged")


def test_carried_flags_end_with_their_own_shard(world: StoreWorld, kind: str) -> None:
    world.open([register(), register(OF_OTHER_SHARD)])
    reader = world.reader(kind)
    world.flushall()
    world.run(world.store.reconcile(str(SHARD_OF_SOMETAG), []))
    eventually(lambda: reader.check("sometag", "trends").why == "clear")
    assert reader.check(OF_OTHER_SHARD, "trends").why == "flagged"
    world.run(world.store.reconcile(str(OTHER_SHARD), []))
    eventually(lambda: reader.check(OF_OTHER_SHARD, "trends").why == "clear")


def test_cold_start_without_server_falls_back(world: StoreWorld, kind: str) -> None:
    world.open([register()])
    world.stop()
    reader = world.reader(kind, surface_defaults={"search": "hide"})
    assert reader.check("sometag", "trends") == Answer("sometag", True, "unavailable", None)
    assert reader.check("sometag", "search") == Answer("sometag", False, "unavailable", None)
    assert not reader.status().synced
    world.restart(with_data=True)
    eventually(lambda: reader.check("sometag", "trends").why == "flagged")


def test_reader_survives_server_outage(world: StoreWorld, kind: str) -> None:
    world.open([register(), register("person", source="human")])
    reader = world.reader(kind)
    world.stop()
    assert not reader.check("sometag", "trends").shown, "the last known flags are served"
    world.clock.now_ms += MAX_STALENESS_MS - 1
    assert not reader.check("sometag", "trends").shown
    world.clock.now_ms += 1
    assert reader.check("sometag", "trends") == Answer("sometag", True, "stale", None)
    assert reader.check("person", "trends").why == "stale"
    world.restart(with_data=True)
    world.open([register("new")])
    eventually(lambda: reader.check("new", "trends").why == "flagged")
    assert not reader.check("sometag", "trends").shown


@pytest.mark.parametrize("loss", ["flushall", "restart"])
def test_server_data_loss_is_not_applied(world: StoreWorld, kind: str, loss: str) -> None:
    gone, kept, person = register("gone"), register("kept"), register("person", source="human")
    world.open([gone, kept, person])
    reader = world.reader(kind)
    first = reader.status().incarnation
    if loss == "flushall":
        world.flushall()
    else:
        world.restart(with_data=False)
    world.beat(NOW_MS)
    eventually(lambda: _caught_up(reader, world) and reader.status().incarnation != first)
    assert world.registers() == {}
    assert [a.shown for a in reader.check_many(["gone", "kept", "person"], "trends")] == [False, False, False]
    for partition in range(PARTITIONS):
        world.run(world.store.reconcile(str(partition), [kept] if partition == 0 else []))
    eventually(lambda: reader.check("gone", "trends").shown)
    assert not reader.check("kept", "trends").shown
    assert not reader.check("person", "trends").shown, "moderation is not put back yet"
    world.run(world.store.reconcile(keys.MODERATION, []))
    eventually(lambda: reader.check("person", "trends").shown)


def test_lost_flags_become_stale(world: StoreWorld, kind: str) -> None:
    world.open([register("person", source="human")])
    reader = world.reader(kind)
    world.flushall()
    world.beat(NOW_MS)
    eventually(lambda: world.registers() == {} and not reader.check("person", "trends").shown)
    world.clock.now_ms += MAX_STALENESS_MS
    eventually(lambda: reader.check("person", "trends").shown)


def test_restart_with_data_changes_nothing(world: StoreWorld, kind: str) -> None:
    world.open([register()])
    reader = world.reader(kind)
    first = reader.status().incarnation
    world.restart(with_data=True)
    assert not reader.check("sometag", "trends").shown
    world.open([register(number=1), register("new")])
    eventually(lambda: not reader.check("new", "trends").shown)
    assert not reader.check("sometag", "trends").shown
    assert reader.status().incarnation != first


def test_stream_gap_causes_snapshot(world: StoreWorld, kind: str) -> None:
    world.open([register("one")])
    reader = world.reader(kind)
    world.stop() if world.__class__.__name__ == "MemoryWorld" else None
    world.restart(with_data=True)
    world.run(world.store.reconcile("0", [register("two"), register("one", 2, "clear")]))
    world.forget_changes()
    world.open([register("three")])
    eventually(lambda: _caught_up(reader, world))
    assert [r.hashtag for r in reader.held("trends")] == ["three", "two"]


def test_listeners_receive_changes(world: StoreWorld, kind: str) -> None:
    received: list[Register] = []
    world.open([register("old")])

    def fail(_: list[Register]) -> None:
        raise RuntimeError("a listener's bug")

    reader = world.reader(kind, on_change=fail)
    stop = reader.listen(received.extend)
    world.run(world.store.apply("0", [register("new"), register("old", 2, "clear")]))
    eventually(lambda: reader.check("new", "trends").why == "flagged" and len(received) == 2)
    assert received == [register("new"), register("old", 2, "clear")]
    stop()
    world.run(world.store.apply("0", [register("new", 2, "clear")]))
    eventually(lambda: reader.check("new", "trends").why == "clear")
    assert len(received) == 2


def test_expired_registers_are_dropped(world: StoreWorld, kind: str) -> None:
    world.open([register(action="clear", expires_at_ms=0, keep_until_ms=NOW_MS + 1000), register("stays")])
    reader = world.reader(kind)
    assert reader.status().registers == 2
    world.clock.now_ms += 60_000
    eventually(lambda: reader.check("stays", "trends") and reader.status().registers == 1)


def test_reader_converges_to_server(world: StoreWorld, kind: str) -> None:
    """Random writes, losses, restarts and cut streams: after a reconcile the replica equals the server."""
    chance = random.Random(7)
    world.open()
    reader = world.reader(kind)
    fold: dict[str, Register] = {}
    for number in range(1, 61):
        action = chance.choice(["suppress", "clear"])
        written = register(f"tag{chance.randrange(6)}", number, action, country=chance.choice(["*", "IN"]))
        fold[written.field] = written
        if world.run(world.store.apply("0", [written])).refused:
            world.open(list(fold.values()))
        event = chance.random()
        if event < 0.1:
            world.flushall()
        elif event < 0.15:
            world.restart(with_data=event < 0.12)
        elif event < 0.25:
            world.forget_changes()
    world.open(list(fold.values()))
    assert world.registers() == fold
    eventually(lambda: _caught_up(reader, world))
    eventually(lambda: {r.field: r for r in reader.registers()} == fold)
    for country in (None, "IN"):
        shown = {a.hashtag for a in reader.check_many([f"tag{n}" for n in range(6)], "trends", country) if a.shown}
        assert shown == {f"tag{n}" for n in range(6)} - {r.hashtag for r in reader.held("trends", country)}


def _caught_up(reader: object, world: StoreWorld) -> bool:
    """Return whether a reader equals the server; the in-memory one updates when asked."""
    assert hasattr(reader, "check")
    assert hasattr(reader, "status")
    reader.check("", "trends")
    stream = world.stream()
    return not stream or bool(reader.status().seq == stream[-1][0] and reader.status().incarnation == stream[-1][1])
