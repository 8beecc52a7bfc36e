"""Precedence legal > human > automated, per country and surface, in random histories compared with a naive rule.

Each history mixes overrides, undos, orders with their steps, automated decisions, the stop button and time. It also
has repeated records, a publisher that restarts, one that lags and offers old registers, and a server that lost its
data. The real folds, the compare-and-set and the client are compared with the reference after every step. The
reference only keeps each override with its author, time and end.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hushtag_client import MemoryFlagsClient, MemoryServer
from hushtag_client.registers import Register, encode

from streams.flags.decision_fold import DecisionFold
from streams.flags.moderation_fold import ModerationFold
from streams.log.decisions import Action, Decision, ScopeDecision, version_of
from streams.log.moderation import Override, TagRecord, Undo, Verb, decode_moderation, encode_moderation
from streams.orders.records import OrderReceived, OrderRuling, OrderState, OrderStep, OrderTargets, Target, encode_legal

pytestmark = pytest.mark.simulation

TAGS, SURFACES, COUNTRIES = ("one", "two"), ("search", "trends"), ("IN", "DE", "*")
ORDERS = ("IN-0000000001", "IN-0000000002", "DE-0000000003")
START_MS = 1_000_000
HISTORIES, CHUNKS = 2_000, 8


@dataclass
class Emitted:
    """Override of one (tag, surface, country) in the reference."""

    source: str
    hides: bool
    ends_ms: int
    """Expiry in milliseconds; 0: until revoked."""
    ended: bool = False


@dataclass
class Reference:
    """Reference: all overrides by scope, oldest first, without versions, registers or index."""

    emitted: dict[tuple[str, str, str], list[Emitted]] = field(default_factory=dict)
    automated: dict[tuple[str, str], dict[str, tuple[float, int]]] = field(default_factory=dict)
    """Newest decision: (tag, country) → surface → (weight, expiry); the weight of one that hides is 0."""
    stops: dict[tuple[str, str], list[Emitted]] = field(default_factory=dict)

    def weight(self, tag: str, surface: str, country: str, now_ms: int) -> float:
        """Return the factor on a tag's tweets; 0 where it is hidden."""
        for source in ("legal", "human"):
            for where in dict.fromkeys((country, "*")):
                standing = [
                    one
                    for one in self.emitted.get((tag, surface, where), ())
                    if one.source == source and not one.ended and (not one.ends_ms or now_ms < one.ends_ms)
                ]
                if standing:
                    return 0.0 if standing[-1].hides else 1.0
        stopped = any(
            not stop.ended and now_ms < stop.ends_ms
            for where in (country, "*")
            for stop in self.stops.get((surface, where), ())
        )
        for where in dict.fromkeys((country, "*")):
            weight, ends_ms = self.automated.get((tag, where), {}).get(surface, (1.0, 0))
            if weight < 1 and now_ms < ends_ms and not stopped:
                return weight
        return 1.0


