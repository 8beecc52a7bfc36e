"""A policy means the same however it is written, and every override resolves as documented."""

from __future__ import annotations

import doctest
import random
import unicodedata
from itertools import product
from time import thread_time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.counting import block_counts, sketch
from streams.errors import PolicyError
from streams.policy import (
    Corroboration,
    Policy,
    PolicyFileError,
    Problem,
    Rule,
    checks,
    countries,
    durations,
    parse_policy,
    terms,
)
from streams.policy.durations import parse_duration, spell_duration
from streams.policy.text import lines_of
from tests.support.paths import ROOT
from tests.support.policy_cases import GOOD, edited

CONFIG = ROOT / "config"


def test_doctests() -> None:
    for module in (countries, durations, terms):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed


def test_constants_agree_with_the_counting_room() -> None:
    assert durations.PANE_MS == block_counts.PANE_MS
    assert durations.MINUTE_MS == block_counts.MINUTE_MS
    assert checks.SAMPLED_MAX == sketch.K


# ---- shipped files ----


@pytest.mark.parametrize("name", ["policy.yaml", "demo-policy.yaml"])
def test_shipped_policies_are_good(name: str) -> None:
    raw = (CONFIG / name).read_bytes()
    began = thread_time()
    policy = parse_policy(raw, name, shards=8)
    assert thread_time() - began < 0.2
    assert policy.category_names == ("abuse", "gendered_abuse", "hateful_conduct")
    assert raw.startswith(b"# yaml-language-server: $schema=policy.schema.json\n")


def test_the_shipped_policy_hides_nothing_and_the_demo_does() -> None:
    shipped = parse_policy((CONFIG / "policy.yaml").read_bytes(), "policy.yaml")
    demo = parse_policy((CONFIG / "demo-policy.yaml").read_bytes(), "demo-policy.yaml")
    assert {rule.mode for rule in shipped.rule_table.values()} == {"shadow"}
    assert {rule.mode for rule in demo.rule_table.values()} == {"suppress"}


# ---- meaning ----


def test_a_rule_as_the_judge_sees_it() -> None:
    policy = parse_policy(GOOD, "good.yaml")
    assert policy.rule("abuse", "trends", "BR") == Rule(
        mode="suppress",
        windows_ms=(600_000,),
        min_tweets=50,
        min_authors=40,
        suppress_at=0.5,
        clear_at=0.3,
        confidence=0.95,
        dwell_ms=30_000,
        expiry_ms=600_000,
        corroboration=Corroboration(1, None, 0.3, None, 100, False),
    )
    assert policy.rule("abuse", "trends", "IN").suppress_at == 0.6
    assert policy.rule("abuse", "search", "*").min_authors == 45
    assert policy.windows_ms == (600_000, 3_600_000)
    assert policy.longest_window_ms == 3_600_000
    assert policy.max_automated_ms == 86_400_000
    with pytest.raises(KeyError):
        policy.rule("spam", "trends", "IN")
    with pytest.raises(KeyError):
        policy.rule("abuse", "timeline", "IN")


def test_rules_are_the_distinct_objects_that_rule_gives() -> None:
    policy = parse_policy(GOOD, "good.yaml")
    rules = policy.rules("abuse", "search")
    assert len(rules) == 2
    assert all(any(policy.rule("abuse", "search", country) is rule for rule in rules) for country in ("IN", "BR", "*"))


SCOPES = [(surface, country) for surface in ("", "trends", "search") for country in ("", "IN", "BR", "*")]
KEYS = {"suppress_at": (0.5, 0.55, 0.6), "min_tweets": (100, 200, 300), "dwell": ("10s", "20s", "1m")}


@st.composite
def override_sets(draw: st.DrawFn) -> dict[tuple[str, str], dict[str, Any]]:
    scopes = draw(st.lists(st.sampled_from(SCOPES[1:]), unique=True, max_size=6))
    some = st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers(0, 2), min_size=1)
    return {scope: {key: KEYS[key][at] for key, at in draw(some).items()} for scope in scopes}


