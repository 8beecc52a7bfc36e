"""Simulated texts: variety, no overlap with training data, and placement of hashtags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.simulation import lines
from devkit.simulation.texts import (
    HARD_KINDS,
    KINDS,
    CompiledTemplates,
    LabelledText,
    LabelledTexts,
    OwnTexts,
    tidy,
)
from devkit.simulation.truth import TruthTag
from devkit.simulation.writing import varied, with_tags
from models.copies import fingerprints
from streams.events.grammar import extract_hashtags
from tests.support.paths import ROOT
from tests.support.simulator import LABELLED, OWN


@given(
    st.text(max_size=400),
    st.lists(st.sampled_from(["VelmariOut", "नदी_बचाओ", "東京カフェ", "a1"]), unique=True),
    st.integers(),
)
def test_text_contains_exactly_its_hashtags(text: str, tags: list[str], seed: int) -> None:
    written = with_tags(tidy(text), tags, Random(seed))
    assert len(written) <= 280
    assert sorted(use.display for use in extract_hashtags(written)) == sorted(tags)


def test_most_varied_copies_keep_fingerprint() -> None:
    rng, text = Random(1), OWN.draw("harmful", "en", Random(2))
    copies = [varied(text, rng) for _ in range(500)]
    assert len(set(copies)) > 50
    assert 0.7 < (fingerprints(copies) == fingerprints([text])).sum() / 500 < 0.95


def test_own_texts_are_varied_and_short() -> None:
    rng = Random(1)
    for kind in (*KINDS, *HARD_KINDS):
        for language in ("en", "hi", "hi-Latn"):
            texts = {OWN.draw(kind, language, rng, rng.randrange(8)) for _ in range(4000)}
            least = 2_000 if kind in ("harmful", "clean") else 250
            assert len(texts) > least, (kind, language)
            assert all(0 < len(text) < 200 and not re.search("[#＃@{}\n]", text) for text in texts)


def test_offensive_files_begin_with_warning() -> None:
    folder = ROOT / "devkit" / "simulation" / "data"
    for kind in ("harmful", "mockery", "reclaimed"):
        assert (folder / f"texts_{kind}.yaml").read_text(encoding="utf-8").startswith("# WARNING")
    assert len(list(folder.glob("texts_*.yaml"))) == len(KINDS) + len(HARD_KINDS)


@pytest.mark.parametrize(
    ("language", "script"), [("ta", "TAMIL"), ("bn", "BENGALI"), ("ur", "ARABIC"), ("es", "LATIN")]
)
def test_unread_languages_have_texts_of_their_script(language: str, script: str) -> None:
    rng = Random(3)
    texts = {OWN.draw("clean", language, rng) for _ in range(2_000)}
    assert len(texts) > 500
    for text in texts:
        letters = [unicodedata.name(letter) for letter in text if letter.isalpha()]
        assert all(name.startswith(script) for name in letters), text


def _bones(template: str) -> str:
    """Normalise a template's words without its slots."""
    return " ".join(re.sub(r"\{\w+\}|[\W\d_]+", " ", template.casefold()).split())


def test_templates_share_no_sentence_with_training_data() -> None:
    templates = pytest.importorskip("models.templates", reason="models/templates.py is absent: nothing to compare with")
    training = {example.text for example in templates.generate(2_000, 1)}
    bones = {_bones(pattern) for pattern in _strings(templates.read_patterns())}
    rng = Random(5)
    for kind, own in OWN.templates.items():
        shared = {template for template in own if len(_bones(template).split()) > 2 and _bones(template) in bones}
        assert not shared, kind
        for language in ("en", "hi", "hi-Latn"):
            emitted = {OWN.draw(kind, language, rng, i) for i in range(2_000)}
            assert not emitted & training
            assert not {_bones(text) for text in emitted} & {_bones(text) for text in training}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


def test_labelled_texts_cover_each_language() -> None:
    rng, texts = Random(1), LabelledTexts([*LABELLED, LabelledText("#tag <handle replaced>", y=0)], OWN)
    assert (texts.n_harmful, texts.n_clean) == (800, 1200)
    assert texts.n_harmful_in == {"en": 400, "hi": 400}
    assert texts.draw("harmful", "hi-Latn", rng) in {row.text for row in LABELLED if row.lang == "hi" and row.harmful}
    assert texts.draw("protest", "hi-Latn", rng).startswith("kindly")
    assert not texts.draw("clean", "ja", rng).startswith("kindly")
    assert not re.search("kindly|wicked", texts.draw("reclaimed", "en", rng) + texts.draw("mockery", "en", rng))
    with pytest.raises(ValueError, match="harmful"):
        LabelledText("no label at all").label()


def test_text_sources_match_protocol() -> None:
    assert isinstance(OWN, OwnTexts)
    assert isinstance(OWN._phrases["clean"]["en"], CompiledTemplates)
    assert OWN.n_texts("clean", "en") > 50_000
    assert set(TruthTag.__struct_fields__) >= {
        "hashtag",
        "kind",
        "harmful",
        "never_suppress",
        "countries",
        "from_ms",
        "to_ms",
    }
    assert lines.simulated_record(0, 0, 1, None, b"\xff").payload == b"\xff"
