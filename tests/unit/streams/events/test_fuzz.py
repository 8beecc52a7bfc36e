"""Fuzzing: any bytes give a Tweet, a Control or a ContractError, the same each time."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import ContractError
from streams.events.faults import MAX_BYTES, MAX_DEPTH
from streams.events.fields import END_MS, MAX_ID, MAX_TEXT
from streams.events.grammar import MAX_HASHTAG
from streams.events.parse import parse
from streams.events.tweet import Control, Tweet
from streams.events.uses import MAX_HASHTAGS, MAX_SEARCHED
from tests.support.payloads import BAD, DELETION, NATIVE, NOTICES, SAMPLES, V1, V2

REASONS = {reason for _, reason, _ in BAD} | {"too_large", "too_deep"}
SEEDS = [NATIVE, DELETION, V1, V2, *NOTICES]


def check(value: bytes) -> Tweet | Control | tuple[str, str]:
    """Parse, and check all invariants of the result."""
    found: Tweet | Control | ContractError
    try:
        found = parse(value)
    except ContractError as error:
        found = error
    if isinstance(found, ContractError):
        assert found.reason in REASONS
        assert found.fix
        assert len(found.value) <= 80
        assert found.reason != "lone_surrogate" or re.search(rb"\\u[dD][89a-fA-F]", value)
        return found.reason, found.field
    assert isinstance(found, (Tweet, Control))
    for number in (found.id, found.author_id):
        assert number is None or (type(number) is int and 0 <= number <= MAX_ID)
    assert found.created_at_ms is None or 0 <= found.created_at_ms < END_MS
    assert found.country == "" or (len(found.country) == 2 and found.country.isascii() and found.country.isupper())
    assert len({use.hashtag for use in found.hashtags}) == len(found.hashtags) <= MAX_HASHTAGS
    for use in found.hashtags:
        assert 0 < len(use.hashtag) <= MAX_HASHTAG
        use.hashtag.encode()
        assert (use.start == -1 and use.end == -1) or use.end == use.start + 1 + len(use.display)
        if isinstance(found, Tweet) and use.start >= 0 and use.end <= len(found.text):
            assert found.text[use.start : use.end] in ("#" + use.display, "\uff03" + use.display)
    if isinstance(found, Tweet):
        assert found.kind in {"tweet", "retweet", "quote"}
        assert found.id is not None
        assert len(found.text) <= MAX_TEXT
        found.text.encode()
    else:
        assert found.kind in {"delete", "limit", "withheld", "unknown_control"}
    return found


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


KEYS = sorted(keys_of(SEEDS))
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=20)
    | st.text("#aक\ud800&;/.👍‍", max_size=12)
    | st.sampled_from(["1", "007", "1e3", "null", "Fri Jan 26 06:30:05 +0000 2024", "2024-01-26T06:30:05Z", "IN", "#"])
)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_parse_raises_only_contract_errors_for_bytes(value: bytes) -> None:
    assert check(value) == check(value)


@given(documents, st.booleans())
@settings(max_examples=300, deadline=None)
def test_parse_raises_only_contract_errors_for_json(document: Any, escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped)
    assert check(text.encode("utf-8", "surrogatepass")) == check(text.encode("utf-8", "surrogatepass"))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += paths(inner, (*path, key))
    return found


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=400, deadline=None)
def test_parse_survives_one_replaced_value(seed: dict[str, Any], data: st.DataObject) -> None:
    payload = json.loads(json.dumps(seed))
    *way, last = data.draw(st.sampled_from(paths(payload)[1:]))
    holder = payload
    for step in way:
        holder = holder[step]
    if data.draw(st.booleans()):
        holder[last] = data.draw(leaves | st.just([]) | st.just({}))
    else:
        del holder[last]
    check(json.dumps(payload).encode())


def mutated(rng: random.Random, value: bytes) -> bytes:
    """Change, cut, double or swap a few bytes."""
    changed = bytearray(value)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(changed) + 1), rng.choice((1, 1, 2, 8, 40))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at : at + size] = rng.randbytes(size)
        elif kind == 1:
            del changed[at : at + size]
        elif kind == 2:
            changed[at:at] = rng.choice(
                (b'"', b"{", b"[", b"]", b"}", b",", b"\\ud800", b"#", b"9" * 40, b"\xe0", b"null")
            )
        else:
            changed[at:at] = changed[at : at + size]
    return bytes(changed)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_parse_survives_mutated_bytes(seed: int) -> None:
    rng = random.Random(seed)
    value = json.dumps(SEEDS[seed]).encode()
    outcomes = [check(mutated(rng, value)) for _ in range(300)]
    assert any(isinstance(one, tuple) for one in outcomes)


def test_parse_survives_mutated_real_samples() -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"real v1.1 payloads are not at {SAMPLES.name}/ next to the repository")
    rng = random.Random(11)
    for path in sorted(SAMPLES.glob("*.json")):
        for _ in range(200):
            check(mutated(rng, path.read_bytes()))


def test_depth_limit_is_independent_of_stack() -> None:
    deep = json.dumps(NATIVE)[:-1].encode() + b',"x":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"

    def down(levels: int) -> Tweet | Control:
        return parse(deep) if levels == 0 else down(levels - 1)

    assert down(0) == down(400)
    assert isinstance(check(deep[:-1] + b',"y":[[]]}'), Tweet)
    deeper = deep.replace(b"[]", b"[[]]")
    assert check(deeper) == ("too_deep", "")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"data":', b'[{"x":['])
@pytest.mark.parametrize("closed", [True, False])
def test_ten_thousand_levels_are_too_deep(opening: bytes, closed: bool) -> None:
    closing = opening[::-1].translate(bytes.maketrans(b"[{", b"]}"), b'":xdat') if closed else b""
    assert check(opening * 10_000 + b"1" * closed + closing * 10_000) == ("too_deep", "")


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    payload = {**NATIVE, "note": "[{" * 500 + '"[' + "\\", "text": "{[" * 300}
    assert isinstance(check(json.dumps(payload).encode()), Tweet)
    many = {**NATIVE, "note": [[]] * 5000}
    assert isinstance(check(json.dumps(many).encode()), Tweet)


def test_large_record_is_refused_quickly() -> None:
    empty = len(json.dumps({**NATIVE, "text": ""}))
    whole = {**NATIVE, "text": "#" * (MAX_BYTES - empty)}
    assert len(json.dumps(whole)) == MAX_BYTES
    assert isinstance(check(json.dumps(whole).encode()), Tweet)
    assert check(json.dumps(whole).encode() + b" ") == ("too_large", "")
    for unit in ("#", "#a1b ", "a.b/#c ", "#a", "@#a/", "#\u093e", "\uff03a "):
        text = (unit * MAX_BYTES).encode()[: MAX_BYTES - 400].decode("utf-8", "ignore")
        assert isinstance(check(json.dumps({**NATIVE, "text": text}, ensure_ascii=False).encode()), Tweet)
    late = {**NATIVE, "text": "x" * (MAX_SEARCHED - 5) + " #ab #c"}
    assert [use.hashtag for use in parse(json.dumps(late).encode()).hashtags] == ["ab"]


def test_ten_thousand_hashtags_are_capped() -> None:
    tags = [f"tag{number}x" for number in range(10_000)]
    by_text = check(json.dumps({**NATIVE, "text": " #".join(["", *tags])}).encode())
    by_list = check(json.dumps({**NATIVE, "hashtags": tags}).encode())
    entities = {"hashtags": [{"text": tag, "indices": [0, 1]} for tag in tags]}
    by_entities = check(json.dumps({**V1, "entities": entities}).encode())
    for found in (by_text, by_list, by_entities):
        assert isinstance(found, Tweet)
        assert [use.hashtag for use in found.hashtags] == tags[:MAX_HASHTAGS]
