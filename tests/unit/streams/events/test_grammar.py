"""Hashtag grammar: twitter-text's conformance cases, and the extractor against a naive one."""

from __future__ import annotations

import doctest
import time
import unicodedata
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.events import fields, grammar
from streams.events.grammar import MAX_HASHTAG, canonical, extract_hashtags, url_spans
from tests.support.paths import SHARED

CASES = SHARED / "data" / "twitter-text" / "extract.yml"
COUNTS = {"hashtags": 65, "hashtags_from_astral": 3, "hashtags_with_indices": 8}


def displays(text: str) -> list[str]:
    return [use.display for use in extract_hashtags(text)]


def test_doctests() -> None:
    for module in (grammar, fields):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


@pytest.mark.parametrize("group", COUNTS)
def test_twitter_text_conformance_cases(group: str) -> None:
    if not CASES.is_file():
        pytest.skip(f"twitter-text's cases are not at {CASES.name} beside the repository")
    cases: list[dict[str, Any]] = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"][group]
    assert len(cases) == COUNTS[group]
    for case in cases:
        uses = extract_hashtags(case["text"])
        if group == "hashtags_with_indices":
            found: list[Any] = [{"hashtag": use.display, "indices": [use.start, use.end]} for use in uses]
        else:
            found = [use.display for use in uses]
        assert found == case["expected"], case["description"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#किसान_आंदोलन और #शाहीन‌बाग", ["किसान_आंदोलन", "शाहीन‌बाग"]),
        ("##double ###triple", ["double", "triple"]),
        ("a#no &#no _#no 1#no ा#no", []),
        ("#yes#no #yes2", ["yes2"]),
        ("＃wide #mixed＃no ＃later", ["wide", "later"]),
        ("#️⃣ #⃣ #️tag", []),
        ("(#a)[#b]{#c}\"#d\"'#e'$#f/#g-#h", ["a", "b", "c", "d", "e", "f", "g", "h"]),
        ("#a.b #c-d #e'f #g’h", ["a", "c", "e", "g"]),
        ("#1st #1_ #_ #१२ #१२वीं", ["1st", "१२वीं"]),
        ("# a #\u3164 #", []),  # a letter that is invisible normalises to nothing
        ("#²x #Ⅷ #x²", ["x"]),  # numbers that are no decimal digits
        ("#" + "x" * MAX_HASHTAG + " #" + "y" * (MAX_HASHTAG + 1), ["x" * MAX_HASHTAG]),
    ],
)
def test_additional_grammar_cases(text: str, expected: list[str]) -> None:
    assert displays(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com/a,#no", []),
        ("HTTPS://EXAMPLE.COM/#no and #yes", ["yes"]),
        ("example.com/#no example.photos/a?b=#no", []),
        ("example.com:8080/#no http://user.example.co.in?#no", []),
        ("https://t.co/AbC1#no https://t.co/AbC1,#yes t.co/AbC1,#no", ["yes"]),
        ("and/or/#yes 24/7/#yes2 v1.0/#yes3 i.e./#yes4", ["yes", "yes2", "yes3", "yes4"]),
        ("http://localhost/#yes ftp://x/#yes2", ["yes", "yes2"]),
        ("(example.com/a)#yes example.com/(b)/#no", ["yes"]),
        ("me@example.com/#yes", ["yes"]),
        ("日本語example.com/#no。#yes", ["yes"]),
        ("first example.com/#no then #yes then example.org/#no2 #yes2", ["yes", "yes2"]),
    ],
)
def test_hashtags_in_urls_do_not_count(text: str, expected: list[str]) -> None:
    assert displays(text) == expected


JOINING = set("_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7")


def is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or 0x20000 <= ord(character) < 0x40000  # ideographs yet to come


def is_part(character: str) -> bool:
    return is_letter(character) or unicodedata.category(character) == "Nd" or character in JOINING


def obvious(text: str) -> list[tuple[str, int, int]]:
    """Extract hashtags naively, character by character, from a text without URLs."""
    found: list[tuple[str, int, int]] = []
    for start, sign in enumerate(text):
        before = text[start - 1] if start else " "
        if sign not in "#\uff03" or ((is_part(before) or before == "&") and before not in "\ufe0e\ufe0f"):
            continue
        end = start + 1
        while end < len(text) and is_part(text[end]):
            end += 1
        display, rest = text[start + 1 : end], text[end:]
        if display[:1] in ("", "\ufe0f", "\u20e3") or not any(map(is_letter, display)):
            continue
        if not rest.startswith(("#", "\uff03", "://")):
            found.append((display, start, end))
    return found


alphabet = st.sampled_from(
    "##＃##aZé1१२ क\u093e\u094d\u200c\u200d_&.,:/'’€😀👍🏿\ufe0f\ufe0e\u20e3漢ー〜・𐒠𝟎𑀓𑁦\u064e²Ⅷ\n\ud800·״"
)


@given(st.text(alphabet | st.characters(), max_size=30))
@example("#a://#b")
@settings(deadline=None)
def test_extraction_equals_naive_reference(text: str) -> None:
    if not url_spans(text):
        expected = [one for one in obvious(text) if one[0].strip("\u200c\u200d\ufe0f\ufe0e")]
        found = [(use.display, use.start, use.end) for use in extract_hashtags(text)]
        assert [one for one in expected if one not in found] == [one for one in expected if not canonical(one[0])]
        assert all(one in expected for one in found)


def test_every_character_follows_its_unicode_category() -> None:
    """Test every code point as the only letter of a hashtag, and as the character before its #."""
    wrong = []
    for code in [
        *range(0x3400),
        *range(0xA000, 0xAC00),
        *range(0xF900, 0x12000),
        *range(0x1D000, 0x20001),
        0x2A6DF,
        0xE0100,
    ]:
        character = chr(code)
        assigned = unicodedata.category(character) != "Cn"
        text = f"x {character}#a#"[:-1]
        boundary = character in "\ufe0e\ufe0f" or not (is_part(character) or character == "&")
        if assigned and (displays(text) == ["a"]) != boundary:
            wrong.append((hex(code), "before"))
        inside = grammar._tag().match(f"#a{character}b")  # what normalisation makes of it is not the question here
        if (
            assigned
            and character not in "#\uff03"
            and (inside is not None and inside[1] == f"a{character}b") != is_part(character)
        ):
            wrong.append((hex(code), "inside"))
    assert wrong == []


def test_extraction_cost_is_linear() -> None:
    """Each text takes minutes if any part of the extractor is quadratic."""
    started = time.process_time()
    for unit in ("#", "#a ", "a.", "a.b/#c ", "http://", "x.co/#", "@#a/", "x.co/(#a", "a:1", "\uff03\u093e"):
        extract_hashtags((unit * 100_000)[:100_000])
    assert time.process_time() - started < 20
