"""Labels of several people: one label a text, agreement, and the part of one person."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from moderation.domain.calibration.agreed_labels import MOST_OF_ONE, PersonLabel, combine


def label(subject: str, actor: str, harmful: bool, **more: Any) -> PersonLabel:
    return PersonLabel(subject=subject, actor=actor, harmful=harmful, language="en", probabilities=(0.5,), **more)


def test_majority_counts_and_a_tie_is_left_out() -> None:
    found = combine(
        [
            *(label("1", actor, vote) for actor, vote in (("a", True), ("b", True), ("c", False))),
            *(label("2", actor, vote) for actor, vote in (("a", True), ("b", False))),
            label("3", "a", False),
        ]
    )
    assert [(one.subject, one.harmful) for one in found.texts] == [("1", True), ("3", False)]
    assert (found.shared, found.agreed, found.disputed) == (2, 0, 1)
    assert found.people == {"a": 3, "b": 2, "c": 1}
    assert found.counts() == {"en": (1, 1)}


def test_newest_label_of_a_person_counts_in_any_order() -> None:
    late, early = label("1", "asha", False, at_ms=2), label("1", "Asha", True, at_ms=1)
    for labels in ([late, early], [early, late]):
        [text] = combine(labels).texts
        assert not text.harmful
    assert sum(combine([late, early]).people.values()) == 1


def test_categories_follow_their_own_majority_and_none_of_a_clean_text() -> None:
    found = combine(
        [
            label("1", "a", True, categories={"abuse": True}),
            label("1", "b", True, categories={"abuse": True, "hateful_conduct": False}),
            label("2", "a", False, categories={"abuse": False}),
            label("2", "b", False),
            label("2", "c", True, categories={"abuse": True, "gendered_abuse": True}),
        ]
    )
    assert [one.categories for one in found.texts] == [
        {"abuse": True, "hateful_conduct": False}, {"gendered_abuse": False},
    ]  # fmt: skip


def test_one_person_decides_above_the_limit() -> None:
    def of(own: int, others: int) -> bool:
        labels = [label(str(n), "asha", True) for n in range(own)]
        return combine([*labels, *(label(str(own + n), "ben", True) for n in range(others))]).is_one_person

    assert MOST_OF_ONE == 0.8
    assert (of(5, 0), of(9, 1), of(8, 2), of(5, 5), of(0, 0)) == (True, True, False, False, False)
    assert not of(4, 0), "so few are fitted to nothing"


_LABELS = st.lists(
    st.builds(label, st.sampled_from("1234"), st.sampled_from(["a", "b", "c"]), st.booleans(), at_ms=st.integers(0, 9)),
    max_size=30,
)


@given(_LABELS)
def test_combined_labels_agree_with_counting_votes(labels: list[PersonLabel]) -> None:
    last: dict[tuple[str, str], PersonLabel] = {}
    for one in labels:
        if (one.subject, one.actor) not in last or one.at_ms >= last[one.subject, one.actor].at_ms:
            last[one.subject, one.actor] = one
    votes: dict[str, list[bool]] = {}
    for one in last.values():
        votes.setdefault(one.subject, []).append(one.harmful)
    expected = {text: sum(one) * 2 > len(one) for text, one in votes.items() if sum(one) * 2 != len(one)}
    found = combine(labels)
    assert {one.subject: one.harmful for one in found.texts} == expected
    assert found.disputed == len(votes) - len(expected)
    assert found.shared == sum(len(one) > 1 for one in votes.values())
    assert sum(found.people.values()) == len(last)
