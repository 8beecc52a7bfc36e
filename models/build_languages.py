"""Build the language detector's table from published n-grams and the texts of `hushtag train`.

    pip install --target DIR --no-deps lingua-language-detector==1.3.5 stopwordsiso==0.7.1 django==5.2.19 brotli==1.2.1
    PYTHONPATH=DIR python -m models.build_languages [--data FOLDER] [--model FILE]

The packages are needed here only; `models/sources.toml` has their licences. A row of the table stands for the character
n-grams of one bucket, a column for a language: the logarithm of the n-grams' probability in that language over their
mean probability in all languages (naive Bayes), in sixteenths. Two families of n-grams get equal weight:

- inside words: lingua's statistics of news; for English also the labelled texts, for Roman Hindi these alone;
- at the edge of words: texts of Django's interface and stop words; for the read languages the labelled texts.
"""

from __future__ import annotations

import argparse
import gettext
import importlib
import importlib.util
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models import artefact, characters, features, languages, templates, training
from models.evaluation.run import DEFAULT_DATA
from models.kernels.hashes import PRIME, SEED
from models.kernels.ngrams import CHAR_SALT
from models.romanise import romanise
from models.scorer import LinearWeights

N_ROWS = 1 << 15
LENGTHS = (3, 4, 5)
UNITS = 16
"""Units of the table in a natural logarithm of 1."""
_SMOOTHING = 2e-5
_N_SPELLINGS, _N_SENTENCES = 3, 3_000
_BLANK = " "
_LINGUA_FILES = ("unigrams", "bigrams", "trigrams", "quadrigrams", "fivegrams")
_VARIANTS = {"es": ("es", "es_AR", "es_MX"), "pt": ("pt", "pt_BR")}
_STOP_WORDS = {"nb": "no"}
_PLACEHOLDERS = re.compile(r"%\([^)]*\)[sd]|%[sd]|\{[^}]*\}|<[^>]*>|&[a-z]+;")
_MIX = np.uint64(0xFF51AFD7ED558CCD)

Floats = npt.NDArray[np.float64]
Grams = Mapping[str, float]


def table(folder: Path) -> npt.NDArray[np.int8]:
    """Build the table (N_ROWS, len(languages.LATIN)). Raises TrainingDataError, ModuleNotFoundError."""
    labelled = _labelled(folder)
    columns = [
        _column(language, [_of_words(_words(labelled[language]))] if language in labelled else [])
        for language in languages.LATIN
    ]
    probabilities = np.stack(columns, axis=1)
    mean = probabilities.mean(axis=1, keepdims=True)
    weights = np.log((probabilities + _SMOOTHING) / (mean + _SMOOTHING))
    units: npt.NDArray[np.int8] = np.clip(np.rint(weights * UNITS), -127, 127).astype(np.int8)
    return units


def with_table(data: bytes, detector: npt.NDArray[np.int8]) -> bytes:
    """Return a model file with the same weights, another table and the language rules of this version."""
    content = artefact.content_of(data, "the model", artefact.FORMAT, artefact.TEXTS, artefact.ARRAYS)
    numbers = LinearWeights(**{key: content[key] for key in artefact.ARRAYS} | {"detector": detector})
    return artefact.dump(numbers, tuple(content["categories"]), json.loads(content["training"]))


def _labelled(folder: Path) -> dict[str, list[str]]:
    """Read the labelled texts of English and Roman Hindi, with romanised copies and generated sentences."""
    examples = training.prepare(folder, training.Recipe()).real
    rng = random.Random(0)
    devanagari = [example.text for example in examples if example.language == "hi"]
    own = templates.generate(_N_SENTENCES, 0)
    sentences = {name: [e.text for e in (*examples, *own) if e.language == name] for name in languages.LATIN[:2]}
    sentences["hi-Latn"] += [romanise(text, rng) for text in devanagari for _ in range(_N_SPELLINGS)]
    return sentences


def _column(language: str, labelled: list[dict[str, float]]) -> Floats:
    """Compute the probabilities (N_ROWS,) of the n-grams of each row in one language."""
    if language == "hi-Latn":
        only: Floats = _mixed(labelled, (1.0,)).mean(axis=0)
        return only
    interface = _of_words(_words(_interface_texts(language)))
    stop_words = _of_words(Counter(dict.fromkeys(_words(_stop_words(language)), 1)))
    inner = _mixed([_lingua(language), *labelled, *([interface] if labelled else [])], (0.4, 0.5, 0.1))
    edge = _mixed([interface, stop_words, *labelled], (0.15, 0.1, 0.75) if labelled else (0.6, 0.4))
    probabilities: Floats = (inner[0] + edge[1]) / 2
    return probabilities


