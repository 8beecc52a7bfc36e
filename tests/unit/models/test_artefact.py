"""A model file that is not what it should be is refused with the reason; the same training makes the same file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from models import ArtefactError, artefact, features, load_scorer, skops_data

GOOD = artefact.ARTEFACT_PATH.read_bytes()


def content(**changes: Any) -> dict[str, Any]:
    good = skops.io.loads(GOOD)
    return {key: value for key, value in (good | changes).items() if value is not None}


def signed(**changes: Any) -> bytes:
    """A file whose digest fits its content, as somebody who knows the format would make it."""
    changed = content(**changes)
    changed["digest"] = artefact.digest(changed, artefact._TEXTS, artefact._ARRAYS)
    signed_file: bytes = skops.io.dumps(changed)
    return signed_file


def test_no_untrusted_types() -> None:
    assert skops.io.get_untrusted_types(data=GOOD) == []


def test_a_file_is_read_as_skops_reads_it() -> None:
    ours, theirs = skops_data.loads(GOOD), skops.io.loads(GOOD)
    assert isinstance(ours, dict) and ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert type(ours[key]) is type(value)
        if isinstance(value, np.ndarray):
            assert ours[key].dtype == value.dtype
        np.testing.assert_array_equal(ours[key], value)


@pytest.mark.parametrize(
    "value", [np.random.default_rng(0), {1, 2}, np.array([object()]), len], ids=lambda one: type(one).__name__
)
def test_what_is_no_data_is_not_made(value: object) -> None:
    with pytest.raises(skops_data.NotDataError):
        skops_data.loads(skops.io.dumps({"x": value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", np.zeros(2)), ("digest", np.zeros(2)), ("features", ["x"] * 2), ("training", "[" * 100_000)],
    ids=["format", "digest", "features", "training"],
)
def test_texts_that_are_none(key: str, value: object) -> None:
    content = skops_data.loads(GOOD)
    assert isinstance(content, dict)
    content[key] = value
    if key not in ("format", "digest"):
        content["digest"] = artefact.digest(content, artefact._TEXTS, artefact._ARRAYS)
    with pytest.raises(ArtefactError):
        artefact.loads(artefact.canonical(content))


def test_an_array_that_is_named_again_and_again() -> None:
    whole, out = skops.io.dumps({"x": [np.zeros(3), np.ones(3)]}), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(out, "w") as copy:
        schema = json.loads(archive.read("schema.json"))
        first, second = schema["content"]["x"]["content"]
        second["file"] = first["file"]
        copy.writestr("schema.json", json.dumps(schema))
        copy.writestr(first["file"], archive.read(first["file"]))
    with pytest.raises(ValueError, match="is there twice"):
        skops_data.loads(out.getvalue())


def test_another_protocol() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", '{"protocol": 3}')
    with pytest.raises(ArtefactError, match="protocol 3 of skops, this version reads 2"):
        artefact.loads(out.getvalue())


def test_who_scores_needs_no_scikit_learn() -> None:
    """Its import is a third of a worker's start."""
    code = "import sys, models; models.load_scorer(); print({'sklearn', 'skops'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_card_is_of_this_artefact() -> None:
    card = (artefact.ARTEFACT_PATH.parents[1] / "MODEL_CARD.md").read_text("utf-8")
    assert f"revision `{artefact.loads(GOOD).revision}`" in card
    assert f"Model {artefact.loads(GOOD).revision}, " in card, "the figures are of another artefact"


def test_same_numbers_same_bytes() -> None:
    scorer = artefact.loads(GOOD)
    assert artefact.dump(scorer.numbers, scorer.categories, scorer.training) == GOOD


def test_loaded_from_a_path(tmp_path: Path) -> None:
    copy = tmp_path / "model.skops"
    copy.write_bytes(GOOD)
    assert load_scorer(copy).revision == load_scorer().revision


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_scorer(tmp_path / "absent.skops")
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_scorer(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 100, len(GOOD) // 2, len(GOOD) - 1])
def test_truncated(length: int) -> None:
    with pytest.raises(ArtefactError, match="not a whole one"):
        artefact.loads(GOOD[:length])


@pytest.mark.parametrize("at", [60, len(GOOD) // 3, len(GOOD) // 2, 2 * len(GOOD) // 3])
def test_one_flipped_byte(at: int) -> None:
    broken = bytearray(GOOD)
    broken[at] ^= 0x55
    with pytest.raises(ArtefactError):
        artefact.loads(bytes(broken))


@pytest.mark.parametrize("data", [b"not a model", b"PK\x03\x04", b"\x80\x04\x95cos\nsystem\n"])
def test_not_a_model(data: bytes) -> None:
    with pytest.raises(ArtefactError, match="not a skops file"):
        artefact.loads(data)


def test_a_zip_without_a_schema() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ArtefactError, match="damaged"):
        artefact.loads(out.getvalue())


def test_altered_weights_do_not_match_the_digest() -> None:
    weights = content()["weights"].copy()
    weights[7, 0] += 1
    with pytest.raises(ArtefactError, match="altered"):
        artefact.loads(skops.io.dumps(content(weights=weights)))


def test_other_version_of_the_format() -> None:
    with pytest.raises(ArtefactError, match=r"hushtag-linear-99.*train anew"):
        artefact.loads(signed(format="hushtag-linear-99"))


def test_other_features() -> None:
    with pytest.raises(ArtefactError, match=f"0123456789abcdef.*{features.fingerprint()}.*train anew"):
        artefact.loads(signed(features="0123456789abcdef"))


def test_something_missing() -> None:
    with pytest.raises(ArtefactError, match="lacks biases, slopes"):
        artefact.loads(skops.io.dumps(content(biases=None, slopes=None)))


def test_types_that_are_not_data() -> None:
    class Sneaky(LogisticRegression):  # type: ignore[misc]
        pass

    Sneaky.__module__ = "somewhere.else"
    with pytest.raises(ArtefactError, match=r"no data.*|damaged.*"):
        artefact.loads(skops.io.dumps({"format": artefact.FORMAT, "x": Sneaky()}))


def test_not_a_scorer_at_all() -> None:
    with pytest.raises(ArtefactError, match="holds a list"):
        artefact.loads(skops.io.dumps(["a"]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"biases": np.zeros(3)}, "biases is"),
        ({"weights": np.zeros((1000, 5), np.int16)}, "power of two"),
        ({"weights": np.zeros((1024, 5), np.float64)}, "weights is float64"),
        ({"slopes": np.full((3, 4), np.nan)}, "not finite"),
        ({"training": "{not json"}, "damaged"),
        ({"categories": ["only"]}, "weights is"),
    ],
)
def test_shapes_and_numbers(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArtefactError, match=reason):
        artefact.loads(signed(**changes))
