"""Resolution: the contract's vectors, and the index against a naive search."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hushtag_client import MemoryFlagsClient, Register
from hushtag_client.index import Index
from hushtag_client.registers import ACTIONS, SOURCES
from hushtag_client.resolution import winner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.flag_vectors import server_with
from tests.support.paths import ROOT

_VECTORS = json.loads((ROOT / "docs/vectors/resolution.json").read_text("utf-8"))
_HORIZON = 10


@pytest.mark.parametrize("case", _VECTORS["cases"], ids=lambda case: case["name"])
def test_resolution_vectors(case: dict[str, Any]) -> None:
    for asked in case["questions"]:
        server = server_with(case["registers"], asked["at_ms"])
        client = MemoryFlagsClient(server, clock=lambda at_ms=asked["at_ms"]: at_ms)
        answer = client.check(asked["hashtag"], asked["surface"], asked["country"])
        by = answer.register.field if answer.register else None
        assert (answer.shown, answer.why, by) == (asked["shown"], asked["why"], asked["by"]), asked
        assert answer.weight == asked.get("weight", 1.0), asked


def obvious(registers: Iterable[Register], surface: str, country: str, hashtag: str, now_ms: int) -> Register | None:
    """Resolve as the contract describes it, without an index."""
    by_field = {r.field: r for r in registers}

    def in_force(source: str, where: str, tag: str) -> Register | None:
        found = by_field.get(f"{surface}|{where}|{source}|{tag}")
        if found is None or found.action == "clear" or (found.expires_at_ms and found.expires_at_ms <= now_ms):
            return None
        return found

    stop = None
    for source in ("legal", "human", "automated"):
        for where in (country, "*"):
            found = in_force(source, where, hashtag)
            if found is None:
                continue
            if source != "automated" or found.action not in ("suppress", "hold", "discount"):
                return found
            stops = [in_force("human", at, "*") for at in (country, "*")]
            lifting = [s for s in stops if s and s.action == "allow" and s.category in ("", found.category)]
            if not lifting:
                return found
            stop = stop or lifting[0]
    return stop


@st.composite
def registers(draw: st.DrawFn) -> Register:
    source = draw(st.sampled_from(SOURCES))
    action = draw(st.sampled_from([*ACTIONS, "added_later"]))
    endless = source != "automated" and draw(st.booleans())
    return Register(
        version="1",
        action=action,  # type: ignore[arg-type]
        source=source,  # type: ignore[arg-type]
        hashtag=draw(st.sampled_from(["a", "b", "*"])),
        surface=draw(st.sampled_from(["trends", "search"])),
        country=draw(st.sampled_from(["*", "IN", "US"])),
        category=draw(st.sampled_from(["", "abuse", "hate"])),
        expires_at_ms=0 if endless else draw(st.integers(1, _HORIZON)),
        weight=draw(st.sampled_from([0.0, 0.25, 1.0])),
    )


@settings(deadline=None)
@given(st.lists(registers() | st.tuples(st.just("remove"), st.integers(0, 30)), max_size=30))
def test_index_agrees_with_naive_search(steps: list[Register | tuple[str, int]]) -> None:
    index, stand = Index(), {}
    for step in steps:
        if isinstance(step, Register):
            index.put(step)
            stand[step.field] = step
        elif stand:
            field = sorted(stand)[step[1] % len(stand)]
            index.remove(field)
            del stand[field]
    index.remove("trends|*|human|never there")
    assert index.registers == stand
    for surface in ("trends", "search", "none"):
        found_tags = {r.hashtag for r in stand.values() if (r.surface, r.action) == (surface, "discount")}
        assert index.discounted.get(surface, set()) == found_tags
    for surface in ("trends", "search", "none"):
        for country in ("*", "IN", "US", "FR"):
            for hashtag in ("a", "b", "c"):
                for now_ms in (0, _HORIZON // 2, _HORIZON):
                    found = winner(index.candidates(surface, country, hashtag), index.stops(surface, country), now_ms)
                    assert found == obvious(stand.values(), surface, country, hashtag, now_ms)
                    if found and hashtag != "*":
                        assert hashtag in index.hashtags(surface)


@settings(deadline=None)
@given(st.lists(registers(), max_size=12), st.sampled_from(["", "IN", "US"]), st.integers(0, _HORIZON))
def test_precomputed_answer_agrees_with_naive_search(found: list[Register], country: str, now_ms: int) -> None:
    stored = {register.field: register for register in found}
    server = server_with([register.as_dict() for register in stored.values()], now_ms)
    client = MemoryFlagsClient(server, clock=lambda: now_ms)
    for hashtag in ("a", "b"):
        answer = client.check(hashtag, "trends", country)
        wins = obvious(stored.values(), "trends", country or "*", hashtag, now_ms)
        assert answer.register == wins
        assert answer.shown is (wins is None or wins.action not in ("suppress", "hold"))
        assert answer.weight == (wins.weight if wins is not None and wins.action == "discount" else 1.0)
    weighted = [answer.register for answer in client.check_many(["*", "a", "b"], "trends", country) if answer.register]
    assert client.discounted("trends", country) == [one for one in weighted if one.action == "discount"]
