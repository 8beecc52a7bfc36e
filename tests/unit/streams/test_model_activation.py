"""The model is changed while workers run: at one tick, in all alike; who cannot follow hides nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from models import artefact
from models.share import Scale
from streams import model_activation
from streams.cli import model as commands
from streams.cli.policy_status import lines, standing_of
from streams.counting.block_counts import PANE_MS
from streams.errors import CallerMistake
from streams.judging.circuit_breakers import NO_MODEL
from streams.judging.shard_judge import ShardJudge
from streams.log.partials import decode_partial, encode_partial
from streams.log.policies import ModelChange, PolicyRecord, read_policy_topic
from streams.model_activation import put_live
from streams.pipeline.model_cache import ModelShelf, revision_of
from streams.pipeline.policy_proposer import PolicyProposer
from streams.policy.activation import Activation
from streams.replay import Replay, read_lines
from streams.scoring import TextScorer, load_text_scorer, score_batches, silent
from tests.support.shells import NOW_MS, Shells, make_shells
from tests.unit.models.test_artefact import GOOD, content
from tests.unit.streams.judging.test_shard_judge import HASHES, SCORER, SUPPRESS, Court, activation
from tests.unit.streams.pipeline.test_judge import judged, say, started
from tests.unit.streams.test_replay import POLICY, WordScorer, make_policy, random_log

OWN = load_text_scorer()
OTHER = artefact.dump(
    dataclasses.replace(artefact.loads(GOOD).numbers, no_words=np.full(len(OWN.categories) + 1, 0.25)),
    OWN.categories,
    {"seed": 99},
)
"""Another model: a text without a word has another probability."""
REVISION = revision_of(OTHER)
FEWER = "0123456789ab"


class Contrary(WordScorer):
    """Calls good what the other calls bad."""

    revision = "c" * 12

    def score(self, texts):
        return 1 - super().score(texts)


CONTRARY = TextScorer(Contrary())


def switched(revision: str, from_tick_ms: int) -> Activation:
    return msgspec.structs.replace(activation(SUPPRESS, 1, from_tick_ms), model_revision=revision)


def apply(court: Court, one: Activation) -> None:
    court.offset += 1
    court.judge.apply(court.offset, one)


# ---- the judge ----


def settle(court: Court, scorers: dict[str, TextScorer]) -> list[str]:
    """Settle what is due; the models by which panes were scored."""
    by = []
    while (job := court.judge.next_tick()) is not None:
        by += [model for model, texts in job.batches if texts]
        court.settled.append(court.judge.settle(job, score_batches(job.batches, scorers.get, 2)))
        court.said += court.settled[-1].decisions
    return by


def write(court: Court, pane: int, *, bad: int = 0, good: int = 0, watermark_ms: int = 0) -> None:
    """Records of both sources, nothing settled and nothing looked at."""
    from tests.support.block_counts import Entry, Register, flush

    entries = []
    for text in ["bad"] * bad + ["good"] * good:
        court._author += 1
        entries.append(
            Entry(int(HASHES.authors([court._author])[0]), court._author, 100, 0, "", f"{text} {court._author}")
        )
    for source in (0, 1):
        court.offset += 1
        court._blocks[source] += 1
        registers = [Register("a", "", pane, len(entries), entries, court._blocks[source])] if not source else []
        court.judge.apply(
            court.offset,
            flush(registers, source=source, sources=2, block=court._blocks[source], watermark_ms=watermark_ms),
        )


BOTH = {SCORER.revision: SCORER, CONTRARY.revision: CONTRARY}


def test_a_pane_is_scored_by_the_model_of_its_start():
    court = Court()
    apply(court, switched(CONTRARY.revision, 2 * PANE_MS))
    for pane in range(4):
        write(court, pane, bad=4)
    write(court, 4, watermark_ms=4 * PANE_MS)
    assert settle(court, BOTH) == [SCORER.revision, SCORER.revision, CONTRARY.revision, CONTRARY.revision]
    shares = [one.evidence.tables[30_000].share[0, 0] for one in court.settled if one.evidence]
    assert shares == pytest.approx([0.875, 0.875, (8 * 0.875 + 4 * 0.125) / 12, (4 * 0.875 + 8 * 0.125) / 12])
    assert [one.evidence.conditions.model_revision for one in court.settled if one.evidence] == [
        SCORER.revision, CONTRARY.revision, CONTRARY.revision, CONTRARY.revision
    ]  # fmt: skip


def test_shares_are_on_the_scale_of_the_model_in_force():
    scale = Scale(np.tile([0.25, 0.75, 0.01, 0.01], (1, 2, 1)), np.zeros((1, 2, 3)))
    judge = ShardJudge(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        scale_of={CONTRARY.revision: scale}.get,
    )  # fmt: skip
    court = Court(judge=judge)
    apply(court, switched(CONTRARY.revision, 2 * PANE_MS))
    for pane in range(2):
        write(court, pane, bad=4)
    write(court, 2, watermark_ms=2 * PANE_MS)
    settle(court, BOTH)
    tables = [one.evidence.tables[30_000] for one in court.settled if one.evidence]
    assert [one.estimates()[0, 0] for one in tables] == pytest.approx([0.875, 1.0])
    assert [one.evidence.conditions.scale for one in court.settled if one.evidence] == [b"", scale.to_bytes()]


def test_a_long_window_is_looked_at_anew_in_the_middle_of_a_minute():
    """A successor has no table of the last whole minute and makes one: whoever went on must not keep the old one."""
    scale = Scale(np.tile([0.25, 0.75, 0.01, 0.01], (1, 2, 1)), np.zeros((1, 2, 3)))
    policy = make_policy(POLICY.replace("[2m]", "[30s, 16m]"))
    judge = ShardJudge(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        scale_of={CONTRARY.revision: scale}.get,
    )  # fmt: skip
    court = Court(policy, judge=judge)
    apply(court, msgspec.structs.replace(activation(policy, 1, 80_000), model_revision=CONTRARY.revision))
    write(court, 0, bad=4)
    write(court, 9, watermark_ms=9 * PANE_MS)
    settle(court, BOTH)
    tables = {one.tick_ms: one.evidence.tables for one in court.settled if one.evidence}
    assert 960_000 not in tables[70_000], "it is of the last whole minute"
    assert tables[80_000][960_000].estimates()[0, 0] == 1.0
    assert 960_000 not in tables[90_000]


@pytest.mark.parametrize("there", [True, False])
def test_the_first_tick_of_a_model_that_is_not_at_hand_begins_nothing(there):
    """The pane that settles at it was scored by the model before, which is."""
    judge = ShardJudge(
        0, categories=SCORER.categories, model_revision=SCORER.revision, hashes=HASHES,
        at_hand=lambda revision: there or revision == SCORER.revision,
    )  # fmt: skip
    court = Court(judge=judge)
    apply(court, switched(CONTRARY.revision, PANE_MS))
    write(court, 0, bad=20)
    write(court, 1, watermark_ms=PANE_MS)
    assert settle(court, BOTH) == [SCORER.revision]
    assert bool(court.said) is there


def test_what_was_scored_early_by_the_model_before_is_scored_anew():
    """The activation comes when a pane that it is for has been looked at."""
    court = Court()
    court.pass_to(PANE_MS)
    assert court.hear(1, bad=20), "hidden early"
    apply(court, switched(CONTRARY.revision, PANE_MS))
    write(court, 2, watermark_ms=2 * PANE_MS)
    assert settle(court, BOTH) == [CONTRARY.revision]
    evidence = court.settled[-1].evidence
    assert evidence is not None and evidence.tables[30_000].share[0, 0] == 0.125
    assert court.settled[-1].withdrawn == 1


def test_an_early_look_over_two_models_asks_each_for_its_own():
    court = Court()
    apply(court, switched(CONTRARY.revision, 2 * PANE_MS))
    write(court, 0, watermark_ms=PANE_MS)
    settle(court, BOTH)
    write(court, 1, bad=10, watermark_ms=PANE_MS)
    write(court, 2, good=10, watermark_ms=PANE_MS)
    look = court.judge.next_look()
    assert look is not None
    assert [(model, texts.count(b"\n")) for model, texts in look.batches] == [
        (SCORER.revision, 10), (CONTRARY.revision, 10)
    ]  # fmt: skip
    (early,) = court.judge.look(look, score_batches(look.batches, BOTH.get, 2))
    assert early.model_revision == CONTRARY.revision and early.rulings[0].evidence is not None
    assert early.rulings[0].evidence.share == 0.875


def test_without_its_model_a_judge_begins_nothing_and_clears_nothing():
    court = Court()
    write(court, 0, bad=20, watermark_ms=PANE_MS)
    settle(court, BOTH)
    assert [one.rulings[0].action for one in court.said] == ["suppress"]
    apply(court, switched(FEWER, PANE_MS))
    for pane in range(1, 4):
        write(court, pane, good=60, watermark_ms=(pane + 1) * PANE_MS)
        settle(court, BOTH)
    assert len(court.said) == 1, "neither cleared nor renewed"
    assert {one.scorer_fault for one in court.settled[1:]} == {NO_MODEL}
    write(court, 4, bad=60, watermark_ms=4 * PANE_MS)
    look = court.judge.next_look()
    assert look is None or not court.judge.look(look, silent(look.texts, 2)), "nothing is early either"
    for pane in range(4, 9):
        write(court, pane, bad=20, watermark_ms=(pane + 1) * PANE_MS)
        settle(court, BOTH)
    assert [one.rulings[0].action for one in court.said] == ["suppress", "clear"], "it has run out"


def test_a_replay_switches_at_the_same_tick():
    lines = random_log(3)
    policy = make_policy(POLICY.replace("mode: shadow", "mode: suppress\n    corroborate: {need: 1, authors: 4}"))
    start_ms = int(str(lines[0]["log_time_ms"]))
    switch = Activation(policy.revision, 5, (start_ms // PANE_MS + 12) * PANE_MS, policy.canonical(), CONTRARY.revision)
    seen: dict[int, str] = {}
    for models in ([CONTRARY], []):
        replay = Replay(
            range(3), policy, SCORER, shards=2, activations=[switch], models=models,
            keep_evidence=lambda record: seen.__setitem__(record.tick_ms, record.conditions.model_revision),
        )  # fmt: skip
        said = list(replay.run(read_lines(msgspec.json.encode(line) for line in lines)))
        assert said
        assert {model for tick_ms, model in seen.items() if tick_ms < switch.from_tick_ms} == {SCORER.revision}
        assert {model for tick_ms, model in seen.items() if tick_ms >= switch.from_tick_ms} == {CONTRARY.revision}
        begun = [
            one.tick_ms
            for one in said
            if hasattr(one, "rulings") and any(ruling.since_ms > switch.from_tick_ms + PANE_MS and
                                              ruling.action == "suppress" for ruling in one.rulings)
        ]  # fmt: skip
        assert bool(begun) == bool(models), "without the model nothing begins"


# ---- the shelf ----


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", made.topics.reader)
    monkeypatch.setattr(model_activation, "LogReader", made.topics.reader)
    monkeypatch.setattr(model_activation, "Sender", lambda *_, **__: _Producer(made))
    return made


class _Producer:
    """The command's own producer, on the same topics."""

    def __init__(self, shells: Shells) -> None:
        self.send, self.acknowledged = shells.sender.send, shells.sender.acknowledged

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def shelf_of(shells: Shells, own: TextScorer = OWN) -> ModelShelf:
    shelf = ModelShelf(shells.context.settings, own, shells.context.metrics)
    shelf._log = SimpleNamespace(error=lambda what, **more: shells.__dict__.setdefault("said", []).append(more["why"]))
    return shelf


