"""deploy/nginx/hushtag.conf in a real nginx, with the ports and certificates of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme

from devkit.stack.ports import free_port
from tests.support.paths import ROOT

CONF = ROOT / "deploy" / "nginx" / "hushtag.conf"
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
NAMES = ("api.example.org", "trends.example.org", "search.example.org")


@dataclass(frozen=True)
class Proxied:
    """A running nginx: its ports, and a TLS context that trusts it."""

    tls_port: int
    port: int
    context: ssl.SSLContext

    def call(self, name: str, path: str, method: str = "GET", **options: object) -> httpx.Response:
        headers = {"Host": name, **options.pop("headers", {})}  # type: ignore[dict-item]
        with httpx.Client(verify=self.context, timeout=30) as client:
            url = f"https://127.0.0.1:{self.tls_port}{path}"
            extensions = {"sni_hostname": name}
            return client.request(method, url, headers=headers, extensions=extensions, **options)  # type: ignore[arg-type]


def start_nginx(
    folder: Path, api_port: int, trends_port: int, other: Mapping[str, str] | None = None
) -> tuple[subprocess.Popen[bytes], Proxied]:
    """Run nginx with the configuration, its ports and certificates replaced, and `other` texts too."""
    authority = trustme.CA()
    certificate = authority.issue_cert(*NAMES)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=number > 0)
    tls_port, port = free_port(), free_port()
    changes = {
        "listen 443": f"listen 127.0.0.1:{tls_port}", "listen 80": f"listen 127.0.0.1:{port}",
        "/etc/nginx/hushtag": str(folder), "127.0.0.1:8710": f"127.0.0.1:{api_port}",
        "127.0.0.1:8701": f"127.0.0.1:{trends_port}", "127.0.0.1:8702": f"127.0.0.1:{free_port()}",
    } | dict(other or {})  # fmt: skip
    text = CONF.read_text("utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "hushtag.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths} include {folder}/hushtag.conf; }}\n"
    )
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0 and "warn" not in checked.stderr, checked.stderr
    process = subprocess.Popen(command)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", tls_port), timeout=1).close()
            return process, Proxied(tls_port, port, context)
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "error.log").read_text()
            time.sleep(0.02)
