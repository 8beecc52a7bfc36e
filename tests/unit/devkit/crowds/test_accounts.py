"""Accounts of attackers follow the public data; people's are grown."""

from __future__ import annotations

from random import Random
from statistics import median

import pytest

from devkit.crowds.accounts import bought, bought_age, deleted_after_ms, newcomer, person


@pytest.mark.parametrize(("days", "part"), [(30, 0.032), (365, 0.19), (818, 0.5)])
def test_bought_ages_follow_the_curve(days: float, part: float) -> None:
    assert bought_age(part) == days
    rng = Random(1)
    younger = sum(bought(number, rng).age_days < days for number in range(20_000)) / 20_000
    assert younger == pytest.approx(part, abs=0.012)


def test_half_of_bought_accounts_show_few_statuses() -> None:
    rng = Random(2)
    assert sum(bought(number, rng).statuses < 64 for number in range(20_000)) == pytest.approx(10_000, abs=250)


def test_deletions_come_after_a_minute_and_mostly_within_ten() -> None:
    rng = Random(3)
    delays = [deleted_after_ms(rng) / 1000 for _ in range(20_000)]
    assert median(delays) == pytest.approx(55, rel=0.06)
    assert sum(delay <= 600 for delay in delays) / len(delays) == pytest.approx(0.84, abs=0.01)


def test_people_are_grown_and_newcomers_young() -> None:
    rng = Random(4)
    assert min(person(number, rng).age_days for number in range(5_000)) >= 45
    assert max(newcomer(number, rng).age_days for number in range(5_000)) < 30
    assert person(7, Random(5)) == person(7, Random(5))