async def test_a_worker_finds_a_model_that_it_did_not_come_with(shells: Shells) -> None:
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    shelf = shelf_of(shells)
    assert await shelf.scorer(OWN.revision) is OWN
    found = await shelf.scorer(REVISION)
    assert found is not None and found.revision == REVISION
    assert found(b"\n").probabilities.tolist() == [[0.25] * (1 + len(OWN.categories))]
    assert await shelf.scorer(REVISION) is found, "read but once"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (OTHER[: len(OTHER) // 2], "was altered"),
        (OTHER[:-1] + b"!", "was altered"),
        (GOOD, "was altered"),
    ],
    ids=["truncated", "a byte", "another one"],
)
async def test_what_is_not_the_model_that_is_meant_is_refused(shells: Shells, data: bytes, why: str) -> None:
    shells.topics.append("models", 0, data, key=REVISION.encode())
    assert await shelf_of(shells).scorer(REVISION) is None
    (said,) = shells.__dict__["said"]
    assert why in said


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"features": "0" * 12}, "was trained on features"),
        ({"format": "hushtag-linear-9"}, "is of format 'hushtag-linear-9'"),
        ({"scales": None}, "lacks scales"),
    ],
)
async def test_what_this_version_cannot_read_is_refused_with_the_reason(
    shells: Shells, changes: dict[str, Any], why: str
) -> None:
    data = packed(**changes)
    shells.topics.append("models", 0, data, key=revision_of(data).encode())
    shelf = shelf_of(shells)
    assert await shelf.scorer(revision_of(data)) is None and await shelf.has(revision_of(data))
    (said,) = shells.__dict__["said"]
    assert why in said


