"""Words of a hashtag's tweets: which tweets are read, and which model is asked."""

from __future__ import annotations

import dataclasses
import json

import pytest

from models import artefact
from streams.explain.word_report import WordReport, gather_words, read_texts
from streams.log.models import revision_of
from streams.settings import Settings
from tests.support.explanations import NOW_MS, EvidenceTopics

GOOD = artefact.ARTEFACT_PATH.read_bytes()
OWN = artefact.loads(GOOD)
REVERSED = artefact.dump(dataclasses.replace(OWN.numbers, slopes=-OWN.numbers.slopes), OWN.categories, {})
"""A model for which every word has the opposite effect."""


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> EvidenceTopics:
    return EvidenceTopics(monkeypatch)


def write_tweets(topics: EvidenceTopics, *values: dict[str, object], escaped: bool = False) -> None:
    for number, value in enumerate(values):
        whole = {"id": str(number + 1), "author_id": str(number + 1), "created_at_ms": NOW_MS} | value
        topics.topics.now_ms = 5_000
        topics.topics.append("tweets", 0, json.dumps(whole, ensure_ascii=escaped).encode())


@pytest.mark.parametrize("escaped", [True, False])
async def test_texts_are_read_in_every_spelling(topics, escaped):
    spellings = [
        "#tag",
        "#TAG",
        "#\uff34\uff21\uff27",
        "#t\uff41g",
        "#tagger",
        "#\u0442ag",
        "#\U0001d413\U0001d400\U0001d406",
    ]
    write_tweets(topics, *({"text": f"vermin {one}"} for one in spellings), escaped=escaped)
    found = await read_texts(Settings(), "tag", 0, 10_000)
    assert {text.split("#")[1] for text in found} == {spellings[at][1:] for at in (0, 1, 2, 3, 6)}
    write_tweets(topics, {"text": "#Stra\xdfe"}, escaped=escaped)
    assert await read_texts(Settings(), "strasse", 0, 10_000) == ["#Stra\xdfe"]


async def test_words_come_from_model_that_scored_hashtag(topics):
    topics.topics.append("models", 0, REVERSED, key=revision_of(REVERSED).encode())
    write_tweets(topics, {"text": "you are filthy vermin #tag"})

    async def ask(model: str) -> WordReport:
        found = await gather_words(Settings(), "tag", 0, 10_000, model=model)
        assert found is not None
        return found

    own = await ask(OWN.revision)
    assert (own.model, own.unlike) == (OWN.revision, "") and 0 < own.mean < 1
    assert "vermin" in [word for word, _ in own.terms]
    assert [abs(added) for _, added in own.terms] == sorted([abs(added) for _, added in own.terms], reverse=True)
    other = await ask(revision_of(REVERSED))
    assert (other.model, other.unlike) == (revision_of(REVERSED), "")
    assert {word: -added for word, added in other.terms} == pytest.approx(dict(own.terms))
    missing = await ask("0" * 12)
    assert missing.model == OWN.revision and missing.terms == own.terms
    assert missing.unlike == "model 000000000000, which scored it, is not in models"
    topics.topics.append("models", 0, REVERSED[:-9], key=b"1" * 12)
    damaged = await ask("1" * 12)
    assert damaged.model == OWN.revision and damaged.unlike.startswith("model 111111111111, which scored it, cannot be")
    assert await gather_words(Settings(), "other", 0, 10_000) is None
