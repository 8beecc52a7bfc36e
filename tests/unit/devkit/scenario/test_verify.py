"""The independent count of the scenario: it agrees with the report on a played log, and finds every wrong number."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from devkit.scenario import hashtags, languages
from devkit.scenario.india import ACCOUNTS, CRITICAL, REDUCED, SPEAKERS, SUSPENDED, WITHHELD, OrderStory, order_story
from devkit.scenario.log_count import DatedValue, LogCount
from devkit.scenario.publications import Publications, documents, verified
from devkit.scenario.surfaces import SURFACES
from devkit.scenario.verify import NumberCheck
from moderation.domain.orders.selection import Selection
from moderation.log.drafts import OverrideDraft
from moderation.outward.report.export import as_csv
from moderation.outward.report.published_report import PublishedReport
from streams.log.decisions import Decision, encode_record
from streams.log.moderation import Override, encode_moderation
from streams.orders.records import Target
from tests.support.orders_world import HEAD, HOUR_MS, NOW_MS, OrdersWorld
from tests.support.paths import ROOT
from tests.support.report_cases import DAY_MS

INDEPENDENT = ("log_count", "log_hashtags", "log_orders", "sentences", "verify")


class Played:
    """The story in memory: both logs, and the documents made from them."""

    def __init__(self) -> None:
        self.world = OrdersWorld()
        self.decisions: list[Decision] = []
        story = order_story()
        for account, category in story.speakers.items():
            self.world.protect(account, category)
        first, second, third = self._orders(story)
        self.world.step(first, "final")
        self.world.step(second, "final")
        self.world.step(third, "interim", expires_at_ms=NOW_MS + HOUR_MS)
        self.world.now_ms += 2 * HOUR_MS
        self.world.step(first, "revoked")
        self.world.rule(second, "declined", *story.second.withheld[-6:], reason="appeal", ground="not_unlawful")
        at_ms = self.world.now_ms
        for draft in hashtags.before(SURFACES, at_ms):
            self._append(draft, at_ms)
        self.decisions = hashtags.decisions(SURFACES, at_ms + 1)
        for draft in hashtags.after(SURFACES, at_ms):
            self._append(draft, at_ms + 50)
        self.at_ms = at_ms + 100
        self.coverage = languages.coverage(at_ms)
        hours = {(one.shard, one.from_ms): one for one in self.coverage}
        self.days = (NOW_MS // DAY_MS - 1) * DAY_MS, (self.at_ms // DAY_MS + 1) * DAY_MS
        self.made = documents(self.world.log.view, self.decisions, [*hours.values()], *self.days, self.at_ms)

    def _orders(self, story: OrderStory) -> Iterator[str]:
        tags = [Target("hashtag", tag.lower(), tag) for tag in (*REDUCED, *CRITICAL)]
        named = (*story.speakers, *story.rule_breakers, *story.unlawful, *story.lawful)
        for reference, targets in (
            ("EX/69A/2021/7", [*(Target("account", one) for one in named), *tags]),
            ("EX/69A/2021/8", [
                *(Target("account", one) for one in (*story.second.withheld, *story.second.declined)),
                *(Target("hashtag", tag.lower(), tag) for tag in story.second.reduced),
            ]),
            ("EX/69A/2021/9", [Target("account", o) for o in (*story.third.withheld, *story.third.declined)]),
        ):  # fmt: skip
            order = self.world.intake(
                targets, replace(HEAD, reference=reference, legal_basis="IT Act 2000, section 69A")
            )
            self.world.review(order)
            kinds = {target.kind for target in targets}
            if reference.endswith("7"):
                self.world.rule(order, "suspended", *story.rule_breakers)
                self.world.rule(order, "withheld", *story.unlawful)
                self.world.rule(order, "reduced", *(f"#{tag}" for tag in REDUCED))
                self.world.rule(order, "declined", selection=Selection(protected=True))
            else:
                later = story.second if reference.endswith("8") else story.third
                self.world.rule(order, "withheld", *later.withheld)
                if "hashtag" in kinds:
                    self.world.rule(order, "reduced", *(f"#{tag}" for tag in later.reduced))
            self.world.rule(order, "declined", selection=Selection(undecided=True), ground="not_unlawful")
            yield order

    def _append(self, draft: OverrideDraft, at_ms: int) -> None:
        tag = draft.tag
        scopes = [(tag.hashtag, surface, draft.country, "human") for surface in draft.surfaces]
        self.world.log.append(*encode_moderation(Override(
            id=f"o{len(self.world.log.records)}", hashtag=tag.hashtag, display=tag.display, country=draft.country,
            surfaces=draft.surfaces, actor=draft.actor, reason=draft.reason, at_ms=at_ms, action=draft.action,
            expires_at_ms=draft.expires_at_ms, edits=self.world.log.view.fold.version(scopes),
        )))  # fmt: skip

    def people(self) -> list[DatedValue]:
        values = (value for value, _ in self.world.log.records)
        return list(zip(values, self.world.log.times, strict=True))

    def decided(self) -> list[DatedValue]:
        return [(encode_record(one), self.at_ms) for one in (*self.decisions, *self.coverage)]

    def problems(self, made: Publications | None = None) -> list[str]:
        found = verified(made or self.made, self.people(), self.decided())
        assert found.checked > 350
        return found.problems


@pytest.fixture(scope="module")
def played() -> Played:
    return Played()


def test_every_published_number_equals_the_independent_count(played: Played) -> None:
    assert played.problems() == []
    facts = played.made.report.facts
    assert facts["states"]["account"] == {"declined": 666, "ended": 427, "suspended": 96, "withheld": 44, "released": 6}
    assert facts["hashtags_held_back"]["by"] == {"pipeline_alone": 23, "people_alone": 18, "both": 6}


@pytest.mark.parametrize(
    ("document", "number", "wrong"),
    [
        ("update", "44 accounts are withheld", "98 accounts are withheld"),
        ("update", "naming 1,239 accounts", "naming 1,359 accounts"),
        ("update", "427 accounts were withheld", "477 accounts were withheld"),
        ("update", "437 held back", "438 held back"),
        ("update", "23 journalists", "24 journalists"),
        ("update", "47 hashtags were held back", "57 hashtags were held back"),
        ("update", "Published by", "We closed 12 accounts. Published by"),
        ("page", ">47", ">48"),
        ("page", "44 (4%)", "45 (4%)"),
        ("page", "104 accounts withheld", "110 accounts withheld"),
        ("table", "states.account.withheld,44", "states.account.withheld,98"),
        ("table", "orders,3\r\n", ""),
    ],
)
def test_wrong_number_in_a_document_is_found(played: Played, document: str, number: str, wrong: str) -> None:
    text = getattr(played.made, document)
    assert number in text
    assert played.problems(replace(played.made, **{document: text.replace(number, wrong, 1)})) != []


def test_wrong_number_in_a_letter_is_found(played: Played) -> None:
    for order, text in played.made.letters.items():
        wrong = {**played.made.letters, order: text.replace("accounts not withheld in India", "accounts visible")}
        assert played.problems(replace(played.made, letters=wrong)) != []
    order, text = next(item for item in played.made.letters.items() if "Annex" in item[1])
    shorter = {**played.made.letters, order: text[: text.rindex("\n", 0, -1) + 1]}
    assert any("targets in the annex" in one for one in played.problems(replace(played.made, letters=shorter)))


def test_languages_are_counted_once_for_each_shard_and_hour(played: Played) -> None:
    assert played.made.world.facts["texts_by_language"] == {
        "hours": 3,
        "total": 3_465,
        "read": 3_201,
        "unread": 264,
        "read_share": 0.924,
        "read_by_language": {"en": 1_875, "hi-Latn": 735, "hi": 591},
        "unread_by_language": {"ta": "260 to 263", "ur": "<5"},
    }
    assert played.made.report.facts["texts_by_language"] is None


@pytest.mark.parametrize("document", ["report", "world"])
def test_every_wrong_value_of_a_report_is_found(played: Played, document: str) -> None:
    """Change one number of the JSON after another."""
    count = LogCount(played.people(), played.decided())
    country = {"report": "IN", "world": None}[document]
    expected = count.facts(*played.days, country, played.at_ms)
    facts = json.loads(json.dumps(getattr(played.made, document).facts))
    changed = list(_numbers(facts))
    assert len(changed) > 60
    for part, name in changed:
        value = part[name]
        part[name] = value + 1
        found = NumberCheck()
        found.facts("the report", facts, expected)
        assert len(found.problems) == 1, name
        part[name] = value


def _numbers(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in items:
        if isinstance(part, int) and name != "counts_below_are_rounded":
            yield value, name
        yield from _numbers(part)


def test_independent_modules_import_nothing_that_they_check() -> None:
    for name in INDEPENDENT:
        tree = ast.parse((ROOT / f"devkit/scenario/{name}.py").read_text("utf-8"))
        found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        found |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        allowed = {f"devkit.scenario.{one}" for one in INDEPENDENT}
        ours = ("moderation", "streams", "hushtag_client", "surfaces", "models", "devkit")
        assert not [one for one in found - allowed if one.startswith(ours)], name


def test_story_names_every_account_of_the_first_order_once() -> None:
    story = order_story()
    assert story == order_story()
    named = {*story.speakers, *story.rule_breakers, *story.unlawful, *story.lawful}
    assert len(named) == ACCOUNTS
    assert len(story.speakers) == sum(SPEAKERS.values())
    assert SUSPENDED + WITHHELD > 500
    assert len({*story.second.withheld, *story.second.declined} & named) == 100


def test_table_with_a_checkpoint_is_read_as_a_whole() -> None:
    facts = {"log": {"checkpoint": "example.com/log\n3\nroot\n\n— example.com/log sig\n", "size": 3}}
    found = NumberCheck()
    found.table("the table", as_csv(PublishedReport(facts)), facts)
    assert (found.checked, found.problems) == (2, [])
    found.table("the table", as_csv(PublishedReport({"log": facts["log"] | {"size": 4}})), facts)
    assert found.problems == ["the table: log.size: 4, but the log has 3"]
