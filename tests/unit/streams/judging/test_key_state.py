"""Recovery of a key's state from decision records."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.judging.key_state import KeyState, greatest
from streams.log.decisions import (
    Decision,
    DecisionReason,
    Evidence,
    ScopeDecision,
    decode_record,
    encode_record,
    version_of,
)
from tests.support.decisions import decision

scopes = st.tuples(st.sampled_from(["abuse", "hateful_conduct"]), st.sampled_from(["search", "trends"]))
ratios = st.floats(0, 1).map(lambda value: round(value, 6))
evidence = st.none() | st.builds(
    Evidence,
    window_ms=st.just(600_000),
    tweets=st.integers(0, 2**40),
    authors=st.integers(0, 2**40),
    scored=st.integers(0, 64),
    share=ratios,
    lower=ratios,
    upper=ratios,
    burst=st.none() | ratios,
    sampled=st.lists(st.integers(0, 2**63 - 1).map(str), max_size=3).map(tuple),
)


def decisions_of(actions: list[str], *, provisional: bool):
    return st.builds(
        ScopeDecision,
        category=st.just(""),
        surface=st.just(""),
        action=st.sampled_from(actions),
        since_ms=st.integers(0, 2**41),
        expires_at_ms=st.integers(0, 2**41),
        provisional=st.just(provisional),
        lapsed=st.just(False) if provisional else st.booleans(),
        reasons=st.lists(st.builds(DecisionReason, st.just("copies"), ratios, ratios), max_size=2).map(tuple),
        evidence=evidence,
    )


def under(strategy: st.SearchStrategy[ScopeDecision]) -> st.SearchStrategy[dict[tuple[str, str], ScopeDecision]]:
    """Give each decision the scope that it is kept under."""
    made = st.dictionaries(scopes, strategy)
    return made.map(
        lambda found: {scope: replace(one, category=scope[0], surface=scope[1]) for scope, one in found.items()}
    )


states = st.builds(
    KeyState,
    settled=under(decisions_of(["suppress", "hold", "review", "shadow", "clear"], provisional=False)),
    early=under(decisions_of(["suppress", "hold"], provisional=True)),
    barred=under(decisions_of(["clear"], provisional=True)),
)


def record(rulings: tuple[ScopeDecision, ...], *, offset: int = 7, tick_ms: int = 30_000, **more: object) -> Decision:
    given_fields = {
        "hashtag": "a", "display": "A", "country": "IN", "rulings": rulings, "version": version_of(offset, tick_ms),
        "tick_ms": tick_ms, "settled_ms": 20_000, "decided_at_ms": 0, "policy_revision": "p", "model_revision": "m",
        **more,
    }  # fmt: skip
    return Decision(**given_fields)


@settings(max_examples=100, deadline=None)
@given(states)
def test_read_back_recovers_recorded_state(state):
    decoded = decode_record(encode_record(record(state.rulings())))
    assert isinstance(decoded, Decision)
    back = KeyState.read_back(decoded)
    assert (back.settled, back.early, back.barred) == (state.settled, state.early, state.barred)
    assert back.rulings() == state.rulings()
    assert (back.decided_ms, back.published) == (20_000, version_of(7, 30_000))
    assert back.empty == (not state.rulings())


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["IN", "*"]), st.integers(0, 12), st.integers(0, 12))
    )
)
def test_greatest_keeps_greatest_version_per_key(keys):
    decisions = [
        record((), hashtag=tag, country=country, offset=offset, tick_ms=tick * 10_000, display=str(number))
        for number, (tag, country, offset, tick) in enumerate(keys)
    ]
    best: dict[tuple[str, str], tuple[int, int]] = {}
    for tag, country, offset, tick in keys:
        best[tag, country] = max(best.get((tag, country), (-1, -1)), (offset, tick))
    found = {(one.hashtag, one.country): one.version for one in greatest(decisions).values()}
    assert found == {key: version_of(offset, tick * 10_000) for key, (offset, tick) in best.items()}


def test_greatest_keeps_first_of_equal_versions():
    decisions = [record((), display="first"), record((), display="second")]
    assert [one.display for one in greatest(decisions).values()] == ["first"]


@settings(max_examples=60, deadline=None)
@given(*[st.tuples(st.integers(0, 9_999), st.integers(0, 2**63 - 1), st.integers(0, 2**45))] * 2)
def test_versions_compare_as_text_like_their_numbers(one, other):
    texts = [version_of(offset, tick_ms, incarnation=number) for number, offset, tick_ms in (one, other)]
    assert (texts[0] < texts[1], texts[0] == texts[1]) == (one < other, one == other)


def test_action_of_a_later_version_is_none_in_recovery() -> None:
    rulings = ("hate", "trends", "blur", 900), ("abuse", "trends", "suppress", 900)
    back = KeyState.read_back(decision(1, *rulings))
    assert {scope: one.action for scope, one in back.settled.items()} == {("abuse", "trends"): "suppress"}
