"""Names of people from an identity provider: what is recorded for which name."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.access import provider_names
from moderation.access.provider_names import actor_name
from moderation.log.drafts import check_actor


def test_examples_of_the_module_hold() -> None:
    assert doctest.testmod(provider_names).failed == 0


@pytest.mark.parametrize("name", ["asha", "Asha.R_1", "asha+mod@example.org", "x" * 80])
def test_name_of_plain_letters_is_kept(name: str) -> None:
    assert actor_name(name, "7") == name


@pytest.mark.parametrize(
    "name",
    [
        "", "Asha R.", "आशा", "ash\u202eahsa", "a\u200b", "x" * 81, "a\n", "hushtag", "Hushtag", "LOCAL", "local",
        "Iocal", "hushtag.", "sub-8", "SUB-8", "<b>",
    ],
)  # fmt: skip
def test_other_name_is_replaced_by_the_subject(name: str) -> None:
    assert actor_name(name, "7") == "sub-7"


@given(st.text(), st.text(), st.text())
def test_names_of_subjects_are_safe_and_of_one_person(name: str, first: str, second: str) -> None:
    made = actor_name("", first)
    assert re.fullmatch(r"sub-[A-Za-z0-9._@+-]{0,76}", made)
    check_actor(made)
    assert (actor_name("", second) == made) == (first == second)
    assert actor_name(name, second) != made or first == second
