"""Logins of people to the rendered deployments: compose on loopback, and Kubernetes behind nginx with TLS.

Each test starts the rendered processes with their rendered arguments and environment; only addresses, folders and the
logins of Kafka and Redis are those of this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from devkit.stack import LocalStack
from devkit.stack.ports import free_port
from moderation.access.key_making import make_key
from tests.manifests.render import render, secrets
from tests.pages.conftest import CHROMIUM, FLAGS
from tests.support.compose import render_services, run_documented_commands
from tests.support.identity_provider import IdentityProvider, identity_provider
from tests.support.nginx import NGINX, start_nginx
from tests.support.paths import ROOT
from tests.support.worlds import eventually

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("stack"), heap_mb=384) as running:
        yield running


def here(text: str, changes: Mapping[str, str]) -> str:
    """Replace the addresses and folders of a deployment by those of this machine."""
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def command_line(arguments: Sequence[str]) -> list[str]:
    return [str(Path(sys.executable).with_name("hushtag")), *arguments]


@contextmanager
def running_api(arguments: Sequence[str], environment: Mapping[str, str], port: int, log: Path) -> Iterator[None]:
    """Run `hushtag api` until it answers; its log is complete afterwards."""
    given = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(command_line(arguments), env=given, stdout=output, stderr=output)
    try:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        eventually(answers)
        yield
    finally:
        process.terminate()
        process.wait(30)


def keys_file(path: Path) -> dict[str, str]:
    """Write a key file with a moderator and an admin, as `hushtag api-key` makes its lines; return their keys."""
    made = {name: make_key(name, role) for name, role in (("asha", "moderator"), ("root", "admin"))}  # type: ignore[arg-type]
    path.write_text(f'{{"keys": [{", ".join(line for _, line in made.values())}]}}')
    return {name: key for name, (key, _) in made.items()}


@contextmanager
def opened_page(browser: Browser, url: str) -> Iterator[Page]:
    """Open a page in a browser context of its own; at the end its cookies must be safe from scripts."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(10_000)
    yield context.new_page()
    cookies = context.cookies(url)
    assert cookies and all(one["httpOnly"] and one["secure"] == url.startswith("https") for one in cookies)  # type: ignore[typeddict-item]
    context.close()


