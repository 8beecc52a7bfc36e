"""Salted fields: an opened field is the one that was logged, and a closed one stays closed."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.disclosure import (
    FIELDS,
    PREFIX,
    Value,
    canonical_json,
    check,
    decode_opening,
    digest_of,
    disclose,
    fits,
    leaf_of,
    make_opening,
)
from moderation.publiclog.tlog.errors import ProofCode, ProofError

VALUES: dict[str, Value] = {
    "type": "decision/suppress",
    "period": "2026-11-29",
    "hashtag": 'çirkin\n"tag"\x1f',
    "policy_revision": 7,
}
values = st.none() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()


def seeded(count: int) -> bytes:
    return b"".join(sha256(bytes([at])).digest() for at in range(count // 32 + 1))[:count]


OPENING = make_opening(VALUES, seeded)
LEAF = leaf_of(OPENING)


def code_of(leaf: bytes, disclosed: Any) -> tuple[ProofCode, str]:
    with pytest.raises(ProofError) as error:
        check(leaf, disclosed)
    return error.value.code, error.value.field


def test_leaf_is_the_list_of_digests_of_every_field() -> None:
    assert LEAF.startswith(b"hushtag-leaf-1\n")
    assert len(LEAF) == 15 + 13 * 32
    written = '["' + OPENING.salts[7] + '","hashtag","çirkin\\n\\"tag\\"\\u001f"]'  # type: ignore[operator]
    assert LEAF[15 + 7 * 32 : 15 + 8 * 32] == sha256(written.encode()).digest()


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values)), st.sets(st.sampled_from(FIELDS)))
def test_opened_fields_return_their_values(logged: dict[str, Any], names: set[str]) -> None:
    opening = make_opening(logged)
    opened = json.loads(json.dumps(disclose(opening, sorted(names))))
    assert check(leaf_of(opening), opened) == {name: logged.get(name) for name in names}
    assert decode_opening(opening.encode()) == opening


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values)))
def test_every_leaf_has_the_same_length(logged: dict[str, Any]) -> None:
    assert len(leaf_of(make_opening(logged))) == len(LEAF)


def test_same_values_never_give_the_same_digest() -> None:
    leaves = {leaf_of(make_opening(VALUES))[len(PREFIX) :] for _ in range(20)}
    digests = {leaf[at : at + 32] for leaf in leaves for at in range(0, len(leaf), 32)}
    assert len(digests) == 20 * len(FIELDS)


def test_salt_of_an_opened_field_opens_no_other() -> None:
    salts = [salt for _ in range(20) for salt in make_opening(VALUES).salts]
    assert len(set(salts)) == len(salts) == 20 * len(FIELDS)


def test_changed_value_salt_or_name_is_wrong_field() -> None:
    (opened,) = disclose(OPENING, ["hashtag"])
    other_salt = OPENING.salts[0]
    for changed in ({"value": "other"}, {"value": None}, {"salt": other_salt}):
        assert code_of(LEAF, [opened | changed]) == (ProofCode.wrong_field, "hashtag")
    assert code_of(LEAF, [opened | {"name": "reason"}]) == (ProofCode.wrong_field, "reason")
    assert code_of(LEAF, [disclose(OPENING, ["policy_revision"])[0] | {"value": "7"}])[0] is ProofCode.wrong_field


@pytest.mark.parametrize("changed", [
    {"name": "other"}, {"name": 1}, {"salt": "short"}, {"salt": OPENING.salts[0][:-1] + "B"}, {"salt": None},  # type: ignore[index]
    {"value": 1.5}, {"value": True}, {"value": 2**53}, {"value": ["a"]}, {"value": "\ud800"}, {"more": 1},
])  # fmt: skip
def test_opened_field_outside_its_format_is_malformed(changed: dict[str, Any]) -> None:
    (opened,) = disclose(OPENING, ["hashtag"])
    assert code_of(LEAF, [opened | changed])[0] is ProofCode.malformed


def test_field_opened_twice_is_malformed() -> None:
    assert code_of(LEAF, disclose(OPENING, ["hashtag"]) * 2)[0] is ProofCode.malformed


@pytest.mark.parametrize("leaf", [b"", LEAF[:-1], LEAF + bytes(32), b"x" + LEAF[1:]])
def test_leaf_of_another_length_is_malformed(leaf: bytes) -> None:
    assert code_of(leaf, [])[0] is ProofCode.malformed


def test_erasure_keeps_only_what_the_report_counts() -> None:
    erased = OPENING.erased()
    assert check(LEAF, disclose(erased, ["type", "period"])) == {"type": "decision/suppress", "period": "2026-11-29"}
    with pytest.raises(ProofError, match="hashtag was erased"):
        disclose(erased, ["hashtag"])
    assert OPENING.salts[7] not in erased.encode().decode()  # type: ignore[operator]
    assert decode_opening(erased.encode()) == erased


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values)), st.integers(0, len(LEAF) - 1))
def test_whole_opening_fits_its_leaf_alone(logged: dict[str, Any], at: int) -> None:
    opening = make_opening(logged)
    leaf = leaf_of(opening)
    assert fits(leaf, opening)
    assert not fits(leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :], opening)


@pytest.mark.parametrize("salt", [None, "", "short", "A" * 21 + "B", "A" * 23])
def test_opening_with_a_malformed_salt_does_not_fit(salt: str | None) -> None:
    opening = replace(OPENING, salts=(salt, *OPENING.salts[1:]))
    leaf = LEAF if salt is None else leaf_of(opening)
    assert not fits(leaf, opening)


def test_canonical_json_escapes_as_rfc_8785() -> None:
    text = '\b\f\n\r\t"\\\x00\x1f\x7fé😀'
    assert canonical_json([text, -1, None]) == '["\\b\\f\\n\\r\\t\\"\\\\\\u0000\\u001f\x7fé😀",-1,null]'.encode()


def test_digest_at_another_place_is_wrong_field() -> None:
    """A leaf with its digests in another order opens no field."""
    digests = [LEAF[at : at + 32] for at in range(len(PREFIX), len(LEAF), 32)]
    turned = PREFIX + b"".join(digests[1:] + digests[:1])
    assert code_of(turned, disclose(OPENING, ["hashtag"])) == (ProofCode.wrong_field, "hashtag")


@given(st.text(), st.sampled_from(FIELDS), values)
def test_digest_is_of_the_canonical_json(salt: str, name: str, value: Value) -> None:
    assert digest_of(salt, name, value) == sha256(canonical_json([salt, name, value])).digest()


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"[[],[]]", b"[1,2]", b"[[" + b"[" * 9_000, b'[["a"],[1.5]]'])
def test_malformed_opening_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not the opening of an entry"):
        decode_opening(data)
