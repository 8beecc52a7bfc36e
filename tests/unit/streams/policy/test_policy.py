"""Policies: resolved rules, canonical form, parsing, lists."""

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

from streams.counting import sketch
from streams.errors import PolicyError
from streams.policy import (
    Corroboration,
    Policy,
    PolicyFileError,
    Problem,
    Rule,
    checks,
    durations,
    look_alikes,
    parse_policy,
)
from streams.policy.durations import parse_duration, spell_duration
from streams.policy.source import lines_of
from tests.support.paths import ROOT
from tests.support.policy_cases import GOOD, edited

CONFIG = ROOT / "config"


def test_doctests() -> None:
    for module in (durations, look_alikes):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed


def test_sample_size_equals_counting_room() -> None:
    assert checks.SAMPLED_MAX == sketch.K


# ---- shipped files ----


@pytest.mark.parametrize("name", ["policy.yaml", "demo-policy.yaml"])
def test_shipped_policies_are_valid(name: str) -> None:
    raw = (CONFIG / name).read_bytes()
    began = thread_time()
    policy = parse_policy(raw, name, shards=8)
    assert thread_time() - began < 0.2
    assert policy.category_names == ("abuse", "gendered_abuse", "hateful_conduct")
    assert raw.startswith(b"# yaml-language-server: $schema=policy.schema.json\n")


def test_shipped_policy_is_shadow_and_demo_suppresses() -> None:
    shipped = parse_policy((CONFIG / "policy.yaml").read_bytes(), "policy.yaml")
    demo = parse_policy((CONFIG / "demo-policy.yaml").read_bytes(), "demo-policy.yaml")
    assert {rule.mode for rule in shipped.rule_table.values()} == {"shadow"}
    assert {rule.mode for rule in demo.rule_table.values()} == {"suppress"}


# ---- meaning ----


def test_rule_resolves_overrides() -> None:
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
        corroboration=Corroboration(1, (("copies", 0.3), ("authors", 100))),
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


def test_rules_are_distinct_objects() -> None:
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
def test_most_specific_override_wins_per_key(overrides: dict[tuple[str, str], dict[str, Any]]) -> None:
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
def test_revision_ignores_spelling(overrides: dict[tuple[str, str], dict[str, Any]], seed: int) -> None:
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
    assert first.canonical == second.canonical
    assert first.revision == second.revision
    assert first == second
    assert hash(first) == hash(second)


@given(override_sets())
@settings(max_examples=40)
def test_canonical_round_trips(overrides: dict[tuple[str, str], dict[str, Any]]) -> None:
    policy = parse_policy(yaml.safe_dump(with_overrides(overrides)), "made.yaml")
    back = Policy.from_canonical(policy.canonical)
    assert back.canonical == policy.canonical
    assert back.revision == policy.revision
    assert back.rule_table == policy.rule_table


def test_change_of_meaning_changes_revision() -> None:
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


def test_stored_policy_keeps_revision_with_new_default_key() -> None:
    older = parse_policy(GOOD, "good.yaml").canonical.replace('"young_days":30,', "").replace(',"young_days":30', "")
    assert "young_days" not in older
    policy = Policy.from_canonical(older)
    assert policy.canonical == older
    assert policy.young_days == 30


def test_stored_policy_with_unknown_key_is_refused() -> None:
    newer = parse_policy(GOOD, "good.yaml").canonical.replace("{", '{"unknown_key":1,', 1)
    with pytest.raises(PolicyError, match="unknown_key") as caught:
        Policy.from_canonical(newer)
    assert "same version" in caught.value.fix


def test_policy_is_immutable() -> None:
    policy = parse_policy(GOOD, "good.yaml")
    assert policy.rule("abuse", "trends", "*").min_tweets == 50
    revision = policy.revision
    with pytest.raises(ValueError, match="frozen"):
        policy.serial = 7
    assert policy.model_copy(update={"serial": 7}).revision != revision


# ---- reading ----


def test_parse_accepts_byte_order_mark_and_crlf() -> None:
    plain = parse_policy(GOOD, "good.yaml")
    assert parse_policy(b"\xef\xbb\xbf" + GOOD.encode(), "bom.yaml") == plain
    assert parse_policy(GOOD.replace("\n", "\r\n"), "crlf.yaml") == plain


def test_parse_reports_all_problems_in_file_order() -> None:
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


def test_replacement_of_wrong_value_causes_no_problem() -> None:
    """Each key is set wrong on its own and must cause problems of that key only."""
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
def test_parse_of_mangled_policy_never_crashes(at: int, cut: int, text: str) -> None:
    mangled = GOOD[:at] + text + GOOD[at + cut :]
    problems: tuple[Problem, ...] = ()
    try:
        policy = parse_policy(mangled, "mangled.yaml", shards=8)
    except PolicyFileError as error:
        problems = error.problems
    else:
        assert Policy.from_canonical(policy.canonical) == policy
    lines = len(lines_of(mangled))
    assert all(1 <= problem.line <= lines and problem.column >= 1 and problem.render() for problem in problems)


@given(st.binary(max_size=200))
def test_parse_of_random_bytes_never_crashes(raw: bytes) -> None:
    with pytest.raises(PolicyFileError):
        parse_policy(raw, "raw.yaml")


def test_carets_align_with_word_in_any_script() -> None:
    text = edited({18: "never_suppress: [किसान, किसान]"})
    with pytest.raises(PolicyFileError) as caught:
        parse_policy(text, "script.yaml")
    row, carets = caught.value.problems[0].render().splitlines()[1:3]
    assert row.count("किसान") == 2
    before = row[: row.rindex("किसान")]
    marks = sum(unicodedata.category(one) == "Mn" for one in before)
    assert carets.index("^") == len(before) - marks, "marks take no column of the terminal"


# ---- durations ----


@given(st.integers(0, 10**6))
def test_durations_round_trip(seconds: int) -> None:
    assert parse_duration(spell_duration(seconds * 1_000)) == seconds * 1_000


# ---- lists ----


def test_never_suppress_matches_normalised_hashtag() -> None:
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


def test_curated_term_matches_look_alikes() -> None:
    policy = parse_policy(edited({20: "  - {term: hatetag}\n  - {term: exactly, match: exact}"}), "terms.yaml")
    found = [tag for tag in LOOKALIKES if policy.matches_curated_term(tag)]
    assert found == LOOKALIKES[:-1], "the last is the Greek eta, which looks like n"
    assert policy.matches_curated_term("#Exactly")
    for other in ("exact1y", "hatetags", "hate", "", "1234", "किसान"):
        assert not policy.matches_curated_term(other), other


def test_skeleton_keeps_devanagari_marks() -> None:
    assert look_alikes.skeleton("कि") != look_alikes.skeleton("की")
    assert look_alikes.skeleton("1984") == "1984"


@given(st.text(max_size=20))
def test_skeleton_is_idempotent(text: str) -> None:
    once = look_alikes.skeleton(text)
    assert look_alikes.skeleton(once) == once