async def test_other_categories_are_refused(shells: Shells) -> None:
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    assert await shelf_of(shells, SCORER).scorer(REVISION) is None
    (said,) = shells.__dict__["said"]
    assert "other categories ask for new topics" in said


async def test_one_that_is_not_there_yet_is_looked_for_again(shells: Shells, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("streams.pipeline.model_cache.monotonic_seconds", lambda: now[0])
    shelf = shelf_of(shells)
    assert await shelf.scorer(REVISION) is None and not await shelf.has(REVISION)
    shells.topics.append("models", 0, OTHER, key=REVISION.encode())
    assert await shelf.scorer(REVISION) is None, "not at once"
    now[0] += 10
    assert await shelf.scorer(REVISION) is not None


async def test_a_worker_that_cannot_load_it_says_so_and_hides_nothing(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def policies(_: object) -> dict[str, object]:
        return {SUPPRESS.revision: activation(SUPPRESS)}

    monkeypatch.setattr("streams.pipeline.recovery.read_policies", policies)
    for revision, missing in ((SCORER.revision, 0.0), (REVISION, 1.0)):
        shells.topics.logs.clear()
        one = msgspec.structs.replace(activation(SUPPRESS), model_revision=revision)
        shells.topics.append("hashtag-partials", 0, encode_partial(one))
        say(shells, 0, bad=20)
        say(shells, 1, bad=1, settled=1)
        await judged(shells, await started(shells))
        assert shells.context.metrics.registry.get_sample_value("hushtag_model_missing") == missing
        fault = shells.context.metrics.registry.get_sample_value("hushtag_scorer_fault", {"shard": "0"})
        assert fault == missing
        flags = [
            kept for kept in shells.topics.read("suppression-decisions", 0) if b'"suppress"' in (kept.value or b"")
        ]
        assert bool(flags) != bool(missing)
        assert shells.topics.read("hashtag-panes", 0), "it counts on"
    shells.context.executor.shutdown()


# ---- how it becomes live ----


def record_of(model: str = "f" * 12) -> PolicyRecord:
    policy = make_policy()
    return PolicyRecord(
        revision=policy.revision, serial=1, policy=policy.canonical(), model_revision=model, from_tick_ms=0,
        proposed_at_ms=NOW_MS, proposed_by="w", actor="asha", reason="a campaign", changes=("abuse: mode",),
    )  # fmt: skip


def activations(shells: Shells) -> list[Activation]:
    found = []
    for shard in range(2):
        log = [decode_partial(one.value or b"") for one in shells.topics.read("hashtag-partials", shard)]
        found.append([one for one in log if isinstance(one, Activation)])
    assert found[0] == found[1], "every shard has heard the same"
    return found[0]


async def put(shells: Shells, data: bytes = OTHER, categories: tuple[str, ...] = OWN.categories) -> PolicyRecord:
    return await put_live(shells.context.settings, data, categories, reason="better", actor="ann")


async def test_it_is_kept_then_named_then_told_to_every_shard(shells: Shells) -> None:
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    tweet = shells.topics.append("tweets", 0, b"{}")
    shells.sender.at_once = False
    applying = asyncio.create_task(put(shells))
    order = []
    for _ in range(200):
        await asyncio.sleep(0)
        order += [one.topic for one in shells.sender.under_way]
        shells.sender.deliver()
    record = await applying
    assert order == ["models", "policy", "hashtag-partials", "hashtag-partials"]
    (kept,) = shells.topics.read("models", 0)
    assert (kept.key, kept.value) == (REVISION.encode(), OTHER)
    assert (record.model_revision, record.revision) == (REVISION, live.revision)
    assert record.model_change == ModelChange(before=live.model_revision, actor="ann", reason="better")
    assert (record.proposed_at_ms, record.proposed_by, record.actor, record.reason, record.changes) == (
        NOW_MS, "w", "asha", "a campaign", ("abuse: mode",)
    ), "who put the policy live, when, and why stays as it was"  # fmt: skip
    (one,) = activations(shells)
    assert (one.model_revision, one.sequence, one.policy) == (REVISION, 1, live.policy)
    assert tweet.timestamp < one.from_tick_ms <= tweet.timestamp + PANE_MS, "no pane that has begun"


async def test_applied_again_it_is_told_again_and_nothing_else(shells: Shells) -> None:
    shells.topics.append("policy", 0, msgspec.json.encode(record_of()), key=record_of().revision.encode())
    first = await put(shells)
    assert await put(shells) == first
    assert len(shells.topics.read("models", 0)) == 1 and len(shells.topics.read("policy", 0)) == 2
    one, other = activations(shells)
    assert one == other


async def test_it_needs_a_live_policy_and_the_categories_of_the_live_model(shells: Shells) -> None:
    with pytest.raises(CallerMistake, match="no policy is live yet"):
        await put(shells)
    shells.topics.append("policy", 0, msgspec.json.encode(record_of()), key=record_of().revision.encode())
    with pytest.raises(CallerMistake, match="it tells abuse apart"):
        await put(shells, categories=("abuse",))
    assert not shells.topics.read("models", 0) and not shells.topics.read("hashtag-partials", 0)


async def test_a_policy_that_comes_after_it_keeps_the_model(shells: Shells, tmp_path: Path) -> None:
    """And a worker that starts with another artefact does not bring its own back."""
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    await put(shells)
    path = tmp_path / "policy.yaml"
    context = dataclasses.replace(shells.context, scorer=OWN, shelf=shelf_of(shells))

    async def begun(text: str) -> str:
        path.write_text(text)
        log = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)
        await PolicyProposer(
            context, lambda: 1_000, "w", log, began=make_policy(), check=lambda _: None
        ).begin()  # fmt: skip
        return activations(shells)[-1].model_revision

    assert await begun(POLICY) == REVISION
    changed = POLICY.replace("serial: 1", "serial: 2").replace("suppress_at: 0.45", "suppress_at: 0.5")
    assert await begun(changed) == REVISION
    assert activations(shells)[-1].revision != live.revision


async def test_a_worker_that_brings_its_own_model_does_not_pass_for_who_put_the_policy_live(
    shells: Shells, tmp_path: Path
) -> None:
    """The live model was named before artefacts were kept."""
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    (tmp_path / "policy.yaml").write_text(POLICY)
    context = dataclasses.replace(shells.context, scorer=OWN, shelf=shelf_of(shells))
    log = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)

    async def begun(text: str) -> PolicyRecord:
        (tmp_path / "policy.yaml").write_text(text)
        await PolicyProposer(context, lambda: 1_000, "w7", log, began=make_policy(), check=lambda _: None).begin()
        found = (await read_policy_topic(shells.context.settings)).live
        assert found is not None and found.model_revision == OWN.revision
        return found

    record = await begun(POLICY)
    change = ModelChange(before=live.model_revision, actor="w7", reason="the model before was not to be had")
    assert record.model_change == change and record.from_tick_ms == PANE_MS
    kept = msgspec.structs.replace(record, model_revision=live.model_revision, from_tick_ms=0, model_change=None)
    assert kept == live
    shells.topics.logs["policy", 0] = shells.topics.logs["policy", 0][:1]
    assert (await begun(POLICY.replace("serial: 1", "serial: 2"))).model_change == change, "with a new policy, too"


