"""Near-duplicates against a comparison of all pairs, and the split of training and evaluation texts."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import data, near_duplicates, sources, splits, templates
from models.errors import TrainingDataError
from tests.support.paths import SHARED

HARM = SHARED / "data" / "harm"
needs_data = pytest.mark.skipif(not HARM.is_dir(), reason="labelled texts (../shared/data/harm) are not here")
WORDS = ["match", "train", "pune", "rain", "the", "of", "किताब", "घर", "great", "no", "😡", "late", "over", "catch"]


def obvious(texts: list[str], near: float) -> list[int]:
    """Cluster by comparing every pair, each cluster numbered by its least member."""

    def shingles(text: str) -> set[str]:
        padded = text.ljust(5)
        return {padded[i : i + 5] for i in range(len(padded) - 4)}

    plains = [near_duplicates.comparable(text) for text in texts]
    of = list(range(len(texts)))
    for i, j in combinations(range(len(texts)), 2):
        one, other = shingles(plains[i]), shingles(plains[j])
        if plains[i] and plains[j] and len(one & other) / len(one | other) >= near:
            low, high = sorted((of[i], of[j]))
            of = [low if name == high else name for name in of]
    return of


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.8, 0.9]))
def test_clusters_equal_comparison_of_all_pairs(seed: int, near: float) -> None:
    rng = random.Random(seed)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(0, 12))) for _ in range(12)]
    texts += [text.upper() + "!" for text in texts[:4]] + [text + " ok" for text in texts[4:8]] + ["", "#tag @user"]
    found = near_duplicates.clusters(texts, near)
    same = {(i, j) for i, j in combinations(range(len(texts)), 2) if found[i] == found[j]}
    expected = obvious(texts, near)
    wanted = {(i, j) for i, j in combinations(range(len(texts)), 2) if expected[i] == expected[j]}
    assert same <= wanted, "only true near-duplicates"
    assert len(wanted - same) <= 0.02 * max(50, len(wanted)), "MinHash misses about one in a thousand"


def test_clusters_ignore_handles_links_tags_case_and_punctuation() -> None:
    one, other = "Rain again in Pune @a https://t.co/x #wet", "rain, again: in PUNE!! <handle replaced>"
    assert near_duplicates.clusters([one, other, "something else entirely"]).tolist() == [0, 0, 1]
    assert near_duplicates.clusters(["", "@user", "#tag"]).tolist() == [0, 1, 2]
    assert near_duplicates.clusters(["i love 🔪 some 👳"] * 2).tolist() == [0, 0]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[splits.TrainingSplit, splits.EvaluationSplit]:
    """Split every eighth training line and every third dev line, without identity templates; all take 15 s."""
    folder = tmp_path_factory.mktemp("harm")
    for part, every in (("train", 8), ("dev", 3)):
        (folder / part).mkdir()
        for path in (HARM / part).glob("*.jsonl"):
            if not path.stem.startswith("identity"):
                lines = path.read_text("utf-8").split("\n")
                (folder / part / path.name).write_text("\n".join(lines[::every]), "utf-8")
    training = splits.read_training(folder / "train")
    return training, splits.evaluation_split(folder / "dev", training)


@needs_data
def test_evaluation_split_shares_no_text_with_training(
    sample: tuple[splits.TrainingSplit, splits.EvaluationSplit],
) -> None:
    training, judging = sample
    trained = [example.text for example in training.examples]
    n_all = len(trained) + len(training.held_out)
    assert 0.08 < len(training.held_out) / n_all < 0.12
    judged = {near_duplicates.comparable(e.text) for e in (*judging.dev, *judging.held_out)} - {""}
    assert not judged & set(map(near_duplicates.comparable, trained))
    assert sum(judging.left_out.values()) > 2, "some dev texts have near-duplicates among the training texts"
    assert {example.source for example in judging.held_out} == set(data.TRAIN_FILES)


def test_evaluation_split_leaves_out_near_duplicates(tmp_path: Path) -> None:
    def text(i: int) -> str:
        return f"tweet number {i * 7919} on {WORDS[i % 7]} and {WORDS[i % 5]} of {i * i}"

    def write(folder: str, name: str, texts: list[str]) -> None:
        (tmp_path / folder).mkdir(exist_ok=True)
        rows = [json.dumps({"text": one, "y": 0, "detail": "l1=0 l2=0 l3=0"}) for one in texts]
        (tmp_path / folder / f"{name}.jsonl").write_text("\n".join(rows))

    for name in data.TRAIN_FILES:
        write("train", name, [text(i) for i in range(300)] if name == "uli_en" else [])
    training = splits.read_training(tmp_path / "train")
    seen, out = training.examples[0].text, training.held_out[0].text
    write("dev", "uli_en", [seen + "!!", out.upper() + " #tag", "nothing like the others, a text on its own"])
    judging = splits.evaluation_split(tmp_path / "dev", training)
    assert [e.text for e in judging.dev] == [out.upper() + " #tag", "nothing like the others, a text on its own"]
    assert judging.left_out == {"uli_en": 1}
    assert [e.text for e in judging.held_out] == [e.text for e in training.held_out if e.text != out]
    for part in ("train", "dev"):
        write(part, "kannada", ["a text of a source that joined the folder later"])
    assert splits.read_training(tmp_path / "train").examples == training.examples
    assert splits.evaluation_split(tmp_path / "dev", training) == judging


def test_folder_without_dev_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "kannada.jsonl").write_text('{"text": "a", "y": 0}')
    with pytest.raises(TrainingDataError, match="contains none of davidson"):
        data.read_dev(tmp_path)


@needs_data
def test_generated_sentences_are_no_near_duplicates_of_evaluation_texts(
    sample: tuple[splits.TrainingSplit, splits.EvaluationSplit],
) -> None:
    _, judging = sample
    judged = [e.text for e in (*judging.dev, *judging.held_out) if len(near_duplicates.comparable(e.text).split()) > 2]
    ours = [e.text for e in templates.generate(1_000, seed=0)]
    found = near_duplicates.clusters([*ours, *judged])
    assert not set(found[: len(ours)]) & set(found[len(ours) :])


@needs_data
def test_sources_match_the_labelled_files() -> None:
    assert sources.problems(HARM) == []


def test_sources_report_changed_files(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "uli_en.jsonl").write_text("{}")
    found = sources.problems(tmp_path)
    assert any("uli_en.jsonl has SHA-256" in problem for problem in found)
    assert any("licences/uli_CC-BY-4.0.txt cannot be read" in problem for problem in found)


def test_sources_have_permitted_licences_and_attributions() -> None:
    assert {source["licence"] for source in sources.sources().values()} <= set(sources.PERMITTED)
    assert all(len(line) > 40 for line in sources.attributions())
    listed = {path for source in sources.sources().values() for path in source["sha256"]}
    named = {f"train/{name}.jsonl" for name in data.TRAIN_FILES} | {f"dev/{name}.jsonl" for name in data.DEV_FILES}
    assert named == listed, "only texts of a known licence train the model or change a figure"


def test_held_out_tenth_stays_when_texts_are_added(tmp_path: Path) -> None:
    texts = [f"sentence number {i} about {word} and {other}" for i, word in enumerate(WORDS) for other in WORDS]
    for name in data.TRAIN_FILES:
        rows = [f'{{"text": "{text}", "y": 0, "detail": "l1=0 l2=0 l3=0"}}' for text in texts if name == "uli_en"]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    before = {example.text for example in splits.read_training(tmp_path).held_out}
    with (tmp_path / "uli_hi.jsonl").open("a") as file:
        file.write('{"text": "a wholly different tweet on cricket", "y": 1, "detail": "l1=0 l2=0 l3=1"}\n')
    assert before == {e.text for e in splits.read_training(tmp_path).held_out} - {"a wholly different tweet on cricket"}
