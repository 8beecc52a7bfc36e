"""Statements of reasons for affected users, in their language."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

from babel.messages.extract import extract
from msgspec.structs import replace

from moderation.domain.restrictions.collection import decision_restrictions
from moderation.outward.statements.text import LANGUAGES, catalogue, user_text
from streams.actions import FORMS
from streams.signals import registry
from tests.support.statement_builders import (
    EVIDENCE,
    decision,
    ruling,
)


def test_every_message_is_translated_with_same_placeholders() -> None:
    source = Path("moderation/outward/statements/text.py").read_bytes()
    messages = {text for _, text, _, _ in extract("python", io.BytesIO(source), keywords={"text": None})}
    messages |= {one.statement for one in registry.SIGNALS}
    messages |= {
        text
        for form in FORMS.values()
        for text in (form.everywhere, form.in_country, form.reason, form.closing)
        if text
    }
    assert len(messages) > 20
    for language in set(LANGUAGES) - {"en"}:
        known = catalogue(language)
        assert {str(message.id) for message in known if message.id} == messages
        for message in messages:
            translation = known.get(message)
            assert translation is not None and translation.string and not translation.fuzzy
            assert sorted(re.findall(r"{\w+}", str(translation.string))) == sorted(re.findall(r"{\w+}", message))


def test_user_text_of_suppression_in_english_and_hindi() -> None:
    [one] = decision_restrictions(decision(ruling(), ruling("search"), country="IN"))
    assert user_text(one, "en").splitlines() == [
        "#Rumour is not shown in search suggestions and the list of trends to viewers in India.",
        "This began on 24 November 2025, 15:59 UTC and ends on 24 November 2025, 17:00 UTC, unless it is renewed.",
        "An automated system decided this under our rules on attacks on people for who they are.",
        "It looked at tweets by 60 people who used the hashtag, and estimates that 50% to 70% of them break these "
        "rules.",
        "Besides the texts, these signals supported it: a sudden rise in its use.",
        "Tweets with it are not deleted, and people who type it still find them.",
        f"If you think this is wrong, you can appeal. Give the reference {one.reference}.",
    ]
    hindi = user_text(one, "hi")
    assert "भारत" in hindi and "24 नवंबर 2025" in hindi
    assert not re.search(r"[A-Za-z]", re.sub(r"#Rumour|UTC|" + one.reference, "", hindi))


def test_user_text_names_people_whose_tweets_were_not_assessed() -> None:
    read = replace(EVIDENCE, unread={"bn": 3, "ta": 20, "other": 1})
    [one] = decision_restrictions(decision(ruling(evidence=read)))
    assert (
        "It does not read the languages of 24 more people, such as Tamil and Bengali; it did not assess their tweets."
        in user_text(one, "en").splitlines()
    )
    hindi = user_text(one, "hi")
    assert "24 लोगों की भाषाएँ, जैसे तमिल और बंगाली" in hindi and not re.search(
        r"[A-Za-z]{4}", hindi.partition("\n")[2][:-60]
    )
    [other] = decision_restrictions(decision(ruling(evidence=replace(EVIDENCE, unread={"other": 2}))))
    assert "It does not read the languages of 2 more people; it did not assess" in user_text(other, "en")


def test_user_text_of_discount_in_english_and_hindi() -> None:
    [one] = decision_restrictions(decision(ruling(action="discount", weight=0.34)))
    lines = user_text(one, "en").splitlines()
    assert lines[0] == (
        "#Rumour is shown in the list of trends, but only tweets of established accounts count for its rank there."
    )
    assert lines[4] == (
        "Of the people who used it, 34% have established accounts. It found that the others break these rules; it did "
        "not find that of the established accounts."
    )
    assert "to viewers in India, but only" in user_text(dataclasses.replace(one, country="IN"), "en")
    hindi = user_text(one, "hi")
    assert "34%" in hindi and not re.search(r"[A-Za-z]", re.sub(r"#Rumour|UTC|" + one.reference, "", hindi))