@contextmanager
def browser_of_proxy(browser: Browser, tls_port: int) -> Iterator[Browser]:
    """Launch a browser for which the proxy has the name and port of the public address."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP api.example.org:443 127.0.0.1:{tls_port}"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    launched = browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    yield launched
    launched.close()


def log_in_with_key(page: Page, url: str, keys: Mapping[str, str], pictures: str) -> None:
    page.goto(f"{url}/console/held")
    expect(page).to_have_title(re.compile("Log in"))
    show(page, pictures)
    for key, words in (("hush_wrong", "This key is unknown"), (keys["root"], "An admin's key opens no session")):
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Log in with this key").click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        assert key not in page.content() and key not in page.url
    show(page, f"{pictures}-refused")
    page.get_by_label("API key").fill(keys["asha"])
    page.get_by_role("button", name="Log in with this key").click()
    expect(page.locator(".bar .person")).to_have_text("asha")
    assert page.url == f"{url}/console/held" and page.evaluate("document.cookie") == ""
    show(page, f"{pictures}-in")
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_title(re.compile("Log in"))


def log_in_at_provider(page: Page, url: str, provider: IdentityProvider) -> None:
    provider.set_groups("moderator", "moderator")
    page.goto(f"{url}/console/held")
    page.get_by_role("link", name="Log in with your account").click()
    assert page.url.startswith(provider.issuer)
    page.locator("input[name=sub]").fill("moderator")
    page.get_by_role("button", name="Authorize").click()
    expect(page.locator(".bar .person")).to_have_text("moderator")
    assert page.url == f"{url}/console/held"


def show(page: Page, name: str) -> None:
    """Keep pictures in the folder of HUSHTAG_PICTURES, if it is set, at both widths."""
    if folder := os.environ.get("HUSHTAG_PICTURES"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(folder) / f"{name}-{width}.png")


def test_people_log_in_to_the_rendered_compose_file(stack: LocalStack, tmp_path: Path, browser: Browser) -> None:
    variables, _ = run_documented_commands(tmp_path)
    port = free_port()
    shutil.copytree(ROOT / "config", tmp_path / "config")
    keys = keys_file(tmp_path / "config" / "api-keys.json")
    with identity_provider() as provider:
        url = f"http://127.0.0.1:{port}"
        variables |= {"HUSHTAG_PUBLIC_URL": url, "HUSHTAG_OIDC_ISSUER": provider.issuer}
        services = render_services(variables)
        changes = {
            "kafka:19092": stack.kafka, "redis://valkey:6379/0": stack.redis_url, "/etc/hushtag": f"{tmp_path}/config",
            "/var/lib/hushtag": str(tmp_path),
        }  # fmt: skip
        environment = {name: here(value, changes) for name, value in services["api"]["environment"].items()}
        subprocess.run(command_line(services["topics"]["command"]), env=os.environ | environment, check=True)
        arguments = [here(word, changes) for word in services["api"]["command"]]
        log = tmp_path / "api.log"
        with running_api([*arguments, "--port", str(port)], environment, port, log):
            with opened_page(browser, url) as page:
                log_in_with_key(page, url, keys, "compose")
            with opened_page(browser, url) as page:
                log_in_at_provider(page, url, provider)
    assert all(key not in log.read_text() for key in keys.values())


@pytest.mark.long
def test_people_log_in_to_the_rendered_manifests_behind_nginx(
    stack: LocalStack, tmp_path: Path, browser: Browser
) -> None:
    assert NGINX is not None, "nginx is not installed (Debian: apt-get install nginx)"
    objects = {(one["kind"], one["metadata"]["name"]): one for one in (*render("small"), *secrets())}
    pod = objects["Deployment", "hushtag-api"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment: dict[str, str] = {}
    for source in container["envFrom"]:
        kind, reference = ("ConfigMap", "configMapRef") if "configMapRef" in source else ("Secret", "secretRef")
        found = objects[kind, source[reference]["name"]]
        environment |= found.get("data") or found["stringData"]
    port, url = free_port(), "https://api.example.org"
    keys = keys_file(tmp_path / "keys.json")
    changes = {"/etc/hushtag-keys": str(tmp_path), "/etc/hushtag-policy": f"{ROOT}/config", "8710": str(port)}
    with identity_provider(tmp_path) as provider:
        environment = {
            name: here(value, changes) for name, value in environment.items() if "KAFKA_S" not in name
        } | {
            "HUSHTAG_KAFKA": stack.kafka, "HUSHTAG_REDIS_URL": stack.redis_url, "HUSHTAG_HASH_KEY": "h" * 64,
            "HUSHTAG_SESSION_KEY": "k" * 64, "HUSHTAG_PUBLIC_URL": url, "HUSHTAG_OIDC_ISSUER": provider.issuer,
            "HUSHTAG_OIDC_CLIENT_ID": "hushtag", "HUSHTAG_OIDC_CLIENT_SECRET": "secret",
            "HUSHTAG_TRUSTED_PROXIES": "127.0.0.1",
            "SSL_CERT_FILE": provider.trust,
        }  # fmt: skip
        assert "REPLACE" not in json.dumps(environment)
        subprocess.run(command_line(["topics", "create"]), env=os.environ | environment, check=True)
        arguments, log = [here(word, changes) for word in container["args"]], tmp_path / "api.log"
        with running_api(arguments, environment, port, log):
            process, proxied = start_nginx(tmp_path, port, free_port())
            try:
                with browser_of_proxy(browser, proxied.tls_port) as mapped:
                    with opened_page(mapped, url) as page:
                        log_in_with_key(page, url, keys, "kubernetes")
                    with opened_page(mapped, url) as page:
                        log_in_at_provider(page, url, provider)
            finally:
                process.terminate()
                process.wait(30)
    assert all(key not in log.read_text() for key in keys.values())
