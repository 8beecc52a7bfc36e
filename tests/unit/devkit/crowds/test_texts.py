"""Texts of the crowds: enough of each kind, the same for a seed, and none of the simulator's."""

from __future__ import annotations

from random import Random

import pytest

from devkit.crowds.data import crowd_texts
from devkit.crowds.texts import CHATTER, FAMILIES, HARMFUL, HECKLERS, SLOGANS, wordless
from devkit.simulation.data import own_texts
from devkit.simulation.texts import HARD_KINDS, KINDS

TEXTS = crowd_texts()


def test_twelve_families_have_texts() -> None:
    assert len(FAMILIES) == 12
    assert set(TEXTS.blocks) == {*FAMILIES, HARMFUL, HECKLERS, SLOGANS, CHATTER}


@pytest.mark.parametrize("kind", [*FAMILIES, HARMFUL, CHATTER])
def test_kind_gives_each_of_hundreds_a_text_of_its_own(kind: str) -> None:
    drawn = TEXTS.distinct(kind, 380, Random(1))
    assert len(set(drawn)) == 380
    assert drawn == TEXTS.distinct(kind, 380, Random(1)) != TEXTS.distinct(kind, 380, Random(2))
    assert not any("{" in text or "}" in text for text in drawn)


def test_distinct_reports_too_few_texts() -> None:
    with pytest.raises(ValueError, match="6 distinct texts were asked of slogans, which gave 5"):
        TEXTS.distinct(SLOGANS, 6, Random(0))


def test_attackers_draw_six_hundred_texts() -> None:
    assert len(set(TEXTS.distinct(HARMFUL, 600, Random(0)))) == 600


def test_no_sentence_is_the_simulators() -> None:
    rng, simulator = Random(3), own_texts()
    theirs = {simulator.draw(kind, "en", rng).lower() for kind in (*KINDS, *HARD_KINDS) for _ in range(300)}
    ours = {TEXTS.draw(kind, rng).lower() for kind in TEXTS.blocks for _ in range(300)}
    assert not theirs & ours
    assert not any(name in text for name in ("velmari", "okrani", "zindori", "drovani") for text in ours)


def test_long_texts_have_two_to_four_parts_and_half_quote() -> None:
    rng = Random(4)
    long = [TEXTS.draw_long("sport", rng) for _ in range(200)]
    assert 70 < sum('"' in text for text in long) < 130
    assert min(map(len, long)) > 40


def test_wordless_texts_have_no_word() -> None:
    rng = Random(5)
    for _ in range(100):
        parts = [part for part in wordless(rng).split() if not part.startswith("https://")]
        assert not any(character.isalpha() for part in parts for character in part)
