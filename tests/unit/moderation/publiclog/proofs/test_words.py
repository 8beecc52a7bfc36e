"""Words of a statement: the verifier derives them from the statement's details, as hushtag writes them with Babel."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.languages import GROUPS
from moderation.domain.restrictions.answers import restriction_answer
from moderation.domain.restrictions.restriction import MEASURES, LegalOrder, Restriction, Source
from moderation.outward.statements import text
from moderation.outward.statements.text import user_text
from moderation.publiclog.proofs.verify_proof import LANGUAGES, Refused, read_json, words
from streams.log.decisions import DecisionReason, Evidence
from streams.signals.registry import BY_NAME

countries = st.sampled_from(["*", "IN", "DE", "EU", "ZZ", "QQ"])
shares = st.floats(0, 1) | st.sampled_from([0.005, 0.015, 0.125, 0.285, 0.995, 1e-7, 1.0])
texts = st.text(st.characters(codec="utf-8"), max_size=9) | st.sampled_from(["{tag}", "\\1", "{0}"])
moments = st.integers(0, 253_402_300_799_999)
places = st.lists(st.sampled_from(["IN", "DE", "*", "FR"]), unique=True, max_size=4).map(tuple)
evidence = st.builds(
    Evidence, window_ms=st.just(1), tweets=st.just(1), authors=st.integers(0, 9_999_999), share=shares, lower=shares,
    upper=shares, scored=st.integers(0, 99_999_999), established=st.just(0),
    unread=st.dictionaries(st.sampled_from([*GROUPS, "und", "xx"]), st.integers(0, 5), max_size=5),
)  # fmt: skip
restrictions = st.builds(
    Restriction, kind=st.sampled_from(["hashtag", "account", "tweet"]), target=texts, display=texts,
    measure=st.sampled_from(MEASURES), country=countries, source=st.sampled_from(get_args(Source)),
    surfaces=st.lists(st.sampled_from(["trends", "search", "ads"]), min_size=1, unique=True).map(tuple),
    actor=texts, began_ms=moments, ends_ms=st.just(0) | moments, decision=texts, identity=texts, weight=shares,
    category=st.sampled_from(["hateful_conduct", "abuse", "gendered_abuse", "own_kind", ""]), reason=texts,
    signals=st.lists(st.builds(DecisionReason, st.sampled_from([*BY_NAME, "x"]), shares, shares)).map(tuple),
    evidence=st.none() | evidence, order=st.none() | st.builds(LegalOrder, texts, texts, texts, st.booleans()),
    in_force=st.booleans(), also_hidden_in=st.none() | places, shown_in=places,
)  # fmt: skip


def details_of(restriction: Restriction) -> dict[str, Any]:
    """Return the details as a verifier reads them from a file."""
    return read_json(json.dumps(restriction_answer(restriction).members()))


@given(restrictions, st.sampled_from(LANGUAGES))
@settings(max_examples=500, deadline=None)
def test_words_follow_from_the_details_alone(restriction: Restriction, language: str) -> None:
    if restriction.secret:
        restriction = Restriction(**{**{n: getattr(restriction, n) for n in restriction.__slots__}, "reason": ""})
    assert words(details_of(restriction), language) == user_text(restriction, language)


def test_verifier_knows_all_languages_of_statements() -> None:
    assert LANGUAGES == text.LANGUAGES


@pytest.mark.parametrize(
    "name", ["began_ms", "ends_ms", "measure", "surfaces", "source", "reference", "kind", "reason"]
)
@pytest.mark.parametrize("value", [None, True, 1.5, [1], {"a": 1}, "\ud800"])
def test_details_without_words_are_malformed(name: str, value: Any) -> None:
    details = details_of(restrictions_example()) | {name: value}
    with pytest.raises(Refused) as refused:
        words(details, "en")
    assert refused.value.code == "malformed"


def restrictions_example() -> Restriction:
    return Restriction(
        target="rumour", display="Rumour", measure="reduced", surfaces=("trends",), country="*", source="human",
        actor="ann", began_ms=1, ends_ms=2, decision="d", identity="i", reason="r",
    )  # fmt: skip
