"""Compiled features against naive ones, and the words read from texts."""

from __future__ import annotations

import html
import re
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import features
from models.kernels.ngrams import FEATURES_PER_POINT, N_BLOCKS, find_batch
from models.kernels.scoring import BLOCK_SCALES

N_BUCKETS = 1 << 18
_MASK = (1 << 64) - 1


def blocks_of(text: str) -> list[list[int]]:
    points, offsets = features.encode([text])
    out, ends = (
        np.empty(FEATURES_PER_POINT * len(points) + 64, np.int32),
        np.zeros((1, N_BLOCKS), np.int64),
    )
    find_batch(points, offsets, *features.lookups(), N_BUCKETS, out, ends)
    return [sorted(out[a:b].tolist()) for a, b in pairwise([0, *ends[0].tolist()])]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("Good  MORNING, all!", ["good", "morning", "all"]),
        ("see https://t.co/a1?x=y#z now", ["see", "now"]),
        ("www.example.org HTTP://A.B t.co/xyz tco", ["tco"]),
        ("@some_one hi @другой #OneTag#Two ＃wide # @", ["hi"]),
        ("#किसान_आंदोलन किसान", ["किसान"]),
        ("in 2026, 1,234 १२३ of covid19", ["in", "of", "covid19"]),
        ("किताबें पढ़ना ज़रूरी हाँ", ["किताबें", "पढना", "जरूरी", "हां"]),
        ("don't don’t", ["dont", "dont"]),
        ("sooooo goooood", ["soo", "good"]),
        ("f**k *** sh*t", ["f**k", "sh*t"]),
        ("you c h u t i y a ok", ["you", "chutiya", "ok"]),
        ("f.u.c.k f-a-g f a g", ["fuck", "fag", "fag"]),
        ("u r a fool, I c u", ["u", "r", "a", "fool", "i", "c", "u"]),
        ("c \u200bh \u200bu t", ["chut"]),
        ("र ं ड ी मा द र चो द", ["रंडीमादरचोद"]),
        ("ये तो है ही, की तो ये भी", ["ये", "तो", "है", "ही", "की", "तो", "ये", "भी"]),
        ("वह रं डी है", ["वह", "रंडी", "है"]),
        ("you ni gger; hin dus, mus-lims", ["you", "nigger", "hindus", "muslims"]),
        ("मुस लमान क िसान", ["मुसलमान", "किसान"]),
        ("is she a wo man", ["is", "she", "a", "wo", "man", "woman"]),
        ("in to the sun, can not", ["in", "to", "the", "sun", "can", "not"]),
        ("ni, gger  ni  gger", ["ni", "gger", "ni", "gger"]),
        ("sh17 h473 b17ch3$ ki11 k1ll 7r4$h", ["shit", "hate", "bitches", "kill", "kill", "trash"]),
        ("1st 2nd 4k mp3 g20 top10 b2b 90s 1984", ["1st", "2nd", "4k", "mp3", "g20", "top10", "b2b", "90s"]),
        ("रं*डी चू.ति.या", ["रंडी", "चूतिया"]),
        ("f*u*c*k s*h*t b*tch", ["fuck", "sht", "b*tch"]),
        ("t h e  v e r m i n😡o k a y", ["the", "vermin", "😡", "okay"]),
        ("x2 y3 z4 a 1 b", ["x2", "y3", "z4", "a", "b"]),
        ("🅱🅸tch ni66er fu©k b|tch ᏟᎻut łøve", ["bitch", "nigger", "fuck", "bitch", "chut", "love"]),
        ("covid19 b4 kutiy4 gr8", ["covid19", "b4", "kutiya", "gr8"]),
        ("b1tch a$$ $hit n0 2nd 3 wow! a@b", ["bitch", "ass", "shit", "n0", "2nd", "wow", "aab"]),
        ("caf\u0065\u0301 CAFÉ cafe", ["cafe", "cafe", "cafe"]),
        ("ⅿιхеd Ｗｉｄｅ 𝕓𝕠𝕝𝕕 ᴄᴀᴘ", ["mixed", "wide", "bold", "cap"]),
        ("z\u0334\u0351a\u0489lgo ha\u200bt\u200de so\u00adft", ["zalgo", "hate", "soft"]),
        ("ok👍🏽fine ❤️", ["ok", "👍", "🏽", "fine", "❤"]),
        ("a &amp; b &lt;i&gt; &#128512;", ["a", "b", "i", "😀"]),
        ("\ud800 one\udfff \x00two", ["one", "two"]),
        ("\u0301\u093f ़", []),
        ("مرحبا שלום 中文", ["مرحبا", "שלום", "中文"]),
    ],
)
def test_words_of_folds_and_filters_text(text: str, words: list[str]) -> None:
    assert features.words_of(text) == words


def _fnv(values: list[int]) -> int:
    hashed = 0xCBF29CE484222325
    for value in values:
        hashed = ((hashed ^ value) * 0x100000001B3) & _MASK
    return hashed


