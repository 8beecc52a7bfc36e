"""Registers with odd members become ones that pages and JSON can show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hushtag_client.presentable import presentable
from hushtag_client.registers import Reason, Register
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.characters(), max_size=5)  # with lone surrogates
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
floats = st.floats()


@given(
    st.dictionaries(texts, values, max_size=4),
    st.lists(st.builds(Reason, signal=texts, value=floats, threshold=floats), max_size=3),
    st.integers(0, 10**30),
    st.integers(-(10**30), 10**30),
    texts,
)
def test_any_register_becomes_valid_json(
    evidence: dict[str, Any], reasons: list[Reason], expires_at_ms: int, decided_at_ms: int, text: str
) -> None:
    odd = Register(
        version="1", action="suppress", hashtag="x" + text, surface="trends", source="human", display=text, actor=text,
        category=text, expires_at_ms=expires_at_ms, decided_at_ms=decided_at_ms, reasons=tuple(reasons),
        evidence=evidence,
    )  # fmt: skip
    shown = presentable(odd)
    json.dumps(shown.as_dict(), allow_nan=False, ensure_ascii=False).encode()
    for at_ms in (shown.expires_at_ms, shown.decided_at_ms):
        datetime.fromtimestamp(at_ms / 1000, UTC)
    assert presentable(shown) == shown


def test_ordinary_register_stays_as_it_is() -> None:
    register = Register(
        version="1", action="hold", hashtag="किसान", surface="trends", expires_at_ms=5, display="किसान",
        reasons=(Reason(signal="burst", value=4.0, threshold=2.0),),
        evidence={"authors": 7, "share": 0.5, "sampled": ["1"], "nested": {"a": [None, True]}},
    )  # fmt: skip
    assert presentable(register) == register


def test_deep_evidence_is_cut() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    register = Register(version="1", action="hold", hashtag="x", surface="t", expires_at_ms=5, evidence={"a": deep})
    assert len(json.dumps(presentable(register).evidence)) < 100
