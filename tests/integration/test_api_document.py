"""Schemathesis on the whole OpenAPI document: no answer is a 500, and the document names every answer.

The log is in memory (`tests/support/moderation_world.py`), since the test is about the API, not about the broker.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from moderation.access.keys import ROLES, ApiKey, KeyRing, Role, hash_of
from moderation.access.limits import RateLimit
from moderation.http.app import create_app
from tests.support.api_calls import ORDER_BODY, Calls, block, decision
from tests.support.in_memory_policies import POLICY
from tests.support.moderation_world import ApiWorld

pytestmark = pytest.mark.integration
SHORT, LONG = 8, 60
"""Examples for each operation: for the admin in `make test`, and for every role in `make test-long`."""
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    unsupported_method,
]  # fmt: skip
ENDLESS = "GET /v1/events"
"""Operation without an end: `tests/unit/moderation/http/test_events.py` and `test_blinding.py` have its tests."""
KEYS = [ApiKey(name=role, role=role, sha256=hash_of(f"hush_{role}"), acts_for_others=True) for role in ROLES]
RUNS = [
    pytest.param("admin", SHORT, id="short"),
    *(
        pytest.param(role, LONG, marks=[pytest.mark.long, pytest.mark.timeout(600)], id=f"{role}-long")
        for role in ROLES
    ),
]


@pytest.mark.parametrize(("role", "examples"), RUNS)
def test_every_answer_conforms_to_the_document(role: Role, examples: int) -> None:
    services = ApiWorld(decision(), decision("held", "hold"), decision("odd", "review")).services
    app = create_app(services, KeyRing.of(KEYS), RateLimit(1e9, 10**9))
    known = furnished(TestClient(app))
    answers: Counter[tuple[str, int]] = Counter()
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.label == ENDLESS:
            continue
        call_all(operation, role, known, answers, examples)
        sent = sum(count for (label, _), count in answers.items() if label == operation.label)
        has_input = bool(operation.body or operation.query or operation.path_parameters or operation.headers)
        assert sent >= (examples if has_input else 1), f"{operation.label}: {sent} examples"
    assert max(status for _, status in answers) < 500
    done = {label for label, status in answers if status < 300}
    assert len(done) >= (25 if role == "admin" else 12), sorted(done)


def call_all(
    operation: Any, role: Role, known: dict[str, str], answers: Counter[tuple[str, int]], examples: int
) -> None:
    """Make calls of one operation; every other one names an existing object and is otherwise valid."""
    turns = itertools.count()

    @seed(7)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        turn = next(turns)
        if turn % 2:
            case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
            if isinstance(case.body, dict):
                sound = {"hashtag": f"t{turn}", "country": "IN", "surfaces": [], "lasts": "2h", "until": None}
                sound |= {"if_version": "", "reference": known["reference"], "actor": "ann", "reason": "r"}
                sound |= {"policy": POLICY.canonical, "since": "1h", "category": ""}
                case.body |= {name: value for name, value in sound.items() if name in case.body}
        response = case.call(headers={"Authorization": f"Bearer hush_{role}"})
        answers[operation.label, response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    call()


def furnished(client: TestClient) -> dict[str, str]:
    """Create an order, a case and an appeal to read and change."""
    admin = Calls(client, "admin")
    assert block(admin).status_code == 201
    order = admin.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    [human] = [
        one
        for one in admin.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "human"
    ]
    appeal = admin.post("/v1/appeals", reference=human["reference"]).json()["id"]
    case = admin.get("/v1/cases", state="open", hashtag="held").json()["items"][0]["id"]
    return {"order": order, "appeal": appeal, "case": case, "hashtag": "rumour", "reference": human["reference"]}
