"""Pages of appeals: the list, who may judge, and the consequences of each outcome in words."""

from __future__ import annotations

import re
import secrets
from typing import Any

from fastapi.testclient import TestClient

from moderation.console.appeals import badge
from moderation.domain.restrictions.collection import order_restrictions
from streams.clock import now_ms
from tests.support.api_calls import ORDER_BODY, Calls, appealed_against_an_order, block, kind_of, moved
from tests.support.console_client import caller_of, console_client, read_page, words_of_page
from tests.support.live_decisions import held


def new_key() -> str:
    return secrets.token_hex(8)


def references(client: TestClient, tag: str) -> list[str]:
    items = Calls(client, "reader").get(f"/v1/hashtags/{tag}/statements").json()["items"]
    return [one["reference"] for one in items]


def filed(client: TestClient, reference: str, reason: str = "we only report") -> str:
    answer = Calls(client, "legal").post("/v1/appeals", new_key(), reference=reference, reason=reason)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def dialog(text: str, name: str) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", text.partition(f'<dialog id="{name}"')[2].partition("</dialog>")[0])


def answered(client: TestClient, tag: str) -> None:
    calls = Calls(client)
    [case] = [one for one in calls.get("/v1/cases").json()["items"] if one["hashtag"] == tag]
    assert calls.post(f"/v1/cases/{case['id']}/answer", new_key(), answer="unsure").status_code == 201


def test_list_is_by_age_and_marks_own_decisions() -> None:
    client = console_client(held("rumour"), held("other", number=2))
    first, second = (filed(client, references(client, tag)[0]) for tag in ("other", "rumour"))
    assert block(Calls(client), "mine").status_code == 201
    own = filed(client, references(client, "mine")[0])
    page = read_page(client, "/console/appeals")
    assert re.findall(r'href="/console/appeals/(\w+)"', page.text) == [first, second, own]
    assert words_of_page(page).count("your decision") == 1
    assert "3 appeals open, the oldest first" in words_of_page(page)


def test_consequences_name_what_is_lifted_and_what_stays() -> None:
    decisions = [held("rumour"), held("rumour", country="FR", number=2)]
    client = console_client(*decisions)
    one = filed(client, next(iter(references(client, "rumour"))))
    text = read_page(client, f"/console/appeals/{one}").text
    reverse = dialog(text, "outcome-overturn")
    assert "Shows it again in" in reverse and "for 7 days" in reverse
    assert "1 other restriction stays" in reverse
    assert "It stays hidden for abuse" in dialog(text, "outcome-uphold")


def test_reversal_says_what_the_api_then_lifts() -> None:
    both = [held("rumour"), held("rumour", "discount", number=2, category="spam")]
    client = console_client(both[0], held("other", number=3))
    one = filed(client, references(client, "rumour")[0])
    assert "No other restriction stays" in read_page(client, f"/console/appeals/{one}").text
    ended = Calls(client).post(f"/v1/appeals/{one}/outcome", new_key(), verdict="overturn").json()
    assert ended["effect"]["action"] == "allow" and ended["also_lifts"] == []
    page = words_of_page(read_page(client, f"/console/appeals/{one}"))
    assert "Reversed by moderator" in page and "Reverse…" not in page


def test_statement_waits_for_the_first_answer() -> None:
    client = console_client(held("rumour"))
    one = filed(client, references(client, "rumour")[0])
    before = read_page(client, f"/console/appeals/{one}")
    assert "after your first answer" in words_of_page(before)
    assert "50% to 70%" not in before.text and "0.618" not in before.text
    answered(client, "rumour")
    after = words_of_page(read_page(client, f"/console/appeals/{one}"))
    assert "estimates that 50% to 70% of them break these rules" in after
    assert "#rumour is not shown" in after


