"""Proofs of statements and replies: the entry that each names, and what it opens."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from moderation.domain.restrictions.collection import decision_restrictions, order_restrictions, override_restriction
from moderation.domain.restrictions.restriction import Restriction
from moderation.outward.replies import UNDECIDED, ReplyAnswer, reply_view
from moderation.outward.statements.answers import statement_answer
from moderation.outward.statements.proofs import CONFIDENTIAL, OPENED, prove_statements
from moderation.publiclog.disclosure import check
from moderation.publiclog.inputs import AuditInput, SourcePosition
from moderation.publiclog.proofs.verify_proof import Refused, read_keys, verify_statement
from moderation.publiclog.proving import MISSING, NO_LOG, DocumentProof, PublicLog
from streams.errors import DependencyAway, TopicsError
from streams.log.decisions import encode_record
from streams.log.moderation import encode_moderation
from tests.support.in_memory_public_log import LOG_KEY, WITNESS_KEY, InMemoryPublicLog
from tests.support.orders_world import HEAD, OrdersWorld, accounts
from tests.support.statement_builders import decision, override, ruling

AT_MS = 1_764_000_100_000


def logged_at(
    topic: str, values: Sequence[tuple[bytes, bytes]], times: Sequence[int] = (AT_MS, AT_MS)
) -> list[AuditInput]:
    places = [SourcePosition(topic, 0, offset, time_ms) for offset, time_ms in enumerate(times)]
    return [AuditInput(place, key, value) for place, (value, key) in zip(places, values, strict=False)]


def proof_for(one: Restriction, log: PublicLog) -> DocumentProof:
    return asyncio.run(prove_statements(log, [one]))[one.reference]


def of_world(world: OrdersWorld) -> InMemoryPublicLog:
    return InMemoryPublicLog(lambda: logged_at("moderation", world.log.records, world.log.times))


def opened(proof: DocumentProof | ReplyAnswer) -> dict[str, Any]:
    assert proof.proof is not None
    return check(base64.b64decode(proof.proof["leaf"]), proof.proof["opened"])


@pytest.fixture
def decided() -> InMemoryPublicLog:
    """A log with two versions of one decision, and a decision of a person."""
    decisions = [(encode_record(decision(ruling(), number=n)), b"rumour|*") for n in (1, 2)]
    inputs = logged_at("suppression-decisions", decisions)
    inputs += logged_at("moderation", [encode_moderation(override())])
    return InMemoryPublicLog(lambda: inputs)


def test_statement_opens_its_own_version_of_a_decision(decided: InMemoryPublicLog) -> None:
    [one] = decision_restrictions(decision(ruling(), number=2))
    proof = proof_for(one, decided)
    assert proof.proof is not None
    assert "index 1\n" in proof.proof["proof"]
    assert set(opened(proof)) == set(OPENED)
    assert opened(proof) == proof.entry
    assert opened(proof) | {"reason": "", "facts": ""} == {
        "time": "2025-11-24T16:01:40.000Z", "hashtag": "rumour", "country": "*", "action": "suppress", "reason": "",
        "policy_revision": "p1", "facts": "",
    }  # fmt: skip


def test_statement_of_a_person_opens_the_reason(decided: InMemoryPublicLog) -> None:
    one = override_restriction(override())
    assert one is not None
    found = opened(proof_for(one, decided))
    assert (found["action"], found["reason"]) == ("block", "false bomb threat")


def test_statement_without_checkpoint_says_when_one_is_due(decided: InMemoryPublicLog) -> None:
    decided.uncovered = 2
    [one] = decision_restrictions(decision(ruling(), number=2))
    plain = statement_answer(one, proof=proof_for(one, decided)).members()
    assert (plain["proof"], plain["entry"]["hashtag"]) == (None, "rumour")
    assert plain["proof_note"] == (
        "no published checkpoint covers entry 1 yet; the next one is due at 2021-02-08 16:00 UTC"
    )


def test_statement_of_an_unlogged_decision_says_so(decided: InMemoryPublicLog) -> None:
    [one] = decision_restrictions(decision(ruling(), number=3))
    assert proof_for(one, decided) == DocumentProof(note=MISSING)


def test_erased_entry_is_no_proof(decided: InMemoryPublicLog) -> None:
    decided.erased.add(1)
    [one] = decision_restrictions(decision(ruling(), number=2))
    assert proof_for(one, decided).proof is None


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (TopicsError(["the topic audit does not exist"]), NO_LOG),
        (DependencyAway("the folder does not answer"), "the folder does not answer"),
    ],
)
def test_log_that_cannot_be_read_holds_no_statement_back(
    error: Exception, note: str, decided: InMemoryPublicLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def batches(since_ms: int) -> None:
        raise error

    monkeypatch.setattr(decided, "batches", batches)
    [one] = decision_restrictions(decision(ruling()))
    assert note in proof_for(one, decided).note


@pytest.mark.parametrize("confidential", [False, True])
def test_statement_of_an_order_opens_its_ruling(*, confidential: bool) -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1, 2), replace(HEAD, confidential=confidential))
    world.review(order)
    world.rule(order, "declined", "1")
    world.rule(order, "withheld", "2")
    world.now_ms += 3_600_000
    world.step(order, "final")
    [one] = order_restrictions(world.desk.get(order), world.now_ms)
    proof = proof_for(one, of_world(world))
    if confidential:
        assert (proof.proof, proof.note) == (None, CONFIDENTIAL)
    else:
        found = opened(proof)
        assert (found["country"], found["action"], found["hashtag"]) == ("IN", "withheld", None)


def test_reply_proves_the_last_step() -> None:
    world = OrdersWorld()
    order = world.intake(accounts(1))
    log, case = of_world(world), world.desk.get(order)
    assert asyncio.run(reply_view(log, case, "")).proof_note == UNDECIDED
    world.review(order)
    world.step(order, "declined")
    answer = asyncio.run(reply_view(log, world.desk.get(order), "the letter"))
    assert opened(answer) == answer.entry
    assert (opened(answer)["country"], opened(answer)["action"]) == ("IN", "declined")
    assert list(answer.members()) == ["order", "text", "entry", "proof"]
    assert (answer.order, answer.text) == (order, "the letter")


def test_statement_verifies_and_a_changed_one_does_not(decided: InMemoryPublicLog) -> None:
    [one] = decision_restrictions(decision(ruling(), number=2))
    statement = statement_answer(one, proof=proof_for(one, decided)).members()
    keys = read_keys(str(LOG_KEY.public_key), [str(WITNESS_KEY.public_key)])
    assert verify_statement(json.dumps(statement).encode(), keys)["index"] == 1
    forged = statement | {"restriction": statement["restriction"] | {"country": "DE"}}
    with pytest.raises(Refused, match="country"):
        verify_statement(json.dumps(forged).encode(), keys)