def with_overrides(overrides: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    data = yaml.safe_load(GOOD)
    rows = []
    for (surface, country), keys in overrides.items():
        scope = {**({"surface": surface} if surface else {}), **({"country": country} if country else {})}
        rows.append({**scope, **keys})
    data["categories"]["abuse"]["overrides"] = rows
    return data


@given(override_sets())
@settings(max_examples=40)
def test_the_most_specific_override_wins_key_by_key(overrides: dict[tuple[str, str], dict[str, Any]]) -> None:
    policy = parse_policy(yaml.safe_dump(with_overrides(overrides)), "made.yaml")
    for surface, country, key in product(("trends", "search"), ("IN", "BR", "*", "US"), KEYS):
        ways = [(surface, country), ("", country), (surface, "")]
        base = {"suppress_at": 0.5, "min_tweets": 50, "dwell": "30s"}[key]
        expected = next((overrides[way][key] for way in ways if key in overrides.get(way, {})), base)
        rule = policy.rule("abuse", surface, country)
        got = {"suppress_at": rule.suppress_at, "min_tweets": rule.min_tweets, "dwell": spell_duration(rule.dwell_ms)}
        assert got[key] == expected, (surface, country, key)


# ---- canonical form ----


def shuffled(value: Any, rng: random.Random) -> Any:
    """Keys in another order, durations in another unit."""
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {key: shuffled(inner, rng) for key, inner in items}
    if isinstance(value, list):
        return [shuffled(inner, rng) for inner in value]
    if isinstance(value, str) and (duration_ms := parse_duration(value)) is not None:
        return f"{duration_ms // 1000}s" if rng.random() < 0.5 else spell_duration(duration_ms)
    return value


@given(override_sets(), st.integers(0, 1 << 30))
@settings(max_examples=40)
def test_revision_is_the_same_however_it_is_written(
    overrides: dict[tuple[str, str], dict[str, Any]], seed: int
) -> None:
    rng = random.Random(seed)
    data = with_overrides(overrides)
    rng.shuffle(data["categories"]["abuse"]["overrides"])
    other = shuffled(data, rng)
    other["windows"] = other["windows"][::-1]
    other["never_suppress"] = ["#FarmersProtest"]
    other["score_floor"] = 5  # the default, spelt out
    first = parse_policy(yaml.safe_dump(with_overrides(overrides)), "made.yaml")
    second = parse_policy(
        "# a comment\n" + yaml.safe_dump(other, sort_keys=False, default_flow_style=True), "other.yaml"
    )
    assert first.canonical() == second.canonical()
    assert first.revision == second.revision
    assert first == second
    assert hash(first) == hash(second)


@given(override_sets())
@settings(max_examples=40)
def test_canonical_goes_there_and_back(overrides: dict[tuple[str, str], dict[str, Any]]) -> None:
    policy = parse_policy(yaml.safe_dump(with_overrides(overrides)), "made.yaml")
    back = Policy.from_canonical(policy.canonical())
    assert back.canonical() == policy.canonical()
    assert back.revision == policy.revision
    assert back.rule_table == policy.rule_table


def test_any_change_of_meaning_changes_the_revision() -> None:
    lines = {
        1: "serial: 2",
        2: "windows: [10m, 2h]",
        5: "    mode: review",
        7: "    min_tweets: 51",
        14: "    corroborate: {need: 1, copies: 0.3, authors: 101}",
        16: "      - {country: BR, suppress_at: 0.6}",
        18: "never_suppress: [farmersprotest, other]",
        20: "  - {term: badword, match: lookalike}",
        21: "valves: {max_automated_hours: 23}",
    }
    revisions = {parse_policy(edited({number: text}), "edited.yaml").revision for number, text in lines.items()}
    assert len(revisions | {parse_policy(GOOD, "good.yaml").revision}) == len(lines) + 1


def test_a_stored_policy_keeps_its_revision_when_a_key_with_a_default_is_new() -> None:
    older = parse_policy(GOOD, "good.yaml").canonical().replace('"young_days":30,', "").replace(',"young_days":30', "")
    assert "young_days" not in older
    policy = Policy.from_canonical(older)
    assert policy.canonical() == older
    assert policy.young_days == 30


def test_a_stored_policy_with_a_key_of_the_future_is_refused() -> None:
    newer = parse_policy(GOOD, "good.yaml").canonical().replace("{", '{"of_the_future":1,', 1)
    with pytest.raises(PolicyError, match="of_the_future") as caught:
        Policy.from_canonical(newer)
    assert "same version" in caught.value.fix


def test_a_policy_cannot_be_changed() -> None:
    policy = parse_policy(GOOD, "good.yaml")
    assert policy.rule("abuse", "trends", "*").min_tweets == 50
    revision = policy.revision
    with pytest.raises(ValueError, match="frozen"):
        policy.serial = 7
    assert policy.model_copy(update={"serial": 7}).revision != revision


# ---- reading ----


def test_byte_order_mark_and_crlf_are_read() -> None:
    plain = parse_policy(GOOD, "good.yaml")
    assert parse_policy(b"\xef\xbb\xbf" + GOOD.encode(), "bom.yaml") == plain
    assert parse_policy(GOOD.replace("\n", "\r\n"), "crlf.yaml") == plain


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = edited(
        {
            1: "serial: -1",
            2: "windws: [10m, 1h]",
            5: "    mode: Suppress",
            7: "    min_tweets: 5",
            10: "    clear_at: 0.6",
            13: "    expiry: 48h",
            16: "      - {country: UK, suppress_at: 0.2}",
            18: 'never_suppress: [farmersprotest, "#FarmersProtest"]',
        }
    )
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(text, "many.yaml")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 5, 7, 8, 10, 13, 16, 17, 18]
    assert "(and 9 more)" in caught.value.summary