def rewritten(live: PolicyRecord) -> PolicyRecord:
    """What an earlier version made of a policy's record when the model changed."""
    return msgspec.structs.replace(
        live, model_revision=REVISION, from_tick_ms=5 * PANE_MS, proposed_at_ms=NOW_MS + 1, proposed_by="ann",
        actor="ann", reason="better", changes=(f"model {live.model_revision} → {REVISION}",),
    )  # fmt: skip


@pytest.mark.parametrize("compacted", [False, True])
async def test_what_an_earlier_version_wrote_over_is_told_as_far_as_it_is_kept(shells: Shells, compacted: bool) -> None:
    live = record_of()
    for record in [rewritten(live)] if compacted else [live, rewritten(live)]:
        shells.topics.append("policy", 0, msgspec.json.encode(record), key=live.revision.encode())
    topic = await read_policy_topic(shells.context.settings)
    found = topic.live
    assert found is not None
    assert found.model_change == ModelChange(before=live.model_revision, actor="ann", reason="better")
    assert (found.model_revision, found.from_tick_ms) == (REVISION, 5 * PANE_MS)
    told = (found.proposed_at_ms, found.proposed_by, found.actor, found.reason, found.changes)
    assert told == ((0, "", "", "", ()) if compacted else (NOW_MS, "w", "asha", "a campaign", ("abuse: mode",)))
    standing = standing_of(topic, {}, 2, NOW_MS)
    assert standing is not None
    said = lines(standing)
    if compacted:
        assert standing.since_ms is None and "since an unknown time" in said[0] and "ann" not in "".join(said)
        assert said[1].startswith("by whom and why is not known: ")
    else:
        assert "since 2021-01-25 18:40 UTC" in said[0] and said[1] == "by asha: a campaign"


