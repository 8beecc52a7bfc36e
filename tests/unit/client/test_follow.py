"""Replication step by step, with Hypothesis as the scheduler.

The server changes between a reader's questions, also during a snapshot. The reader must never return to an older
version, and once the server rests and is reconciled the replica equals it.
"""

from __future__ import annotations

from typing import Any

from hushtag_client import MemoryServer, Register
from hushtag_client.follow import follow
from hushtag_client.registers import encode
from hushtag_client.replica import Replica
from hushtag_client.wire import (
    ChangeEntry,
    MarkPosition,
    PollState,
    ReadChanges,
    RegisterPage,
    ScanRegisters,
    ServerPosition,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

NOW_MS = 1_000_000
STALE_MS = 1_000


def register(tag: str, number: int, action: str = "suppress", **members: Any) -> Register:
    return Register(
        version=f"{number:05d}", action=action, hashtag=tag, surface="trends", expires_at_ms=2 * NOW_MS, **members  # type: ignore[arg-type]
    )  # fmt: skip


class Following(RuleBasedStateMachine):
    """A writer of one partition, a server and a reader."""

    @initialize(kept=st.sampled_from([1, 3, 100_000]))
    def begin(self, kept: int) -> None:
        self.server = MemoryServer()
        self.server.changes_kept = kept
        self.fold: dict[str, Register] = {}
        self.number = 0
        self.now_ms = NOW_MS
        self.replica = Replica(STALE_MS)
        self.steps = follow(self.replica, lambda: self.now_ms, lambda changed: None, poll_ms=0)
        self.question = next(self.steps)
        self.seen: dict[str, str] = {}
        self.reconcile()

    @rule(tag=st.sampled_from("abcdefgh"), action=st.sampled_from(["suppress", "clear"]))
    def write(self, tag: str, action: str) -> None:
        self.number += 1
        written = register(tag, self.number, action)
        self.fold[written.field] = written
        if self.server.put("0", [(written.field, encode(written))]) is None:
            self.reconcile()

    @rule(back=st.integers(1, 5), tag=st.sampled_from("abcdefgh"))
    def write_as_a_zombie(self, back: int, tag: str) -> None:
        old = register(tag, max(0, self.number - back))
        if old.field in self.fold and self.fold[old.field].version > old.version:
            done = self.server.put("0", [(old.field, encode(old))])
            assert done in (None, (0, 1))

    @rule()
    def reconcile(self) -> None:
        incarnation = self.server.begin()
        self.server.put_back(incarnation, [(field, encode(r)) for field, r in self.fold.items()])
        assert self.server.finish("0", incarnation)
        self.server.beat({0: self.now_ms}, self.now_ms, 1)

    @rule(how=st.sampled_from(["flushall", "restart", "restart empty"]))
    def lose(self, how: str) -> None:
        if how == "flushall":
            self.server.flushall()
        else:
            self.server.restart(with_data=how == "restart")
        # A register dropped after a loss may return with any version; until then no version may decrease.

    @rule(count=st.integers(1, 9))
    def read(self, count: int) -> None:
        for _ in range(count):
            self.question = self.steps.send(self.server.answer(self.question))

    @rule()
    def disconnect(self) -> None:
        self.steps.close()
        self.steps = follow(self.replica, lambda: self.now_ms, lambda changed: None, poll_ms=0)
        self.question = next(self.steps)

    @rule()
    def rest(self) -> None:
        self.reconcile()
        self.read(60)
        assert {f: r.version for f, r in self.replica.index.registers.items()} == {
            f: r.version for f, r in self.fold.items()
        }
        assert (self.replica.incarnation, self.replica.seq) == (self.server.incarnation, self.server.seq)
        assert self.replica.shards_until_ms() == [self.now_ms + STALE_MS]

    @invariant()
    def never_back(self) -> None:
        if hasattr(self, "replica"):
            now = {field: r.version for field, r in self.replica.index.registers.items()}
            for field, version in self.seen.items():
                assert now.get(field, "") >= version, f"{field} went from {version} to {now.get(field)}"
            self.seen = now


TestFollowing = Following.TestCase
TestFollowing.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def answered(replica: Replica, *script: tuple[type, object]) -> Any:
    """Drive `follow` by a script of (expected question, reply)."""
    steps = follow(replica, lambda: NOW_MS, lambda changed: None, poll_ms=0)
    question = next(steps)
    for kind, reply in script:
        assert isinstance(question, kind), f"{question} where {kind.__name__} was expected"
        question = steps.send(reply)
    return question


def change(seq: int, written: Register, incarnation: str = "life") -> ChangeEntry:
    return ChangeEntry(f"{seq}-0", seq, incarnation, written.field, encode(written))


def page(*registers: Register, cursor: int = 0) -> RegisterPage:
    return RegisterPage(cursor, [(r.field, encode(r)) for r in registers])


def synced(*registers: Register, seq: int = 10) -> Replica:
    replica = Replica(STALE_MS)
    place = ServerPosition("life", seq, f"{seq}-0")
    question = answered(
        replica, (PollState, place), (MarkPosition, place), (ScanRegisters, page(*registers)), (PollState, place)
    )
    assert isinstance(question, PollState)
    return replica


def test_change_during_snapshot_is_applied_once() -> None:
    """The page holds the register before (b) or after (a) its change; the stream repeats both."""
    replica = Replica(STALE_MS)
    after, before = register("a", 12), register("b", 1)
    place, later = ServerPosition("life", 10, "10-0"), ServerPosition("life", 12, "12-0")
    question = answered(
        replica,
        (PollState, place), (MarkPosition, place),
        (ScanRegisters, page(before, cursor=3)), (ScanRegisters, page(after)), (PollState, later),
        (PollState, later), (ReadChanges, [change(11, register("b", 11)), change(12, after)]),
    )  # fmt: skip
    assert isinstance(question, PollState)
    assert {r.hashtag: int(r.version) for r in replica.index.registers.values()} == {"a": 12, "b": 11}


def test_snapshot_restarts_after_loss() -> None:
    replica = Replica(STALE_MS)
    place, new = ServerPosition("life", 10, "10-0"), ServerPosition("next", 0)
    question = answered(
        replica,
        (PollState, place), (MarkPosition, place), (ScanRegisters, page(register("a", 1))), (PollState, new),
        (MarkPosition, new), (ScanRegisters, page()), (PollState, new),
    )  # fmt: skip
    assert isinstance(question, PollState)
    assert replica.incarnation == "next"
    assert replica.index.registers == {}


def test_snapshot_between_two_losses_has_no_registers() -> None:
    """A writer began a life after the mark, and the data were lost again before the end of the scan."""
    replica, nothing = Replica(STALE_MS), ServerPosition("", 0)
    question = answered(
        replica, (PollState, nothing), (MarkPosition, nothing), (ScanRegisters, page(register("a", 1))),
        (PollState, nothing),
    )  # fmt: skip
    assert isinstance(question, PollState)
    assert (replica.synced, replica.index.registers) == (True, {})


def test_sequence_number_advances_after_its_change() -> None:
    replica = synced()
    put, numbers = replica.index.put, list[int]()

    def recorded(written: Register) -> None:
        numbers.append(replica.seq)
        put(written)
        numbers.append(replica.seq)

    replica.index.put = recorded  # type: ignore[method-assign]
    assert replica.apply([change(11, register("a", 1)), change(12, register("b", 2))])[1]
    assert (numbers, replica.seq) == ([10, 10, 11, 11], 12)


def test_older_version_in_stream_is_ignored() -> None:
    replica = synced(register("a", 5))
    changed, whole = replica.apply([change(11, register("a", 4)), change(12, register("a", 5, "clear"))])
    assert (changed, whole, replica.seq) == ([], True, 12)
    assert replica.index.registers[register("a", 5).field] == register("a", 5)
    assert replica._server == replica.index.registers, "the replica does not record it as the server's register"


def test_apply_stops_at_gap_or_other_incarnation() -> None:
    for broken in (change(13, register("b", 1)), change(12, register("b", 1), "next")):
        replica = synced()
        changed, whole = replica.apply([change(11, register("a", 1)), broken])
        assert ([r.hashtag for r in changed], whole, replica.seq) == (["a"], False, 11)


def test_gap_requests_a_snapshot() -> None:
    place = ServerPosition("life", 12)
    assert isinstance(
        answered(synced(), (PollState, place), (ReadChanges, [change(12, register("a", 1))])), MarkPosition
    )
    assert isinstance(answered(synced(), (PollState, place), (ReadChanges, [])), MarkPosition), "the stream was cut"
    assert isinstance(answered(synced(), (PollState, ServerPosition("life", 9))), MarkPosition), "the server is behind"
    assert isinstance(answered(synced(), (PollState, ServerPosition("next", 10))), MarkPosition), "another incarnation"
    assert isinstance(answered(synced(), (PollState, ServerPosition("life", 10))), PollState), "no change"


def test_malformed_value_does_not_stop_the_stream() -> None:
    replica = synced()
    broken = ChangeEntry("11-0", 11, "life", "trends|*|automated|x", b"{")
    changed, whole = replica.apply([broken, change(12, register("a", 1))])
    assert ([r.hashtag for r in changed], whole) == (["a"], True)
