"""The schemas in docs/schemas: current, valid, complete, and true of records that the code writes."""

from __future__ import annotations

import importlib
import json
import pkgutil
import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
from hushtag_client.registers import encode

import moderation
import streams
from moderation.outward.notify.changes import changes_of
from moderation.outward.notify.content import trial_content, webhook_content
from moderation.outward.notify.notices import DecidedAppeal, LapsingHold, RunningDeadline
from moderation.outward.schemas.asyncapi import asyncapi
from moderation.outward.schemas.files import schema_files
from moderation.outward.schemas.records import RECORDS
from streams.flags.decision_fold import DecisionFold
from streams.log.decisions import Decision, decode_record
from streams.log.policies import NewIncarnation, WorkerReport, encode_policy_record
from streams.log.topic_specs import AUDIT_CHECKPOINTS, DECISIONS, MODERATION, NOTIFICATIONS, POLICY, SPECS
from tests.support.notify_cases import NOW_MS, appeal, hold, outcome
from tests.support.orders_world import OrdersWorld, accounts
from tests.support.paths import ROOT
from tests.support.policy_records import record_of
from tests.support.restart_oracle import policies
from tests.support.simulated import SimulatedPipeline
from tests.support.simulated_people import random_moderation
from tests.support.simulated_sizes import LONG, SHARDS, small_units

FOLDER = ROOT / "docs/schemas"
SCHEMAS = schema_files()


@cache
def validator(name: str) -> Any:
    schema = json.loads(SCHEMAS[f"{name}.json"])
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def problems(name: str, values: Sequence[bytes]) -> list[str]:
    found = (error for value in values for error in validator(name).iter_errors(json.loads(value)))
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


@cache
def simulated_decisions() -> list[bytes]:
    with small_units():
        world = SimulatedPipeline(1, policies(random.Random(1)), span=LONG).run()
    return [value for shard in range(SHARDS) for value in world.logs["decisions", shard]]


@pytest.mark.parametrize("name", SCHEMAS)
def test_committed_schemas_are_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == SCHEMAS[name], "run hushtag schemas docs --into docs/schemas"


def test_folder_has_no_other_schemas() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(SCHEMAS)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "asyncapi.json"])
def test_schemas_are_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMAS[name]))


def test_simulated_decisions_and_their_registers_fit() -> None:
    values = simulated_decisions()
    decoded = [decode_record(value) for value in values]
    assert {type(one).__name__ for one in decoded} >= {"Decision", "Progress"}
    assert problems(DECISIONS, values) == []
    fold = DecisionFold(longest_expiry_ms=3_600_000, max_broker_skew_ms=500)
    decisions = [one for one in decoded if isinstance(one, Decision)]
    registers = [encode(register) for one in decisions for register in fold.apply(one)]
    assert len(registers) > 20
    assert problems("register", registers) == []
    changes = [change for one in decisions for change in changes_of(one)]
    assert changes and problems("webhook", [webhook_content("decisions", changes, NOW_MS).body.encode()]) == []


def test_simulated_people_fit() -> None:
    records = [record.value or b"" for seed in range(3) for record in random_moderation(random.Random(seed))]
    kinds = {json.loads(value)["kind"] for value in records}
    assert kinds >= {"order_received", "order_targets", "order_step", "order_ruling", "speaker"}
    records += [msgspec.json.encode(one) for one in (hold(), appeal(), outcome())]
    assert problems(MODERATION, records) == []


def test_policy_records_fit() -> None:
    report = WorkerReport(
        worker="w", file="f", revision="r", verdict="same", why="", at_ms=1, began_hours=24,
    )  # fmt: skip
    reset = NewIncarnation(incarnation=1, why="restore", shards=4, at_ms=1, actor="ann", reason="r")
    values = [encode_policy_record(record_of()), *map(msgspec.json.encode, (report, reset))]
    assert problems(POLICY, values) == []


def test_register_schema_accepts_and_refuses_as_the_reader() -> None:
    vectors = json.loads((ROOT / "docs/vectors/resolution.json").read_text("utf-8"))
    registers = [register for case in vectors["cases"] for register in case["registers"]]
    assert problems("register", [json.dumps(one).encode() for one in registers]) == []
    good = registers[0]
    for broken in (
        {name: value for name, value in good.items() if name != "version"},
        good | {"version": "v1"},
        good | {"action": "Suppress"},
        good | {"weight": 1.5},
        good | {"source": "robot"},
        good | {"expires_at_ms": -1},
    ):
        assert problems("register", [json.dumps(broken).encode()]), broken


def test_webhooks_fit() -> None:
    orders = OrdersWorld()
    order = orders.desk.fold.by_id[orders.intake(accounts(1, 2))]
    bodies = [
        webhook_content("holds", [LapsingHold(hold(), ("trends",))], NOW_MS),
        webhook_content("deadlines", [RunningDeadline(order, NOW_MS)], NOW_MS),
        webhook_content("appeals", [DecidedAppeal(appeal(), outcome())], NOW_MS),
        trial_content("ops", NOW_MS),
    ]
    assert problems("webhook", [one.body.encode() for one in bodies]) == []
    plain = json.loads(bodies[0].body)
    del plain["data"]["items"][0]["hashtag"]
    assert problems("webhook", [json.dumps(plain).encode()])


def test_every_kind_of_record_is_in_a_topic() -> None:
    for package in (streams, moderation):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".pipeline" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    documented = {kind for kinds in RECORDS.values() for kind in kinds}
    tagged = {kind for kind in _subclasses(msgspec.Struct) if kind.__struct_config__.tag_field == "kind"}
    ours = {kind for kind in tagged if kind.__module__.startswith(("streams.", "moderation."))}
    private = {"Activation"}  # of hashtag-partials
    assert {kind.__name__ for kind in ours - documented} == private


def _subclasses(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


def test_asyncapi_names_every_topic_and_existing_schemas() -> None:
    document = asyncapi()
    assert set(document["channels"]) == {spec.name for spec in SPECS}
    referenced = set()
    for channel in document["channels"].values():
        payload = channel["messages"]["record"].get("payload")
        if payload:
            referenced.add(payload["schema"]["$ref"])
            assert (FOLDER / payload["schema"]["$ref"]).exists()
    assert {f"{topic}.json" for topic in (DECISIONS, MODERATION, POLICY, AUDIT_CHECKPOINTS, NOTIFICATIONS)} < referenced
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