async def test_the_live_model_is_live_since_it_was_named_whatever_policy_came_later(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.model.load_settings", lambda: shells.context.settings)
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())

    async def told(*more: str) -> list[str]:
        found = await asyncio.to_thread(CliRunner().invoke, APP, ["model", "status", *more])
        assert found.exit_code == 0, found.output
        return found.stdout.splitlines()

    assert await told() == [f"{live.model_revision}  not kept  live from the beginning"]
    shells.topics.append("tweets", 0, b"{}")
    named = await put(shells)
    later = make_policy(POLICY.replace("serial: 1", "serial: 2"))
    edit = msgspec.structs.replace(
        live, revision=later.revision, serial=2, policy=later.canonical(), model_revision=REVISION,
        from_tick_ms=named.from_tick_ms + 3_600_000, actor="meera", reason="an edit",
    )  # fmt: skip
    shells.topics.append("policy", 0, msgspec.json.encode(edit), key=edit.revision.encode())
    moment = "2021-01-25 18:40:10 UTC"
    assert await told() == [f"{REVISION}  {len(OTHER):,} bytes  live since {moment}, by ann: better"]
    again = await put(shells)
    assert (again.revision, again.from_tick_ms) == (edit.revision, named.from_tick_ms), "and so is it told again"
    assert [json.loads(line) for line in await told("--json")] == [
        {"model": REVISION, "bytes": len(OTHER), "live": True, "from_tick_ms": named.from_tick_ms, "actor": "ann",
         "reason": "better"}
    ]  # fmt: skip


