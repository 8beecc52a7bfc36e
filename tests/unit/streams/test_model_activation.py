"""Activation of a model: published whole, named in the policy topic, and activated on every shard."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from streams import model_activation
from streams.cli import model as commands
from streams.clock import now_ms
from streams.constants import PANE_MS
from streams.errors import CallerMistake
from streams.log.partials import decode_partial
from streams.log.policies import ModelChange, PolicyRecord, read_policy_topic
from streams.model_activation import activate_model, rollback_model, rollback_target
from streams.pipeline.policy_proposer import PolicyProposer
from streams.policy.activation import Activation
from tests.support.other_model import GOOD, OTHER, OWN, REVISION, cache_of
from tests.support.shells import NOW_MS, Shells, make_shells
from tests.support.word_policy import POLICY, make_policy


@pytest.fixture
def shells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shells:
    made = make_shells(monkeypatch, at_once=True, policy=tmp_path / "policy.yaml", shards=2)
    monkeypatch.setattr("streams.log.policies.LogReader", made.topics.reader)
    monkeypatch.setattr("streams.log.newest.LogReader", made.topics.reader)
    monkeypatch.setattr(model_activation, "Sender", lambda *_, **__: _Producer(made))
    made.topics.now_ms = now_ms()  # the broker's clock, near that of the command
    return made


class _Producer:
    """The command's own producer, over the same topics."""

    def __init__(self, shells: Shells) -> None:
        self.send, self.acknowledged = shells.sender.send, shells.sender.acknowledged

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


APP = typer.Typer()
commands.register(APP)


def record_of(model: str = "f" * 12) -> PolicyRecord:
    policy = make_policy()
    return PolicyRecord(
        revision=policy.revision, serial=1, policy=policy.canonical, model_revision=model, from_tick_ms=0,
        proposed_at_ms=NOW_MS, proposed_by="w", actor="asha", reason="a campaign", changes=("abuse: mode",),
    )  # fmt: skip


def activations(shells: Shells) -> list[Activation]:
    found = []
    for shard in range(2):
        log = [decode_partial(one.value or b"") for one in shells.topics.read("hashtag-partials", shard)]
        found.append([one for one in log if isinstance(one, Activation)])
    assert found[0] == found[1], "every shard has the same activations"
    return found[0]


async def put(shells: Shells, data: bytes = OTHER, categories: tuple[str, ...] = OWN.categories) -> PolicyRecord:
    return await activate_model(shells.context.settings, data, categories, reason="better", actor="ann")


async def test_artefact_policy_record_and_activations_are_sent_in_order(shells: Shells) -> None:
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    tweet = shells.topics.append("tweets", 0, b"{}")
    shells.sender.at_once = False
    applying = asyncio.create_task(put(shells))
    order = []
    for _ in range(200):
        await asyncio.sleep(0)
        order += [one.topic for one in shells.sender.in_flight]
        shells.sender.deliver()
    record = await applying
    assert order == ["models", "policy", "hashtag-partials", "hashtag-partials"]
    (kept,) = shells.topics.read("models", 0)
    assert (kept.key, kept.value) == (REVISION.encode(), OTHER)
    assert (record.model_revision, record.revision) == (REVISION, live.revision)
    assert record.model_change == ModelChange(before=live.model_revision, actor="ann", reason="better")
    assert (record.proposed_at_ms, record.proposed_by, record.actor, record.reason, record.changes) == (
        NOW_MS, "w", "asha", "a campaign", ("abuse: mode",)
    ), "actor, time and reason of the policy stay unchanged"  # fmt: skip
    (one,) = activations(shells)
    assert (one.model_revision, one.sequence, one.policy) == (REVISION, 1, live.policy)
    assert tweet.timestamp < one.from_tick_ms <= tweet.timestamp + PANE_MS, "the first pane after the newest tweet"


async def test_repeated_activation_sends_only_activations(shells: Shells) -> None:
    shells.topics.append("policy", 0, msgspec.json.encode(record_of()), key=record_of().revision.encode())
    first = await put(shells)
    assert await put(shells) == first
    assert len(shells.topics.read("models", 0)) == 1 and len(shells.topics.read("policy", 0)) == 2
    one, other = activations(shells)
    assert one == other


async def test_activation_needs_live_policy_and_equal_categories(shells: Shells) -> None:
    with pytest.raises(CallerMistake, match="no policy is live yet"):
        await put(shells)
    shells.topics.append("policy", 0, msgspec.json.encode(record_of()), key=record_of().revision.encode())
    with pytest.raises(CallerMistake, match="it has the categories abuse"):
        await put(shells, categories=("abuse",))
    assert not shells.topics.read("models", 0) and not shells.topics.read("hashtag-partials", 0)


async def test_later_policy_keeps_the_activated_model(shells: Shells, tmp_path: Path) -> None:
    """A worker that starts with another artefact does not activate its own."""
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    await put(shells)
    path = tmp_path / "policy.yaml"
    context = dataclasses.replace(shells.context, scorer=OWN, models=cache_of(shells))

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


