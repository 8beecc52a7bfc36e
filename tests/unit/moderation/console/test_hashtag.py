"""The page of any hashtag: spellings, places, numbers after the first answer, blindness, and people's decisions."""

from __future__ import annotations

import re
import secrets
from typing import Any

from fastapi.testclient import TestClient

from moderation.console.hashtag_limits import category_choices, country_choices, limit_words, longest_ms
from tests.support.api_calls import ORDER_BODY, Calls, block, kind_of, limited
from tests.support.console_client import caller_of, console_client, read_page, words_of_page
from tests.support.in_memory_policies import SHIPPED, InMemoryPolicies, record_of
from tests.support.live_decisions import HOSTILE, held

NUMBERS = ("0.618", "62%", "62–70%", "50% to 70%", "threshold")


def open_case(client: TestClient, tag: str) -> str:
    [found] = [one["id"] for one in Calls(client).get("/v1/cases").json()["items"] if one["hashtag"] == tag]
    assert isinstance(found, str)
    return found


def answered(client: TestClient, tag: str) -> None:
    written = Calls(client).post(f"/v1/cases/{open_case(client, tag)}/answer", secrets.token_hex(8), answer="unsure")
    assert written.status_code == 201, written.text


def test_hashtag_never_seen_has_a_page_with_hints_on_its_spelling() -> None:
    words = words_of_page(read_page(console_client(), "/console/hashtags/%EF%BC%B4ag_%D0%B0"))
    assert "means #tag_а" in words and "mixes Latin and Cyrillic" in words
    assert "Shown everywhere. No rule, person or order has decided on it." in words
    assert "Block…" in words and "It has no case" in words


def test_protected_hashtag_says_that_no_rule_acts_on_it() -> None:
    text = SHIPPED.replace(b"never_suppress: []", b"never_suppress: [election]")
    client = console_client(policies=InMemoryPolicies([record_of(text)]))
    assert "no rule acts on it" in words_of_page(read_page(client, "/console/hashtags/Election"))
    assert "no rule acts on it" not in words_of_page(read_page(client, "/console/hashtags/other"))


def test_form_sends_the_spelling_of_the_tweets() -> None:
    text = read_page(console_client(held("rumour", display="Rumour")), "/console/hashtags/rumour").text
    assert 'name="hashtag" value="Rumour"' in text


def test_text_that_is_no_hashtag_is_refused_as_page() -> None:
    answer = read_page(console_client(), "/console/hashtags/a%20b")
    assert answer.status_code == 422 and "is not a hashtag" in words_of_page(answer)


def test_any_spelling_opens_the_same_hashtag() -> None:
    client = console_client(held("rumour", display="Rumour"))
    for spelling in ("rumour", "%23RUMOUR", "%EF%BC%B2umour"):
        assert "hidden India on search and trends" in words_of_page(read_page(client, f"/console/hashtags/{spelling}"))


def test_numbers_come_after_the_first_answer() -> None:
    client = console_client(held("rumour", "hold"))
    before = read_page(client, "/console/hashtags/rumour")
    assert not [one for one in NUMBERS if one in before.text]
    assert "shown after your first answer" in words_of_page(before)
    assert f"/console/cases/{open_case(client, 'rumour')}" in before.text
    assert "900 tweets by 600 authors" in words_of_page(before)
    answered(client, "rumour")
    after = words_of_page(read_page(client, "/console/hashtags/rumour"))
    assert "Harmful share 62–70%, threshold 40%" in after and "50% to 70%" in after


def test_hidden_hashtag_says_what_was_not_read() -> None:
    client = console_client(held("rumour", unread={"ta": 80, "bn": 20}))
    page = words_of_page(read_page(client, "/console/hashtags/rumour", "reader"))
    assert "Read 67% of 300 sampled authors (Tamil 80, Bengali 20 not read)" in page
    assert "It does not read the languages of 100 more people, such as Tamil and Bengali" in page
    assert "not read: Tamil 27%" in words_of_page(read_page(client, "/console/held"))


def test_reader_without_decisions_sees_numbers_and_no_buttons() -> None:
    page = read_page(console_client(held("rumour", "hold")), "/console/hashtags/rumour", "reader")
    assert "threshold 40%" in page.text
    assert '<dialog id="decide' not in page.text and 'data-key="b"' not in page.text


def test_hashtag_of_a_blind_second_look_shows_nothing() -> None:
    client = console_client(held("rumour"), share=1)
    case = open_case(client, "rumour")
    claimed = Calls(client).post(f"/v1/cases/{case}/claim", secrets.token_hex(8))
    assert claimed.status_code == 201, claimed.text
    page = read_page(client, "/console/hashtags/rumour")
    assert "You review this hashtag blind" in words_of_page(page)
    assert (
        "hidden" not in words_of_page(page)
        and "India" not in page.text.partition("<main")[2].partition('<div class="toasts')[0]
    )
    assert "Block…" not in page.text and '<dialog id="decide' not in page.text


