"""Texts of a left-out source, and of the simulator where labelled texts are absent."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.scenarios import sources
from devkit.simulation import cli
from devkit.simulation.texts import LabelledTexts
from models import artefact
from models.data import UNLABELLED, Example
from models.scorer import LANGUAGES
from tests.support.simulator import LABELLED, OWN


def test_left_out_texts_mix_clean_ones_into_protests_alone() -> None:
    texts, rng = sources.LeftOutTexts(LabelledTexts(LABELLED, OWN), OWN), Random(1)

    def labelled_share(kind: str) -> float:
        return sum("sentence number" in texts.draw(kind, "en", rng) for _ in range(400)) / 400

    assert labelled_share("harmful") == labelled_share("clean") == 1
    assert {kind for kind in ("protest", "sports", "festival") if 0.4 < labelled_share(kind) < 0.6} == set(
        sources.MIXED
    )
    assert all(labelled_share(kind) == 0 for kind in ("counter_speech", "news", "reclaimed", "sarcasm", "mockery"))


def test_sources_are_the_simulators_without_labelled_texts(tmp_path: Path) -> None:
    assert sources.names(tmp_path) == ("simulator",)
    (tmp_path / "train").mkdir()
    assert sources.names(tmp_path)[0] == "dev"
    assert "uli_hi" in sources.names(tmp_path)


def test_simulators_material_has_all_languages() -> None:
    found = sources.material(sources.SIMULATOR)
    assert found.texts is OWN
    assert found.languages == ("en", "hi", "hi-Latn")


def test_calibrated_model_has_the_labels_scale() -> None:
    live = artefact.load(artefact.ARTEFACT_PATH)
    labels = [
        Example(OWN.draw(kind, "en", rng, number % 4), "own", "", "en", (label, label, UNLABELLED, UNLABELLED))
        for rng in (Random(2),)
        for number in range(150)
        for kind, label in (("harmful", 1), ("clean", 0))
    ]
    fitted = sources.calibrated(live, labels)
    assert fitted.revision != live.revision
    assert fitted.numbers.weights.tobytes() == live.numbers.weights.tobytes()
    changed = fitted.scale.moments != live.scale.moments
    english = LANGUAGES.index("en")
    assert changed[english, 0].any() and changed[english, 1].any()
    assert not changed[english, 2:].any() and not changed[LANGUAGES.index("hi")].any()


def test_dev_splits_become_lines(tmp_path: Path) -> None:
    if not sources.DEV.is_dir():
        pytest.skip("../shared/data/harm/dev is absent")
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in sources.dev_texts(sources.DEV)), encoding="utf-8")
    texts = cli.load_texts(path)
    assert isinstance(texts, LabelledTexts)
    assert min(texts.n_harmful, texts.n_clean) > 1_500
