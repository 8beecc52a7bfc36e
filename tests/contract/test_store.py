"""Contract of all stores: compare-and-set, sentinels, reconcile, heartbeats, sweep."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hushtag_client import keys
from hushtag_client.registers import decode, encode

from streams.errors import FlagStoreUnavailable
from streams.flags.store import CHUNK, Applied
from tests.support.paths import ROOT
from tests.support.worlds import NOW_MS, StoreWorld, register

_VECTORS = json.loads((ROOT / "docs/vectors/compare-and-set.json").read_text("utf-8"))


def test_older_and_equal_versions_are_stale(world: StoreWorld) -> None:
    world.open()
    assert world.run(world.store.apply("0", [register(number=5)])) == Applied(applied=1)
    assert world.run(world.store.apply("0", [register(number=4, action="clear")])) == Applied(stale=1)
    assert world.run(world.store.apply("0", [register(number=5, action="clear")])) == Applied(stale=1)
    assert world.registers() == {"trends|*|automated|sometag": register(number=5)}
    assert world.run(world.store.apply("0", [register(number=6, action="clear")])) == Applied(applied=1)


@pytest.mark.parametrize("case", _VECTORS["cases"], ids=lambda case: case["name"])
def test_store_passes_contract_vectors(world: StoreWorld, case: dict[str, Any]) -> None:
    world.open()
    for step in case["writes"]:
        done = world.run(world.store.apply("0", [decode(json.dumps(step["register"]))]))
        assert done == (Applied(applied=1) if step["applied"] else Applied(stale=1)), step
    assert {f: r.version for f, r in world.registers().items()} == case["versions"]
    assert [seq for seq, _, _ in world.stream()] == list(range(1, case["seq"] + 1))


def test_order_within_one_call_does_not_matter(world: StoreWorld) -> None:
    world.open()
    done = world.run(world.store.apply("0", [register(number=3), register(number=1), register(number=7)]))
    assert done == Applied(applied=2, stale=1)
    assert [r.version for r in world.registers().values()] == [register(number=7).version]


def test_sources_have_independent_versions(world: StoreWorld) -> None:
    world.open()
    world.run(world.store.apply("0", [register(number=9)]))
    people = register(number=1, action="allow", source="human")
    assert world.run(world.store.apply(keys.MODERATION, [people])) == Applied(applied=1)
    assert len(world.registers()) == 2


def test_change_stream_is_gapless(world: StoreWorld) -> None:
    world.open()
    many = [register(f"tag{i}") for i in range(CHUNK + 7)]
    assert world.run(world.store.apply("0", many)).applied == len(many)
    world.run(world.store.apply("0", many))
    world.run(world.store.apply("0", [register("tag0", 2)]))
    stream = world.stream()
    assert [seq for seq, _, _ in stream] == list(range(1, len(many) + 2))
    assert len({incarnation for _, incarnation, _ in stream}) == 1
    assert stream[0][2] == stream[-1][2] == many[0].field


def test_write_before_reconcile_is_refused(world: StoreWorld) -> None:
    assert world.run(world.store.apply("0", [register()])) == Applied(refused=True)
    assert world.registers() == {}
    assert world.run(world.store.reconcile("1", [])) == Applied()
    assert world.run(world.store.apply("0", [register()])).refused, "another partition's reconcile opens nothing"
    assert world.run(world.store.reconcile("0", [])) == Applied()
    assert world.sentinel("0") == f"{world.run_id()} 0"
    assert world.run(world.store.apply("0", [register()])) == Applied(applied=1)


def test_flushall_requires_reconcile_of_every_partition(world: StoreWorld) -> None:
    world.open([register(number=5)])
    world.flushall()
    late = register(number=4)
    assert world.run(world.store.apply("0", [late])) == Applied(refused=True)
    assert world.run(world.store.reconcile("0", [register(number=5)])) == Applied(applied=1)
    assert world.run(world.store.apply("0", [late])) == Applied(stale=1), "the version came back with the register"
    assert world.run(world.store.apply(keys.MODERATION, [])).refused


def test_needing_reconcile_lists_partitions_after_loss(world: StoreWorld) -> None:
    assert world.run(world.store.needing_reconcile({"0": 0, keys.MODERATION: 0})) == ["0", keys.MODERATION]
    world.open()
    assert world.run(world.store.needing_reconcile({"0": 0, "1": 0, keys.MODERATION: 0})) == []
    world.restart(with_data=True)
    world.run(world.store.reconcile("1", []))
    assert world.run(world.store.needing_reconcile({"0": 0, "1": 0})) == ["0"]
    world.flushall()
    assert world.run(world.store.needing_reconcile({"1": 0, "0": 0})) == ["1", "0"]


def test_written_offset_survives_restart_with_data(world: StoreWorld) -> None:
    assert world.run(world.store.written_offset("0")) == 0
    world.run(world.store.reconcile("0", [register()], upto=30))
    world.run(world.store.apply("0", [], after=30, upto=40))
    assert world.run(world.store.written_offset("0")) == 40
    world.restart(with_data=True)
    assert world.run(world.store.written_offset("0")) == 40
    world.flushall()
    assert world.run(world.store.written_offset("0")) == 0


def test_reconcile_by_lagging_worker_is_detected_by_owner(world: StoreWorld) -> None:
    store, older, newer = world.store, register(number=3), register(number=4, action="clear")
    world.run(store.reconcile("0", [older], upto=30))
    assert world.run(store.apply("0", [newer], after=30, upto=40)) == Applied(applied=1)
    world.flushall()
    assert world.run(store.reconcile("0", [older], upto=30)) == Applied(applied=1)
    assert world.run(store.needing_reconcile({"0": 30})) == []
    assert world.run(store.needing_reconcile({"0": 40})) == ["0"]
    assert world.run(store.apply("0", [register("other", 5)], after=40, upto=50)) == Applied(refused=True)
    assert world.run(store.reconcile("0", [newer], upto=40)) == Applied(applied=1)
    assert world.run(store.reconcile("0", [older], upto=30)) == Applied(stale=1)
    assert world.run(store.needing_reconcile({"0": 40})) == [], "what was written stays written"
    assert world.run(store.apply("0", [older], after=30, upto=35)) == Applied(stale=1), (
        "late, and nothing wrong with it"
    )
    assert world.sentinel("0") == f"{world.run_id()} 40"


def test_offset_is_recorded_with_last_portion(world: StoreWorld) -> None:
    world.open()
    between = []

    class Portions(list):  # type: ignore[type-arg]
        """Check the sentinel before the second portion."""

        def __getitem__(self, portion: Any) -> Any:
            if portion.start == CHUNK:
                between.append(world.sentinel("0"))
            return super().__getitem__(portion)

    many = Portions(register(f"tag{i}") for i in range(CHUNK + 1))
    assert world.run(world.store.apply("0", many, upto=7)) == Applied(applied=CHUNK + 1)
    assert between == [f"{world.run_id()} 0"]
    assert world.sentinel("0") == f"{world.run_id()} 7"


@pytest.mark.parametrize("with_data", [True, False])
def test_restart_requires_reconcile_of_every_partition(world: StoreWorld, with_data: bool) -> None:
    world.open([register(number=5)])
    before = {incarnation for _, incarnation, _ in world.stream()}
    world.restart(with_data=with_data)
    assert len(world.registers()) == (1 if with_data else 0)
    assert world.run(world.store.apply("0", [register(number=6)])) == Applied(refused=True)
    done = world.run(world.store.reconcile("0", [register(number=5)]))
    assert done == (Applied(stale=1) if with_data else Applied(applied=1))
    assert world.run(world.store.apply("0", [register(number=6)])) == Applied(applied=1)
    assert world.stream()[-1][1] not in before, "a new life has a new name"


def test_interrupted_reconcile_is_refused(world: StoreWorld) -> None:
    many = [register(f"tag{i}") for i in range(CHUNK + 1)]

    class Interrupting(list):  # type: ignore[type-arg]
        """Lose the server's data between the first portion and the second."""

        def __getitem__(self, portion: Any) -> Any:
            if portion.start == CHUNK:
                world.flushall()
            return super().__getitem__(portion)

    assert world.run(world.store.reconcile("0", Interrupting(many))).refused
    assert world.sentinel("0") is None
    assert world.registers() == {}, "nothing is written under the name of a life that is over"
    assert world.run(world.store.apply("0", many)).refused


