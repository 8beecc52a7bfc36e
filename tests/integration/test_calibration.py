"""Labels to a live scale on a real broker: the judge reads its evidence on the new scale, and on the old one again."""

from __future__ import annotations

import asyncio
import json
import threading

import msgspec
import pytest

from models import artefact
from models.share import from_bytes
from streams.log.evidence import EvidenceRecord, decode_evidence_record
from streams.log.models import revision_of
from streams.log.policies import read_policy_topic
from streams.settings import Settings
from tests.support.in_memory_calibration import two_people
from tests.support.other_model import GOOD
from tests.support.steady_tweets import POLICY, keep_tweeting, wait_until
from tests.support.workers import WorkerProcess, answer, hushtag, values

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(300)]
WHO = ("--actor", "asha", "--reason", "our labels", "--json")


def newest_evidence(settings: Settings) -> EvidenceRecord | None:
    """Return the newest record that has a hashtag: the first tick may have fewer tweets than the evidence floor."""
    found = [decode_evidence_record(value) for value in values(settings, "hashtag-evidence")]
    found = [one for one in found if one.rows]
    return max(found, key=lambda one: one.tick_ms, default=None)


def judged_with(settings: Settings, revision: str) -> bool:
    found = newest_evidence(settings)
    return found is not None and found.conditions.model_revision == revision


def test_labels_fit_a_scale_that_judges_use_until_rollback(topics, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    settings = topics.model_copy(update={"policy": policy, "instance_id": "one"})
    worker = WorkerProcess(settings, tmp_path).start().wait_ready()
    stop = threading.Event()
    feeder = threading.Thread(target=keep_tweeting, args=(settings, stop))
    feeder.start()
    try:
        trained = revision_of(GOOD)
        wait_until(lambda: judged_with(settings, trained))
        first = newest_evidence(settings)
        assert first is not None
        assert first.conditions.scale == artefact.loads(GOOD).scale.to_bytes(), "by these bytes a new scale is tried"
        empty = json.loads(hushtag(settings, "calibrate", "--json"))
        assert (empty["model"], empty["texts"], empty["ready"], empty["impact"]) == (trained, 0, False, None)
        refused = answer(settings, "calibrate", "apply", *WHO, "--yes")
        assert refused.returncode == 2 and b"no language has a label" in refused.stderr

        for person, labels in two_people(60, 60).items():
            lines = b"\n".join(map(msgspec.json.encode, labels))
            hand_in = ("calibrate", "labels", "-", "--actor", person, "--json")
            assert json.loads(hushtag(settings, *hand_in, stdin=lines)) == {"added": 60, "unchanged": 0, "problems": 0}
            again = json.loads(hushtag(settings, *hand_in, stdin=lines))
            assert again == {"added": 0, "unchanged": 60, "problems": 0}
        assert not any(b"book fair" in value for value in values(settings, "moderation"))

        shown = json.loads(hushtag(settings, "calibrate", "--json"))
        assert shown["ready"] and shown["columns"][0]["calibrated"]
        assert shown["impact"]["tag_panes"] > 0 and shown["impact"]["shards"] >= 1
        applied = json.loads(hushtag(settings, "calibrate", "apply", *WHO, "--yes"))
        assert applied["before"] == trained != applied["model"]
        wait_until(lambda: judged_with(settings, applied["model"]))
        found = newest_evidence(settings)
        assert found is not None
        scale = from_bytes(found.conditions.scale, 1 + len(found.conditions.categories))
        assert scale.is_calibrated[0, 0]
        assert scale.moments[0, 0, :2].round(2).tolist() == shown["columns"][0]["means_after"]

        undone = ("--actor", "meera", "--reason", "wrong", "--yes", "--json")
        back = json.loads(hushtag(settings, "model", "rollback", *undone))
        assert back["model"] == trained
        wait_until(lambda: judged_with(settings, trained))
    finally:
        stop.set()
        feeder.join()
        assert worker.stop() == 0
    changes = [
        (one.model_change.actor, one.model_revision)
        for _, one in asyncio.run(read_policy_topic(settings)).records
        if one.model_change is not None
    ]
    assert changes == [("asha", applied["model"]), ("meera", trained)], "the audit log has both from the topic"
