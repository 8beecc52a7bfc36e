"""Tests of ID tokens: only a token of this provider, for this client and this login counts."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from moderation.access.oidc import KEYS_SECONDS, METADATA_SECONDS, Provider
from moderation.access.problems import RefusedCall
from streams.clock import monotonic_seconds, now_ms
from tests.support.api_calls import OIDC_CONFIG

ISSUER, NONCE, ACCESS = "https://id.example", "n", "access"
KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER = RSAKey.generate_key(2048, {"kid": "1"})


def provider() -> Provider:
    found = Provider(OIDC_CONFIG)
    found._metadata = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize"}
    found._keys = {"keys": [KEY.as_dict(private=False)]}
    found._read_at = monotonic_seconds() + METADATA_SECONDS
    return found


def claims(**changes: Any) -> dict[str, Any]:
    now = now_ms() // 1000
    known = {"iss": ISSUER, "sub": "1", "aud": "hushtag", "exp": now + 60, "iat": now, "nonce": NONCE}
    return {name: value for name, value in (known | changes).items() if value is not None}


def token(body: dict[str, Any], key: Any = KEY, algorithm: str = "RS256") -> dict[str, str]:
    text = jwt.encode({"alg": algorithm, "kid": "1"}, body, key, algorithms=[algorithm])
    return {"id_token": text, "access_token": ACCESS}


async def test_sound_token_is_accepted() -> None:
    assert (await provider()._id_claims(token(claims()), NONCE))["sub"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"aud": ["other"]},
        {"nonce": "other"}, {"nonce": None}, {"exp": 1}, {"exp": None}, {"sub": None}, {"at_hash": "wrong"},
        {"iat": None}, {"azp": "other", "aud": ["hushtag", "other"]}, {"nbf": 2**40},
    ],
    ids=str,
)  # fmt: skip
async def test_token_with_a_foreign_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedCall) as refused:
        await provider()._id_claims(token(claims(**changes)), NONCE)
    assert refused.value.body["status"] == 401


@pytest.mark.parametrize("forged", ["other key", "shared secret", "no signature", "nothing", "not a token"])
async def test_forged_token_is_refused(forged: str) -> None:
    unsigned = ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', b'{"sub":"1"}', b"")
    )
    found = {
        "other key": lambda: token(claims(), OTHER),
        "shared secret": lambda: token(claims(), OctKey.import_key(b"k" * 64), "HS256"),
        "no signature": lambda: {"id_token": unsigned, "access_token": ACCESS},
        "nothing": lambda: {"access_token": ACCESS},
        "not a token": lambda: {"id_token": "x", "access_token": ACCESS},
    }[forged]()
    with pytest.raises(RefusedCall):
        await provider()._id_claims(found, NONCE)


async def test_changed_keys_of_the_provider_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = provider()
    monkeypatch.setattr(found, "_config", replace(OIDC_CONFIG, issuer=ISSUER))
    reads = list[str]()

    async def read(client: Any, url: str) -> dict[str, Any]:
        reads.append(url)
        known = {"issuer": ISSUER, "authorization_endpoint": "a", "token_endpoint": "t", "jwks_uri": "keys"}
        return {"keys": [OTHER.as_dict(private=False)]} if url == "keys" else known

    monkeypatch.setattr(found, "_read_json", read)
    with pytest.raises(RefusedCall):
        await found._id_claims(token(claims(), OTHER), NONCE)
    assert not reads, "a forged token makes no calls while the keys are new"
    found._read_at = monotonic_seconds() - KEYS_SECONDS
    assert await found._id_claims(token(claims(), OTHER), NONCE)
    assert len(reads) == 2


async def test_login_begins_with_pkce() -> None:
    url = await provider().authorization_url(state="s", nonce=NONCE, verifier="v" * 64)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 64).digest()).decode().rstrip("=")
    assert asked == {
        "response_type": "code", "client_id": "hushtag", "redirect_uri": "http://127.0.0.1:8710/login/callback",
        "scope": "openid", "state": "s", "nonce": NONCE, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["hushtag", "local", "Asha R.", "ann\u202eadmin", "x" * 300])
async def test_person_with_an_unusable_name_gets_the_subject(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def fetch(client: Any, url: str, **values: Any) -> dict[str, str]:
        return token(claims(preferred_username=name, groups=["legal"]))

    monkeypatch.setattr("moderation.access.oidc.AsyncOAuth2Client.fetch_token", fetch)
    found = provider()
    found._metadata["token_endpoint"] = f"{ISSUER}/token"
    person = await found.exchange("code", verifier="v" * 64, nonce=NONCE)
    assert person.name == f"sub-{person.subject}"


async def test_code_is_exchanged_with_its_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}

    async def fetch(client: Any, url: str, **values: Any) -> dict[str, str]:
        sent.update(values)
        return token(claims(preferred_username="ann", groups=["legal"]))

    monkeypatch.setattr("moderation.access.oidc.AsyncOAuth2Client.fetch_token", fetch)
    found = provider()
    found._metadata["token_endpoint"] = f"{ISSUER}/token"
    person = await found.exchange("code", verifier="v" * 64, nonce=NONCE)
    assert (person.name, person.groups, person.refresh_token) == ("ann", ("legal",), "")
    assert (sent["code"], sent["code_verifier"]) == ("code", "v" * 64)
    with pytest.raises(RefusedCall):
        await found.exchange("code", verifier="v" * 64, nonce="of another login")
