"""The benchmark of attacks: posts, seconds hidden, changes of state, ranks, goals and tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from rich.console import Console

from benchmarks.hijack import sizes as command
from benchmarks.hijack import tables
from benchmarks.hijack.attacks import HARMFUL, KINDS, OTHER_TAGS, TIMINGS, Attack, attacks, established_ms, posts_of
from benchmarks.hijack.campaigns import (
    COUNTER_SPEECH,
    HATERS,
    CampaignOutcome,
    StagedCampaign,
    campaign_posts,
    campaigns,
)
from benchmarks.hijack.goals import goals
from benchmarks.hijack.outcomes import AttackOutcome, longest_early, measure, most_changes, settled_seconds
from benchmarks.hijack.posts import (
    END_MS,
    LENGTH_MS,
    START_MS,
    TAG,
    Post,
    distinct,
    load,
    log_of,
    paraphrased,
    texts_file,
)
from benchmarks.hijack.viewing import BACKGROUND, Sight, background, sights
from benchmarks.judged import PublishedDecision, shipped_policy
from devkit.simulation.data import own_texts
from streams.constants import DAY_MS, HOUR_MS, MINUTE_MS
from streams.errors import CallerMistake
from streams.log.decisions import Action, Decision, ScopeDecision

TEXTS = own_texts()


def decision(
    seconds: int, *actions: Action, early: bool = False, country: str = "IN", weight: float = 1.0
) -> PublishedDecision:
    at_ms = START_MS + seconds * 1000
    rulings = tuple(
        ScopeDecision(
            category=category, surface="trends", action=action, since_ms=at_ms, expires_at_ms=at_ms + HOUR_MS,
            provisional=early, weight=weight if action == "discount" else None,
        )
        for category, action in zip(("hate", "abuse"), actions, strict=False)
    )  # fmt: skip
    found = Decision(
        hashtag=TAG.lower(), display=TAG, country=country, rulings=rulings, version=f"0001.{seconds:06}", tick_ms=at_ms,
        settled_ms=at_ms, decided_at_ms=at_ms, policy_revision="", model_revision="", provisional=early,
    )  # fmt: skip
    return PublishedDecision(at_ms, found)


def sight(seconds: int, action: str, provisional: bool = False) -> Sight:
    return Sight(START_MS + seconds * 1000, action, provisional, None)


def outcome(**changed: object) -> AttackOutcome:
    known = AttackOutcome(Attack(40, 1.0), 0, 0, 0, 0, 0, 0, 20, 20, 0, 0, 0)
    return replace(known, **changed)  # type: ignore[arg-type]


def campaign_sight(**changed: object) -> CampaignOutcome:
    known = CampaignOutcome(StagedCampaign("fast", 0.3), 20.0, 11, 0.0, 60.0, 0.0, 2)
    return replace(known, **changed)  # type: ignore[arg-type]


def attackers(attack: Attack, posts: Sequence[Post]) -> list[Post]:
    own = {post.author for post in posts_of(attack.without, TEXTS)}
    return [post for post in posts if post.author not in own]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("timing", TIMINGS)
def test_attackers_write_in_their_minutes_and_protest_stays(kind: str, timing: str) -> None:
    attack = Attack(20, 1.5, timing, kind, harmful=3)
    posts = posts_of(attack, TEXTS)
    others, (first, last) = attackers(attack, posts), TIMINGS[timing]
    assert posts == sorted(posts)
    assert Counter(posts) - Counter(others) == Counter(posts_of(attack.without, TEXTS))
    assert all(first * MINUTE_MS <= post.at_ms - START_MS <= last * MINUTE_MS for post in others)
    assert len({post.author for post in others}) == (60 if kind == "echoing" else 30)
    assert {post.age_days for post in others} == {400 if kind in ("old", "disguised") else 5}
    assert {post.hashtag for post in others} == ({TAG, *OTHER_TAGS} if kind == "several" else {TAG})


def test_only_paraphrased_texts_differ_between_attackers() -> None:
    texts = {
        kind: {post.text for post in attackers(attack, posts_of(attack, TEXTS))}
        for kind in ("young", "paraphrased", "disguised")
        if (attack := Attack(20, 2.0, "among", kind))
    }
    assert len(texts["young"]) <= 3
    assert min(len(texts["paraphrased"]), len(texts["disguised"])) > 35


def test_echoing_accounts_copy_protesters() -> None:
    attack = Attack(20, 1.0, "after", "echoing")
    own = {post.text for post in posts_of(attack.without, TEXTS)}
    assert sum(post.text in own for post in attackers(attack, posts_of(attack, TEXTS))) == 20


def test_protesters_write_distinct_texts() -> None:
    posts = posts_of(Attack(1_000, 0.0, harmful=50), TEXTS)
    assert len({post.text for post in posts}) == len({post.author for post in posts}) == 1_000
    assert min(post.age_days for post in posts) >= 60


def test_established_moment_is_that_of_fortieth_protester() -> None:
    attack = Attack(100, 3.0, "before")
    posts = posts_of(attack, TEXTS)
    assert established_ms(attack, posts) == posts_of(attack.without, TEXTS)[39].at_ms
    small = Attack(39, 3.0)
    assert established_ms(small, posts_of(small, TEXTS)) == END_MS


@pytest.mark.parametrize("size", [30, 40, 100, 300])
def test_most_harm_stays_below_the_allowed_share(size: int) -> None:
    (one,) = attacks([size], [1.0], ["trickled"], most_harm=True)
    assert one.harmful < size * HARMFUL <= one.harmful + 1


def test_trickled_attacks_have_one_timing() -> None:
    found = list(attacks([10, 20], [1.0, 2.0], ["young", "trickled"], most_harm=False, seeds=2))
    assert Counter(one.kind for one in found) == {"young": 24, "trickled": 8}
    assert len(set(found)) == len(found)


def test_distinct_reports_too_few_texts() -> None:
    with pytest.raises(CallerMistake, match="distinct news ones, and 50 authors need one each"):
        distinct(_FewTexts(), "news", Random(0), 50)


class _FewTexts:
    def draw(self, kind: str, language: str, rng: Random, subject: int = 0) -> str:
        return f"{kind} {rng.randrange(3)}"


def test_paraphrased_text_keeps_most_words() -> None:
    text = "the dam that they promised us is gone and the water rises"
    changed = paraphrased(text, Random(3))
    assert changed != text
    assert sum((Counter(text.split()) & Counter(changed.split())).values()) >= len(text.split()) - 1


def test_log_has_posts_in_time_and_others_without_hashtag() -> None:
    records = log_of([Post(START_MS + 500, 7, 5, "Out", TAG), Post(START_MS + 100, 8, 400, "In", TAG)])
    tagged = [one for one in records if b"#" in (one.value or b"")]
    assert [one.offset for one in records] == list(range(len(records)))
    assert [one.timestamp - START_MS for one in tagged] == [100, 500]
    assert records[-1].timestamp == START_MS + LENGTH_MS
    read = json.loads(tagged[1].value or b"")
    assert read["created_at_ms"] - read["author_created_at_ms"] == 5 * DAY_MS


def test_texts_file_names_own_and_refuses_missing(tmp_path: Path) -> None:
    assert texts_file("own", tmp_path) == (None, "the simulator's own")
    with pytest.raises(CallerMistake, match="cannot read"):
        texts_file(str(tmp_path / "missing.jsonl"), tmp_path)


def test_viewer_sees_flags_from_their_publication() -> None:
    seen = list(sights([], [decision(10, "suppress", early=True), decision(20, "discount"), decision(30, "clear")]))
    assert [(one.action, one.provisional) for one in seen[9:33:10]] == [
        ("", False),
        ("suppress", True),
        ("discount", False),
    ]
    assert seen[30].action == "" and len(seen) == LENGTH_MS / 1000 + 1


def test_rank_falls_with_weight_and_hidden_tag_is_last() -> None:
    posts = [Post(START_MS + second * 1000, second, 400, "In", TAG) for second in range(0, 600, 2)]
    free = [one.rank for one in sights(posts, [])]
    half = [one.rank for one in sights(posts, [decision(300, "discount", weight=0.5)])]
    hidden = [one.rank for one in sights(posts, [decision(300, "suppress")])]
    assert free[290] == half[290] == hidden[290]
    assert (free[600] or 0) < (half[600] or 0) < (hidden[600] or 0) == BACKGROUND + 1
    assert free[1] is None


def test_background_is_steady_from_a_window_before_start() -> None:
    uses = background()
    per_window = Counter(tag for at_ms, tag in uses if at_ms < START_MS)
    assert len(per_window) == BACKGROUND and sorted(per_window.values(), reverse=True) == [*per_window.values()]
    later = Counter(tag for at_ms, tag in uses if START_MS <= at_ms < START_MS + 10 * MINUTE_MS)
    assert all(abs(count - per_window[tag]) <= 1 for tag, count in later.items())


def test_settled_seconds_count_ticks_since_a_moment() -> None:
    decisions = [decision(60, "suppress"), decision(70, "suppress", early=True), decision(100, "discount")]
    assert settled_seconds(decisions, START_MS) == 40
    assert settled_seconds(decisions, START_MS + 90_000) == 10
    assert settled_seconds([decision(60, "hold", country="*"), *decisions], START_MS) == LENGTH_MS / 1000 - 60


def test_longest_early_ends_at_settled_sight() -> None:
    seen = [sight(0, "suppress", True), sight(1, "suppress", True), sight(2, "suppress"), sight(3, "hold", True)]
    assert longest_early(seen, START_MS) == 2
    assert longest_early(seen, START_MS + 1_000) == 1


def test_changes_count_shown_actions_within_ten_minutes() -> None:
    seen = [sight(0, ""), sight(1, "suppress"), sight(2, "discount"), sight(3, "suppress"), sight(700, "")]
    assert most_changes(seen, []) == 3


def test_changes_count_scopes_that_viewers_do_not_see() -> None:
    decisions = [decision(at, "discount", "clear" if at % 20 else "discount") for at in range(100, 160, 10)]
    assert most_changes([sight(0, "discount"), sight(900, "discount")], decisions) == 6


def test_campaign_has_its_part_of_established_authors() -> None:
    for campaign in (StagedCampaign("fast", 0.3, COUNTER_SPEECH, 4), StagedCampaign("slow", 0.3, HATERS, 4)):
        posts = campaign_posts(campaign, TEXTS)
        own = [post for post in posts if post.age_days >= 60]
        assert (len(posts), len(own)) == (campaign.authors, round(campaign.authors * 0.3))
        assert len({post.text for post in own}) == len(own)
        assert len({post.text for post in posts if post.age_days == 5}) == 3
    assert campaign.name == "30% haters"
    assert len(set(campaigns(3))) == 30


def test_goals_are_met_by_harmless_outcomes() -> None:
    found = goals([outcome(), outcome(lost=1, early_later=10)], [campaign_sight()])
    assert all(goal.met for goal in found)


@pytest.mark.parametrize(
    ("number", "changed"),
    [(0, {"settled_later": 10}), (1, {"early_later": 11}), (2, {"lost": 1.5}), (4, {"changes": 4})],
)
def test_goal_is_missed_by_worse_outcome(number: int, changed: dict[str, object]) -> None:
    found = goals([outcome(), outcome(**changed)], [campaign_sight()])
    assert [goal.met for goal in found] == [at != number for at in range(5)]


def test_goals_spare_disguised_attackers_and_small_protests() -> None:
    bad = outcome(settled_later=60, lost=9)
    others = [Attack(40, 1.0, kind="disguised"), Attack(39, 1.0)]
    assert all(goal.met for goal in goals([replace(bad, attack=one) for one in others], [campaign_sight()]))


def test_campaign_goal_asks_for_counter_speech_only() -> None:
    seen = [
        campaign_sight(campaign=one, top_seconds=2)
        for one in (StagedCampaign("fast", 0.0), StagedCampaign("fast", 0.3, HATERS))
    ]
    assert goals([], seen)[3].met
    assert not goals([], [*seen, campaign_sight(top_seconds=2)])[3].met


def test_tables_show_least_ratio_and_worst_repetition() -> None:
    cases = [
        replace(one, seed=seed) for one in attacks([100], [0.3, 1.0], ["young"], most_harm=False) for seed in (0, 1)
    ]
    outcomes = [outcome(attack=one, settled_seconds=60.0 * (one.ratio == 1 and one.seed)) for one in cases]
    out = StringIO()
    console = Console(width=160, file=out)
    for table in (tables.by_size(outcomes), tables.by_ratio(outcomes), tables.of_least(outcomes)):
        console.print(table)
    console.print(tables.of_campaigns([campaign_sight(), campaign_sight(seconds=None)]))
    console.print(tables.of_goals(goals(outcomes, [])))
    text = out.getvalue()
    assert "│ 1 " in text and "60 + 0" in text and "1 of 2" in text and "met" in text


def test_picture_draws_attacks_before_the_protest() -> None:
    cases = list(attacks([100], [0.1, 1.0], list(KINDS), most_harm=False))
    svg = tables.picture(outcome(attack=one, early_seconds=one.ratio) for one in cases)
    assert len(ElementTree.fromstring(svg).findall(".//{*}polyline")) == len(tables.DRAWN_KINDS)


def test_measure_compares_with_protest_in_peace() -> None:
    found = measure(Attack(40, 0.2, "after"), None)
    assert (found.hidden_seconds, found.discounted_seconds, found.changes) == (0, 0, 0)
    assert found.rank_without <= BACKGROUND and found.lost is not None and found.lost_unflagged == found.lost
    assert load(None) is load(None)


def test_policy_is_shipped_one_that_hides() -> None:
    policy = shipped_policy()
    assert all(policy.rule(name, "trends", "*").hides for name in policy.category_names)


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (2, command.EXIT_MISSED)])
def test_command_exits_by_goals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: int, code: int) -> None:
    def run_all(cases: Sequence[Attack | StagedCampaign], *_: object) -> list[AttackOutcome | CampaignOutcome]:
        return [
            outcome(attack=one, lost=lost) if isinstance(one, Attack) else campaign_sight(campaign=one) for one in cases
        ]

    monkeypatch.setattr(command, "run_all", run_all)
    written, drawn = tmp_path / "all.json", tmp_path / "one.svg"
    assert command.main(["--full", "--json", str(written), "--picture", str(drawn)]) == code
    assert len(json.loads(written.read_text())["cases"]) > 900
    assert drawn.exists()
