"""The pages of legal orders: what they list, whom they let in, and how they treat hostile text."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from moderation.access.rights import Caller, Grant
from moderation.access.services import Services
from moderation.console.orders import OrderFilter, badge, order_line, selected_orders
from moderation.console.orders_filter import TargetFilter
from moderation.console.orders_steps import effects, now_words, step_choices, timeline
from moderation.console.orders_targets import look_alikes_of, waiting_groups
from moderation.console.orders_words import begins_words
from moderation.domain.orders.amendment_plan import head_of
from moderation.domain.orders.intake_plan import OrderDraft
from moderation.domain.orders.selection import Selection
from moderation.domain.orders.view import urgency_of
from streams.clock import now_ms
from streams.orders.records import Target
from tests.support.api_calls import limited
from tests.support.console_client import console_client, read_page, words_of_page
from tests.support.in_memory_log import InMemoryLog
from tests.support.moderation_world import ApiWorld
from tests.support.orders_console import (
    HOSTILE_AUTHORITY,
    HOUR_MS,
    JOURNALIST,
    all_states,
    mixed_targets,
    order_head,
    step,
    take_in,
    under_review,
)


@pytest.fixture
def log() -> InMemoryLog:
    return InMemoryLog()


@pytest.fixture
def services(log: InMemoryLog) -> Services:
    return ApiWorld(log=log).services


@pytest.fixture
def order(services: Services) -> str:
    """Orders in every state; the one under review is returned."""
    return asyncio.run(all_states(services))


def page(log: InMemoryLog, path: str, role: str = "legal") -> Any:
    answer = read_page(console_client(log=log), path, role)
    assert answer.status_code == 200, answer.text
    return answer


def test_list_has_overdue_orders_first_and_closed_ones_on_demand(log: InMemoryLog, order: str) -> None:
    words = words_of_page(page(log, "/console/orders"))
    assert words.index("overdue by 5 h") < words.index("Landgericht Beispielstadt") < words.index("EX/69A/7")
    assert "OLD/0" not in words and "1 needs a second person" in words and "confidential" in words
    closed = words_of_page(page(log, "/console/orders?show=closed"))
    assert {"OLD/0", "OLD/1", "OLD/2"} <= set(closed.split()) and "EX/69A/7" not in closed
    assert "no order matches" in words_of_page(page(log, "/console/orders?find=zzz")).lower()


def test_badge_is_the_length_of_the_open_list(services: Services, order: str) -> None:
    shown = selected_orders(services.orders.fold.by_id.values(), OrderFilter())
    legal = Caller(name="l", writes_as="l", grants=(Grant(role="legal"),))
    assert badge(services, legal, "legal") == {"orders-count": str(len(shown))} == {"orders-count": "4"}
    assert badge(services, Caller(name="m", writes_as="m", grants=(Grant(role="moderator"),)), "m") == {}


@pytest.mark.parametrize(
    "path", ["", "/new", "/{order}", "/{order}/letter", "/{order}/letter.txt", "/{order}/targets.csv"]
)
def test_pages_of_orders_are_for_the_legal_team(log: InMemoryLog, order: str, path: str) -> None:
    client = console_client(log=log)
    where = f"/console/orders{path.format(order=order)}"
    assert read_page(client, where, "legal").status_code == 200
    assert read_page(client, where, "moderator").status_code == 403
    assert client.get(where).status_code == 401


def test_hostile_text_stays_text_and_isolated(log: InMemoryLog, order: str) -> None:
    text = page(log, "/console/orders").text
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    hostile = next(one for one in re.findall(r"/console/orders/(EG-[0-9a-f]+)", text))
    for where in (f"/console/orders/{hostile}", f"/console/orders/{hostile}/letter"):
        found = page(log, where).text
        assert "<script>alert" not in found and HOSTILE_AUTHORITY[0] in found
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", found)
    assert "<bdi>\u202eA Politician &lt;b&gt;</bdi>" in page(log, f"/console/orders/{order}").text


def test_order_page_marks_protected_speakers_and_look_alikes(log: InMemoryLog, order: str) -> None:
    words = words_of_page(page(log, f"/console/orders/{order}"))
    assert "journalist A Reporter accredited by the press council" in words
    assert "proposed: decline" in words and "withheld, proposed by lee; waits for a second person" in words
    assert "looks like #ехаmpletаg (Cyrillic and Latin letters)" in words
    assert "Confirm as the second person" in words and "the role admin or legal" in words


def test_first_person_is_not_offered_to_confirm(services: Services, order: str) -> None:
    fold, legal_order = services.orders.fold, services.orders.get(order)
    [own], [other] = waiting_groups(legal_order, fold, " LEE"), waiting_groups(legal_order, fold, "kim")
    assert (own.may_confirm, own.is_own) == (False, True)
    assert (other.may_confirm, other.is_own, other.written) == (True, False, f'["{JOURNALIST}"]')


def test_targets_are_filtered_and_paged(log: InMemoryLog, services: Services) -> None:
    many = [Target("account", str(number)) for number in range(1, 251)]
    order = asyncio.run(take_in(services.orders, order_head("MANY"), many))
    words = words_of_page(page(log, f"/console/orders/{order}?page=3"))
    assert "201 to 250 of 250" in words and "page 3 of 3" in words
    assert "201 to 250" in words_of_page(page(log, f"/console/orders/{order}?page=99999999"))
    assert "account 77 " in words_of_page(page(log, f"/console/orders/{order}?find=77"))
    assert "No target matches" in words_of_page(page(log, f"/console/orders/{order}?kind=tweet"))
    assert page(log, f"/console/orders/{order}?kind=%3Cb%3E&outcome=x&speaker=y&page=-1").status_code == 200


def test_filter_of_the_page_selects_what_a_ruling_selects(services: Services, order: str) -> None:
    legal_order, fold = services.orders.get(order), services.orders.fold
    filters = [TargetFilter(), TargetFilter(kind="account")]
    filters += [TargetFilter(outcome=one) for one in ("undecided", "waiting", "withheld")]
    filters += [TargetFilter(speaker=one) for one in ("others", "protected", "journalist")]
    for wanted in filters:
        body = wanted.as_body() or {}
        names = ("kinds", "outcomes", "undecided", "waiting", "protected", "categories")
        named = Selection(**{
            name: tuple(value) if isinstance(value, list) else value for name, value in body.items() if name in names
        })  # fmt: skip
        assert wanted.rows(legal_order, fold) == named.rows(legal_order, fold)
    assert TargetFilter(find="55").as_body() is None


def test_final_step_waits_for_every_outcome(services: Services, order: str) -> None:
    legal_order, fold = services.orders.get(order), services.orders.fold
    steps = {one.to: one for one in step_choices(legal_order, fold, now_ms())}
    assert set(steps) == {"interim", "final", "declined", "revoked"}
    assert steps["final"].blocked == "8 targets first need an outcome, or a second person."
    assert steps["interim"].groups == ("1 account: not shown to viewers in India, no effect elsewhere",)
    assert (steps["interim"].blocked, steps["interim"].confirms, steps["final"].confirms) == ("", False, True)


def test_state_of_an_order_in_words(services: Services, order: str) -> None:
    fold, at_ms = services.orders.fold.by_id, now_ms()
    words = {legal_order.state: now_words(legal_order, at_ms) for legal_order in fold.values()}
    assert words["interim"].endswith("1 restriction in Germany.") and words["final"].startswith("In force until it is")
    assert words["revoked"] == "The order is revoked: nothing of it is in force."
    interim = next(legal_order for legal_order in fold.values() if legal_order.state == "interim")
    assert now_words(interim, interim.expires_at_ms + 1).startswith("The interim decision ended")
    assert begins_words("withheld", interim, interim.expires_at_ms - 1).endswith(
        "no effect elsewhere. It begins at once."
    )
    assert "once that is prolonged" in begins_words("withheld", interim, interim.expires_at_ms)
    assert effects(interim)[1] == "1 hashtag: not restricted by this order"
    assert [urgency_of(interim, interim.expires_at_ms + late) for late in (1, -HOUR_MS, -50 * HOUR_MS)] == [
        "overdue", "soon", "",
    ]  # fmt: skip


def test_timeline_is_newest_first_with_notes(services: Services) -> None:
    async def make() -> str:
        order = await under_review(services)
        await services.orders.note(order, actor="kim", text="asked the court")
        return order

    order = asyncio.run(make())
    found = [(one.actor, one.what) for one in timeline(services.orders.get(order))]
    assert found == [
        ("kim", "note"), ("lee", "made it under review"), ("lee", "made it acknowledged"), ("lee", "took in 9 targets"),
    ]  # fmt: skip


def test_targets_are_left_out_during_a_blind_review(
    log: InMemoryLog, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hidden(*_: object) -> frozenset[str]:
        return frozenset({"other"})

    monkeypatch.setattr("moderation.console.orders_order.hidden_hashtags_for", hidden)
    monkeypatch.setattr("moderation.access.blinding.hidden_hashtags_for", hidden)
    found = page(log, f"/console/orders/{order}", "admin").text
    assert "you review a hashtag blind" in found and JOURNALIST not in found and "exampletag" not in found
    for path in ("letter", "letter.txt", "targets.csv"):
        assert read_page(console_client(log=log), f"/console/orders/{order}/{path}", "admin").status_code == 403


def test_officer_of_another_country_reads_and_is_not_offered_steps(log: InMemoryLog, order: str) -> None:
    client = console_client(log=log, keys=[limited("legal", countries=("DE",))])
    text = read_page(client, f"/console/orders/{order}", "lim").text
    assert "you may not decide in IN, only in DE" in text and JOURNALIST in text
    assert "data-write" not in text and 'data-opens="step' not in text and "data-target=" not in text


def test_letter_page_shows_the_text_that_is_downloaded(log: InMemoryLog, order: str) -> None:
    text = page(log, f"/console/orders/{order}/letter.txt?sender=A%20%3Cb%3E").text
    shown = page(log, f"/console/orders/{order}/letter?sender=A%20%3Cb%3E").text
    assert text.rstrip().endswith("A <b>") and "A &lt;b&gt;" in shown
    assert "8 targets have no outcome yet" in shown and text.splitlines()[5] in shown


def test_export_neutralises_formulas(log: InMemoryLog, services: Services) -> None:
    async def make() -> str:
        order = await take_in(services.orders, order_head("X"), mixed_targets(1))
        await step(services.orders, order, "acknowledged", "under_review")
        await services.orders.rule(order, Selection(kinds=("account",)), "declined", actor="lee", reason="=1+1")
        return order

    order = asyncio.run(make())
    answer = page(log, f"/console/orders/{order}/targets.csv?kind=account")
    assert "'=1+1" in answer.text and answer.headers["content-disposition"] == f'attachment; filename="{order}.csv"'
    assert len(answer.text.splitlines()) == 2


def test_unknown_order_is_a_page(log: InMemoryLog) -> None:
    answer = read_page(console_client(log=log), "/console/orders/IN-0000000000", "legal")
    assert answer.status_code == 404 and "There is no order" in answer.text


def test_overrides_and_states_of_targets_in_words(log: InMemoryLog, services: Services) -> None:
    client = console_client(log=log)
    order = asyncio.run(under_review(services, mixed_targets(1)))
    asyncio.run(services.orders.rule(order, Selection(kinds=("account",)), "suspended", actor="lee", reason="spam"))
    headers = {"Authorization": "Bearer hush_moderator", "Idempotency-Key": "k"}
    body = {"hashtag": "exampletag", "action": "block", "country": "IN", "if_version": "", "reason": "r"}
    assert client.post("/v1/overrides", json=body, headers=headers).status_code == 201
    words = words_of_page(read_page(client, f"/console/orders/{order}", "legal"))
    assert "blocked in India on search, trends, by moderator" in words
    assert "suspended everywhere" in words


def test_look_alikes_are_those_with_the_same_skeleton() -> None:
    found = look_alikes_of({"exampletag", "भारत"}, ["exampIetag", "3xample_tag", "other", "भारत"])
    assert found == {"exampletag": ("3xample_tag", "exampIetag"), "भारत": ()}


def test_form_offers_earlier_authorities_and_hides_nothing_typed(log: InMemoryLog, order: str) -> None:
    text = page(log, "/console/orders/new").text
    assert '<option value="High Court of Examples">' in text and "no resolver is set" in text
    assert 'data-draft="new order"' in text


def test_line_counts_what_is_ruled(services: Services, order: str) -> None:
    answer = order_line(services.orders.get(order), services.orders.fold, now_ms()).answer
    counts = answer.outcomes
    assert (answer.targets, counts["withheld"], counts["undecided"], answer.protected, answer.waiting) == (
        9,
        1,
        8,
        2,
        1,
    )


def test_page_of_ten_thousand_targets_has_one_hundred_rows(log: InMemoryLog, services: Services) -> None:
    many = [*mixed_targets(), *(Target("account", str(10_000 + number)) for number in range(10_000))]
    order = asyncio.run(under_review(services, many))
    text = page(log, f"/console/orders/{order}?page=50").text
    assert "4,901 to 5,000 of 10,009" in text and text.count("data-number=") == 100 and len(text) < 400_000


def test_order_page_previews_waiting_amendment_to_the_second_person(
    log: InMemoryLog, services: Services, order: str
) -> None:
    async def proposed() -> None:
        await services.orders.refresh()
        draft = OrderDraft(
            head_of(services.orders.get(order)), {("hashtag", "new"): Target("hashtag", "new", "<b>New")}
        )
        await services.orders.amend(order, draft, ("5500000001",), actor="legal", reason=HOSTILE_AUTHORITY)

    asyncio.run(proposed())
    own, other = (page(log, f"/console/orders/{order}", role) for role in ("legal", "admin"))
    for answer in (own, other):
        words = words_of_page(answer)
        assert "adds 1 target, which then waits for an outcome" in words and "hashtag #<b>New" in words
        assert "<b>New" not in answer.text and "<script>alert" not in answer.text
    assert "another person must approve it" in words_of_page(own)
    assert 'data-opens="amendment-approve"' in other.text and 'data-opens="amendment-approve"' not in own.text
    assert 'data-opens="amendment-refuse"' in own.text
