"""Read labelled texts and map each source's labels to the categories.

No source labels every category, and "not labelled" is not "not harmful". A label is 1, 0 or `UNLABELLED`, and each
column is trained and measured on the texts that have a label for it.

| source | hateful_conduct | abuse | gendered_abuse |
|---|---|---|---|
| davidson (hate, neither; `offensive` is left out) | hate | hate | – |
| mhs_ken20 | y | – | – |
| hatemojibuild | y | – | – |
| uli (l1, l2, l3) | gendered and aggressive: yes; none of the three: no | l3 | l1, or l2 with l3 |

uli's l2 means "would be gendered abuse if directed at a person of a marginalised gender or sexuality". If the text is
not aggressive (l3), the text alone does not decide this, and the label stays open.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.errors import TrainingDataError

CATEGORIES = ("hateful_conduct", "abuse", "gendered_abuse")
COLUMNS = ("harmful", *CATEGORIES)
UNLABELLED = -1
TRAIN_FILES = ("davidson", "hatemojibuild_train", "mhs_ken20_train", "uli_en", "uli_hi")
DEV_FILES = (
    "davidson",
    "hatemojibuild_dev",
    "hatemojibuild_test",
    "identity_templates_en",
    "identity_templates_hi-latn",
    "mhs_ken20_dev",
    "mhs_ken20_test",
    "uli_en",
    "uli_hi",
)
"""Files of sources.toml: another file in the folder neither trains nor changes a figure."""

_HANDLE = re.compile(r"<handle replaced>|@user\b")
_ULI = re.compile(r"l1=([01]) l2=([01]) l3=([01])")


@dataclass(frozen=True, slots=True)
class Example:
    """Labelled text. `labels` follows COLUMNS, each 1, 0 or UNLABELLED; `language` is "en", "hi" or "hi-Latn"."""

    text: str
    source: str
    detail: str
    language: str
    labels: tuple[int, ...]


def read_folder(folder: Path, names: tuple[str, ...] | None = None) -> list[Example]:
    """Read the files `names` (None: all *.jsonl) in order. Raises TrainingDataError with file and line."""
    paths = sorted(folder.glob("*.jsonl")) if names is None else [folder / f"{name}.jsonl" for name in names]
    if not paths:
        raise TrainingDataError(f"{folder} contains no labelled texts (*.jsonl)")
    return [example for path in paths for example in read_file(path)]


def read_dev(folder: Path) -> list[Example]:
    """Read those DEV_FILES that the folder has, in order. Raises TrainingDataError, also if it has none."""
    names = tuple(name for name in DEV_FILES if (folder / f"{name}.jsonl").exists())
    if not names:
        raise TrainingDataError(f"{folder} contains none of {', '.join(DEV_FILES)} (*.jsonl)")
    return read_folder(folder, names)


def read_file(path: Path) -> list[Example]:
    """Read the usable texts of one file of JSON lines {"text", "y", "detail"?, "script"?}, in order."""
    examples = []
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingDataError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, y = row["text"], row["y"]
            if not isinstance(text, str) or y not in (0, 1):
                raise ValueError('"text" must be a string and "y" 0 or 1')
            example = _example(path.stem, text, int(y), str(row.get("detail", "")))
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingDataError(f"{path}, line {number}: {error!r}") from error
        if example is not None:
            examples.append(example)
    return examples


def _example(source: str, text: str, y: int, detail: str) -> Example | None:
    text = html.unescape(_HANDLE.sub(" ", text))
    labels = _labels(source, y, detail)
    return None if labels is None else Example(text, source, detail, _language(source, text), labels)


def _labels(source: str, y: int, detail: str) -> tuple[int, ...] | None:
    """Map a source's labels to COLUMNS; None if the text is not used."""
    if source.startswith("davidson"):
        return None if detail == "offensive" else (y, y, y, UNLABELLED)
    if source.startswith("uli"):
        match = _ULI.fullmatch(detail)
        if match is None:
            raise ValueError(f'"detail" is {detail!r}, expected l1=… l2=… l3=…')
        l1, l2, l3 = (int(group) for group in match.groups())
        gendered = 1 if l1 or (l2 and l3) else UNLABELLED if l2 else 0
        hateful = 1 if l3 and (l1 or l2) else 0 if not (l1 or l2 or l3) else UNLABELLED
        return (int(l3 or l1), hateful, l3, gendered)
    return (y, y, UNLABELLED, UNLABELLED)


def _language(source: str, text: str) -> str:
    if is_devanagari(text):
        return "hi"
    return "hi-Latn" if source.startswith("uli_hi") or "hi-latn" in source else "en"


def is_devanagari(text: str) -> bool:
    """Return whether at least half of the letters are Devanagari."""
    letters = [c for c in text if c.isalpha() or "\u0900" <= c < "\u0980"]
    return bool(letters) and 2 * sum("\u0900" <= c < "\u0980" for c in letters) >= len(letters)


def labels_of(examples: list[Example]) -> npt.NDArray[np.int8]:
    """Stack labels (n_examples, n_columns), each 1, 0 or UNLABELLED."""
    return np.array([example.labels for example in examples], np.int8).reshape(len(examples), len(COLUMNS))
