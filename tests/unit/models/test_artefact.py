"""Model files: refusal of damaged and altered files with the reason, and reproducible bytes."""

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

from models import ArtefactError, artefact, features, languages, load_scorer, skops_data

GOOD = artefact.ARTEFACT_PATH.read_bytes()


def content(**changes: Any) -> dict[str, Any]:
    good = skops.io.loads(GOOD)
    return {key: value for key, value in (good | changes).items() if value is not None}


def signed(**changes: Any) -> bytes:
    """Make a file with a valid digest, as an attacker who knows the format could."""
    changed = content(**changes)
    changed["digest"] = artefact.digest(changed, artefact.TEXTS, artefact.ARRAYS)
    signed_file: bytes = skops.io.dumps(changed)
    return signed_file


def test_artefact_has_no_untrusted_types() -> None:
    assert skops.io.get_untrusted_types(data=GOOD) == []


def test_skops_data_reads_the_same_content_as_skops() -> None:
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
def test_skops_data_refuses_types_that_are_not_data(value: object) -> None:
    with pytest.raises(skops_data.NotDataError):
        skops_data.loads(skops.io.dumps({"x": value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", np.zeros(2)), ("digest", np.zeros(2)), ("features", ["x"] * 2), ("training", "[" * 100_000)],
    ids=["format", "digest", "features", "training"],
)
def test_load_refuses_text_fields_of_other_types(key: str, value: object) -> None:
    content = skops_data.loads(GOOD)
    assert isinstance(content, dict)
    content[key] = value
    if key not in ("format", "digest"):
        content["digest"] = artefact.digest(content, artefact.TEXTS, artefact.ARRAYS)
    with pytest.raises(ArtefactError):
        artefact.loads(artefact.canonical(content))


def test_skops_data_refuses_an_array_named_twice() -> None:
    whole, out = skops.io.dumps({"x": [np.zeros(3), np.ones(3)]}), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive, zipfile.ZipFile(out, "w") as copy:
        schema = json.loads(archive.read("schema.json"))
        first, second = schema["content"]["x"]["content"]
        second["file"] = first["file"]
        copy.writestr("schema.json", json.dumps(schema))
        copy.writestr(first["file"], archive.read(first["file"]))
    with pytest.raises(ValueError, match="occurs twice"):
        skops_data.loads(out.getvalue())


def test_load_refuses_another_skops_protocol() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("schema.json", '{"protocol": 3}')
    with pytest.raises(ArtefactError, match="protocol 3 of skops, this version reads 2"):
        artefact.loads(out.getvalue())


def test_load_scorer_does_not_import_scikit_learn() -> None:
    """The import of scikit-learn would take a third of a worker's start."""
    code = "import sys, models; models.load_scorer(); print({'sklearn', 'skops'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_model_card_names_the_artefact_revision() -> None:
    card = (artefact.ARTEFACT_PATH.parents[1] / "MODEL_CARD.md").read_text("utf-8")
    assert f"revision `{artefact.loads(GOOD).revision}`" in card
    assert f"Model {artefact.loads(GOOD).revision}, " in card, "the figures belong to another artefact"


def test_dump_reproduces_the_artefact_bytes() -> None:
    scorer = artefact.loads(GOOD)
    assert artefact.dump(scorer.numbers, scorer.categories, scorer.training) == GOOD


def test_load_scorer_reads_another_path(tmp_path: Path) -> None:
    copy = tmp_path / "model.skops"
    copy.write_bytes(GOOD)
    assert load_scorer(copy).revision == load_scorer().revision


def test_load_scorer_refuses_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_scorer(tmp_path / "absent.skops")
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_scorer(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 100, len(GOOD) // 2, len(GOOD) - 1])
def test_load_refuses_truncated_file(length: int) -> None:
    with pytest.raises(ArtefactError, match="not a complete skops file"):
        artefact.loads(GOOD[:length])


@pytest.mark.parametrize("at", [60, len(GOOD) // 3, len(GOOD) // 2, 2 * len(GOOD) // 3])
def test_load_refuses_one_flipped_byte(at: int) -> None:
    broken = bytearray(GOOD)
    broken[at] ^= 0x55
    with pytest.raises(ArtefactError):
        artefact.loads(bytes(broken))


@pytest.mark.parametrize("data", [b"not a model", b"PK\x03\x04", b"\x80\x04\x95cos\nsystem\n"])
def test_load_refuses_other_files(data: bytes) -> None:
    with pytest.raises(ArtefactError, match="not a complete skops file"):
        artefact.loads(data)


def test_load_refuses_zip_without_schema() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ArtefactError, match="damaged"):
        artefact.loads(out.getvalue())


def test_load_refuses_weights_that_do_not_match_the_digest() -> None:
    weights = content()["weights"].copy()
    weights[7, 0] += 1
    with pytest.raises(ArtefactError, match="altered"):
        artefact.loads(skops.io.dumps(content(weights=weights)))


def test_load_refuses_another_format_version() -> None:
    with pytest.raises(ArtefactError, match=r"hushtag-linear-99.*train the model again"):
        artefact.loads(signed(format="hushtag-linear-99"))


def test_load_refuses_other_language_rules() -> None:
    with pytest.raises(ArtefactError, match=f"0123456789abcdef.*{languages.fingerprint()}.*models.build_languages"):
        artefact.loads(signed(languages="0123456789abcdef"))


def test_load_refuses_another_features_fingerprint() -> None:
    with pytest.raises(ArtefactError, match=f"0123456789abcdef.*{features.fingerprint()}.*train the model again"):
        artefact.loads(signed(features="0123456789abcdef"))


def test_load_names_missing_fields() -> None:
    with pytest.raises(ArtefactError, match="lacks biases, slopes"):
        artefact.loads(skops.io.dumps(content(biases=None, slopes=None)))


def test_load_refuses_types_that_are_not_data() -> None:
    class Sneaky(LogisticRegression):  # type: ignore[misc]
        pass

    Sneaky.__module__ = "somewhere.else"
    with pytest.raises(ArtefactError, match=r"not data.*|damaged.*"):
        artefact.loads(skops.io.dumps({"format": artefact.FORMAT, "x": Sneaky()}))


def test_load_refuses_content_that_is_no_scorer() -> None:
    with pytest.raises(ArtefactError, match="contains a list"):
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
def test_load_refuses_wrong_shapes_and_numbers(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArtefactError, match=reason):
        artefact.loads(signed(**changes))