def _bucket(hashed: int) -> int:
    hashed = ((hashed ^ (hashed >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    return (hashed ^ (hashed >> 29)) & (N_BUCKETS - 1)


def naive_blocks(words: list[str]) -> list[list[int]]:
    """Compute word and character features by slicing and sets, for words that folding does not change."""
    hashes = [_fnv([ord(c) for c in word]) for word in words]
    pairs = [(a * 0x9E3779B97F4A7C15 + b) & _MASK for a, b in pairwise([_fnv([]), *hashes])]
    padded = [f" {word} " for word in words]
    grams = [p[i : i + n] for p in padded for n in (3, 4, 5) for i in range(len(p) - n + 1)]
    return [
        sorted({_bucket(h ^ 0x57) for h in (*hashes, *pairs)}),
        sorted({_bucket(_fnv([ord(c) for c in gram]) ^ 0x43) for gram in grams}),
    ]


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.from_regex(re.compile(r"\A[acegikmoq]{2,9}\Z"))))
def test_hashing_equals_naive_hashing(words: list[str]) -> None:
    words = [word for word in (re.sub(r"(.)\1+", r"\1", word) for word in words) if len(word) > 1]
    assert blocks_of("  ".join(words))[:2] == naive_blocks(words), "two blanks, so that no words are joined"


@pytest.mark.parametrize(
    ("devanagari", "roman"),
    [
        ("भाई", "bhai"),
        ("नहीं", "nahin"),
        ("कुत्ता", "kutta"),
        ("गद्दार", "gaddar"),
        ("आज़ादी", "aazadi"),
        ("छोड़ो", "chhodo"),
    ],
)
def test_skeletons_agree_for_both_scripts(devanagari: str, roman: str) -> None:
    assert blocks_of(devanagari)[2] == blocks_of(roman)[2] != []
    assert blocks_of(devanagari)[0] != blocks_of(roman)[0]


def test_features_ignore_hashtags_handles_and_urls() -> None:
    plain = blocks_of("they came to the match")
    for tag in ("#HateThemAll", "#किसान_2024", "＃wide", "#a#b"):
        assert blocks_of(f"they came {tag} to the match {tag} @someone https://x.org/{tag}") == plain


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(max_size=40), max_size=8))
def test_matrix_normalises_each_block(texts: list[str]) -> None:
    matrix = features.matrix(texts, N_BUCKETS)
    assert matrix.shape == (len(texts), N_BUCKETS)
    for row, text in zip(matrix, texts, strict=True):
        found = blocks_of(text)
        expected = sum(scale * len(block) ** 0.5 for block, scale in zip(found, BLOCK_SCALES, strict=True) if block)
        assert row.sum() == pytest.approx(expected)
        assert set(row.indices.tolist()) == {bucket for block in found for bucket in block}


def test_fingerprint_is_stable() -> None:
    """A changed fingerprint requires a new training of all artefacts."""
    assert features.fingerprint() == features.fingerprint()
    assert re.fullmatch("[0-9a-f]{16}", features.fingerprint())


def test_features_ignore_text_beyond_the_limit() -> None:
    long = "word " * 50_000
    assert blocks_of(long + "other") == blocks_of(long)


@settings(deadline=None)
@given(st.lists(st.text(st.characters() | st.sampled_from("\n&;#10ﷺé\u0301\ud800"), max_size=40), max_size=8))
def test_encode_equals_encoding_alone_and_as_lines(texts: list[str]) -> None:
    """Text never composes with the next text, and a line break within a text becomes a blank."""
    points, offsets = features.encode(texts)
    alone = [features.encode([text])[0].tolist() for text in texts]
    assert [points[a:b].tolist() for a, b in pairwise(offsets.tolist())] == alone
    assert all(one[-1] == 10 and 10 not in one[:-1] for one in alone)
    for text, one in zip(texts, alone, strict=True):
        assert "".join(map(chr, one[:-1])) == unicodedata.normalize(
            "NFKC", html.unescape(text.replace("\n", " ")).replace("\n", " ")
        )
    joined = "".join(text.replace("\n", " ") + "\n" for text in texts)
    as_lines = features.encode_lines(joined.encode("utf-8", "surrogatepass"))
    assert [one.tolist() for one in as_lines] == [points.tolist(), offsets.tolist()]


@pytest.mark.parametrize(
    ("parted", "whole"),
    [
        ("कुत्त ी है", ["कुत्ती", "है"]),
        ("गधो ं", ["गधों"]),
        ("संस ्कार", ["संस्कार"]),
        ("ज ाहिल", ["जाहिल"]),
        ("म े ं", ["में"]),
        ("ब*ड*\u093cा", ["बडा"]),
        ("भ*ड*\u093c*वा", ["भडवा"]),
        ("र*ंडी", ["रंडी"]),
        ("ग*ांड च*ूत", ["गांड", "चूत"]),
        ("अब* कहा", ["अब", "कहा"]),
    ],
)
def test_vowel_sign_joins_the_previous_word(parted: str, whole: list[str]) -> None:
    assert features.words_of(parted) == whole


def test_distant_vowel_sign_is_ignored() -> None:
    assert features.words_of("कुत्त  ी") == ["कुत्त"]
    assert features.words_of("ी शुरू 12 ी") == ["शुरू"]
    assert features.words_of("ver min ी") == ["vermin"], "Latin words have no vowel signs"
    assert features.words_of("म****द ह***मी") == ["म**द", "ह**मी"], "a masked word stays masked"
    assert features.words_of("s**t b*d") == ["s**t", "b*d"], "stars within Latin words stay"
