"""The download of Kafka's jars from a repository with a certificate of an own authority, as behind a proxy."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from devkit.stack import jars
from devkit.stack.errors import StackError, StackMistake

CONTENT = b"a jar"
JAR = jars.Jar(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "org.example", "small", "1")
VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Repository(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path.endswith("/org/example/small/1/small-1.jar")
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(CONTENT if found else b"")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve the repository over TLS, with no certificate variable set, and return the file of its authority."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("HUSHTAG_MAVEN_URL", f"https://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(jars, "listed_jars", lambda: [JAR])
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    yield tmp_path / "ca.pem"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("variable", VARIABLES)
def test_download_trusts_the_authority_of_a_setting(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority))
    [path] = jars.kafka_class_path(tmp_path / "maven")
    assert path.read_bytes() == CONTENT


def test_unknown_authority_is_named_with_the_setting(authority: Path, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="certificate verify failed") as caught:
        jars.kafka_class_path(tmp_path / "maven")
    assert "SSL_CERT_FILE" in caught.value.fix


def test_missing_file_of_certificates_is_named(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.with_name("nowhere.pem")))
    with pytest.raises(StackMistake, match=r"no file of certificates at .*nowhere\.pem") as caught:
        jars.kafka_class_path(tmp_path / "maven")
    assert "SSL_CERT_FILE" in caught.value.fix