async def test_the_first_worker_keeps_its_own_artefact_before_it_names_it(shells: Shells, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    context = dataclasses.replace(shells.context, scorer=OWN, shelf=shelf_of(shells))
    log = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)
    for _ in range(2):
        await PolicyProposer(context, lambda: 1_000, "w", log, began=make_policy(), check=lambda _: None).begin()
    (kept,) = shells.topics.read("models", 0)
    assert (kept.key, kept.value) == (OWN.revision.encode(), GOOD)
    assert {one.model_revision for one in activations(shells)} == {OWN.revision}


# ---- the command ----

APP = typer.Typer()
commands.register(APP)


def packed(**changes: Any) -> bytes:
    changed = content(**changes)
    if all(changes.values()) and "digest" not in changes:
        changed["digest"] = artefact.digest(changed, artefact._TEXTS, artefact._ARRAYS)
    return artefact.canonical(changed)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD[: len(GOOD) // 2], "is not a skops file, or not a whole one"),
        (packed(digest="0" * 64), "was altered"),
        (packed(features="0" * 12), "was trained on features"),
        (packed(format="hushtag-linear-1"), "is of format 'hushtag-linear-1'"),
        (b"", "is not a skops file"),
    ],
    ids=["truncated", "tampered", "other features", "other version", "empty"],
)
def test_a_bad_artefact_is_refused_with_the_reason_and_nothing_is_sent(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(data)
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert isinstance(done.exception, CallerMistake) and why in str(done.exception)
    assert "the live model stays" in done.exception.fix


def test_one_that_is_larger_than_a_record_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(GOOD)
    monkeypatch.setattr("streams.log.models.MAX_BYTES", 1_000_000)
    with pytest.raises(CallerMistake, match="a record of the topic `models` holds 1,000,000"):
        commands.checked(path)


def test_guarded_figures_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    assert commands.guarded(artefact.ARTEFACT_PATH, GOOD) == []
    (doubt,) = commands.guarded(path, OTHER)
    assert doubt == f"no guarded figures of {REVISION} are known"
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert done.exit_code == 3 and f"refused: {doubt}" in done.output
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "better": -1}
    reference = {
        "artefact_sha256": hashlib.sha256(OTHER).hexdigest(),
        "figures": {"identity": figure | {"value": 0.7}},
        "previous": {"artefact_sha256": "", "figures": {"identity": figure}},
    }
    (tmp_path / "reference.json").write_bytes(msgspec.json.encode(reference))
    (doubt,) = commands.guarded(path, OTHER)
    assert doubt.startswith("identity: 0.700, was 0.500")


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b"[]", b"{}", b'{"artefact_sha256": "SHA"}', b'{"artefact_sha256": "SHA", "previous": 1}'],
)
def test_figures_that_cannot_be_read_speak_against_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    (tmp_path / "reference.json").write_bytes(content.replace(b"SHA", hashlib.sha256(OTHER).hexdigest().encode()))
    done = CliRunner().invoke(APP, ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--yes"])
    assert done.exit_code == 3, done.exception
    assert f"refused: {tmp_path / 'reference.json'} has no guarded figures that can be read" in done.output
    assert "--unguarded" in done.output


def test_nobody_to_ask_is_the_callers_mistake(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(OTHER)
    asked = ["model", "apply", str(path), "--reason", "r", "--actor", "a", "--unguarded"]
    done = CliRunner().invoke(APP, asked, input="")
    assert isinstance(done.exception, CallerMistake) and "--yes" in done.exception.fix
    refused = CliRunner().invoke(APP, asked, input="n\n")
    assert refused.exit_code == 3 and "nothing was sent" in refused.output
