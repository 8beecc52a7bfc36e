"""Page of transparency reports: who may open it, a preview as it would be published, and what was published."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.access.services import Services
from moderation.console.transparency import presets
from moderation.outward.report.folder import ReportFolder
from tests.support.api_calls import Calls, block
from tests.support.console_client import console_client, read_page, words_of_page

HOSTILE = "<script>alert(1)</script> \u202e مرحبا 🎉 " + "x" * 200


def preview(client: TestClient, **body: str) -> str:
    headers = {"Authorization": "Bearer hush_legal"}
    period = {"from": "2026-01-01", "to": "2099-12-31"} | body
    with client:  # one event loop for all calls: that of a single call would end the run
        run = str(client.post("/v1/reports/preview", json=period, headers=headers).json()["id"])
        deadline = time.monotonic() + 60
        while Calls(client, "legal").get(f"/v1/reports/preview/{run}").json()["state"] in ("waiting", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    return run


def publishing(client: TestClient, folder: Path | None) -> TestClient:
    services: Services = cast(FastAPI, client.app).state.services
    services.reports.folder = None if folder is None else ReportFolder(folder)
    return client


def test_only_legal_and_admin_open_the_page() -> None:
    client = console_client()
    statuses = {role: read_page(client, "/console/transparency", role).status_code for role in ("reader", "moderator")}
    assert statuses == {"reader": 403, "moderator": 403}
    for role in ("legal", "admin"):
        page = read_page(client, "/console/transparency", role)
        assert page.status_code == 200
        assert 'href="/console/transparency" aria-current="page"' in page.text
    assert "/console/transparency" not in read_page(client, "/console/queue").text


def test_preview_shows_page_update_table_and_rounding(tmp_path: Path) -> None:
    client = publishing(console_client(), tmp_path)
    assert block(Calls(client)).status_code == 201
    run = preview(client, country="IN")
    for path in (f"/console/transparency?preview={run}", f"/console/transparency/previews/{run}"):
        page = read_page(client, path, "legal")
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
        assert "Preview: India, 1 January 2026 to 31 December 2099" in words
        assert "Update in India, 1 January 2026" in words
        assert "Hashtags held back" in words
        assert "would be small, and" in words and "The period has not ended" in words
        assert "hashtags_held_back.total" in words
        assert 'data-write="/v1/reports"' in page.text
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.text)


def test_without_folder_the_page_names_the_setting() -> None:
    client = publishing(console_client(), None)
    page = read_page(client, f"/console/transparency?preview={preview(client)}", "legal")
    assert "HUSHTAG_REPORTS is not set" in words_of_page(page)
    assert 'data-write="/v1/reports"' not in page.text


def test_forgotten_preview_is_named() -> None:
    words = words_of_page(read_page(console_client(), "/console/transparency?preview=gone", "legal"))
    assert "That preview is no longer kept" in words


def test_hostile_reason_is_shown_as_text_with_editions(tmp_path: Path) -> None:
    client = publishing(console_client(), tmp_path)
    legal = Calls(client, "legal")
    first = legal.post("/v1/reports", preview=preview(client), reason=HOSTILE)
    assert first.status_code == 201, first.text
    block(Calls(client))
    run = preview(client)
    page = read_page(client, f"/console/transparency?preview={run}", "legal")
    assert f"{first.json()['name']} is published for this period" in words_of_page(page)
    second = legal.post("/v1/reports", "second", preview=run, reason="r", correction=HOSTILE)
    assert second.status_code == 201, second.text
    (tmp_path / first.json()["name"] / "report.csv").unlink()
    page = read_page(client, f"/console/transparency?published={second.json()['name']}", "legal")
    words = words_of_page(page)
    assert "<script>alert" not in page.text and words.count("alert(1)") == 2
    assert "corrected edition 2" in words and words.count("replaced by a later edition") == 1
    assert words.count("file is missing") == 1
    assert f"{second.json()['name']} is published" in words


def test_presets_are_whole_periods_over_the_new_year() -> None:
    found = {one.words: (str(one.first), str(one.last)) for one in presets(date(2026, 1, 15))}
    assert found == {
        "December 2025": ("2025-12-01", "2025-12-31"),
        "November 2025": ("2025-11-01", "2025-11-30"),
        "Last quarter": ("2025-10-01", "2025-12-31"),
        "Last half-year": ("2025-07-01", "2025-12-31"),
        "This month so far": ("2026-01-01", "2026-01-15"),
    }
