"""The writer's signed state, and published checkpoints."""

from __future__ import annotations

import json

import pytest

from moderation.publiclog.checkpoint_topic import CheckpointRecords
from moderation.publiclog.entries import LogEnd
from moderation.publiclog.faults import AuditBroken
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.state import (
    COMPLETE_KEY,
    PUBLISHED_KEY,
    PublishedCheckpoint,
    decode_published,
    open_state,
    published_records,
    sign_state,
)
from tests.support.public_log import LOG_KEY, NEW_LOG_KEY

PUBLIC = (LOG_KEY.public_key,)


def state_of(count: int) -> tuple[bytes, LogEnd]:
    end = LogEnd()
    end.extend([AuditInput(SourcePosition("policy", n % 2, n, n), b"k", b"v") for n in range(count)])
    return sign_state(end, (LOG_KEY,), 7, 5)[0], end


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_state_resumes_tree_and_positions(count: int) -> None:
    value, end = state_of(count)
    state = open_state(value, PUBLIC, "t")
    assert (state.end.size, state.end.tree.edge) == (count, end.tree.edge)
    assert state.end.next_offsets == end.next_offsets
    assert (state.checkpoint.root, state.at_ms, state.verified_at_ms) == (end.tree.root(), 7, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"positions": [["policy", 0, 9]]},
        {"at_ms": 8},
        {"verified_at_ms": 99},
        {"seal": ""},
        {"edge": []},
        {"checkpoint": "x"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_state_is_refused(change: dict[str, object]) -> None:
    value, _ = state_of(3)
    with pytest.raises(AuditBroken, match="forged checkpoint"):
        open_state(json.dumps(json.loads(value) | change).encode(), PUBLIC, "t")


def test_state_of_another_key_is_refused() -> None:
    value, _ = state_of(3)
    with pytest.raises(AuditBroken, match="not signed by a key of"):
        open_state(value, (NEW_LOG_KEY.public_key,), "t")
    assert open_state(value, (NEW_LOG_KEY.public_key, LOG_KEY.public_key), "t").end.size == 3


def test_seal_of_one_state_does_not_fit_another() -> None:
    (one, _), (two, _) = state_of(3), state_of(3)
    mixed = json.loads(one) | {"seal": json.loads(two)["seal"]}
    with pytest.raises(AuditBroken, match="its seal does not fit"):
        open_state(json.dumps(mixed).encode(), PUBLIC, "t")


def test_covering_prefers_checkpoint_of_all_witnesses() -> None:
    complete = PublishedCheckpoint(size=6, checkpoint="6", at_ms=6)
    newest = PublishedCheckpoint(size=9, checkpoint="9", at_ms=9, missing=("w1",))
    records = CheckpointRecords(newest=newest, complete=complete)
    assert [records.covering(number) for number in (2, 5, 6, 9)] == [complete, complete, newest, None]
    assert CheckpointRecords().covering(0) is None


def test_only_complete_checkpoint_replaces_the_complete_one() -> None:
    complete = PublishedCheckpoint(size=6, checkpoint="6", at_ms=6)
    lacking = PublishedCheckpoint(size=9, checkpoint="9", at_ms=9, missing=("w1",))
    assert [key for _, key in published_records(complete)] == [PUBLISHED_KEY, COMPLETE_KEY]
    [(value, key)] = published_records(lacking)
    assert (key, decode_published(value), decode_published(b"{}")) == (PUBLISHED_KEY, lacking, None)
