"""Entries of the audit log, and the end to which they are appended."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.publiclog.disclosure import FIELDS, check
from moderation.publiclog.entries import AuditEntry, LogEnd
from moderation.publiclog.inputs import AuditInput, SourcePosition, bytes_of, text_of, time_words
from moderation.publiclog.tlog.compact_range import CompactRange
from moderation.publiclog.tlog.hashing import leaf_hash
from streams.errors import ContractError

Drawn = Sequence[tuple[str, int, bytes | None, bytes | None]]
some_bytes = st.none() | st.binary(max_size=20) | st.text(max_size=20).map(str.encode) | st.just(b"base64:aGk=")
drawn_inputs = st.lists(
    st.tuples(
        st.sampled_from(["moderation", "policy", "suppression-decisions"]), st.integers(0, 3), some_bytes, some_bytes
    ),
    min_size=1,
    max_size=12,
)


def inputs_of(drawn: Drawn) -> list[AuditInput]:
    return [AuditInput(SourcePosition(t, p, 10 * i, i), key, value) for i, (t, p, key, value) in enumerate(drawn)]


def salts(seed: int = 0) -> random.Random:
    return random.Random(seed)


@given(drawn_inputs)
def test_entry_gives_back_its_record_and_commits_to_it(drawn: Drawn) -> None:
    inputs, end = inputs_of(drawn), LogEnd()
    entries = end.extend(inputs)
    assert [entry.input for entry in entries] == inputs
    tree = CompactRange()
    tree.extend([leaf_hash(entry.leaf) for entry in entries])
    assert (tree.size, tree.root()) == (end.size, end.tree.root()) == (len(inputs), tree.root())
    for entry in entries:
        opened = zip(FIELDS, entry.opening.salts, entry.opening.values, strict=True)
        check(entry.leaf, [{"name": name, "salt": salt, "value": value} for name, salt, value in opened])


@given(drawn_inputs, st.randoms(use_true_random=False))
def test_end_is_independent_of_batches_and_repeats(drawn: Drawn, dice: random.Random) -> None:
    inputs = inputs_of(drawn)
    at_once = LogEnd().extend(inputs, salts().randbytes)
    end, stepwise, position, source = LogEnd(), list[AuditEntry](), 0, salts()
    while position < len(inputs):
        start, position = dice.randint(0, position), dice.randint(position + 1, len(inputs))
        stepwise += end.extend(inputs[start:position], source.randbytes)  # a source that was read again
    assert stepwise == at_once


def test_salts_of_equal_records_differ() -> None:
    one, two = (LogEnd().extend([AuditInput(SourcePosition("policy", 0, 1, 1), b"k", b"v")])[0] for _ in range(2))
    assert one.leaf != two.leaf


def test_erased_entry_has_no_record_and_its_type() -> None:
    [entry] = LogEnd().extend([AuditInput(SourcePosition("policy", 0, 1, 1), b"k", b"secret")])
    erased = AuditEntry(0, entry.leaf, entry.opening.erased())
    assert erased.is_erased and erased.input is None and erased.hash == entry.hash
    assert erased.counted == entry.counted and b"secret" not in erased.opening.encode()


@given(some_bytes)
def test_bytes_survive_as_text(data: bytes | None) -> None:
    assert bytes_of(text_of(data)) == data


def test_broken_base64_is_reported() -> None:
    with pytest.raises(ContractError, match="not_base64"):
        bytes_of("base64:!")


def test_times_outside_the_calendar_are_unknown() -> None:
    assert time_words(1_500) == "1970-01-01T00:00:01.500Z"
    assert time_words(-1) is None and time_words(10**15) is None


def test_decisions_begin_again_after_a_new_incarnation() -> None:
    """The topics of the shards were created again: their offsets begin at 0, and the log goes on."""

    def one(topic: str, offset: int, key: bytes | None = None) -> AuditInput:
        return AuditInput(SourcePosition(topic, 0, offset, 1), key, b"{}")

    inputs = [
        one("suppression-decisions", 41), one("policy", 7), one("moderation", 5),
        one("policy", 8, b"incarnation"), one("suppression-decisions", 0), one("suppression-decisions", 1),
    ]  # fmt: skip
    assert len(LogEnd().extend(inputs)) == 6
    assert not LogEnd().extend([one("policy", 7, b"incarnation"), one("policy", 7)])[1:], "the policy goes on"
    assert len(LogEnd().extend([*inputs[:3], *inputs[4:]])) == 3, "without the record, a lower offset is a repeat"