async def test_own_model_replaces_missing_one_and_keeps_policy_facts(shells: Shells, tmp_path: Path) -> None:
    """The artefact of the live model is not in the topic."""
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    (tmp_path / "policy.yaml").write_text(POLICY)
    context = dataclasses.replace(shells.context, scorer=OWN, models=cache_of(shells))
    log = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)

    async def begun(text: str) -> PolicyRecord:
        (tmp_path / "policy.yaml").write_text(text)
        await PolicyProposer(context, lambda: 1_000, "w7", log, began=make_policy(), check=lambda _: None).begin()
        found = (await read_policy_topic(shells.context.settings)).live
        assert found is not None and found.model_revision == OWN.revision
        return found

    record = await begun(POLICY)
    change = ModelChange(before=live.model_revision, actor="w7", reason="the previous model could not be loaded")
    assert record.model_change == change and record.from_tick_ms == PANE_MS
    changed = {"from_tick_ms": 0, "model_change": None, "before": None}
    assert msgspec.structs.replace(record, model_revision=live.model_revision, **changed) == live
    shells.topics.logs["policy", 0] = shells.topics.logs["policy", 0][:1]
    assert (await begun(POLICY.replace("serial: 1", "serial: 2"))).model_change == change, "with a new policy, too"


async def test_model_status_keeps_first_tick_under_later_policy(
    shells: Shells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.model.load_settings", lambda: shells.context.settings)
    shells.topics.now_ms = NOW_MS
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())

    async def status(*more: str) -> list[str]:
        found = await asyncio.to_thread(CliRunner().invoke, APP, ["model", "status", *more])
        assert found.exit_code == 0, found.output
        return found.stdout.splitlines()

    assert await status() == [f"{live.model_revision}  not kept  live from the beginning"]
    shells.topics.append("tweets", 0, b"{}")
    named = await put(shells)
    later = make_policy(POLICY.replace("serial: 1", "serial: 2"))
    edit = msgspec.structs.replace(
        live, revision=later.revision, serial=2, policy=later.canonical, model_revision=REVISION,
        from_tick_ms=named.from_tick_ms + 3_600_000, actor="meera", reason="an edit",
    )  # fmt: skip
    shells.topics.append("policy", 0, msgspec.json.encode(edit), key=edit.revision.encode())
    moment = "2021-01-25 18:40:10 UTC"
    assert await status() == [f"{REVISION}  {len(OTHER):,} bytes  live since {moment}, by ann: better"]
    again = await put(shells)
    assert (again.revision, again.from_tick_ms) == (edit.revision, named.from_tick_ms), "a repeat returns the same tick"
    assert [json.loads(line) for line in await status("--json")] == [
        {"model": REVISION, "bytes": len(OTHER), "live": True, "from_tick_ms": named.from_tick_ms, "actor": "ann",
         "reason": "better"}
    ]  # fmt: skip


async def test_first_worker_publishes_its_artefact_once(shells: Shells, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    context = dataclasses.replace(shells.context, scorer=OWN, models=cache_of(shells))
    log = SimpleNamespace(info=lambda *_, **__: None, warning=lambda *_, **__: None)
    for _ in range(2):
        await PolicyProposer(context, lambda: 1_000, "w", log, began=make_policy(), check=lambda _: None).begin()
    (kept,) = shells.topics.read("models", 0)
    assert (kept.key, kept.value) == (OWN.revision.encode(), GOOD)
    assert {one.model_revision for one in activations(shells)} == {OWN.revision}


async def back(shells: Shells, to: str | None = None) -> PolicyRecord:
    return await rollback_model(shells.context.settings, to=to, reason="it was wrong", actor="meera")


async def begin_with_own_model(shells: Shells) -> PolicyRecord:
    live = record_of(OWN.revision)
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    shells.topics.append("models", 0, GOOD, key=OWN.revision.encode())
    return live


async def test_rollback_restores_model_before_the_live_one(shells: Shells) -> None:
    await begin_with_own_model(shells)
    await put(shells)
    record = await back(shells)
    assert record.model_revision == OWN.revision
    assert record.model_change == ModelChange(before=REVISION, actor="meera", reason="it was wrong")
    assert [one.model_revision for one in activations(shells)] == [REVISION, OWN.revision]
    assert len(shells.topics.read("models", 0)) == 2, "both artefacts are kept once"
    assert (await back(shells)).model_revision == REVISION, "a second rollback undoes the first"


async def test_rollback_in_place_of_another_model_is_refused(shells: Shells) -> None:
    await begin_with_own_model(shells)
    await put(shells)
    live, wanted = await rollback_target(shells.context.settings)
    assert (live, wanted) == (REVISION, OWN.revision)
    await back(shells)
    with pytest.raises(CallerMistake, match=f"{OWN.revision} is live, not {REVISION}"):
        await rollback_model(shells.context.settings, reason="late", actor="ann", if_live=live)
    assert len(activations(shells)) == 2, "a second person does not undo the first rollback"


async def test_rollback_to_revision_takes_its_first_digits(shells: Shells) -> None:
    await begin_with_own_model(shells)
    await put(shells)
    assert (await back(shells, OWN.revision[:6])).model_revision == OWN.revision


async def test_rollback_without_earlier_or_kept_model_is_refused(shells: Shells) -> None:
    with pytest.raises(CallerMistake, match="no policy is live yet"):
        await back(shells)
    live = record_of()
    shells.topics.append("policy", 0, msgspec.json.encode(live), key=live.revision.encode())
    with pytest.raises(CallerMistake, match="no other model was live before"):
        await back(shells)
    await put(shells)
    for to, match in ((None, f"model {'f' * 12} is not kept"), (REVISION, "is live already"), ("", "is not kept")):
        with pytest.raises(CallerMistake, match=match):
            await back(shells, to)
    assert [one.model_revision for one in activations(shells)] == [REVISION]
