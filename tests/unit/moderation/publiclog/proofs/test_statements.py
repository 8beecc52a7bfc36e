"""Statements of every measure, as hushtag makes them, verify; with another restriction they do not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from moderation.domain.restrictions.collection import decision_restrictions, order_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.statements.answers import statement_answer
from moderation.outward.statements.proofs import OPENED, prove_statements
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.proofs.verify_proof import Refused, read_keys, verify_statement
from streams.log.decisions import encode_record
from streams.log.moderation import encode_moderation
from tests.support.in_memory_public_log import LOG_KEY, WITNESS_KEY, InMemoryPublicLog
from tests.support.orders_world import OrdersWorld, accounts
from tests.support.statement_builders import decision, override, ruling

AT_MS = 1_764_000_100_000
DECISION = decision(ruling(), ruling("search", "discount", weight=0.4), ruling("suggest", "hold"), country="IN")
PEOPLE = [override("block1"), override("hold1", action="hold", country="IN")]


def statement_of(one: Restriction, log: InMemoryPublicLog) -> dict[str, Any]:
    proof = asyncio.run(prove_statements(log, [one]))[one.reference]
    assert proof.proof is not None, proof.note
    return statement_answer(one, proof=proof).members()


def verified(statement: dict[str, Any]) -> dict[str, Any]:
    keys = read_keys(str(LOG_KEY.public_key), [str(WITNESS_KEY.public_key)])
    return verify_statement(json.dumps(statement).encode(), keys)


def statements() -> list[dict[str, Any]]:
    """Make a statement of each measure, by the pipeline, by people and by an order."""
    inputs = [AuditInput(SourcePosition("suppression-decisions", 0, 0, AT_MS), b"rumour|IN", encode_record(DECISION))]
    for offset, one in enumerate(PEOPLE):
        value, key = encode_moderation(one)
        inputs.append(AuditInput(SourcePosition("moderation", 0, offset, AT_MS), key, value))
    log = InMemoryPublicLog(lambda: inputs)
    found = [*decision_restrictions(DECISION), *filter(None, map(override_restriction, PEOPLE))]
    world = OrdersWorld()
    order = world.intake(accounts(1, 2))
    world.review(order)
    world.rule(order, "suspended", "1")
    world.rule(order, "withheld", "2")
    world.now_ms += 3_600_000
    world.step(order, "final")
    records = InMemoryPublicLog(
        lambda: [
            AuditInput(SourcePosition("moderation", 0, offset, world.log.times[offset]), key, value)
            for offset, (value, key) in enumerate(world.log.records)
        ]
    )
    ordered = order_restrictions(world.desk.get(order), world.now_ms)
    return [*(statement_of(one, log) for one in found), *(statement_of(one, records) for one in ordered)]


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    return statements()


def test_statement_of_every_measure_verifies(made: list[dict[str, Any]]) -> None:
    assert {one["restriction"]["measure"] for one in made} == {"reduced", "discounted", "held", "withheld", "suspended"}
    for one in made:
        assert set(verified(one)["opened"]) == set(OPENED)


@pytest.mark.parametrize("measure", ["reduced", "discounted", "held", "withheld", "suspended"])
def test_statement_of_another_measure_is_refused(made: list[dict[str, Any]], measure: str) -> None:
    for one in made:
        if one["restriction"]["measure"] == measure:
            continue
        with pytest.raises(Refused, match="measure"):
            verified(one | {"restriction": one["restriction"] | {"measure": measure}})


def test_statement_of_a_person_about_another_hashtag_is_refused() -> None:
    [one] = [one for one in statements() if one["entry"]["action"] == "block"]
    with pytest.raises(Refused, match=r"another restriction\.target"):
        verified(one | {"restriction": one["restriction"] | {"target": "film"}})
