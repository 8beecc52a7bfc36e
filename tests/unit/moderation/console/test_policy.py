"""The policy's pages: the live policy, its thresholds, revisions, the editor, and what a change would do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from msgspec.structs import replace

from moderation.console.policy_chart import threshold_chart
from moderation.console.policy_words import places_in_words, rule_rows
from streams.backtest.survey import places_of_rules
from streams.policy.diff import differences
from tests.support.api_calls import Calls, decision
from tests.support.backtest_cases import LIVE, steady
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_policies import POLICY, SHIPPED, InMemoryPolicies, record_of
from tests.support.moderation_world import ApiWorld
from tests.support.policy_edits import BEFORE, every_edit, parsed, text_of

HOSTILE = "<script>alert(1)</script>\u202e\U0001f600" + "x" * 200
SOFTER = LIVE.canonical.replace('"suppress_at":0.5', '"suppress_at":0.8')


@pytest.fixture
def policies() -> InMemoryPolicies:
    return InMemoryPolicies()


@pytest.fixture
def client(policies: InMemoryPolicies) -> Iterator[TestClient]:
    with console_client(decision("harsh", "hold"), policies=policies) as found:
        yield found


def until(read: Callable[[], Response], words: str) -> Response:
    """Read a part until it has some words."""
    for _ in range(3_000):
        answer = read()
        if words in answer.text:
            return answer
        time.sleep(0.02)
    raise AssertionError(answer.text)


def test_policy_page_shows_who_and_why(client: TestClient, policies: InMemoryPolicies) -> None:
    change = record_of(SHIPPED.replace(b"serial: 1 ", b"serial: 2 "), actor=HOSTILE, reason=HOSTILE, via="topic")
    policies.records.append(replace(change, changes=(HOSTILE,), from_tick_ms=2**42))
    answer = read_page(client, "/console/policy")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    words = words_of_page(answer)
    assert f"Live: revision {change.revision} , serial 2" in words and HOSTILE in words
    assert "Live at the tick that ends" in words, "it is still to come"
    assert "No worker has reported" in words and POLICY.revision in words
    for category in ("Abuse", "Gendered abuse", "Hateful conduct"):
        assert category in words
    assert read_page(client, "/console/policy", "reader").status_code == 403


def test_thresholds_wait_for_the_last_day_and_then_count_hashtags(
    client: TestClient, policies: InMemoryPolicies
) -> None:
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {f"calm{n}": 0.02 for n in range(4)} | {"harsh": 0.9})
    policies.wait_seconds = 0.01
    first = read_page(client, "/console/policy")
    assert "Counting the last day" in first.text and 'hx-trigger="load delay:1s"' in first.text
    part = until(lambda: read_page(client, "/console/policy/thresholds"), "5 hashtags judged, 1 reached 50%")
    assert "hx-get" not in part.text and "Everywhere else" in part.text.replace(">everywhere", ">Everywhere")
    assert "harsh" not in part.text, "numbers are those of all hashtags together"


def test_few_hashtags_are_not_drawn(client: TestClient, policies: InMemoryPolicies) -> None:
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {f"calm{n}": 0.02 for n in range(3)} | {"harsh": 0.9})
    part = until(lambda: read_page(client, "/console/policy/thresholds"), "Fewer than 5 hashtags judged")
    assert "<rect" not in part.text


def test_places_are_named_once_for_equal_surfaces() -> None:
    rows = rule_rows(LIVE, places_of_rules(LIVE))
    assert [one.places for one in rows["hateful_conduct"]] == [
        ["everywhere else, on search"], ["everywhere else, on trends"], ["India, on search"], ["India, on trends"],
    ]  # fmt: skip
    assert places_in_words([("trends", "*")], ["trends"], has_others=True) == ["the world"]


def test_labels_of_thresholds_stay_inside_the_picture() -> None:
    rule = POLICY.rule("abuse", "trends", "")
    drawn = threshold_chart(rule, None)
    assert "acts from 55%" in drawn and "ends below 40%" in drawn and "<rect" not in drawn
    assert drawn.count('text-anchor="start"') == 2


def test_revision_page_offers_rollback_to_leads_only(client: TestClient, policies: InMemoryPolicies) -> None:
    policies.records.append(record_of(SHIPPED.replace(b"serial: 1 ", b"serial: 2 ").replace(b"at: 0.55", b"at: 0.6")))
    path = f"/console/policy/revisions/{POLICY.revision}"
    lead, other = read_page(client, path, "admin"), read_page(client, path)
    assert "abuse: suppress_at 0.6 → 0.55" in lead.text and 'data-write="/v1/policy/rollback"' in lead.text
    assert "data-write" not in other.text and "Putting it live needs the role admin" in other.text
    assert "# add 1 with every edit" in other.text, "comments are shown"
    live = read_page(client, f"/console/policy/revisions/{policies.records[-1].revision}", "admin")
    assert "Live now" in live.text and "data-write" not in live.text
    assert read_page(client, "/console/policy/revisions/0000aaaa").status_code == 404


def test_revision_page_shows_edit_of_every_key(client: TestClient, policies: InMemoryPolicies) -> None:
    earlier = record_of(text_of(BEFORE).encode())
    for edit in every_edit(overrides=False):
        policies.records[:] = [earlier, record_of(edit.text.replace('"serial": 1', '"serial": 2').encode())]
        words = words_of_page(read_page(client, f"/console/policy/revisions/{earlier.revision}", "admin"))
        expected = differences(parsed(edit.text), parsed(text_of(BEFORE)))
        assert expected and all(line in words for line in expected), edit.name
        assert "nothing would change" not in words, edit.name


def test_editor_has_the_text_as_the_author_wrote_it(client: TestClient, policies: InMemoryPolicies) -> None:
    lead, other = read_page(client, "/console/policy/edit", "admin"), read_page(client, "/console/policy/edit")
    assert "# add 1 with every edit" in lead.text and 'data-write="/v1/policy/changes"' in lead.text
    assert "data-write" not in other.text and "need the role admin" in words_of_page(other)
    policies.records[:] = [replace(policies.records[0], text="")]
    bare = read_page(client, "/console/policy/edit", "admin")
    assert "without comments" in bare.text and "&#34;serial&#34;: 1" in bare.text
    assert read_page(client, "/console/policy/edit?from=zzz").status_code == 422


def test_impact_part_shows_progress_and_changes_without_numbers(client: TestClient, policies: InMemoryPolicies) -> None:
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {"harsh": 0.75, "other": 0.76})
    policies.wait_seconds = 0.01
    headers = {"Authorization": "Bearer hush_moderator"}
    job = client.post("/v1/policy/impacts", json={"policy": SOFTER}, headers=headers).json()["id"]
    path = f"/console/policy/impacts/{job}"
    assert "<progress" in read_page(client, path).text
    done = until(lambda: read_page(client, path), "What would change")
    [owed] = [row for row in done.text.split("<tr>") if "#harsh<" in row]
    assert "after your first answer" in owed and "/console/cases/" in owed and "0.5" not in owed
    [shown] = [row for row in done.text.split("<tr>") if "#other<" in row]
    assert "≥ 0.5" in shown and "50 established" in shown
    assert read_page(client, "/console/policy/impacts/none").status_code == 404


def test_shadow_page_names_who_tries_what(client: TestClient, policies: InMemoryPolicies) -> None:
    assert "No policy has run in the shadow" in read_page(client, "/console/policy/shadow").text
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {"harsh": 0.75, "other": 0.76})
    admin = Calls(client, "admin")
    assert admin.post("/v1/policy/shadow", policy=SOFTER, reason=HOSTILE).status_code == 201
    part = until(lambda: read_page(client, "/console/policy/shadow/part"), "They differ on 2 hashtags now")
    assert "after your first answer" in part.text and "<polyline" in part.text
    page = read_page(client, "/console/policy/shadow")
    assert HOSTILE in words_of_page(page) and "<script>alert" not in page.text
    assert "Ending it needs the role admin" in page.text and "/shadow/stop" not in page.text
    headers = {"Authorization": "Bearer hush_admin", "Idempotency-Key": "end"}
    client.post("/v1/policy/shadow/stop", json={}, headers=headers)
    assert "was stopped" in read_page(client, "/console/policy/shadow", "admin").text


def test_blind_hashtag_is_left_out_with_every_total(client: TestClient, policies: InMemoryPolicies) -> None:
    policies.records[:] = [record_of(LIVE.canonical.encode())]
    policies.evidence[:] = steady(LIVE, {"harsh": 0.75, "other": 0.76})
    ApiWorld(decision("harsh"), share=1.0, policies=policies).serve(client)
    admin = Calls(client, "admin")
    [case] = admin.get("/v1/cases").json()["items"]
    assert admin.post(f"/v1/cases/{case['id']}/claim").json()["blinded"]
    headers = {"Authorization": "Bearer hush_admin"}
    job = client.post("/v1/policy/impacts", json={"policy": SOFTER}, headers=headers).json()["id"]
    done = until(lambda: read_page(client, f"/console/policy/impacts/{job}", "admin"), "What would change")
    assert "You review" in done.text and "#harsh</bdi> blind" in done.text and done.text.count("#harsh") == 1
    assert "<p>1 " in done.text and "By category and country" not in done.text
    report = admin.get(f"/v1/policy/impacts/{job}").json()["report"]
    assert (report["totals"], report["histograms"], report["blinded"]) == ([], [], ["harsh"])
    thresholds = until(lambda: read_page(client, "/console/policy/thresholds", "admin"), "</time> to <time").text
    assert "counts of hashtags are left out" in thresholds and "judged" not in thresholds
    assert [one["hashtag"] for one in report["changes"]] == ["other"]