@pytest.mark.parametrize("loss", ["flushall", "restart"])
def test_loss_before_end_of_reconcile_is_detected(world: StoreWorld, loss: str) -> None:
    world.before_finish(world.flushall if loss == "flushall" else lambda: world.restart(with_data=True))
    assert world.run(world.store.reconcile("0", [register()])) == Applied(applied=1, refused=True)
    assert world.run(world.store.apply("0", [register(number=2)])).refused
    assert not world.run(world.store.reconcile("0", [register()])).refused


def test_reconcile_restores_lost_and_keeps_newer(world: StoreWorld) -> None:
    world.open([register("one", 1), register("two", 1)])
    world.run(world.store.apply("0", [register("two", 2)], upto=5))
    done = world.run(world.store.reconcile("0", [register("one", 1), register("two", 1), register("three", 1)]))
    assert done == Applied(applied=1, stale=2)
    assert {r.hashtag: r.version for r in world.registers().values()}["two"] == register(number=2).version


def test_reconcile_names_register_newer_than_its_log(world: StoreWorld) -> None:
    foreign = register("two", 7)
    world.open([register("one", 1), register("two", 1)])
    world.run(world.store.apply("0", [foreign], upto=5))
    of_log = [register("one", 1), register("two", 2)]
    assert world.run(world.store.reconcile("0", of_log, upto=4)).foreign == (), (
        "another worker has read more of the log"
    )
    done = world.run(world.store.reconcile("0", of_log, upto=5))
    assert done == Applied(stale=2, foreign=((foreign.field, foreign.version),))
    assert world.registers()[foreign.field] == foreign, "it is not replaced"
    world.restart(with_data=True)
    assert world.run(world.store.reconcile("0", of_log, upto=4)).foreign == ()
    assert world.run(world.store.reconcile("0", of_log, upto=5)).foreign != ()