def _mixed(sources: list[dict[str, float]], shares: tuple[float, ...]) -> Floats:
    """Mix sources of n-grams to probabilities (2, N_ROWS): of n-grams inside words, and at the edge of words.

    A source that has none of a kind leaves its share to the others.
    """
    total, weights = np.zeros((2, N_ROWS)), np.zeros((2, 1))
    for source, share in zip(sources, shares, strict=False):
        of_rows = _by_row(source)
        sums = of_rows.sum(axis=1, keepdims=True)
        total += share * of_rows / np.where(sums > 0, sums, 1.0)
        weights += share * (sums > 0)
    mixed: Floats = total / np.where(weights > 0, weights, 1.0)
    return mixed


def _by_row(grams: Grams) -> Floats:
    """Sum the weights of n-grams by row, (2, N_ROWS); each length of n-grams has a sum of 1."""
    kinds, letters = characters.tables()
    sums = np.zeros((2, N_ROWS))
    for length in LENGTHS:
        of_length = {gram: weight for gram, weight in grams.items() if len(gram) == length}
        if not of_length:
            continue
        points = np.array([[ord(c) for c in gram] for gram in of_length], np.uint32)
        weights = np.array(list(of_length.values()), np.float64)
        is_blank = points == ord(_BLANK)
        usable = ((kinds[points] == characters.LETTER) | is_blank).all(axis=1)
        folded = np.where(is_blank, points, letters[points])[usable]
        weights = weights[usable] / weights[usable].sum()
        rows, at_edge = _rows(folded), is_blank[usable].any(axis=1)
        for kind in (0, 1):
            sums[kind] += np.bincount(rows[at_edge == kind], weights[at_edge == kind], N_ROWS)
    return sums


def _rows(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Compute the rows (n,) of n-grams (n, length), as `models.kernels.ngrams.find` hashes them."""
    hashed = np.full(len(points), SEED, np.uint64)
    for at in range(points.shape[1]):
        hashed = (hashed ^ points[:, at].astype(np.uint64)) * PRIME
    hashed ^= CHAR_SALT
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _MIX
    return ((hashed ^ (hashed >> np.uint64(29))) & np.uint64(N_ROWS - 1)).astype(np.int64)


def _words(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in features.words_of(text))


def _of_words(words: Counter[str]) -> dict[str, float]:
    """Count the n-grams of words with a blank on either side."""
    counts: Counter[str] = Counter()
    for word, times in words.items():
        padded = f"{_BLANK}{word}{_BLANK}"
        for length in LENGTHS:
            for at in range(len(padded) - length + 1):
                counts[padded[at : at + length]] += times
    return dict(counts)


def _lingua(language: str) -> dict[str, float]:
    """Read the probabilities of n-grams; lingua has that of an n-gram given its first letters."""
    decompress = importlib.import_module("brotli").decompress
    probabilities: dict[str, float] = {}
    shorter: dict[str, float] = {}
    for length, name in enumerate(_LINGUA_FILES, 1):
        packed = (_package("lingua") / "language-models" / language / f"{name}.json.br").read_bytes()
        current: dict[str, float] = {}
        for part, grams in json.loads(decompress(packed))["ngrams"].items():
            over, under = part.split("/")
            for gram in grams.split(" "):
                current[gram] = int(over) / int(under) * (shorter.get(gram[:-1], 0.0) if length > 1 else 1.0)
        if length in LENGTHS:
            probabilities |= current
        shorter = current
    return probabilities


def _interface_texts(language: str) -> Iterator[str]:
    """Yield the translations of Django's messages; the messages themselves for English."""
    for variant in _VARIANTS.get(language, ("fr" if language == "en" else language,)):
        for path in sorted(_package("django").rglob(f"locale/{variant}/LC_MESSAGES/django*.mo")):
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            for key, translated in catalogue.items():
                message = (key[0] if isinstance(key, tuple) else key).split("\x04")[-1]
                yield _PLACEHOLDERS.sub(" ", message if language == "en" else translated)


def _stop_words(language: str) -> list[str]:
    of_all = json.loads((_package("stopwordsiso") / "stopwords-iso.json").read_text("utf-8"))
    return list(of_all.get(_STOP_WORDS.get(language, language), ()))


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed; see the first lines of models/build_languages.py")
    return Path(spec.origin).parent


def main() -> None:
    """Build the table and write its file, and a model with it if one is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts, with train/")
    parser.add_argument("--out", type=Path, default=languages.DETECTOR_PATH)
    parser.add_argument("--model", type=Path, help="rewrite this model file with the table and the same weights")
    options = parser.parse_args()
    built = table(options.data / "train")
    np.save(options.out, built, allow_pickle=False)
    print(f"{built.shape[0]} rows for {built.shape[1]} languages written to {options.out}")
    if options.model is not None:
        options.model.write_bytes(with_table(options.model.read_bytes(), built))
        print(f"{options.model} is now revision {artefact.load(options.model).revision}")


if __name__ == "__main__":
    main()
