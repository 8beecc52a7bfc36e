"""Folds of decisions compared with a naive reference that keeps every record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from hushtag_client.registers import Register, decode, encode, newer
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.actions import ACTION_OF_VERB
from streams.flags.decision_fold import DecisionFold
from streams.flags.moderation_fold import ModerationFold, scopes_of
from streams.log.decisions import Action, Decision, DecisionReason, Evidence, SampledAt, ScopeDecision, version_of
from streams.log.moderation import OtherRecord, Override, TagRecord, Undo, Verb
from tests.support.decisions import decision

LONGEST_MS, SKEW_MS = 100, 5
SURFACES = ("search", "trends")


class Store:
    """Model of Redis: accepts strictly newer registers, and drops expired ones."""

    def __init__(self) -> None:
        self.held: dict[str, Register] = {}

    def put(self, registers: Iterable[Register]) -> None:
        for register in registers:
            held = self.held.get(register.field)
            if held is not None and held.version == register.version:
                assert held == register, "equal versions must mean equal content"
            if newer(register, held):
                self.held[register.field] = register

    def shown_as(self, now_ms: int) -> dict[str, str]:
        return {field: register.action for field, register in self.held.items() if register.in_force(now_ms)}


# --- decisions ---------------------------------------------------------------------------------------------------


def fold_of_decisions() -> DecisionFold:
    return DecisionFold(longest_expiry_ms=LONGEST_MS, max_broker_skew_ms=SKEW_MS)


def test_decision_yields_one_register_per_surface() -> None:
    evidence = Evidence(
        window_ms=600_000, tweets=90, authors=40, scored=40, share=0.6, lower=0.5, upper=0.7, sampled=("1", "2"),
        sampled_at=(SampledAt(0, 7, "en"), SampledAt(1, 8, "hi")), highest=("3",), highest_at=(SampledAt(0, 9, "en"),),
    )  # fmt: skip
    ruling = ScopeDecision(
        category="abuse",
        surface="trends",
        action="suppress",
        since_ms=10,
        expires_at_ms=70,
        provisional=True,
        reasons=(DecisionReason("harmful_share_lower", 0.5, 0.35),),
        evidence=evidence,
    )
    summary = Decision(
        hashtag="tag",
        display="Tag",
        country="IN",
        rulings=(ruling,),
        version=version_of(7, 10),
        tick_ms=10,
        settled_ms=10,
        decided_at_ms=10,
        policy_revision="p1",
        model_revision="m1",
        provisional=True,
    )
    [register] = fold_of_decisions().apply(summary)
    assert register.field == "trends|IN|automated|tag"
    assert (register.action, register.expires_at_ms, register.version) == ("suppress", 70, version_of(7, 10))
    assert register.keep_until_ms == 70 + LONGEST_MS + SKEW_MS
    assert [(r.signal, r.value, r.threshold) for r in register.reasons] == [("harmful_share_lower", 0.5, 0.35)]
    assert (register.evidence["authors"], register.evidence["sampled"]) == (40, ["1", "2"])
    assert not register.evidence.keys() & {"sampled_at", "highest", "highest_at"}, "readers get no way to texts"
    assert (register.display, register.category, register.actor) == ("Tag", "abuse", "hushtag")
    assert (register.policy_revision, register.model_revision, register.provisional) == ("p1", "m1", True)


def test_suppress_overrides_hold_and_review_writes_nothing() -> None:
    fold = fold_of_decisions()
    registers = fold.apply(
        decision(
            1,
            ("a", "trends", "hold", 90),
            ("b", "trends", "suppress", 50),
            ("c", "trends", "suppress", 60),
            ("a", "search", "hold", 40),
            ("a", "explore", "review", 90),
            ("a", "home", "shadow", 90),
        )
    )
    assert [(r.surface, r.action, r.category, r.expires_at_ms) for r in registers] == [
        ("search", "hold", "a", 40),
        ("trends", "suppress", "c", 60),
    ]


def test_discount_yields_register_with_lowest_weight() -> None:
    fold = fold_of_decisions()
    [register] = fold.apply(
        decision(
            1,
            ("a", "trends", "discount", 90, 0.5),
            ("b", "trends", "discount", 70, 0.25),
            ("c", "trends", "discount", 80, 0.25),
            ("d", "trends", "review", 99),
        )
    )
    assert (register.action, register.weight, register.category, register.expires_at_ms) == ("discount", 0.25, "c", 80)
    assert register.keep_until_ms == 90 + LONGEST_MS + SKEW_MS


@pytest.mark.parametrize("action", ["suppress", "hold"])
def test_hiding_overrides_discount(action: Action) -> None:
    fold = fold_of_decisions()
    [register] = fold.apply(decision(1, ("a", "trends", "discount", 90, 0.0), ("b", "trends", action, 20)))
    assert (register.action, register.weight, register.category) == (action, 1.0, "b")


def test_discount_of_weight_zero_is_kept() -> None:
    [register] = fold_of_decisions().apply(decision(1, ("a", "trends", "discount", 90, 0.0)))
    assert (register.action, register.weight) == ("discount", 0.0)


def test_discounted_surface_is_cleared() -> None:
    fold = fold_of_decisions()
    fold.apply(decision(2, ("a", "trends", "suppress", 60), at_ms=20))
    [overtaken] = fold.apply(decision(1, ("a", "search", "discount", 90, 0.5)))
    assert (overtaken.surface, overtaken.action, overtaken.weight) == ("search", "clear", 1.0)
    assert summary(fold.apply(decision(3, ("a", "trends", "discount", 70, 0.5), at_ms=30))) == [
        ("search", "clear", version_of(3, 30)), ("trends", "discount", version_of(3, 30)),
    ]  # fmt: skip


def test_surface_is_cleared_under_new_version() -> None:
    fold = fold_of_decisions()
    fold.apply(decision(1, ("a", "trends", "suppress", 50), ("a", "search", "suppress", 50)))
    registers = fold.apply(decision(2, ("a", "trends", "review", 90), ("a", "search", "suppress", 60), at_ms=20))
    assert [(r.surface, r.action, r.version) for r in registers] == [
        ("search", "suppress", version_of(2, 20)),
        ("trends", "clear", version_of(2, 20)),
    ]
    assert registers == fold.registers()


def test_surface_of_overtaken_decision_is_cleared() -> None:
    fold = fold_of_decisions()
    assert fold.apply(decision(2, ("a", "trends", "review", 90), at_ms=20)) == []
    [register] = fold.apply(decision(1, ("a", "trends", "suppress", 50)))
    assert (register.action, register.version) == ("clear", version_of(2, 20))


def test_cleared_version_outlives_older_flags() -> None:
    fold = fold_of_decisions()
    fold.apply(decision(1, ("a", "trends", "suppress", 60)))
    [cleared] = fold.apply(decision(2, ("a", "trends", "clear", 0), at_ms=20))
    assert cleared.keep_until_ms == 20 + LONGEST_MS + SKEW_MS
    assert fold.prune(cleared.keep_until_ms - 1) == []
    assert fold.registers() == [cleared]
    assert fold.prune(cleared.keep_until_ms) == [cleared]
    assert fold.registers() == []
    assert len(fold) == 0


@st.composite
def histories(draw: st.DrawFn) -> list[Decision]:
    """Draw decisions of a few keys with rising times and versions."""
    out = []
    for number in range(draw(st.integers(1, 12))):
        at_ms = 10 * number
        rulings = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["abuse", "hate"]),
                    st.sampled_from(SURFACES),
                    st.sampled_from(["suppress", "hold", "discount", "review", "shadow", "clear"]),
                    st.integers(at_ms + 1, at_ms + LONGEST_MS),
                    st.sampled_from([0.0, 0.5]),
                ),
                max_size=4,
            )
        )
        tag, country = draw(st.sampled_from(["one", "two"])), draw(st.sampled_from(["*", "IN"]))
        out.append(decision(number, *rulings, tag=tag, country=country, at_ms=at_ms))
    return out


def reference_of_decisions(decisions: Iterable[Decision], now_ms: int) -> dict[str, str]:
    """Compute flags in force from the greatest version of each key."""
    latest: dict[tuple[str, str], Decision] = {}
    for summary in sorted(decisions, key=lambda d: d.version):
        latest[summary.hashtag, summary.country] = summary
    shown: dict[str, str] = {}
    for (tag, country), summary in latest.items():
        for surface in SURFACES:
            flags = [r for r in summary.rulings if r.surface == surface]
            for action in ("suppress", "hold", "discount"):
                found = [r for r in flags if r.action == action]
                least = min((r.weight or 0.0 for r in found), default=0.0)
                ends = max((r.expires_at_ms for r in found if (r.weight or 0.0) == least), default=0)
                if now_ms < ends:
                    shown[f"{surface}|{country}|automated|{tag}"] = action
                if found:
                    break
    return shown


@pytest.mark.simulation
@given(history=histories(), data=st.data())
def test_decision_fold_ignores_order_and_repeats(history: list[Decision], data: st.DataObject) -> None:
    arrivals = data.draw(st.permutations([*history, *data.draw(st.lists(st.sampled_from(history), max_size=6))]))
    straight, shuffled, store = fold_of_decisions(), fold_of_decisions(), Store()
    for summary in history:
        straight.apply(summary)
    for summary in arrivals:
        store.put(shuffled.apply(summary))
    by_field = {register.field: register for register in straight.registers()}
    assert {register.field: register for register in shuffled.registers()} == by_field
    assert store.held == by_field, "what was written one by one is what a reconcile would put back"
    now_ms = data.draw(st.integers(0, 250))
    assert store.shown_as(now_ms) == reference_of_decisions(history, now_ms)


@pytest.mark.simulation
@given(history=histories(), data=st.data())
def test_prune_never_changes_shown_flags(history: list[Decision], data: st.DataObject) -> None:
    """Old decisions that arrive after their key was pruned (from a zombie, a replay) have no effect."""
    fold, store, now_ms = fold_of_decisions(), Store(), 0
    for number, summary in enumerate(history):
        now_ms = max(now_ms, summary.decided_at_ms + data.draw(st.sampled_from([0, 0, 50, 300])))
        store.put(fold.apply(summary))
        for gone in fold.prune(now_ms):
            assert store.held.pop(gone.field) == gone
        again = data.draw(st.lists(st.sampled_from(history[: number + 1]), max_size=3))
        for old in again:
            store.put(fold.apply(old))
        assert store.shown_as(now_ms) == reference_of_decisions(history[: number + 1], now_ms)


# --- people ------------------------------------------------------------------------------------------------------


def override(
    ident: str,
    verb: Verb = "block",
    *,
    at_ms: int = 0,
    expires: int = 1_000,
    surfaces: Sequence[str] = ("trends",),
    edits: str = "",
    country: str = "*",
    tag: str = "tag",
) -> Override:
    return Override(
        id=ident,
        hashtag=tag,
        display=tag,
        country=country,
        surfaces=tuple(surfaces),
        actor="ann",
        reason=f"because {ident}",
        at_ms=at_ms,
        edits=edits,
        action=verb,
        expires_at_ms=expires,
    )


def undo(
    ident: str,
    *undoes: str,
    at_ms: int = 0,
    surfaces: Sequence[str] = ("trends",),
    edits: str = "",
    country: str = "*",
    tag: str = "tag",
) -> Undo:
    return Undo(
        id=ident,
        hashtag=tag,
        display=tag,
        country=country,
        surfaces=tuple(surfaces),
        actor="ben",
        reason="mistake",
        at_ms=at_ms,
        edits=edits,
        undoes=undoes,
    )


def v(offset: int, ms: int = 0) -> str:
    return version_of(offset, ms)


def summary(registers: Iterable[Register]) -> list[tuple[str, str, str]]:
    return [(r.surface, r.action, r.version) for r in registers]


def test_undo_restores_previous_override() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    assert summary(fold.apply(override("a", "block"), 0)) == [("trends", "suppress", v(0))]
    assert summary(fold.apply(override("b", "allow", edits=v(0)), 1)) == [("trends", "allow", v(1))]
    [back] = fold.apply(undo("c", "b", edits=v(1)), 2)
    assert (back.action, back.version, back.actor, back.evidence) == (
        "suppress",
        v(2),
        "ann",
        {"reason": "because a", "decision": "a"},
    )
    [clear] = fold.apply(undo("d", "a", edits=v(2)), 3)
    assert (clear.action, clear.version, clear.actor, clear.evidence["reason"]) == ("clear", v(3), "ben", "mistake")
    assert clear.keep_until_ms == 1_000 + SKEW_MS, "as long as a register given out earlier could be in force"


def test_undo_skips_expired_override() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    fold.apply(override("long", "block", expires=1_000), 0)
    fold.apply(override("short", "allow", expires=50, edits=v(0)), 1)
    fold.apply(override("top", "hold", edits=v(1)), 2)
    [back] = fold.apply(undo("u", "top", edits=v(2), at_ms=60), 3)
    assert (back.action, back.expires_at_ms, back.version) == ("suppress", 1_000, v(3, 50))


def test_expired_override_restores_longer_one_below() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    fold.apply(override("long", "block", expires=1_000), 0)
    fold.apply(override("short", "allow", expires=50, edits=v(0)), 1)
    assert fold.expire(49) == []
    assert summary(fold.expire(50)) == [("trends", "suppress", v(1, 50))]
    assert fold.expire(50) == []
    assert summary(fold.expire(1_000)) == [("trends", "clear", v(1, 1_000))]


def test_undo_on_one_surface_keeps_other() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    fold.apply(override("a", surfaces=SURFACES), 0)
    assert summary(fold.apply(undo("u", "a", surfaces=("search",), edits=v(0)), 1)) == [("search", "clear", v(1))]
    assert {(r.surface, r.action) for r in fold.registers()} == {("search", "clear"), ("trends", "suppress")}


@pytest.mark.parametrize(
    "edits", ["", v(0), v(9), v(4)], ids=["saw nothing", "saw the first", "not there yet", "its own"]
)
def test_stale_edit_is_refused_with_newer_records(edits: str) -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    first, second = override("a"), override("b", "allow", edits=v(0))
    fold.apply(first, 0)
    fold.apply(second, 3)
    before = fold.registers()
    late = override("c", "hold", edits=edits)
    assert fold.apply(late, 4) == []
    assert fold.registers() == before
    assert fold.stale[4].record == late
    assert fold.stale[4].version == v(3)
    assert fold.stale[4].changed == ((second,) if edits < v(3) else ())


def test_edit_is_stale_if_one_surface_is() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    fold.apply(override("a", surfaces=("search",)), 0)
    assert fold.apply(override("b", surfaces=SURFACES), 1) == []
    assert [r.field for r in fold.registers()] == ["search|*|human|tag"]


def test_other_scopes_do_not_make_edit_stale() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    for offset, record in enumerate(
        [override("a"), override("b", country="IN"), override("c", tag="other"), override("d", surfaces=("search",))]
    ):
        assert len(fold.apply(record, offset)) == 1
    legal = Override(
        id="e",
        hashtag="tag",
        display="tag",
        country="*",
        surfaces=("trends",),
        source="legal",
        actor="court",
        reason="order",
        at_ms=0,
        action="block",
        expires_at_ms=0,
    )
    [register] = fold.apply(legal, 4)
    assert (register.source, register.expires_at_ms, register.keep_until_ms) == ("legal", 0, 0)


def test_unknown_record_kinds_are_skipped() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    assert fold.apply(OtherRecord("order", b"k", b"{}"), 0) == []
    assert fold.next_offset == 1
    assert summary(fold.apply(override("a"), 1)) == [("trends", "suppress", v(1))]


def test_pruned_stack_keeps_its_version() -> None:
    fold = ModerationFold(max_broker_skew_ms=SKEW_MS)
    fold.apply(override("a", expires=50), 0)
    assert fold.prune(50 + SKEW_MS - 1) == []
    assert [r.field for r in fold.prune(50 + SKEW_MS)] == ["trends|*|human|tag"]
    assert fold.registers() == []
    assert fold.expire(2_000) == []
    assert fold.apply(override("b"), 1) == []
    assert summary(fold.apply(override("c", edits=v(0)), 2)) == [("trends", "suppress", v(2))]


@dataclass(frozen=True)
class Plan:
    """Action of a moderator; its record depends on the log at the time of writing."""

    verb: str
    surfaces: tuple[str, ...]
    lasts_ms: int
    behind: int
    """Number of records that the writer had not read; 0: up to date."""
    which: int


PLANS = st.lists(
    st.builds(
        Plan,
        verb=st.sampled_from(["block", "allow", "hold", "undo", "undo", "other"]),
        surfaces=st.sampled_from([("trends",), ("search",), SURFACES]),
        lasts_ms=st.sampled_from([5, 25, 60, 400]),
        behind=st.sampled_from([0, 0, 0, 0, 1, 3]),
        which=st.integers(0, 3),
    ),
    max_size=14,
)


class Reference:
    """Naive reference: a list of every accepted record of every scope."""

    def __init__(self) -> None:
        self.accepted: list[tuple[int, TagRecord]] = []

    def version(self, surface: str, before: int) -> int:
        return max(
            (offset for offset, record in self.accepted if surface in record.surfaces and offset < before), default=-1
        )

    def take(self, offset: int, record: TagRecord, seen: int) -> None:
        if all(self.version(surface, offset) <= seen for surface in record.surfaces):
            self.accepted.append((offset, record))

    def standing(self, surface: str, now_ms: int) -> Override | None:
        mine = [record for _, record in self.accepted if surface in record.surfaces]
        undone = {ident for record in mine if isinstance(record, Undo) for ident in record.undoes}
        alive = [r for r in mine if isinstance(r, Override) and r.id not in undone and now_ms < r.expires_at_ms]
        return alive[-1] if alive else None


def write_down(plans: Sequence[Plan]) -> tuple[list[TagRecord | OtherRecord], Reference]:
    """Write the log of moderators with these plans, 10 ms apart; return it with the reference."""
    log: list[TagRecord | OtherRecord] = []
    reference = Reference()
    for offset, plan in enumerate(plans):
        if plan.verb == "other":
            log.append(OtherRecord("order", b"k", b"{}"))
            continue
        seen = max(reference.version(surface, offset - plan.behind) for surface in plan.surfaces)
        edits = v(seen) if seen >= 0 else ""
        earlier = [r.id for r in log if isinstance(r, Override)]
        record: TagRecord
        if plan.verb == "undo":
            if not earlier:
                log.append(OtherRecord("note", b"k", b"{}"))
                continue
            record = undo(
                f"u{offset}",
                earlier[-1 - plan.which % len(earlier)],
                at_ms=10 * offset,
                surfaces=plan.surfaces,
                edits=edits,
            )
        else:
            verb: Verb = "block" if plan.verb == "block" else "allow" if plan.verb == "allow" else "hold"
            record = override(
                f"o{offset}",
                verb,
                at_ms=10 * offset,
                expires=10 * offset + plan.lasts_ms,
                surfaces=plan.surfaces,
                edits=edits,
            )
        log.append(record)
        reference.take(offset, record, seen)
    return log, reference


@pytest.mark.simulation
@settings(max_examples=400)
@given(plans=PLANS, data=st.data())
def test_moderation_fold_equals_naive_reference(plans: list[Plan], data: st.DataObject) -> None:
    """Compare two publishers: a live one with expiries, repeats and a late start, and a replay at the end."""
    log, reference = write_down(plans)
    live, store = ModerationFold(max_broker_skew_ms=SKEW_MS), Store()
    highest: dict[str, str] = {}
    for offset, record in enumerate(log):
        given_out = list(live.apply(record, offset, now_ms=10 * offset))
        if data.draw(st.booleans(), label="lapse"):
            given_out += live.expire(10 * offset + data.draw(st.integers(0, 9)))
        for register in given_out:
            assert register.version > highest.get(register.field, ""), "versions of a field only rise"
            highest[register.field] = register.version
        store.put(given_out)
        back = data.draw(st.integers(0, offset), label="replayed from")
        assert [r for at in range(back, offset + 1) for r in live.apply(log[at], at)] == [], "a repeat changes nothing"
    end_ms = 10 * len(log) + data.draw(st.integers(0, 450))
    store.put(live.expire(end_ms))
    replay = ModerationFold(max_broker_skew_ms=SKEW_MS)
    for offset, record in enumerate(log):
        store.put(replay.apply(record, offset))
    replay.expire(end_ms)
    assert sorted(replay.registers(), key=lambda r: r.field) == sorted(live.registers(), key=lambda r: r.field)
    store.put(replay.registers())
    assert store.held == {register.field: register for register in live.registers()}
    for surface in SURFACES:
        standing = reference.standing(surface, end_ms)
        entry = live.in_force(("tag", surface, "*", "human"), end_ms)
        assert (entry.record if entry else None) == standing
        shown = store.shown_as(end_ms).get(f"{surface}|*|human|tag")
        assert shown == (ACTION_OF_VERB[standing.action] if standing else None)
    ignored = {offset for offset, record in enumerate(log) if not isinstance(record, OtherRecord)} - {
        o for o, _ in reference.accepted
    }
    assert set(live.stale) == ignored


@pytest.mark.simulation
@given(plans=PLANS, data=st.data())
def test_prune_keeps_overrides_in_force(plans: list[Plan], data: st.DataObject) -> None:
    log, reference = write_down(plans)
    fold, store = ModerationFold(max_broker_skew_ms=SKEW_MS), Store()
    for offset, record in enumerate(log):
        now_ms = 10 * offset
        store.put(fold.apply(record, offset, now_ms))
        store.put(fold.expire(now_ms))
        if data.draw(st.booleans(), label="prune"):
            for gone in fold.prune(now_ms):
                assert store.held.pop(gone.field) == gone
    end_ms = 10 * len(log) + data.draw(st.integers(0, 450))
    store.put(fold.expire(end_ms))
    for surface in SURFACES:
        standing = reference.standing(surface, end_ms)
        assert store.shown_as(end_ms).get(f"{surface}|*|human|tag") == (
            ACTION_OF_VERB[standing.action] if standing else None
        )


def test_scopes_of_has_one_scope_per_surface() -> None:
    scopes = scopes_of(override("a", surfaces=("trends", "search", "trends"), country="IN"))
    assert scopes == [("tag", "trends", "IN", "human"), ("tag", "search", "IN", "human")]


def test_action_of_a_later_version_is_published_as_it_is() -> None:
    folded = DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5)
    first = folded.apply(decision(1, ("abuse", "trends", "blur", 900), ("abuse", "search", "suppress", 900)))
    assert {one.surface: (one.action, one.expires_at_ms) for one in first} == {
        "search": ("suppress", 900), "trends": ("blur", 900)
    }  # fmt: skip
    assert all(decode(encode(one)) == one for one in first)
    later = folded.apply(decision(2, ("abuse", "search", "suppress", 900)))
    assert {one.surface: one.action for one in later} == {"search": "suppress", "trends": "clear"}


def test_flag_is_stronger_than_an_action_of_a_later_version() -> None:
    (one,) = DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5).apply(
        decision(1, ("a", "trends", "blur", 900), ("b", "trends", "discount", 800, 0.5))
    )
    assert one.action == "discount"


def test_endless_action_of_a_later_version_makes_no_flag() -> None:
    assert (
        DecisionFold(longest_expiry_ms=1_000, max_broker_skew_ms=5).apply(decision(1, ("abuse", "trends", "blur", 0)))
        == []
    )
