"""Closed sets of names: surfaces, categories and countries."""

from __future__ import annotations

import pytest

from streams.errors import CallerMistake
from streams.naming import country_of
from streams.policy import parse_policy
from streams.policy.names import PolicyNames
from tests.support.paths import ROOT

NAMES = PolicyNames(("trends", "search"), ("abuse", "hateful_conduct"))


def test_surfaces_default_to_all_of_the_policy() -> None:
    assert NAMES.select_surfaces([]) == ("search", "trends")
    assert NAMES.select_surfaces(["trends", "trends"]) == ("trends",)


@pytest.mark.parametrize(
    ("surface", "fix"),
    [
        ("trend", "did you mean trends? use one of search, trends"),
        ("home", "use one of search, trends"),
        ("a|b", "use one of search, trends"),
        ("", "use one of search, trends"),
    ],
)
def test_unknown_surface_error_names_value_and_set(surface: str, fix: str) -> None:
    with pytest.raises(CallerMistake, match="unknown surface") as caught:
        NAMES.select_surfaces([surface])
    assert (repr(surface) in str(caught.value), caught.value.fix) == (True, fix)


@pytest.mark.parametrize("surface", ["account", "tweet"])
def test_surface_of_orders_shows_no_hashtag(surface: str) -> None:
    with pytest.raises(CallerMistake, match="no hashtag is shown") as caught:
        NAMES.select_surfaces([surface])
    assert "search, trends" in caught.value.fix


def test_unknown_category_error_names_closest_and_set() -> None:
    assert (NAMES.check_category("abuse"), NAMES.check_category("")) == ("abuse", "")
    with pytest.raises(CallerMistake, match="unknown category 'abusse'") as caught:
        NAMES.check_category("abusse")
    assert caught.value.fix == "did you mean abuse? use one of abuse, hateful_conduct"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("UK", "GB (United Kingdom)"), ("Brasil", "BR (Brazil)"), ("ZZ", "ZW (Zimbabwe)"), ("everywhere", "")],
)
def test_unknown_country_error_names_closest(written: str, meant: str) -> None:
    with pytest.raises(CallerMistake, match=f"unknown country '{written}'") as caught:
        country_of(written)
    assert caught.value.fix.startswith(f"did you mean {meant}" if meant else "use two letters of ISO 3166-1")


@pytest.mark.parametrize("reserved", ["EU", "XK", "AC", "ZZ", ""])
def test_code_that_iso_does_not_assign_is_refused(reserved: str) -> None:
    with pytest.raises(CallerMistake):
        country_of(reserved)


def test_names_of_canonical_text_equal_those_of_the_policy() -> None:
    policy = parse_policy((ROOT / "config/policy.yaml").read_bytes(), "policy.yaml")
    assert PolicyNames.from_canonical(policy.canonical) == PolicyNames.of(policy)
    newer = policy.canonical.replace("{", '{"key_of_a_newer_version": 1,', 1)
    assert PolicyNames.from_canonical(newer) == PolicyNames.of(policy)