class History:
    """Random history, applied to the real parts and to the reference."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now_ms = START_MS
        self.log: list[tuple[bytes, bytes]] = []
        self.decisions: list[Decision] = []
        self.reference = Reference()
        self.overrides: list[tuple[Override, Emitted]] = []
        self.states: dict[str, OrderState] = {}
        self.ruled: dict[str, list[tuple[str, str]]] = {}
        self.in_force: dict[str, list[Emitted]] = {}
        self.server = MemoryServer()
        self.server.seed([], settled_ms=self.now_ms)
        self.client = MemoryFlagsClient(self.server, clock=lambda: self.now_ms, max_staleness_seconds=10**6)
        self.old: list[Register] = []
        self.start_anew()

    def start_anew(self) -> None:
        """Start a publisher that reads both logs from their beginning, decisions shuffled and some repeated."""
        self.people = ModerationFold(max_broker_skew_ms=0)
        self.pipeline = DecisionFold(longest_expiry_ms=10**9, max_broker_skew_ms=0)
        for offset, (value, key) in enumerate(self.log):
            self.people.apply(decode_moderation(value, key), offset, self.now_ms)
        again = self.decisions + self.dice.sample(self.decisions, len(self.decisions) // 2)
        self.dice.shuffle(again)
        for emitted in again:
            self.pipeline.apply(emitted)
        self.reconcile()

    def reconcile(self) -> None:
        self.people.expire(self.now_ms)
        incarnation = self.server.begin()
        for partition, registers in (("moderation", self.people.registers()), ("0", self.pipeline.registers())):
            self.server.put_back(incarnation, [(one.field, encode(one)) for one in registers])
            self.server.finish(partition, incarnation)
        self.server.beat({0: START_MS}, START_MS, 1)

    def publish(self, partition: str, registers: list[Register]) -> None:
        self.old += registers
        assert self.server.put(partition, [(one.field, encode(one)) for one in registers]) is not None

    def append(self, value: bytes, key: bytes) -> int:
        self.log.append((value, key))
        offset = len(self.log) - 1
        self.publish("moderation", self.people.apply(decode_moderation(value, key), offset, self.now_ms))
        return offset

    def people_say(self, record: TagRecord) -> bool:
        offset = self.append(*encode_moderation(record))
        return offset not in self.people.stale

    def step(self) -> None:
        acts = (self.override, self.override, self.order, self.order, self.automated, self.automated, self.undo,
                self.stop, self.wait, self.reread)  # fmt: skip
        self.dice.choice(acts)()

    def override(self) -> None:
        verb: Verb = self.dice.choice(("block", "allow", "hold"))
        self._override(self.dice.choice(TAGS), verb)

    def stop(self) -> None:
        self._override("*", "allow")

    def _override(self, tag: str, verb: Verb) -> None:
        surface, country = self.dice.choice(SURFACES), self.dice.choice(COUNTRIES)
        fresh = self.dice.random() < 0.8
        version = self.people.version([(tag, surface, country, "human")])
        record = Override(
            id=f"o{len(self.log)}", hashtag=tag, display=tag, country=country, surfaces=(surface,), actor="a",
            reason="r", at_ms=self.now_ms, action=verb, expires_at_ms=self.now_ms + self.dice.choice((5, 50, 500)),
            edits=version if fresh else "",
        )  # fmt: skip
        emitted = Emitted("human", verb != "allow", record.expires_at_ms)
        counts = self.people_say(record)
        assert counts == (fresh or version == "")
        if counts:
            if tag == "*":
                self.reference.stops.setdefault((surface, country), []).append(emitted)
            else:
                self.reference.emitted.setdefault((tag, surface, country), []).append(emitted)
            self.overrides.append((record, emitted))

    def undo(self) -> None:
        if not self.overrides:
            return
        record, emitted = self.dice.choice(self.overrides)
        undo = Undo(
            id=f"u{len(self.log)}", hashtag=record.hashtag, display=record.hashtag, country=record.country,
            surfaces=record.surfaces, actor="b", reason="r", at_ms=self.now_ms, undoes=(record.id,),
            edits=self.people.version([(record.hashtag, record.surfaces[0], record.country, "human")]),
        )  # fmt: skip
        assert self.people_say(undo)
        emitted.ended = True

    def order(self) -> None:
        order = self.dice.choice(ORDERS)
        state = self.states.get(order)
        if state is None:
            self._take_in(order)
        elif state == "received":
            self._move(order, "acknowledged")
        elif state == "acknowledged":
            self._move(order, "under_review")
        elif state == "under_review" or (state in ("interim", "final") and self.dice.random() < 0.4):
            self._rule(order) if self.dice.random() < 0.5 else self._move(
                order, self.dice.choice(("interim", "revoked"))
            )
        elif state in ("interim", "final"):
            to: OrderState = "revoked" if state == "final" or self.dice.random() < 0.4 else "interim"
            self._move(order, to)

    def _take_in(self, order: str) -> None:
        targets = tuple(Target("hashtag", tag, tag) for tag in TAGS)
        self.append(*encode_legal(OrderTargets(order=order, intake=f"i{order}", part=0, targets=targets)))
        self.append(*encode_legal(OrderReceived(
            order=order, intake=f"i{order}", parts=1, added=len(targets), authority="a", country=order[:2],
            legal_basis="l", reference=order, issued_ms=1, received_ms=1, deadline_ms=2, confidential=False, actor="a",
            at_ms=self.now_ms,
        )))  # fmt: skip
        self.states[order], self.ruled[order] = "received", []

    def _move(self, order: str, to: OrderState) -> None:
        ends_ms = self.now_ms + self.dice.choice((5, 50, 500)) if to == "interim" else 0
        offset = self.append(*encode_legal(OrderStep(
            id=f"s{len(self.log)}", order=order, to=to, expires_at_ms=ends_ms, actor="a", reason="r", at_ms=self.now_ms,
            edits=self.people.orders.by_id[order].version,
        )))  # fmt: skip
        assert offset not in self.people.orders.refused
        self.states[order] = to
        self._say(order, ends_ms)

    def _rule(self, order: str) -> None:
        number, reduces = self.dice.randrange(len(TAGS)), self.dice.random() < 0.7
        surface = self.dice.choice(SURFACES)
        offset = self.append(*encode_legal(OrderRuling(
            id=f"r{len(self.log)}", order=order, targets=((number, number),), actor="a", reason="r", at_ms=self.now_ms,
            outcome="reduced" if reduces else "declined", ground="local_law" if reduces else "other",
            surfaces=(surface,) if reduces else (), edits=self.people.orders.by_id[order].version,
        )))  # fmt: skip
        assert offset not in self.people.orders.refused
        self.ruled[order] = [one for one in self.ruled[order] if one[0] != TAGS[number]]
        if reduces:
            self.ruled[order].append((TAGS[number], surface))
        ends_ms = self.people.orders.by_id[order].expires_at_ms
        self._say(order, ends_ms)

    def _say(self, order: str, ends_ms: int) -> None:
        """Return the order's present measures, without its former ones."""
        for emitted in self.in_force.get(order, ()):
            emitted.ended = True
        self.in_force[order] = []
        if self.states[order] in ("interim", "final"):
            for tag, surface in self.ruled[order]:
                emitted = Emitted("legal", True, ends_ms)
                self.reference.emitted.setdefault((tag, surface, order[:2]), []).append(emitted)
                self.in_force[order].append(emitted)

    def automated(self) -> None:
        tag, country = self.dice.choice(TAGS), self.dice.choice(COUNTRIES)
        rulings, actual = [], {}
        for surface in self.dice.sample(SURFACES, self.dice.randint(0, 2)):
            action: Action = self.dice.choice(("suppress", "hold", "discount", "review", "clear"))
            ends_ms, weight = self.now_ms + self.dice.choice((5, 50, 500)), self.dice.choice((0.25, 0.5))
            rulings.append(ScopeDecision(
                category="c", surface=surface, action=action, since_ms=self.now_ms,
                expires_at_ms=0 if action == "clear" else ends_ms, weight=weight if action == "discount" else None,
            ))  # fmt: skip
            hides = action in ("suppress", "hold")
            actual[surface] = (0.0 if hides else weight if action == "discount" else 1.0, ends_ms)
        emitted = Decision(
            hashtag=tag, display=tag, country=country, rulings=tuple(rulings), tick_ms=self.now_ms,
            version=version_of(len(self.decisions) + 1, self.now_ms), settled_ms=self.now_ms,
            decided_at_ms=self.now_ms, policy_revision="p", model_revision="m",
        )  # fmt: skip
        self.decisions.append(emitted)
        self.reference.automated[tag, country] = actual
        self.publish("0", self.pipeline.apply(emitted))

    def wait(self) -> None:
        self.now_ms += self.dice.choice((1, 10, 100))
        lapsed = self.people.expire(self.now_ms)
        if any(one.action != "clear" for one in lapsed) or self.dice.random() < 0.5:
            # The publisher restores the override below within a second; readers detect an expiry themselves.
            self.publish("moderation", lapsed)

    def reread(self) -> None:
        what = self.dice.randrange(4)
        if what == 0 and self.log:
            offset = self.dice.randrange(len(self.log))
            assert self.people.apply(decode_moderation(*self.log[offset]), offset, self.now_ms) == []
        elif what == 1:
            self.start_anew()
        elif what == 2 and self.old:
            for old in self.dice.sample(self.old, min(5, len(self.old))):
                self.server.put("0", [(old.field, encode(old))])
        elif what == 3:
            self.server.flushall()
            self.reconcile()

    def questions(self) -> Iterator[tuple[str, str, str]]:
        return ((tag, surface, country) for tag in TAGS for surface in SURFACES for country in COUNTRIES)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_client_follows_precedence_of_sources(chunk: int) -> None:
    for seed in range(chunk * HISTORIES // CHUNKS, (chunk + 1) * HISTORIES // CHUNKS):
        history = History(seed)
        for number in range(20):
            history.step()
            history.client.catch_up()
            for tag, surface, country in history.questions():
                answer = super(MemoryFlagsClient, history.client).check(tag, surface, country)
                actual = answer.weight if answer.shown else 0.0
                wanted = history.reference.weight(tag, surface, country, history.now_ms)
                assert actual == wanted, f"seed {seed}, step {number}: #{tag} on {surface} in {country}"
