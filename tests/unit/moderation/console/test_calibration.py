"""The page of calibration: labels, the scale, people, texts to mark, and who may put it live."""

from __future__ import annotations

from typing import cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from moderation.domain.calibration.service import CalibrationService
from tests.support.api_calls import decision
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_calibration import add_of_two, drafts
from tests.support.live_decisions import unread, waiting

PART = "/console/calibration/scale"


@pytest.fixture
def client() -> TestClient:
    return console_client(decision("harsh", "hold"))


def calibration(client: TestClient) -> CalibrationService:
    found: CalibrationService = cast(FastAPI, client.app).state.services.calibration
    return found


def test_page_lists_cases_with_texts_to_mark(client: TestClient) -> None:
    words = words_of_page(read_page(client, "/console/calibration"))
    assert "Reading the labels" in words and "#harsh 1 text without your mark" in words
    answer = read_page(client, "/console/calibration", "reader")
    assert answer.status_code == 403


def test_page_lists_no_case_in_an_unread_language() -> None:
    client = console_client(unread("madurai", {"ta": 41}), waiting("LateShow"))
    words = words_of_page(read_page(client, "/console/calibration"))
    assert "#LateShow" in words and "madurai" not in words


def test_part_says_what_is_missing(client: TestClient) -> None:
    words = words_of_page_part(read_page(client, PART))
    assert "0 labelled texts" in words and "No language has a label" in words and "No text is labelled yet" in words
    assert "Show what would change" not in words


async def test_part_shows_scale_people_and_forms_of_leads(client: TestClient) -> None:
    await add_of_two(calibration(client), 60, 60)
    words = words_of_page_part(read_page(client, PART))
    assert "120 labelled texts. They give a scale for English." in words and "asha 60 labels" in words
    assert "fitted" in words and "Putting a scale live needs the role admin" in words
    lead = read_page(client, PART, "admin").text
    assert 'data-write="/v1/calibration/apply"' in lead and "No other model was live before" in lead
    assert "one_person" not in lead


async def test_part_warns_of_one_persons_labels(client: TestClient) -> None:
    await calibration(client).book.add(drafts(60, 60), actor="<b>asha</b>", reason="r")
    answer = read_page(client, PART, "admin")
    assert "One person decides: <b>asha</b> gave 100% of the clean labels in en, any harm" in words_of_page_part(answer)
    assert 'name="one_person"' in answer.text and "<b>asha" not in answer.text


def words_of_page_part(answer: object) -> str:
    """Return the visible words of a part, which has no main element."""
    import html
    import re

    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split()).replace(" .", ".")  # type: ignore[attr-defined]
