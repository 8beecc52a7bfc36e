"""Page of people and keys: who may open it, limits in words, distinct look-alikes, and hostile names."""

from __future__ import annotations

import re
from typing import cast

from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.access import AccessControl
from moderation.access.keys import ApiKey, Rights, hash_of
from moderation.access.login_settings import SessionConfig
from moderation.access.oidc import Identity
from moderation.access.sessions import Sessions
from streams.clock import now_ms
from tests.support.console_client import console_client, read_page, words_of_page

HOSTILE = "<script>alert(1)</script> \u202e مرحبا 🎉 " + "x" * 200
LIMITED = ApiKey(
    name="asha-laptop", role="moderator", person="asha", sha256=hash_of("x"), acts_for_others=True,
    rights=Rights(countries=("IN", "PK"), categories=("incitement_to_violence",), longest="2d"),
)  # fmt: skip


def with_session(client: TestClient, name: str) -> None:
    access: AccessControl = cast(FastAPI, client.app).state.access
    access.sessions = Sessions(SessionConfig(url="http://localhost", session_seconds=60), None, "k" * 32, now_ms)
    access.sessions.begin(Identity(name, name, ("moderator",), ""))


def test_only_an_admin_opens_the_page() -> None:
    client = console_client()
    for role in ("reader", "moderator", "legal"):
        assert read_page(client, "/console/people", role).status_code == 403
    page = read_page(client, "/console/people", "admin")
    assert page.status_code == 200
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.text)


def test_keys_have_owner_and_limits_and_no_hash() -> None:
    page = read_page(console_client(keys=[LIMITED]), "/console/people", "admin")
    words = words_of_page(page)
    assert "asha-laptop moderator asha and for others only in India and Pakistan" in words
    assert "only on incitement to violence; at most 2d" in words
    assert LIMITED.sha256 not in page.text and hash_of("hush_admin") not in page.text


def test_hostile_name_of_a_session_is_text() -> None:
    client = console_client()
    with_session(client, HOSTILE)
    page = read_page(client, "/console/people", "admin")
    assert "<script>alert" not in page.text and "<bdi>&lt;script&gt;" in page.text
    assert 'data-name="&lt;script&gt;' in page.text


def test_look_alikes_are_shown_with_their_odd_letters() -> None:
    client = console_client()
    with_session(client, "аdmin")
    words = words_of_page(read_page(client, "/console/people", "admin"))
    assert "Names that look alike" in words and "(with CYRILLIC SMALL LETTER A)" in words
    assert "Names that look alike" not in words_of_page(read_page(console_client(), "/console/people", "admin"))
