"""Texts that a scorer must survive: empty, huge, malformed, disguised."""

from __future__ import annotations

HOSTILE = {
    "empty": "",
    "blank": " \n\t ",
    "100 KB of a word": "kill " * 20_000,
    "100 KB without a space": "क" * 100_000,
    "emoji": "😀" * 300 + "👩🏽‍🚒🇮🇳",
    "marks": "\u0301\u093f\u0489" * 100,
    "zalgo": "h" + "\u0334\u0351\u0360" * 60 + "i",
    "lone surrogates": "\ud800 hate \udfff\udbff",
    "right to left": "\u202eمرحبا\u202c שלום",
    "nul": "\x00\x01\x7f\x85\u2028\u2029",
    "expands under NFKC": "\ufdfa" * 3_000,
    "entities": "&amp;" * 500 + "&#xD800;&#10;&#0;&bogus;",
    "newlines": "a\nb\r\nc\n\n",
    "unassigned": "\U000e0fff\U000f0000\U0010ffff\u0378",
    "one letter": "a",
    "letters apart": "a b c d e f g " * 400,
    "marks apart": "क \u093e " * 500 + "\u093e \u093e",
    "letters and stars": "*".join("abcdefg" * 300),
    "letters between full stops": ".".join("क" * 3_000),
    "mixed scripts": "kя字ა한ไ᚛𐍈" * 200,
    "leetspeak": "y0u 4r3 $7up1d 1337 |||| ©®¥ " * 50,
    "joiners inside": "ki\u200dll\u200c th\u2060em" * 100,
    "homoglyphs": "уоu аrе vеrmіn " * 100,
    "two thousand and forty-eight letters apart": " ".join("x" * 2_100),
    "stars": "***",
    "openers": "@ # @# $ ! http:// https:// www. t.co/ h ht htt",
    "masked": "#only @tags https://and.urls 123",
}
