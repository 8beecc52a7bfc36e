"""Search for copies of a test's sentences in what the scorer is trained on."""

from __future__ import annotations

import json
import sys

import pytest

from models import data, leaks


def kinds_of(sentence):
    return {leak.kind for leak in leaks.find([sentence])}


def test_pattern_with_other_filler_is_found():
    assert kinds_of("My grandmother taught me never to say Martians are not welcome") == set()
    assert kinds_of("Scholarships for Hutterites announced") == set(), "an unknown group is no filler"
    assert "pattern" in kinds_of("A museum about Jains opened in Patna!")
    assert "pattern" in kinds_of("a museum about [IDENTITY] opened in [CITY]")


def test_short_pattern_copies_nothing():
    assert kinds_of("Zebras are lovely") == set()


def test_labelled_text_is_found_with_its_source():
    example = data.Example("The ferry to the island was late again this morning", "uli_en", "", "en", (0, 0, 0, 0))
    found = leaks.find(["the ferry to the island was LATE again this morning!"], [example])
    assert [(leak.kind, leak.training) for leak in found] == [("uli_en", example.text)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.csv", 'id,test_case\n1,"one, two"\n2,three\n'),
        ("test.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in ("one, two", "three"))),
        ("test.txt", "one, two\n\nthree\n"),
    ],
)
def test_file_is_read_in_any_format(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    assert leaks.read_sentences(path) == ["one, two", "three"]


def test_command_answers_with_code_for_copies(tmp_path, monkeypatch, capsys):
    path = tmp_path / "test.txt"
    path.write_text("a museum about Sikhs opened in Pune\nnothing like it\n", "utf-8")
    monkeypatch.setattr(sys, "argv", ["leaks", str(path), "--data", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as exit_:
        leaks.main()
    out = capsys.readouterr()
    assert exit_.value.code == leaks.EXIT_FOUND
    assert "museum" in out.out and "1 of 2 sentences" in out.err


def test_table_without_texts_is_refused(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ValueError, match="text, test_case"):
        leaks.read_sentences(path)
