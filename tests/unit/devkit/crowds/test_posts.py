"""Tweets and truth of the crowds: the log hides the roles, and deletions follow their tweets."""

from __future__ import annotations

import json
from collections import Counter

from devkit.crowds.accounts import Account
from devkit.crowds.data import crowd_texts
from devkit.crowds.families import LENGTH_MS, SIGNS, InnocentTag, posts_of
from devkit.crowds.posts import AuthorRole, CrowdPost, log_of, tenth_ms
from devkit.crowds.texts import FAMILIES
from streams.constants import DAY_MS, MINUTE_MS

START_MS = 1_768_200_000_000
ACCOUNT = Account(7, 12.5, 40, 9)


def post(second: int, author: int, role: AuthorRole = AuthorRole.GENUINE, deleted: int = 0) -> CrowdPost:
    at_ms = START_MS + second * 1000
    account = Account(author, 900.0, 10, 3)
    return CrowdPost(at_ms, account, "Hello", "Tag", role, deleted and START_MS + deleted * 1000)


def test_tenth_author_counts_each_once_and_only_its_roles() -> None:
    posts = [post(100 - author, author) for author in range(10)] + [post(1, 9), post(2, 99, AuthorRole.ATTACKER)]
    assert tenth_ms(posts, [AuthorRole.GENUINE]) == START_MS + 100_000
    assert tenth_ms(posts, [AuthorRole.GENUINE, AuthorRole.ATTACKER]) == START_MS + 99_000
    assert tenth_ms(posts, [AuthorRole.ATTACKER]) is None


def test_log_has_tweets_and_deletions_in_order_without_roles() -> None:
    records = log_of([post(5, 1, AuthorRole.LIFTER, deleted=9), post(3, 2, deleted=99)], START_MS, MINUTE_MS, "IN")
    payloads = [json.loads(record.value or b"") for record in records]
    assert [record.offset for record in records] == list(range(len(records)))
    assert [record.timestamp for record in records] == sorted(record.timestamp for record in records)
    assert not any("role" in payload or "lifter" in json.dumps(payload) for payload in payloads)
    (deletion,) = [payload for payload in payloads if payload.get("kind") == "delete"]
    (tweet,) = [payload for payload in payloads if payload.get("author_id") == "1" and "text" in payload]
    assert deletion["id"] == tweet["id"] and deletion["created_at_ms"] == START_MS + 5_000
    assert tweet["author_created_at_ms"] == START_MS - 900 * DAY_MS and tweet["text"] == "Hello #Tag"


def test_hashtag_depends_on_its_values_alone() -> None:
    tag = InnocentTag("protest", 3)
    posts = posts_of(tag, crowd_texts(), START_MS, 10)
    assert posts == posts_of(tag, crowd_texts(), START_MS, 10)
    assert all(START_MS <= post.at_ms < START_MS + LENGTH_MS for post in posts)
    assert len({post.account.id for post in posts}) == len(posts) >= 310


def test_signs_take_turns_and_a_third_is_heckled() -> None:
    tags = [InnocentTag(family, number) for family in FAMILIES for number in range(300)]
    assert Counter(tag.sign for tag in tags) == dict.fromkeys(SIGNS, 900)
    heckled = [tag for tag in tags if tag.heckled]
    assert len(heckled) == 1_200 and Counter(tag.sign for tag in heckled) == dict.fromkeys(SIGNS, 300)
    assert all(0.05 <= tag.heckled <= 0.2 for tag in heckled)


def test_truth_names_hecklers_and_young_crowd() -> None:
    posts = posts_of(InnocentTag("sport", 2), crowd_texts(), START_MS, 10)
    hecklers = [post for post in posts if post.role == AuthorRole.HECKLER]
    assert 0.04 < len(hecklers) / len(posts) <= 0.21
    assert sum(post.account.age_days < 30 for post in posts) > 0.4 * len(posts)


def test_silent_hashtag_has_mostly_wordless_authors() -> None:
    posts = posts_of(InnocentTag("mourning", 5, silent=True), crowd_texts(), START_MS, 10)
    silent = [post for post in posts if not any(letter.isalpha() for letter in post.text.split("https://")[0])]
    assert 0.4 < len(silent) / len(posts) < 0.97
