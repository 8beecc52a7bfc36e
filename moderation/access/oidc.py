"""Identity provider of the login by OpenID Connect.

The flow is the authorization code with PKCE. Authlib speaks to the provider, and joserfc checks the ID token.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import httpx

from moderation.access.login_settings import OidcConfig, groups_in
from moderation.access.problems import RefusedCall
from moderation.access.provider_names import actor_name
from streams.clock import monotonic_seconds, now_ms
from streams.errors import DependencyAway, SettingsError
from streams.exchange import BoundedClient

with warnings.catch_warnings():  # Authlib announces its later change to httpx2, after it has set its own filter
    import authlib.deprecate

    warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

ProviderJson = dict[str, Any]
"""JSON object of the provider: its metadata, its keys, or claims about a person."""
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures of ID tokens; `none` and shared secrets are refused."""
METADATA_SECONDS = 3_600.0
KEYS_SECONDS = 60.0
"""Age from which the provider's keys are read again for a token that they do not fit: it changes its keys."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
AWAY_SECONDS = 2.0
"""Time for which a provider that did not answer is not asked again."""
EXCHANGE_SECONDS = 5.0
"""Deadline of one exchange with the provider."""
_ANSWER_BYTES = 1024 * 1024
_LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Person as the provider knows them now."""

    subject: str
    name: str
    groups: tuple[str, ...]
    refresh_token: str
    """Token to ask again; "" if the provider gives none."""


