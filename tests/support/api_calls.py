"""Calls of the HTTP API with the key of one role, and valid bodies for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from moderation.access.keys import ROLES, ApiKey, KeyRing, Rights, Role, hash_of
from moderation.access.limits import RateLimit
from moderation.access.login_settings import OidcConfig
from streams.log.decisions import Decision, DecisionReason, Evidence
from tests.support.live_decisions import live_decision

Configure = Callable[[KeyRing, RateLimit], TestClient]
KEYS = {role: f"hush_{role}" for role in ROLES}
RING = [ApiKey(name=role, role=role, sha256=hash_of(key)) for role, key in KEYS.items()]
SERVICE = ApiKey(name="console", role="admin", sha256=hash_of("hush_console"), acts_for_others=True)


ORDER_BODY = {
    "authority": "Ministry", "country": "IN", "legal_basis": "IT Act 69A", "reference": "No. 7",
    "issued": "2026-01-01T00:00:00Z", "received": "2026-01-01T00:00:00Z", "deadline": "2999-01-01T00:00:00Z",
    "confidential": False, "targets": [{"kind": "account", "target": "1001"}, {"kind": "hashtag", "target": "#rumour"}],
}  # fmt: skip


def decision(tag: str = "rumour", action: Any = "suppress", country: str = "IN") -> Decision:
    evidence = Evidence(
        window_ms=600_000, tweets=9, authors=8, scored=7, share=0.6, lower=0.5, upper=0.7, sampled=("1",)
    )
    reason = DecisionReason("harmful_share_lower", 0.5, 0.4)
    return live_decision(tag, action, country, ("trends",), evidence, reason, minutes=1 / 60)


OIDC_CONFIG = OidcConfig(
    issuer="https://id.example", client_id="hushtag", client_secret="", url="http://127.0.0.1:8710", scopes="openid",
    groups_claim="groups", name_claim="preferred_username", rights_file=None, recheck_seconds=300,
    session_seconds=3_600,
)  # fmt: skip


class Calls:
    """Calls as one role; each write has a new idempotency key."""

    def __init__(self, client: TestClient, role: str = "moderator", actor: str | None = None) -> None:
        self._client = client
        self._role = role
        self.actor = actor or role
        self._count = 0

    def get(self, path: str, **query: Any) -> Response:
        return self._client.get(path, params=query, headers={"Authorization": f"Bearer hush_{self._role}"})

    def post(self, path: str, key: str | None = None, **body: Any) -> Response:
        self._count += 1
        headers = {
            "Authorization": f"Bearer hush_{self._role}",
            "Idempotency-Key": key or f"{self._role}-{self._count}",
        }
        return self._client.post(path, json={"actor": self.actor, "reason": "r"} | body, headers=headers)


def limited(role: Role, **rights: Any) -> ApiKey:
    """Build a key with limits, for `calls_of`."""
    return ApiKey(name="lim", role=role, sha256=hash_of("hush_lim"), rights=Rights(**rights))


def calls_of(configure: Configure, key: ApiKey) -> Calls:
    """Configure an application that also knows a key of `limited`, and return its calls."""
    return Calls(configure(KeyRing.of([*RING, key]), RateLimit(1e6, 10**6)), "lim")


def kind_of(response: Response) -> str:
    """Return the last part of a problem's type."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    found: str = response.json()["type"]
    return found.rpartition("/")[2]


def block(calls: Calls, tag: str = "rumour", version: str = "", **more: Any) -> Response:
    return calls.post("/v1/overrides", hashtag=tag, action="block", if_version=version, **more)


def appealed_against_an_order(legal: Calls) -> tuple[str, str]:
    """Put an order that reduces a hashtag in force, and appeal against it."""
    order = legal.post("/v1/orders", **ORDER_BODY).json()["orders"][0]["order"]
    for path, body in (
        ("steps", {"to": "acknowledged"}), ("steps", {"to": "under_review"}),
        ("rulings", {"outcome": "reduced", "kinds": ["hashtag"]}),
        ("rulings", {"outcome": "declined", "undecided": True}), ("steps", {"to": "final"}),
    ):  # fmt: skip
        moved(legal, order, path, **body)
    [reference] = [
        one["reference"]
        for one in legal.get("/v1/hashtags/rumour/statements").json()["items"]
        if one["restriction"]["source"] == "legal"
    ]
    return order, legal.post("/v1/appeals", reference=reference).json()["id"]


def moved(calls: Calls, order: str, path: str, **body: Any) -> None:
    """Add a step or ruling to the order."""
    version = calls.get(f"/v1/orders/{order}").json()["version"]
    done = calls.post(f"/v1/orders/{order}/{path}", if_version=version, **body)
    assert done.status_code == 201, done.text
