"""Models trained without one source, and their cache."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models import artefact, data, left_out, splits, templates, training

SMALL = training.Recipe(n_buckets=1 << 12, n_templates=60, n_folds=2, n_drawings=1)
TWIN = "the very same sentence stands in two of the sources, word for word, and it is long"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write small training files; each source has other texts but for one twin."""
    monkeypatch.setattr(left_out, "RECIPE", SMALL)
    monkeypatch.setattr(left_out, "CACHE", tmp_path / "cache")
    (tmp_path / "train").mkdir()
    (tmp_path / "dev").mkdir()
    for seed, name in enumerate(data.TRAIN_FILES):
        own = [one for one in templates.generate(200, seed) if (one.language == "en") == (name != "uli_hi")]
        if name in ("davidson", "mhs_ken20_train"):
            own.append(replace(own[0], text=TWIN))
        rows = [
            {"text": one.text, "y": one.labels[0], "detail": "hate" if one.labels[0] else "neither"}
            | (
                {"detail": f"l1={int(one.detail == 'gendered')} l2=0 l3={one.labels[0]}"}
                if name.startswith("uli")
                else {}
            )
            for one in own
        ]
        (tmp_path / "train" / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return tmp_path


def test_left_out_source_and_its_twins_are_not_read(folder: Path) -> None:
    read = splits.read_training(folder / "train", without="mhs_ken20")
    every = [*read.examples, *read.held_out]
    assert {one.source for one in every} == {"davidson", "hatemojibuild_train", "uli_en", "uli_hi"}
    assert TWIN not in {one.text for one in every}
    assert len(read.clusters) == len(read.examples)


def test_scorer_without_is_kept_until_texts_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = left_out.scorer_without(folder, "uli_hi")
    assert first.training["without"] == "uli_hi"
    assert first.revision == artefact.loads(left_out.file_without(folder, "uli_hi")).revision
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", pytest.fail)
        assert left_out.scorer_without(folder, "uli_hi").revision == first.revision
    before = left_out._digest(folder)
    with (folder / "train" / "davidson.jsonl").open("a") as file:
        file.write('{"text": "one more", "y": 0, "detail": "neither"}\n')
    assert left_out._digest(folder) != before


def test_language_without_labels_borrows_calibration_of_all(folder: Path) -> None:
    numbers = left_out.scorer_without(folder, "uli_hi").numbers
    assert numbers.slopes[1].tolist() == numbers.slopes[2].tolist()
    assert numbers.moments[1].tolist() == numbers.moments[2].tolist()
    assert numbers.between[0, 0, 2] > 0
