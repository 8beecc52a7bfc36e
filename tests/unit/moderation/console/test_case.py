"""The page of a case: what it shows before and after the first answer, to whom, and that both answers are alike."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from models.share import Scale
from moderation.access.keys import ApiKey
from streams.clock import now_ms
from streams.constants import MINUTE_MS
from tests.support.api_calls import SERVICE, Calls, limited
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_crowds import crowd_record
from tests.support.live_decisions import HOSTILE_TAG, SECRET_WORDS, add_texts, case_decision, unread

NUMBERS = re.compile(r"0\.618|61\.8|62\s?%|51\s?%|71\s?%|45\s?%|30\s?%|34\s?%|0\.51|0\.71|0\.33")
"""Share, bounds, thresholds and signals of the decisions."""


@pytest.fixture
def client() -> TestClient:
    decisions = [case_decision("held"), case_decision("h3ld", number=2), case_decision("asked", "review", number=3)]
    client = console_client(*decisions, keys=[SERVICE])
    add_texts(services(client), decisions)
    return client


def services(client: TestClient) -> Any:
    return client.app.state.services  # type: ignore[attr-defined]


def case_of(client: TestClient, hashtag: str = "held", role: Any = "moderator") -> str:
    (case,) = Calls(client, role).get("/v1/cases", state="open", hashtag=hashtag).json()["items"]
    return str(case["id"])


def page_of(client: TestClient, case: str, role: str = "moderator", part: str = "") -> str:
    answer = read_page(client, f"/console/cases/{case}{part}", role)
    assert answer.status_code == 200, answer.text
    return answer.text


def texts_of(client: TestClient, case: str, person: str) -> None:
    headers = {"Authorization": "Bearer hush_console", "Hushtag-Actor": person}
    assert client.get(f"/v1/cases/{case}/texts?tweet=100", headers=headers).status_code == 200


def answered(client: TestClient, case: str, **body: Any) -> Calls:
    calls = Calls(client)
    assert calls.post(f"/v1/cases/{case}/answer", **({"answer": "unsure"} | body)).status_code == 201
    return calls


def test_page_has_neither_numbers_nor_texts_before_the_answer(client: TestClient) -> None:
    case = case_of(client)
    for part in ("", "/part", "/people"):
        text = page_of(client, case, part=part)
        assert not NUMBERS.search(text), NUMBERS.findall(text)
        assert SECRET_WORDS not in text
        assert "scored" not in text
    text = page_of(client, case)
    assert "900 tweets in the window that decided" in text
    assert "Numbers after your first answer" in text
    assert 'data-tweet="109"' in text and "150" not in re.findall(r'data-tweet="(\d+)"', text)


def test_page_has_numbers_and_no_text_after_the_answer(client: TestClient) -> None:
    case = case_of(client)
    answered(client, case)
    text = page_of(client, case)
    assert "Between 51% and 71% of the authors write harm; the best estimate is 62%" in text
    assert "hide from 55%" in text and "Copied texts" in text
    assert "Your first answer was “unsure”" in text
    assert SECRET_WORDS not in text
    assert 'data-tweet="150" data-highest' in text
    assert not NUMBERS.search(page_of(client, case, "admin")), "the answer of one person opens numbers to another"


def test_unassessed_case_names_languages_and_never_a_share() -> None:
    client = console_client(unread("tamil", {"ta": 41, "bn": 9, "other": 2}), keys=[SERVICE])
    case = case_of(client, "tamil")
    before = words_of_page(read_page(client, f"/console/cases/{case}"))
    assert "Not read Tamil 64%, Bengali 14% of the sampled authors" in before
    assert "nothing automated hides it. A person who reads Tamil decides." in before
    assert Calls(client).get(f"/v1/cases/{case}").json()["items"][0]["cause"] == "not assessed"
    answered(client, case)
    after = page_of(client, case)
    assert "The model does not read most of its texts, and estimates no harm" in after
    assert "Sampled authors read" in after and "Copied texts" in after and "50%" in after
    assert not re.search(r"61\.8|62\s?%|70\s?%|hide from|write harm|mixed sources", after)
    plain = Calls(client).get(f"/v1/cases/{case}").json()
    assert not {"share", "lower", "upper"} & plain["items"][0]["evidence"].keys()


def test_crowd_names_unread_languages(client: TestClient) -> None:
    case, rows = case_of(client), {("held", "IN"): (90, 40, 30)}
    crowds, minute_ms = services(client).crowds, now_ms() // MINUTE_MS * MINUTE_MS
    crowds.fold.apply(crowd_record(minute_ms - MINUTE_MS, rows, scored=[30]))
    assert "Not read" not in page_of(client, case, part="/crowd")
    crowds.fold.apply(crowd_record(minute_ms, rows, scored=[12], unread=[{"ta": 41, "bn": 11}]))
    panel = page_of(client, case, part="/crowd")
    assert "Not read, by language: Tamil 64%, Bengali 17% of 64 sampled authors." in panel


def test_shares_on_mixed_sources_lead_to_calibration(client: TestClient) -> None:
    case = case_of(client)
    assert "mixed sources" not in page_of(client, case)
    answered(client, case)
    hint = 'not on this platform: <a href="/console/calibration">calibrate the model</a>'
    assert hint in page_of(client, case)
    scale = Scale(np.ones((3, 2, 4)), np.zeros((3, 2, 3))).to_bytes()
    services(client).crowds.fold.apply(crowd_record(60_000, {("held", "*"): (90, 40, 30)}, scale=scale))
    assert "mixed sources" not in page_of(client, case)


def test_hold_that_lapses_soon_needs_no_first_answer() -> None:
    client = console_client(case_decision("soon", lasts_ms=300_000))
    text = page_of(client, case_of(client, "soon"))
    assert "Your first answer" not in text and "the best estimate is 62%" in text and "Keep hidden in India" in text


def test_both_answers_cost_the_same(client: TestClient) -> None:
    case = case_of(client)
    answered(client, case)
    text = page_of(client, case)
    assert "Keep hidden in India" in text and "Show again in India" in text
    dialogs = [text.partition(f'<dialog id="decide-{one}"')[2].partition("</dialog>")[0] for one in ("hide", "show")]
    fields = [re.findall(r'(?:name|data-key|value)="(?!hide|show)([^"]*)"|required|checked', one) for one in dialogs]
    assert fields[0] == fields[1] and " checked" not in dialogs[0] + dialogs[1]
    assert "decide-leave" not in text, "a hold needs an answer"


def test_review_can_be_left_as_it_is(client: TestClient) -> None:
    case = case_of(client, "asked")
    calls = answered(client, case)
    text = page_of(client, case)
    assert "Hide in India" in text and "Keep showing in India" in text and "Leave as it is" in text
    done = calls.post(f"/v1/cases/{case}/decision", verdict="leave")
    assert done.status_code == 201 and done.json()["effects"] == []


def test_page_escapes_hostile_text() -> None:
    decisions = [case_decision("evil", display=HOSTILE_TAG)]
    client = console_client(*decisions, keys=[SERVICE])
    case = case_of(client, "evil")
    note = '<img src=x onerror="alert(1)"> \u202e gnp'
    calls = Calls(client, "console", actor="<b>ann</b>")
    assert calls.post(f"/v1/cases/{case}/notes", reason=note, add=["x"]).status_code == 201
    text = page_of(client, case)
    assert "<script>alert" not in text and "<img" not in text and "<b>ann" not in text
    assert "&lt;script&gt;" in text and "<bdi>&lt;img" in text
    assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=\"", text.replace("onerror=&#34;", ""))


def test_second_look_is_alike_for_a_control() -> None:
    decisions = [case_decision("real", "suppress"), case_decision("control", "shadow", number=2)]
    client = console_client(*decisions, share=1.0)
    texts, calls = [], Calls(client)
    for tag in ("real", "control"):
        case = case_of(client, tag)
        before = page_of(client, case)
        assert "Claim it first" in before and "decide-hide" not in before
        assert calls.post(f"/v1/cases/{case}/claim").status_code == 201
        after = page_of(client, case)
        assert not NUMBERS.search(after) and "hidden everywhere" not in after and "900 tweets" not in after
        dialog = after.partition('<dialog id="decide-hide"')[2].partition("</dialog>")[0]
        assert "lasts" not in dialog and 'name="if_version" value=""' in dialog
        words = words_of_page(read_page(client, f"/console/cases/{case}"))
        texts.append(re.sub(r"#(real|control)\b", "#tag", words))
        assert calls.post(f"/v1/cases/{case}/skip", why="context").status_code == 201
    assert texts[0] == texts[1]


def test_claim_of_another_is_shown_and_leads_may_take_over(client: TestClient) -> None:
    case = case_of(client)
    admin = Calls(client, "admin")
    assert admin.post(f"/v1/cases/{case}/claim").status_code == 201
    text = page_of(client, case)
    assert "<bdi>admin</bdi> has claimed this case" in text and "Take over" not in text
    assert admin.post(f"/v1/cases/{case}/heartbeat").status_code == 200
    assert "You have claimed it" in page_of(client, case, "admin")
    assert admin.post(f"/v1/cases/{case}/skip", why="other").status_code == 201
    assert Calls(client).post(f"/v1/cases/{case}/claim").status_code == 201
    assert "Take over" in page_of(client, case, "admin")


def test_people_part_says_who_changed_the_case(client: TestClient) -> None:
    case = case_of(client)
    answered(client, case)
    version = re.search(r'data-version="([^"]*)"', page_of(client, case))
    assert version is not None
    seen = f"/people?seen={version[1]}"
    assert "This case has changed" not in page_of(client, case, part=seen)
    calls = Calls(client, "admin")
    calls.post(f"/v1/cases/{case}/answer", answer="show")
    assert calls.post(f"/v1/cases/{case}/decision", verdict="show", reason="news").status_code == 201
    text = page_of(client, case, part=seen)
    assert "This case has changed" in text and "<bdi>admin</bdi>, decision “show”" in text and "<bdi>news</bdi>" in text


def test_decided_case_offers_undo_and_the_next(client: TestClient) -> None:
    case = case_of(client)
    calls = answered(client, case)
    assert calls.post(f"/v1/cases/{case}/decision", verdict="hide", reason="why", lasts="7d").status_code == 201
    text = page_of(client, case)
    assert "Decided" in text and 'data-opens="undo"' in text and "Next case" in text
    assert "hidden" in text and "<bdi>moderator</bdi>" in text


def test_next_follows_the_order_and_leaves_out_claimed_cases(client: TestClient) -> None:
    held, alike, asked = (case_of(client, one) for one in ("held", "h3ld", "asked"))
    first, second = (held, alike) if f"then={alike}" in page_of(client, held) else (alike, held)
    assert f"then={second}" in page_of(client, first)

    def following(after: str, then: str = "") -> str:
        answer = client.get(
            f"/console/cases/next?after={after}&then={then}",
            headers={"Authorization": "Bearer hush_moderator"},
            follow_redirects=False,
        )
        assert answer.status_code == 303
        return str(answer.headers["location"]).rpartition("/")[2]

    assert following(first, second) == second
    assert Calls(client, "admin").post(f"/v1/cases/{second}/claim").status_code == 201
    assert following(first, second) == asked
    calls = Calls(client)
    for one in (first, asked):
        assert calls.post(f"/v1/cases/{one}/skip", why="language").status_code == 201
    assert following(first) == "queue"


def test_limits_of_rights_are_said_before_sending() -> None:
    key: ApiKey = limited("moderator", countries=("FR",), longest="2d")
    client = console_client(case_decision("held"), keys=[key])
    calls = Calls(client, "lim")
    case = case_of(client, role="lim")
    assert calls.post(f"/v1/cases/{case}/answer", answer="hide").status_code == 201
    text = page_of(client, case, "lim")
    assert "You may decide for at most 2 days" in text and "You may not decide for India" in text
    assert 'value="1d"' in text and 'value="7d"' not in text


def test_exposure_limit_is_in_words(client: TestClient) -> None:
    case = case_of(client)
    texts = services(client).texts
    texts.settings = texts.settings.model_copy(update={"texts_per_shift": 3})
    Calls(client).get(f"/v1/cases/{case}/texts", tweet=["100", "101"])
    page = read_page(client, f"/console/cases/{case}")
    assert "You have opened 2 of 3 texts in the last 8 hours" in words_of_page(page)


def test_team_total_is_for_leads_and_never_of_two_people(client: TestClient) -> None:
    case = case_of(client)
    for person in ("ann", "zoe"):
        texts_of(client, case, person)
    assert "The team has opened" not in page_of(client, case, "admin")
    texts_of(client, case, "ravi")
    assert "The team has opened 3 texts in the last 8 hours (3 people)" in page_of(client, case, "admin")
    assert "The team has opened" not in page_of(client, case)


def test_look_alikes_lead_to_their_cases(client: TestClient) -> None:
    case, alike = case_of(client), case_of(client, "h3ld")
    assert f'<a href="/console/cases/{alike}"><bdi class="tag">#h3ld</bdi></a> (open case)' in page_of(client, case)


def test_reader_may_not_open_a_case(client: TestClient) -> None:
    assert read_page(client, f"/console/cases/{case_of(client)}", "reader").status_code == 403


def test_unknown_case_is_a_page(client: TestClient) -> None:
    answer = read_page(client, "/console/cases/case-0000000000000000")
    assert answer.status_code == 404 and "There is no case" in answer.text