class _OAuthClient(BoundedClient, AsyncOAuth2Client):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client, with a deadline around each of its exchanges."""


class Provider:
    """Identity provider, by its discovery document.

    Raises (from every method):
        DependencyAway: it does not answer.
        RefusedCall: it refused (401).
    """

    def __init__(self, config: OidcConfig) -> None:
        self._config = config
        self._metadata: ProviderJson = {}
        self._keys: Any = {}
        self._read_at = -METADATA_SECONDS
        self._away_until = 0.0

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Build the address that begins a login."""
        metadata = await self._discover()
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    async def exchange(self, code: str, *, verifier: str, nonce: str) -> Identity:
        """Exchange the code of a login for the person."""
        metadata = await self._discover()
        async with self._client() as client:
            token = await self._ask(
                client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=self._config.redirect_uri,
                )
            )
            claims = await self._id_claims(token, nonce)
            return await self._identity(client, token, claims, "")

    async def renew(self, subject: str, refresh_token: str) -> Identity:
        """Ask again for the groups of a person."""
        metadata = await self._discover()
        async with self._client() as client:
            token = await self._ask(client.refresh_token(metadata["token_endpoint"], refresh_token=refresh_token))
            return await self._identity(client, token, {"sub": subject}, refresh_token)

    async def log_out(self, refresh_token: str) -> str:
        """Revoke a refresh token, and return the address of the provider's own logout; "" if it has none."""
        metadata = await self._discover()
        if refresh_token and (endpoint := metadata.get("revocation_endpoint")):
            async with self._client() as client:
                await self._ask(client.revoke_token(endpoint, token=refresh_token, token_type_hint="refresh_token"))
        return str(metadata.get("end_session_endpoint", ""))

    async def check(self) -> None:
        """Read the discovery document.

        Raises:
            SettingsError: it belongs to another issuer.
        """
        await self._discover()

    def _client(self) -> Any:
        config = self._config
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _OAuthClient(
                config.client_id,
                config.client_secret or None,
                scope=config.scopes,
                redirect_uri=config.redirect_uri,
                code_challenge_method="S256",
                token_endpoint_auth_method="client_secret_basic" if config.client_secret else "none",
                seconds=EXCHANGE_SECONDS,
                answer_bytes=_ANSWER_BYTES,
            )

    async def _identity(self, client: Any, token: Any, claims: ProviderJson, refresh: str) -> Identity:
        """Complete the claims by the provider's answer about the person, which is as new as the token."""
        endpoint = self._metadata.get("userinfo_endpoint")
        if endpoint:
            answer = await self._ask(client.get(endpoint))
            if answer.status_code != 200:
                raise _refused(f"userinfo answers {answer.status_code}")
            info = _json_object(answer)
            if info.get("sub") != claims["sub"]:
                raise _refused("userinfo is about another person")
            claims = claims | info
        name = claims.get(self._config.name_claim)
        if not isinstance(name, str):
            raise _refused(f"the claim {self._config.name_claim} is missing (HUSHTAG_OIDC_NAME_CLAIM)")
        if self._config.name_claim == "email" and claims.get("email_verified", True) not in (True, "true"):
            raise _refused("the mail address is not verified")
        groups = groups_in(claims, self._config.groups_claim)
        subject = str(claims["sub"])
        return Identity(subject, actor_name(name.strip(), subject), groups, token.get("refresh_token") or refresh)

    async def _id_claims(self, token: Any, nonce: str) -> ProviderJson:
        try:
            id_claims = await self._decode(token.get("id_token") or "")
            options = {
                "iss": {"essential": True, "values": [self._metadata["issuer"]]},
                "aud": {"essential": True, "values": [self._config.client_id]},
                "nonce": {"essential": True, "value": nonce},
            }
            params = {"nonce": nonce, "client_id": self._config.client_id, "access_token": token["access_token"]}
            CodeIDToken(id_claims.claims, id_claims.header, options, params).validate(now_ms() // 1000, _LEEWAY_SECONDS)
        except (JoseError, ValueError) as error:
            raise _refused(f"the ID token cannot be used: {error}") from None
        return dict(id_claims.claims)

    async def _decode(self, text: str) -> Any:
        """Check the signature of a token; after a failure with older keys, once more with the present ones."""
        try:
            return jwt.decode(text, KeySet.import_key_set(self._keys), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            if monotonic_seconds() - self._read_at < KEYS_SECONDS:
                raise
            self._read_at = -METADATA_SECONDS
            await self._discover()
            return jwt.decode(text, KeySet.import_key_set(self._keys), algorithms=ALGORITHMS)

    async def _discover(self) -> ProviderJson:
        if monotonic_seconds() - self._read_at > METADATA_SECONDS:
            async with BoundedClient(seconds=EXCHANGE_SECONDS, answer_bytes=_ANSWER_BYTES) as client:
                url = f"{self._config.issuer}/.well-known/openid-configuration"
                metadata = await self._read_json(client, url)
                if str(metadata.get("issuer", "")).rstrip("/") != self._config.issuer:
                    raise SettingsError(
                        f"HUSHTAG_OIDC_ISSUER={self._config.issuer}: its document names {metadata.get('issuer')!r}",
                        fix="set HUSHTAG_OIDC_ISSUER to the name in the document",
                    )
                if missing := [name for name in _ENDPOINTS if not isinstance(metadata.get(name), str)]:
                    raise DependencyAway(f"the identity provider cannot be used: {url} lacks {', '.join(missing)}")
                self._keys = await self._read_json(client, metadata["jwks_uri"])
            self._metadata, self._read_at = metadata, monotonic_seconds()
        return self._metadata

    async def _read_json(self, client: BoundedClient, url: str) -> ProviderJson:
        answer = await self._ask(client.get(url))
        if answer.status_code != 200:
            raise DependencyAway(f"the identity provider cannot be used: {url} answers {answer.status_code}")
        return _json_object(answer)

    async def _ask(self, call: Any) -> Any:
        """Await a call; after one without an answer, the next ones fail at once instead of waiting in a row."""
        if monotonic_seconds() < self._away_until:
            call.close()
            raise DependencyAway(f"{self._config.issuer} does not answer", fix="log in again later")
        try:
            return await call
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._away_until = monotonic_seconds() + AWAY_SECONDS
            raise DependencyAway(
                f"{self._config.issuer} does not answer: {error!r}", fix="log in again later"
            ) from None
        except (ValueError, RecursionError):
            raise DependencyAway("the identity provider cannot be used: its answer is not JSON") from None
        except OAuthError as error:
            raise _refused(f"{error.error}: {error.description}"[:200]) from None


def _json_object(answer: Any) -> ProviderJson:
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise DependencyAway(f"the identity provider cannot be used: {answer.url} is no JSON object")
    return content


def _refused(why: str) -> RefusedCall:
    return RefusedCall("unauthorised", f"the identity provider refused: {why}", "log in again: GET /login")