def test_sweep_reports_every_version(world: StoreWorld) -> None:
    odd = replace(register("odd"), version="9.9")
    world.open([register("one"), odd])
    found: list[tuple[str, str]] = []
    assert world.run(world.store.sweep(NOW_MS, lambda field, version: found.append((field, version)))) == 0
    assert sorted(found) == [(odd.field, "9.9"), (register("one").field, register("one").version)]


def test_heartbeat_of_the_future_is_replaced(world: StoreWorld) -> None:
    world.open([])
    world.run(world.store.heartbeat({0: 10 * NOW_MS}, 10 * NOW_MS))
    world.run(world.store.heartbeat({0: NOW_MS}, NOW_MS))
    assert world.reader()._replica.heartbeats[0].settled_ms == NOW_MS


def test_recent_heartbeat_does_not_go_back(world: StoreWorld) -> None:
    world.open(settled_ms=NOW_MS)
    world.run(world.store.heartbeat({0: NOW_MS - 50_000}, NOW_MS + 1_000))
    assert _settled(world) == NOW_MS
    world.run(world.store.heartbeat({0: NOW_MS - 50_000}, NOW_MS + 70_000))
    assert _settled(world) == NOW_MS - 50_000


def test_recent_renewal_does_not_go_back(world: StoreWorld) -> None:
    def renewed_ms() -> int:
        return world.reader()._replica.heartbeats[0].renewed_ms

    world.open(settled_ms=NOW_MS)
    world.run(world.store.heartbeat({0: NOW_MS}, NOW_MS + 20_000, {0: NOW_MS + 19_000}))
    world.run(world.store.heartbeat({0: NOW_MS}, NOW_MS + 21_000, {0: NOW_MS + 5_000}))
    assert renewed_ms() == NOW_MS + 19_000
    world.run(world.store.heartbeat({0: NOW_MS}, NOW_MS + 22_000, {0: NOW_MS + 21_000}))
    assert renewed_ms() == NOW_MS + 21_000
    world.run(world.store.heartbeat({0: NOW_MS + 30_000}, NOW_MS + 30_000))
    assert renewed_ms() == 0, "it settles again"


def test_heartbeat_names_surfaces(world: StoreWorld) -> None:
    world.open([])
    world.run(world.store.heartbeat({0: NOW_MS, 1: NOW_MS}, NOW_MS, None, {0: ("trends", "sea-rch"), 1: ()}))
    beats = world.reader()._replica.heartbeats
    assert (beats[0].surfaces, beats[1].surfaces) == (("trends", "sea-rch"), ())


def test_sweep_deletes_only_expired_registers(world: StoreWorld) -> None:
    over = register("over", action="clear", expires_at_ms=0, keep_until_ms=NOW_MS)
    kept = register("kept", action="clear", expires_at_ms=0, keep_until_ms=NOW_MS + 1)
    ever = register("ever", source="legal")
    world.open([over, kept, ever])
    assert world.run(world.store.sweep(NOW_MS)) == 1
    assert {r.hashtag for r in world.registers().values()} == {"kept", "ever"}
    assert world.run(world.store.sweep(NOW_MS)) == 0


def test_hostile_payload_text_is_preserved(world: StoreWorld) -> None:
    odd = register('a|b"\\ud\ud800é\x00', evidence={"tweets": 3, "note": '"keep_until_ms":1'}, display="\u202e{}")
    world.open()
    assert world.run(world.store.apply("0", [odd])) == Applied(applied=1)
    assert world.registers() == {odd.field: odd}
    assert decode(encode(odd)) == odd
    assert world.run(world.store.sweep(NOW_MS)) == 0


def test_unavailable_server_raises(world: StoreWorld) -> None:
    world.open()
    world.stop()
    for attempt in (
        world.store.apply("0", [register()]),
        world.store.reconcile("0", []),
        world.store.heartbeat({0: 1}, 1),
        world.store.sweep(1),
        world.store.needing_reconcile({"0": 0}),
        world.store.written_offset("0"),
        world.store.check_server(),
    ):
        with pytest.raises(FlagStoreUnavailable) as raised:
            world.run(attempt)
        assert raised.value.retry_after_seconds > 0
    world.restart(with_data=True)
    world.run(world.store.check_server())
    assert world.run(world.store.apply("0", [register()])).refused


def _settled(world: StoreWorld) -> int:
    """Read the oldest watermark as a new reader."""
    return world.reader().status().oldest_settled_ms
