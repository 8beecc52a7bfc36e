"""Find training sentences that nearly repeat sentences of a file, such as a public test.

    python -m models.leaks FILE [--data DIR]

FILE has one sentence a line, or JSON lines or CSV with a column `text` or `test_case`. Each is compared with the
labelled training texts, if DIR has them, and with the sentence patterns of `templates.toml`. In a pattern and in a
sentence every filler, such as a group's name, counts as the same word, so that other fillers hide no copy. The exit
code is 3 if anything was found.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from models import data, near_duplicates, templates
from models.evaluation.run import DEFAULT_DATA
from models.near_duplicates import comparable

EXIT_FOUND = 3
_COLUMNS = ("text", "test_case")
_FILLER = "xx"
_LEAST_FIXED = 3
"""Least words of a pattern besides fillers: "xx are xx" copies nothing."""
_SLOT = re.compile(r"\{\w+\}|\[\w+\]")


class Leak(NamedTuple):
    """A sentence of the file, and what it nearly repeats."""

    sentence: str
    training: str
    kind: str
    """"pattern", or the source of a labelled text."""


def read_sentences(path: Path) -> list[str]:
    """Read the sentences of a file. Raises ValueError for a table without a column of texts."""
    content = path.read_text("utf-8")
    if path.suffix == ".csv":
        rows = list(csv.DictReader(content.splitlines()))
    elif path.suffix in (".json", ".jsonl"):
        rows = [json.loads(line) for line in content.split("\n") if line.strip()]
    else:
        return list(filter(None, map(str.strip, content.split("\n"))))
    column = next((name for name in _COLUMNS if rows and name in rows[0]), None)
    if column is None:
        raise ValueError(f"{path} has none of the columns {', '.join(_COLUMNS)}")
    return [str(row[column]) for row in rows]


def find(sentences: Sequence[str], labelled: Sequence[data.Example] = ()) -> list[Leak]:
    """Return the sentences that nearly repeat a pattern or a labelled text."""
    leaks = list(_near(sentences, sentences, [(example.text, example.source) for example in labelled]))
    fillers = _fillers()
    patterns = [(_shape(pattern, fillers), pattern) for pattern in _patterns()]
    patterns = [(shape, pattern) for shape, pattern in patterns if _n_fixed(shape) >= _LEAST_FIXED]
    originals = dict(patterns)
    shapes = [_shape(sentence, fillers) for sentence in sentences]
    for leak in _near(sentences, shapes, [(shape, "pattern") for shape in originals]):
        leaks.append(leak._replace(training=originals[leak.training]))
    return leaks


def _near(sentences: Sequence[str], compared: Sequence[str], training: Sequence[tuple[str, str]]) -> Iterator[Leak]:
    if not training:
        return
    clusters = near_duplicates.clusters([*compared, *(text for text, _ in training)]).tolist()
    by_cluster = dict(zip(clusters[: -len(training) - 1 : -1], reversed(training), strict=True))
    for sentence, cluster in zip(sentences, clusters, strict=False):
        if cluster in by_cluster:
            yield Leak(sentence, *by_cluster[cluster])


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _patterns() -> list[str]:
    """Return all sentence patterns, and the fillers that are patterns themselves."""
    languages = templates.read_patterns()
    return [
        pattern
        for language in languages.values()
        for part in ("kinds", "slots")
        for pattern in _strings(language[part])
        if part == "kinds" or "{" in pattern
    ]


def _fillers() -> re.Pattern[str]:
    """Return a pattern of all fillers, the longest first."""
    words = {
        comparable(filler) for language in templates.read_patterns().values() for filler in _strings(language["slots"])
    }  # fmt: skip
    longest = sorted(filter(None, words), key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")


def _shape(text: str, fillers: re.Pattern[str]) -> str:
    """Reduce a text or pattern to its words, with one placeholder for every filler and slot."""
    return fillers.sub(_FILLER, comparable(_SLOT.sub(f" {_FILLER} ", text)))


def _n_fixed(shape: str) -> int:
    return sum(word != _FILLER for word in shape.split())


def _labelled(folder: Path) -> Iterable[data.Example]:
    return data.read_folder(folder, data.TRAIN_FILES) if folder.is_dir() else ()


def main() -> None:
    """Print each sentence that nearly repeats one of training, and which."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA / "train", help="folder of labelled training texts")
    options = parser.parse_args()
    try:
        sentences = read_sentences(options.file)
    except (OSError, ValueError) as error:
        parser.exit(2, f"error: {error}\nfix: give a file of sentences\n")
    leaks = find(sentences, list(_labelled(options.data)))
    for leak in leaks:
        print(f"{leak.kind}: {leak.sentence!r} repeats {leak.training!r}")
    print(f"{len({leak.sentence for leak in leaks})} of {len(sentences)} sentences", file=sys.stderr)
    raise SystemExit(EXIT_FOUND if leaks else 0)


if __name__ == "__main__":
    main()
