"""Following a server step by step, with anything happening in between: Hypothesis is the scheduler.

The server changes between a reader's questions (in the middle of a snapshot too); the reader must never go back to an
older version, and once the server rests and is reconciled the replica equals it.
"""

from __future__ import annotations

from typing import Any

from hushtag_client import MemoryServer, Register
from hushtag_client.follow import follow
from hushtag_client.registers import encode
from hushtag_client.replica import Replica
from hushtag_client.wire import Change, Mark, Page, Poll, Position, Read, Registers
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
    """One partition's writer, one server, one reader."""

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
        # What is let go after a loss may come back with any version; until then nothing may go back.

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
        assert self.replica.good_until_ms() == self.now_ms + STALE_MS

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
    """Drive `follow` by hand: each question must be of the kind that the script says."""
    steps = follow(replica, lambda: NOW_MS, lambda changed: None, poll_ms=0)
    question = next(steps)
    for kind, reply in script:
        assert isinstance(question, kind), f"{question} where {kind.__name__} was expected"
        question = steps.send(reply)
    return question


def change(seq: int, written: Register, incarnation: str = "life") -> Change:
    return Change(f"{seq}-0", seq, incarnation, written.field, encode(written))


def page(*registers: Register, cursor: int = 0) -> Registers:
    return Registers(cursor, [(r.field, encode(r)) for r in registers])


def synced(*registers: Register, seq: int = 10) -> Replica:
    replica = Replica(STALE_MS)
    place = Position("life", seq, f"{seq}-0")
    question = answered(replica, (Poll, place), (Mark, place), (Page, page(*registers)), (Poll, place))
    assert isinstance(question, Poll)
    return replica


def test_a_change_during_the_snapshot_is_taken_once() -> None:
    """The page has the register as it was before (b) or after (a) the change; the stream brings both again."""
    replica = Replica(STALE_MS)
    after, before = register("a", 12), register("b", 1)
    place, later = Position("life", 10, "10-0"), Position("life", 12, "12-0")
    question = answered(
        replica,
        (Poll, place), (Mark, place), (Page, page(before, cursor=3)), (Page, page(after)), (Poll, later),
        (Poll, later), (Read, [change(11, register("b", 11)), change(12, after)]),
    )  # fmt: skip
    assert isinstance(question, Poll)
    assert {r.hashtag: int(r.version) for r in replica.index.registers.values()} == {"a": 12, "b": 11}


def test_a_snapshot_over_a_loss_is_begun_again() -> None:
    replica = Replica(STALE_MS)
    place, new = Position("life", 10, "10-0"), Position("next", 0)
    question = answered(
        replica,
        (Poll, place), (Mark, place), (Page, page(register("a", 1))), (Poll, new),
        (Mark, new), (Page, page()), (Poll, new),
    )  # fmt: skip
    assert isinstance(question, Poll)
    assert replica.incarnation == "next"
    assert replica.index.registers == {}


def test_who_sees_a_number_sees_its_change() -> None:
    replica = synced()
    put, numbers = replica.index.put, list[int]()

    def looked_at(written: Register) -> None:
        numbers.append(replica.seq)
        put(written)
        numbers.append(replica.seq)

    replica.index.put = looked_at  # type: ignore[method-assign]
    assert replica.apply([change(11, register("a", 1)), change(12, register("b", 2))])[1]
    assert (numbers, replica.seq) == ([10, 10, 11, 11], 12)


def test_an_older_version_in_the_stream_is_passed_over() -> None:
    replica = synced(register("a", 5))
    changed, whole = replica.apply([change(11, register("a", 4)), change(12, register("a", 5, "clear"))])
    assert (changed, whole, replica.seq) == ([], True, 12)
    assert replica.index.registers[register("a", 5).field] == register("a", 5)
    assert replica._server == replica.index.registers, "nor is it remembered as what the server has"


def test_a_gap_or_another_life_ends_what_is_applied() -> None:
    for broken in (change(13, register("b", 1)), change(12, register("b", 1), "next")):
        replica = synced()
        changed, whole = replica.apply([change(11, register("a", 1)), broken])
        assert ([r.hashtag for r in changed], whole, replica.seq) == (["a"], False, 11)


def test_a_gap_asks_for_a_snapshot() -> None:
    place = Position("life", 12)
    assert isinstance(answered(synced(), (Poll, place), (Read, [change(12, register("a", 1))])), Mark)
    assert isinstance(answered(synced(), (Poll, place), (Read, [])), Mark), "the stream was cut"
    assert isinstance(answered(synced(), (Poll, Position("life", 9))), Mark), "the server is behind us"
    assert isinstance(answered(synced(), (Poll, Position("next", 10))), Mark), "another life"
    assert isinstance(answered(synced(), (Poll, Position("life", 10))), Poll), "nothing happened"


def test_a_value_that_cannot_be_read_does_not_stop_the_stream() -> None:
    replica = synced()
    broken = Change("11-0", 11, "life", "trends|*|automated|x", b"{")
    changed, whole = replica.apply([broken, change(12, register("a", 1))])
    assert ([r.hashtag for r in changed], whole) == (["a"], True)
