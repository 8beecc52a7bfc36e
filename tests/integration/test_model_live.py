"""A model change with two workers on a real broker: both switch at one tick, and a replay of the dumps agrees.

A worker that cannot load the live model suppresses nothing and reports it. A campaign's authors reach every shard.
"""

from __future__ import annotations

import json
import threading

import pytest

from streams.log.author_sketches import AuthorSketch, decode_received_sketches
from streams.log.decisions import Decision, decode_record
from streams.log.evidence import decode_evidence_record
from streams.log.models import revision_of
from streams.log.partials import decode_partial
from streams.settings import Settings
from tests.support.other_model import GOOD, OTHER, REVISION
from tests.support.steady_tweets import POLICY, Two, keep_tweeting
from tests.support.workers import hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(900)]

WHO = ("--actor", "asha", "--reason", "trained on more", "--yes", "--json")


def models_seen(settings: Settings) -> dict[int, set[str]]:
    """Return the model revisions in the evidence, by settled tick."""
    found: dict[int, set[str]] = {}
    for one in map(decode_evidence_record, values(settings, "hashtag-evidence")):
        found.setdefault(one.tick_ms, set()).add(one.conditions.model_revision)
    return found


def test_model_changes_at_one_tick_and_replay_agrees(topics, tmp_path):
    asking = POLICY.replace("corroborate: {need: 1, ", "corroborate: {need: 1, successor: 0.5, ")
    assert asking != POLICY
    two = Two(topics, tmp_path, asking, same_file=True)
    settings = two.workers[0].settings
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(topics, stop))
    feeder.start()
    try:
        two.wait_until(lambda: len(models_seen(settings)) >= 2)
        path = tmp_path / "other.skops"
        path.write_bytes(OTHER)
        applied = json.loads(hushtag(settings, "model", "apply", str(path), *WHO, "--unguarded"))
        revision, from_ms = applied["model"], applied["from_tick_ms"]
        assert revision == REVISION
        two.wait_until(lambda: max(models_seen(settings)) >= from_ms + 20_000)
        assert [one.metric("hushtag_model_missing") for one in two.workers] == [0.0, 0.0]
        shelf = [json.loads(line) for line in hushtag(settings, "model", "status", "--json").splitlines()]
        assert [(one["model"], one["live"]) for one in shelf] == [(revision_of(GOOD), False), (revision, True)]
    finally:
        stop.set()
        feeder.join()
        two.stop()
    seen = models_seen(settings)
    assert all(one == {revision if tick_ms >= from_ms else revision_of(GOOD)} for tick_ms, one in seen.items()), seen

    sketches = [
        one for one in map(decode_partial, values(settings, "hashtag-partials")) if isinstance(one, AuthorSketch)
    ]
    sketch_ticks = {one.tick_ms for one in sketches}
    assert sketch_ticks and len(sketches) >= 4 * len(set(sketches)), "every shard received each sketch"
    assert {one.sketch for one in decode_received_sketches(values(settings, "hashtag-panes"))} <= set(sketches)

    dumps = {}
    for topic in ("tweets", "hashtag-partials"):
        dumps[topic] = tmp_path / f"{topic}.jsonl"
        dumps[topic].write_bytes(hushtag(settings, "dump", topic))
    again = hushtag(
        settings, "replay", str(dumps["tweets"]), "--partials", str(dumps["hashtag-partials"]), "--model", str(path)
    )
    live = [decode_record(value) for value in values(settings, "suppression-decisions")]
    ours = {settled(one) for one in live if isinstance(one, Decision) and one.tick_ms == one.settled_ms}
    theirs = {settled(decode_record(line)) for line in again.splitlines()}
    last_ms = max(tick_ms for tick_ms, *_ in ours)
    assert ours and {one for one in ours if one[3]} == {one for one in theirs if one[3] and one[0] <= last_ms}
    assert {one[2] for one in theirs} <= {revision_of(GOOD), revision}


def settled(one: Decision) -> tuple[int, str, str, tuple[tuple[str, str, int, int], ...]]:
    rulings = tuple(
        (ruling.surface, ruling.action, ruling.since_ms, ruling.expires_at_ms)
        for ruling in one.rulings
        if not ruling.provisional and ruling.action != "clear"
    )
    return one.tick_ms, f"{one.hashtag} {one.country}", one.model_revision, rulings
