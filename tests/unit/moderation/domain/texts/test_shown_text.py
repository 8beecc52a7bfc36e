"""A source record against the tweet that a decision names, and what the sample is called."""

from __future__ import annotations

from moderation.domain.texts.case_texts import text_view
from moderation.domain.texts.shown_text import ShownText, match_record, sample_words, tag_address
from streams.log.decisions import Evidence
from tests.support.in_memory_texts import native_tweet


def test_record_of_same_tweet_shows_its_text():
    assert match_record("17", "en", native_tweet(17, "hello")) == ShownText("17", "shown", "en", "hello")


def test_record_of_another_tweet_shows_nothing():
    other = match_record("17", "en", native_tweet(18, "not yours"))
    assert (other.state, other.text) == ("other", "")
    assert "another tweet" in text_view(other).note


def test_record_that_is_no_tweet_shows_nothing():
    assert match_record("17", "en", b'{"delete": {"status": {"id_str": "17", "user_id_str": "1"}}}').state == "other"
    assert match_record("17", "en", b"{").state == "unreadable"
    assert match_record("17", "en", None).state == "unreadable"


def test_masked_text_has_no_handles_and_addresses():
    one = ShownText("1", "shown", "en", "@ann see https://example.org/1")
    assert (one.masked, text_view(one).text) == ("[REDACTED] see [REDACTED]", one.text)


def test_address_is_left_out_for_deleted_tweet():
    template = "https://example.org/{id}"
    assert text_view(ShownText("5", "gone", "en"), template).url == "https://example.org/5"
    assert text_view(ShownText("5", "deleted", "en"), template).url is None
    assert text_view(ShownText("5", "shown", "en"), "").url is None


def test_tag_address_escapes_the_hashtag():
    assert tag_address("https://example.org/tags/{hashtag}", "a/b é") == "https://example.org/tags/a%2Fb%20%C3%A9"
    assert tag_address("", "a") is None


def test_sample_says_that_all_authors_are_shown():
    evidence = Evidence(
        window_ms=1, tweets=3, authors=1, scored=1, share=1.0, lower=0.1, upper=1.0, sampled=("1",), sampled_from=1
    )
    assert sample_words(evidence) == "the one sampled author, one tweet"