def test_lists_leave_a_blind_hashtag_out() -> None:
    client = console_client(held("secret"), held("other", number=2), share=1)
    reference = Calls(client, "reader").get("/v1/hashtags/secret/statements").json()["items"][0]["reference"]
    filed = Calls(client, "legal").post("/v1/appeals", reference=reference)
    ended = Calls(client, "admin").post(f"/v1/appeals/{filed.json()['id']}/outcome", verdict="uphold")
    assert (filed.status_code, ended.status_code) == (201, 201)
    case = open_case(client, "secret")
    assert Calls(client).post(f"/v1/cases/{case}/claim", secrets.token_hex(8)).status_code == 201
    paths = ("/console/held", "/console/stop", "/console/appeals?state=decided", "/console/hashtags/s3cret")
    for path in paths:
        text = read_page(client, path).text
        assert "secret" not in text.replace("s3cret", ""), path
    assert "other" in read_page(client, "/console/held").text
    assert read_page(client, f"/console/appeals/{filed.json()['id']}").status_code == 404


def test_hostile_spellings_and_reasons_are_escaped() -> None:
    decisions = [held(f"t{number}", display=display, number=number + 1) for number, display in enumerate(HOSTILE)]
    client = console_client(*decisions)
    block(Calls(client), "t0", reason="<img src=x onerror=alert(1)>\u202e", key=secrets.token_hex(8))
    for number in range(len(HOSTILE)):
        text = read_page(client, f"/console/hashtags/t{number}").text
        assert "<script>alert" not in text and "<img src=x" not in text


def test_decision_names_its_version_and_a_conflict_is_refused() -> None:
    client = console_client()
    assert block(Calls(client), "tag").status_code == 201
    text = read_page(client, "/console/hashtags/tag").text
    [version] = set(re.findall(r'name="if_version" value="([^"]+)"', text))
    body = {"hashtag": "tag", "action": "allow", "country": "IN", "surfaces": ["trends"], "lasts": "6h"}
    other = Calls(client, "admin")
    assert other.post("/v1/overrides", **body, if_version=version).status_code == 201
    late = Calls(client).post("/v1/overrides", secrets.token_hex(8), **body, if_version=version)
    assert kind_of(late) == "stale" and late.json()["changed"][0]["actor"] == "admin"
    now = words_of_page(read_page(client, "/console/hashtags/tag"))
    assert "Allow in India on trends by admin" in now and "Block everywhere on search and trends by moderator" in now


def test_undo_form_names_the_scope_in_force() -> None:
    client = console_client()
    block(Calls(client), "tag", country="FR")
    form = read_page(client, "/console/hashtags/tag").text.partition('<dialog id="undo-1"')[2].partition("</dialog>")[0]
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', form)
    body: dict[str, Any] = dict(fields) | {"surfaces": [value for name, value in fields if name == "surfaces"]}
    assert (body["country"], body["surfaces"]) == ("FR", ["search", "trends"])
    assert Calls(client).post("/v1/overrides/undo", secrets.token_hex(8), **body).status_code == 201
    assert "People’s decisions in force" not in words_of_page(read_page(client, "/console/hashtags/tag"))


def test_look_alikes_name_the_scripts_of_their_letters() -> None:
    client = console_client(held("exampletag"), held("ехаmpletаg", number=2))
    words = words_of_page(read_page(client, "/console/hashtags/exampletag"))
    assert "#ехаmpletаg Cyrillic and Latin letters" in words
    assert "Cyrillic and Latin letters" in words_of_page(read_page(client, "/console/hashtags/ехаmpletаg"))


def test_look_alikes_are_listed_with_their_versions() -> None:
    client = console_client(held("hate"), held("h4te", number=2))
    block(Calls(client), "h4te")
    text = read_page(client, "/console/hashtags/hate").text
    assert re.search(r'value="h4te" data-relative data-version="\d', text)
    assert 'href="/console/hashtags/h4te"' in text


def test_legal_order_stays_nameless_for_moderators() -> None:
    client = console_client()
    legal = Calls(client, "legal")
    targets = [{"kind": "hashtag", "target": "#secret"}]
    order = legal.post("/v1/orders", **ORDER_BODY | {"targets": targets}).json()["orders"][0]["order"]
    for path, body in (
        ("steps", {"to": "acknowledged"}), ("steps", {"to": "under_review"}),
        ("rulings", {"outcome": "reduced", "kinds": ["hashtag"], "reason": "hushhush"}), ("steps", {"to": "final"}),
    ):  # fmt: skip
        version = legal.get(f"/v1/orders/{order}").json()["version"]
        assert legal.post(f"/v1/orders/{order}/{path}", if_version=version, **body).status_code == 201
    page = read_page(client, "/console/hashtags/secret")
    assert "hidden by a legal order" in words_of_page(page) and "hushhush" not in page.text
    assert "a legal order, legal" in words_of_page(read_page(client, "/console/hashtags/secret", "legal"))


def test_limits_of_a_person_are_said_and_offered() -> None:
    key = limited("moderator", countries=("IN",), categories=("abuse",), longest="2d")
    client = console_client(held("rumour"), keys=[key])
    page = read_page(client, "/console/hashtags/rumour", "lim")
    assert "You may decide in India, on abuse, for at most 2 days." in words_of_page(page)
    form = page.text.partition('<dialog id="decide-block"')[2].partition("</dialog>")[0]
    assert re.findall(r'<option value="([^"]+)"', form) == ["IN"]
    assert re.findall(r'name="lasts" value="(\w+)"', form) == ["6h", "1d"]


def test_person_without_limits_may_choose_all() -> None:
    caller = caller_of("admin")
    assert limit_words(caller) == [] and longest_ms(caller) is None
    assert country_choices(caller, ["IN"])[:2] == [("*", "Everywhere"), ("IN", "India")]
    assert category_choices(caller, ["abuse"]) == [("", "All categories"), ("abuse", "abuse")]
