"""Measure recall under disguises; `python -m models.evaluation.attacks [--data DIR]` prints the card's table.

Harmful texts of the dev splits are disguised as people do against word lists, and scored again. "every word" disguises
all words of three letters or more. "worst words" assumes an attacker who knows the model and disguises the three words
that contribute most to harm. Recall is relative to the texts found without a disguise, at the threshold that flags a
tenth of the clean dev texts of their language.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import artefact, data, features, splits
from models.evaluation.figures import NOT_TWEETED
from models.evaluation.run import DEFAULT_DATA
from models.explain import explain
from models.scorer import LinearScorer

FALSE_POSITIVE_RATE = 0.1
N_WORST = 3
MOST_LOST = 0.1
"""Maximum loss of recall by a look-alike or spacing disguise."""

Disguise = Callable[[str, random.Random], str]

_LOOK_ALIKE = str.maketrans("aceiopsxybhkmtn", "асеіорѕхуЬһкмтп".lower())
_GREEK = str.maketrans("aiotuvxwydc", "αιοτυνχωγδϲ")
_LEET = str.maketrans("aeiosbtg", "4310$876")
_BOLD = {ord("a") + i: chr(0x1D5EE + i) for i in range(26)} | {ord("A") + i: chr(0x1D5D4 + i) for i in range(26)}
_WIDE = {point: chr(point + 0xFEE0) for point in range(0x21, 0x7F)}
_BOXED = {ord("a") + i: chr(0x1F170 + i) for i in range(26)} | {ord("A") + i: chr(0x1F170 + i) for i in range(26)}
_VOWELS = "aeiou"


def _between(sign: str) -> Disguise:
    """Separate letters by a sign; an Indic vowel sign stays with its letter."""
    return lambda word, rng: sign.join(_letters(word))


def _letters(word: str) -> list[str]:
    letters: list[str] = []
    for char in word:
        if letters and features.is_mark(char):
            letters[-1] += char
        else:
            letters.append(char)
    return letters


def _inserted(signs: str) -> Disguise:
    def disguise(word: str, rng: random.Random) -> str:
        at = rng.randrange(1, len(word)) if len(word) > 1 else 0
        return word[:at] + rng.choice(signs) + word[at:]

    return disguise


def _zalgo(word: str, rng: random.Random) -> str:
    return "".join(c + "".join(chr(rng.randrange(0x300, 0x36F)) for _ in range(3)) for c in word)


def _starred(word: str, rng: random.Random) -> str:
    at = [i for i in range(1, len(word) - 1) if word[i].lower() in _VOWELS or features.is_mark(word[i])]
    return word if not at else word[: at[0]] + "*" + word[at[0] + 1 :]


def _stretched(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word[:at] + word[at] * 4 + word[at + 1 :]


def _swapped(word: str, rng: random.Random) -> str:
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


LOOK_ALIKES: dict[str, Disguise] = {
    "Cyrillic look-alikes": lambda word, rng: word.translate(_LOOK_ALIKE),
    "Greek look-alikes": lambda word, rng: word.translate(_GREEK),
    "digits and signs (l33t)": lambda word, rng: word[:1] + word[1:].translate(_LEET),
    "mathematical bold": lambda word, rng: word.translate(_BOLD),
    "full width": lambda word, rng: word.translate(_WIDE),
    "boxed letters": lambda word, rng: word.translate(_BOXED),
    "zalgo": _zalgo,
    "upper case": lambda word, rng: word.upper(),
}
SPACINGS: dict[str, Disguise] = {
    "letters apart, blanks": _between(" "),
    "letters apart, full stops": _between("."),
    "letters apart, hyphens": _between("-"),
    "letters apart, stars": _between("*"),
    "zero-width space in every gap": _between("\u200b"),
    "zero-width joiner inside": _inserted("\u200c\u200d\u2060\u00ad"),
    "one blank inside": _inserted(" "),
}
SPELLINGS: dict[str, Disguise] = {
    "a vowel starred": _starred,
    "a letter stretched": _stretched,
    "two letters swapped": _swapped,
}


@dataclass(frozen=True, slots=True)
class AttackResult:
    """Remaining recall under one disguise in one language, with every word and with the worst words disguised."""

    disguise: str
    kind: str
    language: str
    every_word: float
    worst_words: float
    n_texts: int


def attack(scorer: LinearScorer, examples: list[data.Example]) -> Iterator[AttackResult]:
    """Apply every disguise to the harmful texts of each language that the scorer finds without it.

    A disguised text that the language gate takes for another language is lost.
    """
    own = [example for example in examples if not example.source.startswith(NOT_TWEETED)]
    for language in ("en", "hi", "hi-Latn"):
        texts = {y: [e.text for e in own if e.language == language and e.labels[0] == y] for y in (0, 1)}
        threshold = float(np.quantile(scorer.reading_all().score(texts[0])[:, 0], 1 - FALSE_POSITIVE_RATE))
        detected = [t for t, p in zip(texts[1], scorer.score(texts[1])[:, 0], strict=True) if p >= threshold]
        worst = [_worst(scorer, text) for text in detected]
        for kind, disguises in (("look-alike", LOOK_ALIKES), ("spacing", SPACINGS), ("spelling", SPELLINGS)):
            for name, disguise in disguises.items():
                recalls = []
                for chosen in (None, worst):
                    rng = random.Random(0)
                    changed = [
                        _disguised(text, disguise, rng, None if chosen is None else chosen[i])
                        for i, text in enumerate(detected)
                    ]
                    recalls.append(float((scorer.score(changed)[:, 0] >= threshold).mean()))
                yield AttackResult(name, kind, language, recalls[0], recalls[1], len(detected))


def _worst(scorer: LinearScorer, text: str) -> frozenset[str]:
    explanation = explain(scorer, text)
    return frozenset(word for word, added in (explanation.terms if explanation else ())[:N_WORST] if added > 0)


def _disguised(text: str, disguise: Disguise, rng: random.Random, only: frozenset[str] | None) -> str:
    """Disguise words, with two blanks around each, since an attacker wants to stay readable."""
    out = []
    for word in text.split():
        letters = word.strip(".,;:!?\"'()[]…।")
        read = features.words_of(letters)
        if (
            len(letters) < 3
            or word[:1] in "@#"
            or "://" in word
            or len(read) != 1
            or (only is not None and read[0] not in only)
        ):
            out.append(word)
        else:
            out.append(f" {disguise(letters, rng)} ")
    return " ".join(out)


def table(outcomes: list[AttackResult]) -> Iterator[str]:
    """Lines of a Markdown table: recall left, every word disguised / the three worst."""
    languages = list(dict.fromkeys(outcome.language for outcome in outcomes))
    heads = [f"{language} ({next(o.n_texts for o in outcomes if o.language == language)})" for language in languages]
    yield f"| kind | disguise | {' | '.join(heads)} |"
    yield "|---" * (2 + len(languages)) + "|"
    for kind, name in dict.fromkeys((outcome.kind, outcome.disguise) for outcome in outcomes):
        cells = [
            f"{o.every_word:.2f} / {o.worst_words:.2f}"
            for language in languages
            for o in outcomes
            if (o.disguise, o.language) == (name, language)
        ]
        yield f"| {kind} | {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table; exit code 3 if a look-alike or spacing disguise loses more than a tenth of the recall."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of labelled texts with train/ and dev/")
    parser.add_argument("--model", type=Path, default=artefact.ARTEFACT_PATH)
    options = parser.parse_args()
    try:
        examples = splits.evaluation_split(options.data / "dev", splits.read_training(options.data / "train")).dev
        outcomes = list(attack(artefact.load(options.model), examples))
    except ValueError as error:  # of models.errors
        parser.exit(2, f"error: {error}\n")
    for line in table(outcomes):
        print(line)
    missed = [o for o in outcomes if o.kind != "spelling" and min(o.every_word, o.worst_words) < 1 - MOST_LOST]
    raise SystemExit(3 if missed else 0)


if __name__ == "__main__":
    main()