def test_decider_reads_the_refusal_before_a_form() -> None:
    client = console_client()
    assert block(Calls(client), "mine").status_code == 201
    one = filed(client, references(client, "mine")[0])
    page = read_page(client, f"/console/appeals/{one}")
    assert "You took the contested decision" in words_of_page(page)
    assert "outcome-uphold" not in page.text
    assert kind_of(Calls(client).post(f"/v1/appeals/{one}/outcome", new_key(), verdict="uphold")) == "mistake"
    assert 'id="outcome-uphold"' in read_page(client, f"/console/appeals/{one}", "admin").text


def test_only_legal_sees_appeals_against_orders() -> None:
    client = console_client()
    _, one = appealed_against_an_order(Calls(client, "legal"))
    assert read_page(client, f"/console/appeals/{one}").status_code == 404
    assert "No appeal is open" in words_of_page(read_page(client, "/console/appeals"))
    page = read_page(client, f"/console/appeals/{one}", "admin")
    assert "Declines this target of the legal order" in dialog(page.text, "outcome-overturn")
    assert "Order stands" in page.text
    listed = words_of_page(read_page(client, "/console/appeals?against=order", "legal"))
    assert "legal order" in listed and "1 appeal open" in listed


def test_reader_sees_that_others_decide() -> None:
    client = console_client(held("rumour"))
    one = filed(client, references(client, "rumour")[0])
    page = read_page(client, f"/console/appeals/{one}", "reader")
    assert "Only moderators may decide this appeal" in words_of_page(page)
    assert '<dialog id="outcome' not in page.text


def test_hostile_appeal_is_escaped() -> None:
    client = console_client(held("rumour", display="<script>x</script>"))
    one = filed(client, references(client, "rumour")[0], "<img src=x onerror=alert(1)> \u202e" + "y" * 200)
    text = read_page(client, f"/console/appeals/{one}").text
    assert "<img src=x" not in text and "<script>x" not in text
    assert "&lt;img src=x" in text


def test_unknown_appeal_is_refused_as_page() -> None:
    answer = read_page(console_client(), "/console/appeals/none")
    assert answer.status_code == 404 and answer.headers["content-type"].startswith("text/html")


def test_badge_is_the_length_of_the_open_list() -> None:
    client = console_client(held("rumour"))
    state: Any = client.app
    services = state.state.services
    assert badge(services, caller_of("moderator"), "moderator") == {"appeals-count": ""}
    filed(client, references(client, "rumour")[0])
    assert badge(services, caller_of("moderator"), "moderator") == {"appeals-count": "1"}


def test_badge_leaves_out_what_the_named_person_reviews_blind() -> None:
    client = console_client(held("rumour"), share=1.0)
    [reference] = references(client, "rumour")
    [case] = Calls(client).get("/v1/cases", hashtag="rumour", state="open").json()["items"]
    assert Calls(client).post(f"/v1/cases/{case['id']}/claim", new_key()).json()["blinded"]
    filed(client, reference)
    state: Any = client.app
    services = state.state.services
    assert badge(services, caller_of("admin"), "moderator") == {"appeals-count": ""}
    assert badge(services, caller_of("admin"), "admin") == {"appeals-count": "1"}


def test_reversal_names_other_order_that_still_withholds_account() -> None:
    client = console_client()
    legal = Calls(client, "legal")
    for reference in ("No. 1", "No. 2"):
        body = ORDER_BODY | {"reference": reference, "targets": [{"kind": "account", "target": "5500000001"}]}
        order = legal.post("/v1/orders", **body).json()["orders"][0]["order"]
        for to in ("acknowledged", "under_review"):
            moved(legal, order, "steps", to=to)
        moved(legal, order, "rulings", outcome="withheld", everything=True)
        moved(legal, order, "steps", to="final")
    state: Any = client.app
    [restriction] = order_restrictions(state.state.services.orders.get(order), now_ms())
    one = filed(client, restriction.reference)
    words = dialog(read_page(client, f"/console/appeals/{one}", "admin").text, "outcome-overturn")
    assert "so this order no longer keeps it withheld in India" in words
    assert "1 other restriction stays:" in words and "No other restriction stays" not in words
