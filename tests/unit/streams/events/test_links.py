"""Hosts of links in payloads and texts, parsed as a browser does."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events.links import APART, HOSTS_MAX, host_of, hosts_in, with_hosts
from streams.events.parse import parse
from streams.events.tweet import Tweet


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://evil.example/path?q#f", "evil.example"),
        ("HTTP://EVIL.EXAMPLE.", "evil.example"),
        ("http://good.example@evil.example", "evil.example"),
        ("http://good.example:pw@evil.example:8080/x@y", "evil.example"),
        ("http:\\\\evil.example\\@good.example", "evil.example"),
        ("https:/evil.example", "evil.example"),
        ("//evil.example/x", "evil.example"),
        ("http://evil.example#@good.example", "evil.example"),
        ("http://evil。example", "evil.example"),
        ("http://ev\til.exam\nple", "evil.example"),
        ("http://%65vil.example", "evil.example"),
        ("http://192.0.2.7/", "192.0.2.7"),
        ("http://[2001:db8::1]/", ""),
        ("http://" + "a" * 300 + ".example", ""),
        ("", ""),
    ],
)
def test_host_of_matches_browser_parsing(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("see https://evil.example/x, now", ["evil.example"]),
        ("(evil.example/a.b) and www.other.example.", ["evil.example", "www.other.example"]),
        ("https://good.example@evil.example", ["evil.example"]),
        ("देखो https://evil.example/। और", ["evil.example"]),
        ("看https://evil.example/x 看evil.example", ["evil.example", "看evil.example", "evil.example"]),
        ("http://evil.example、次", ["evil.example"]),
        ("https://t.co/evil.example", ["t.co"]),
        ("no link here", []),
        ("बिना लिंक", []),
    ],
)
def test_hosts_in_finds_links_of_text(text, hosts):
    assert list(hosts_in(text)) == hosts


def test_hosts_round_trip_through_text():
    line = with_hosts("words", ["https://t.co/1", "https://Evil.example/x", "https://evil.example", "not a host"])
    assert line == f"words{APART}t.co{APART}evil.example{APART}notahost"
    assert list(hosts_in(line)) == ["t.co", "evil.example", "notahost"]
    assert with_hosts("words", ["http://[::1]"]) == "words"
    many = with_hosts("", [f"https://{number}.example" for number in range(9)])
    assert len(list(hosts_in(many))) == HOSTS_MAX


@given(st.text())
def test_hosts_in_accepts_any_text(text):
    for host in (host_of(text), *hosts_in(text.replace(APART, ""))):
        assert not set(host) & set("/\\?#@: \t\n") and host == host.lower()


V1 = {
    "created_at": "Thu Mar 10 23:12:12 +0000 2016",
    "id_str": "1",
    "user": {"id_str": "2"},
    "text": "see https://t.co/abc #tag",
    "entities": {
        "hashtags": [{"text": "tag", "indices": [21, 25]}],
        "urls": [
            {"url": "https://t.co/abc", "expanded_url": "https://evil.example/x", "display_url": "evil.example/x"}
        ],
    },
}
V2_WORDS = {
    "text": "see https://t.co/abc #tag",
    "entities": {
        "urls": [
            {"url": "https://t.co/abc", "expanded_url": "https://sho.rt/x", "unwound_url": "https://evil.example/x"},
            {"url": "https://t.co/def"},
        ]
    },
}


def links(payload: object) -> tuple[str, ...]:
    tweet = parse(json.dumps(payload).encode())
    assert isinstance(tweet, Tweet) and "evil" not in tweet.text
    return tweet.links


def test_every_shape_yields_link_targets():
    assert links(V1) == ("https://evil.example/x",)
    assert links({**V1, "entities": {"urls": []}}) == ()
    retweet = {**V1, "text": "RT ...", "entities": {}, "retweeted_status": V1}
    assert links(retweet) == ("https://evil.example/x",), "those of the original"
    long = {**V1, "extended_tweet": {"full_text": "long https://t.co/abc", "entities": V1["entities"]}, "entities": {}}
    assert links(long) == ("https://evil.example/x",)
    v2 = {"data": {"id": "1", "author_id": "2", "created_at": "2021-03-01T12:34:56.000Z", **V2_WORDS}}
    assert links(v2) == ("https://evil.example/x", "https://sho.rt/x")
    note = {"data": {**v2["data"], "entities": {}, "note_tweet": V2_WORDS}}
    assert links(note) == ("https://evil.example/x", "https://sho.rt/x")
    native = {"id": "1", "author_id": "2", "created_at_ms": 1, "text": "x", "urls": ["https://evil.example/x"]}
    assert links(native) == ("https://evil.example/x",)
    assert links({**native, "retweet_of": {"text": "y", "urls": ["https://evil.example/y"]}}) == (
        "https://evil.example/y",
    )
    assert links({**native, "urls": None}) == ()