def test_what_stands_in_for_a_wrong_value_is_never_complained_about() -> None:
    """Every key set wrong by itself: exactly one problem, though a harmless value has to stand in for it."""
    data = yaml.safe_load(GOOD)
    for key in data["categories"]["abuse"]:
        broken = yaml.safe_load(GOOD)
        broken["categories"]["abuse"][key] = {"no": "such"}
        with pytest.raises(PolicyFileError) as caught:
            parse_policy(yaml.safe_dump(broken, sort_keys=False), "broken.yaml")
        paths = {problem.path for problem in caught.value.problems}
        assert all(path.startswith(f"categories.abuse.{key}") for path in paths), (key, paths)


printable = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.integers(0, len(GOOD)), st.integers(0, 12), printable)
@settings(max_examples=100)
def test_a_mangled_policy_is_read_or_refused_but_never_a_crash(at: int, cut: int, text: str) -> None:
    mangled = GOOD[:at] + text + GOOD[at + cut :]
    problems: tuple[Problem, ...] = ()
    try:
        policy = parse_policy(mangled, "mangled.yaml", shards=8)
    except PolicyFileError as error:
        problems = error.problems
    else:
        assert Policy.from_canonical(policy.canonical()) == policy
    lines = len(lines_of(mangled))
    assert all(1 <= problem.line <= lines and problem.column >= 1 and problem.render() for problem in problems)


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused_but_never_a_crash(raw: bytes) -> None:
    with pytest.raises(PolicyFileError):
        parse_policy(raw, "raw.yaml")


def test_carets_stand_under_their_word_in_any_script() -> None:
    text = edited({18: "never_suppress: [किसान, किसान]"})
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(text, "script.yaml")
    row, carets = caught.value.problems[0].render().splitlines()[1:3]
    assert row.count("किसान") == 2
    before = row[: row.rindex("किसान")]
    marks = sum(unicodedata.category(one) == "Mn" for one in before)
    assert carets.index("^") == len(before) - marks, "marks that take no column of the terminal"


# ---- durations ----


@given(st.integers(0, 10**6))
def test_durations_go_there_and_back(seconds: int) -> None:
    assert parse_duration(spell_duration(seconds * 1_000)) == seconds * 1_000


# ---- lists ----


def test_never_suppress_is_asked_with_the_normalised_tag() -> None:
    policy = parse_policy(edited({18: 'never_suppress: ["#FarmersProtest", किसान]'}), "never.yaml")
    assert policy.is_never_suppressed("farmersprotest")
    assert policy.is_never_suppressed("किसान")
    assert not policy.is_never_suppressed("farmers")


LOOKALIKES = [
    "hatetag",
    "HateTag",
    "h4t3t4g",
    "hаtеtаg",
    "HATE_TAG",
    "hhhaaateeetag",
    "hátètâg",
    "ｈａｔｅｔａｇ",
    "ηatetag",
]


def test_look_alikes_of_a_term_are_found() -> None:
    policy = parse_policy(edited({20: "  - {term: hatetag}\n  - {term: exactly, match: exact}"}), "terms.yaml")
    found = [tag for tag in LOOKALIKES if policy.matches_curated_term(tag)]
    assert found == LOOKALIKES[:-1], "the last is the Greek eta, which looks like n"
    assert policy.matches_curated_term("#Exactly")
    for other in ("exact1y", "hatetags", "hate", "", "1234", "किसान"):
        assert not policy.matches_curated_term(other), other


def test_scripts_of_their_own_keep_their_marks() -> None:
    assert terms.skeleton("कि") != terms.skeleton("की")
    assert terms.skeleton("1984") == "1984"


@given(st.text(max_size=20))
def test_a_skeleton_is_its_own_skeleton(text: str) -> None:
    once = terms.skeleton(text)
    assert terms.skeleton(once) == once
