"""An OpenID provider in another process, which asks for a name and no password."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import trustme

from devkit.stack.ports import free_port
from tests.support.worlds import eventually

_PROGRAM = """
import sys
from oidc_provider_mock import app
from werkzeug.serving import run_simple
port, *certificate = sys.argv[1:]
run_simple("127.0.0.1", int(port), app(require_nonce=True), ssl_context=tuple(certificate) or None, threaded=True)
"""


class IdentityProvider:
    """The running provider.

    Args:
        issuer: its address.
        trust: file with the authority of its certificate; "" without TLS.
    """

    def __init__(self, issuer: str, trust: str = "") -> None:
        self.issuer = issuer
        self.trust = trust

    def client(self) -> httpx.Client:
        """Open a client that trusts the provider."""
        return httpx.Client(base_url=self.issuer, verify=ssl.create_default_context(cafile=self.trust or None))

    def set_groups(self, person: str, *groups: str) -> None:
        """Set the groups of a person, who is known from then on."""
        claims = {"preferred_username": person, "groups": list(groups)}
        with self.client() as client:
            assert client.put(f"/users/{person}", json=claims).status_code == 204

    def answers(self) -> bool:
        """Return whether the provider answers."""
        try:
            with self.client() as client:
                return client.get("/.well-known/openid-configuration").status_code == 200
        except httpx.ConnectError:
            return False


@contextmanager
def identity_provider(tls_folder: Path | None = None) -> Iterator[IdentityProvider]:
    """Run a provider: without TLS, or with a certificate for localhost whose files are written to a folder."""
    port, files = free_port(), []
    provider = IdentityProvider(f"http://127.0.0.1:{port}")
    if tls_folder is not None:
        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        files = [str(tls_folder / "provider.pem"), str(tls_folder / "provider-key.pem")]
        certificate.cert_chain_pems[0].write_to_path(files[0])
        certificate.private_key_pem.write_to_path(files[1])
        authority.cert_pem.write_to_path(tls_folder / "authority.pem")
        provider = IdentityProvider(f"https://localhost:{port}", str(tls_folder / "authority.pem"))
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(port), *files]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(provider.answers)
        yield provider
    finally:
        process.terminate()
        process.wait(10)
