"""Texts of one labelled source, and a model that was trained without them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

import msgspec

from devkit.simulation.data import own_texts
from devkit.simulation.hard import LANGUAGES
from devkit.simulation.texts import LabelledText, LabelledTexts, OwnTexts, TextSource
from models import artefact, data, left_out, platform_scale
from models.scorer import LinearScorer
from streams.scoring import TextScorer, load_text_scorer

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "harm"
DEV = DATA / "dev"
SIMULATOR = "simulator"
"""Name of the source that has the simulator's own texts and the committed model."""
KNOWN = "dev"
"""Name of the source of the dev splits: the committed model was trained on other texts of the same annotators."""
MIXED = ("protest", "sports", "festival")
"""Kinds that draw half of their texts from the clean ones of the source."""
DEV_LANGUAGES = {
    "davidson": "en",
    "mhs_ken20_dev": "en",
    "mhs_ken20_test": "en",
    "hatemojibuild_dev": "en",
    "hatemojibuild_test": "en",
    "uli_en": "en",
    "uli_hi": "hi-Latn",
    "identity_templates_en": "en",
    "identity_templates_hi-latn": "hi-Latn",
}
IDENTITY_EVERY = 30
"""One in this many clean identity sentences ("Aki is a kind muslim") is used: all would dominate the texts."""


@dataclass(frozen=True, slots=True)
class SourceMaterial:
    """Texts for a simulation, their languages, and the scorer that has not seen them."""

    texts: TextSource
    languages: tuple[str, ...]
    scorer: TextScorer


class LeftOutTexts:
    """Harmful and clean texts of a source; other kinds are the simulator's, some of them mixed with clean ones."""

    def __init__(self, labelled: LabelledTexts, own: OwnTexts) -> None:
        self._labelled, self._own = labelled, own

    def draw(self, kind: str, language: str, rng: Random, subject: int = 0) -> str:
        """Draw a text of this kind, in this language or else in a related one."""
        if kind in ("harmful", "clean"):
            return self._labelled.draw(kind, language, rng, subject)
        if kind in MIXED and rng.random() < 0.5:
            return self._labelled.draw("clean", language, rng, subject)
        return self._own.draw(kind, language, rng, subject)


def names(folder: Path = DATA) -> tuple[str, ...]:
    """Return the sources of texts, the known one first; the simulator's where the labelled texts are absent."""
    return (KNOWN, *left_out.SOURCES) if (folder / "train").is_dir() else (SIMULATOR,)


@lru_cache(maxsize=16)
def material(name: str, n_labels: int = 0, folder: Path = DATA) -> SourceMaterial:
    """Load the texts of a source and the model trained without it.

    Args:
        name: one of `names`.
        n_labels: texts of a left-out source, drawn at random, to whose labels the scale of the model is fitted. The
            others are returned.
        folder: labelled texts, with train/ and dev/.

    Raises:
        TrainingDataError: the labelled texts cannot be used.
    """
    own = own_texts()
    if name == SIMULATOR:
        return SourceMaterial(own, LANGUAGES, load_text_scorer())
    if name == KNOWN:
        rows = [msgspec.convert(row, LabelledText) for row in dev_texts(folder / "dev")]
        return SourceMaterial(LeftOutTexts(LabelledTexts(rows, own), own), LANGUAGES, load_text_scorer())
    live = left_out.scorer_without(folder, name)
    examples = left_out.texts_of(folder, name)
    Random(f"labels of {name}").shuffle(examples)
    rows = [
        LabelledText(example.text, harmful=example.labels[0], lang=example.language) for example in examples[n_labels:]
    ]
    labelled = LabelledTexts(rows, own)
    enough = tuple(language for language in LANGUAGES if labelled.n_harmful_in.get(language, 0) >= LabelledTexts.FEW)
    scorer = calibrated(live, examples[:n_labels]) if n_labels else live
    return SourceMaterial(LeftOutTexts(labelled, own), enough, TextScorer(scorer))


def calibrated(live: LinearScorer, examples: Sequence[data.Example]) -> LinearScorer:
    """Fit the scale of a model to labelled texts, as `hushtag calibrate` does."""
    probabilities, languages = platform_scale.score(live, [example.text for example in examples])
    labels = [
        platform_scale.ScoredLabel(
            probabilities=tuple(row.tolist()),
            language=language,
            harmful=bool(example.labels[0]),
            categories={
                name: bool(label)
                for name, label in zip(data.CATEGORIES, example.labels[1:], strict=True)
                if label != data.UNLABELLED
            },
        )
        for example, row, language in zip(examples, probabilities, languages, strict=True)
    ]
    fitted = platform_scale.fit(live, labels, with_coverage=False)
    return artefact.loads(fitted.artefact(live, {"labels": len(examples)}))


def dev_texts(folder: Path, *, adversarial: bool = False) -> Iterator[dict[str, object]]:
    """Read the dev splits as lines for `simulate --texts`: tweets with labels, and some clean identity sentences.

    `adversarial` adds HatemojiBuild. Davidson's "offensive" is left out, as its source advises: neither clean nor
    hateful.
    """
    for name, language in DEV_LANGUAGES.items():
        if name.startswith("hatemoji") and not adversarial:
            continue
        with (folder / f"{name}.jsonl").open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                row = json.loads(line)
                if row["detail"] == "offensive":
                    continue
                if name.startswith("identity") and (row["y"] or number % IDENTITY_EVERY):
                    continue
                yield {
                    "text": row["text"],
                    "harmful": bool(row["y"]),
                    "lang": "hi" if row["script"] == "deva" else language,
                }
