"""Texts scored per second and core: hushtag's scorer and scikit-learn's HashingVectorizer + LogisticRegression.

    python -m benchmarks.scoring [--texts 4096] [--seconds 2] [--batch 256] [--json]

Both read the same texts in the same batches, on one core, and give a probability: scikit-learn one column from words
alone and from characters (the usual `char_wb` 3- to 5-grams), hushtag four calibrated columns from both and from
skeletons, with and without its language gate. The second stage is measured where the extra `encoder` is installed. With
`--kinds` instead the mean probability of the simulator's own texts by kind and language, which no training saw. Last
comes how many hashtags a second get a harmful share with its bounds. Time is the process's own CPU time, so that a busy
machine does not blur it. Texts are the labelled ones of ../shared/data where that is there, else made by a seeded
generator.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.machine import machine
from devkit.simulation.data import own_texts
from devkit.simulation.texts import KINDS
from models import EncoderUnavailable, data, load_scorer, load_stack, share, templates
from models.scorer import LinearScorer

_DEV = Path(__file__).resolve().parents[2] / "shared" / "data" / "harm" / "dev"
_LANGUAGES = ("en", "hi", "hi-Latn")
N_STAGE_2 = 64  # texts a pass of it
WITHOUT_GATE = "hushtag without the language gate"
_TWEETS = ("davidson", "uli_en", "uli_hi")

Score = Callable[[Sequence[str]], object]


def texts_to_score(n_texts: int) -> tuple[list[str], str]:
    """`n_texts` texts, repeated if need be, and where they are from."""
    if _DEV.is_dir():
        examples, origin = data.read_folder(_DEV, _TWEETS), "labelled tweets (dev)"
    else:
        examples, origin = templates.generate(n_texts // 2, seed=1), "generated sentences (no shared data here)"
    texts = [example.text for example in examples]
    return [texts[i % len(texts)] for i in range(n_texts)], origin


def scikit_learn(texts: Sequence[str], **settings: object) -> Score:
    """HashingVectorizer + LogisticRegression, fitted on the texts themselves: speed does not ask for sense."""
    vectorizer = HashingVectorizer(n_features=1 << 18, **settings)
    labels = np.arange(len(texts)) % 2
    model = LogisticRegression(solver="liblinear", dual=True, tol=0.1).fit(vectorizer.transform(texts), labels)
    return lambda batch: model.predict_proba(vectorizer.transform(batch))


def texts_per_second(score: Score, texts: Sequence[str], batch: int, seconds: float) -> float:
    """CPU rate over whole passes of the texts, for at least `seconds` of CPU time, after one batch to warm up."""
    batches = [texts[i : i + batch] for i in range(0, len(texts), batch)]
    score(batches[0])
    n_texts, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for some in batches:
            score(some)
        n_texts += len(texts)
    return n_texts / spent


def shares_per_second(scorer: LinearScorer, n_tags: int, seconds: float) -> float:
    """CPU rate of `models.share.bounds` over tables of `n_tags` hashtags."""
    rng = np.random.default_rng(0)
    mean, n, mix = rng.random(n_tags), rng.integers(5, 200, n_tags), rng.dirichlet(np.ones(3), n_tags)
    numbers, n_done, start = scorer.numbers, 0, time.process_time()
    while (spent := time.process_time() - start) < seconds:
        share.bounds(mean, n, mix, numbers.moments[:, 0], numbers.errors[:, 0], 0.9)
        n_done += n_tags
    return n_done / spent


def kinds() -> None:
    """Prints a table: mean probability of harm of the simulator's texts by kind."""
    scorer, texts, rng = load_scorer(), own_texts(), random.Random(0)
    print(f"| simulated | {' | '.join(_LANGUAGES)} |")
    print("|---" * (1 + len(_LANGUAGES)) + "|")
    for kind in KINDS:
        drawn = [[texts.draw(kind, language, rng, subject) for subject in range(500)] for language in _LANGUAGES]
        print(f"| {kind} | {' | '.join(f'{scorer.score(some)[:, 0].mean():.2f}' for some in drawn)} |")


def main() -> None:
    """Prints what this module's first lines promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=4_096)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds for each")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--kinds", action="store_true", help="not speed: what the simulator's texts get")
    options = parser.parse_args()
    if options.kinds:
        kinds()
        return

    texts, origin = texts_to_score(options.texts)
    start = time.perf_counter()
    scorer = load_scorer()
    load_seconds = time.perf_counter() - start
    assert isinstance(scorer, LinearScorer)
    contenders: dict[str, Score] = {
        "hushtag (words, characters, skeletons; 4 columns)": scorer.score,
        WITHOUT_GATE: scorer.reading_all().score,
        "scikit-learn, words 1-2": scikit_learn(texts, ngram_range=(1, 2)),
        "scikit-learn, char_wb 3-5": scikit_learn(texts, analyzer="char_wb", ngram_range=(3, 5)),
    }
    rates = {name: texts_per_second(score, texts, options.batch, options.seconds) for name, score in contenders.items()}
    try:
        rates["hushtag's stage 2, one text at a time, none remembered"] = texts_per_second(
            load_stack().score, texts[:N_STAGE_2], N_STAGE_2, options.seconds
        )
    except EncoderUnavailable as error:
        print(f"stage 2 left out: {error} (make encoder)", file=sys.stderr)
    shares = shares_per_second(scorer, 10_000, options.seconds)
    if options.json:
        result = {"machine": machine(), "texts": origin, "load_seconds": load_seconds, "texts_per_second": rates}
        result["shares_per_second"] = shares
        print(json.dumps(result))
        return
    print(machine())
    length = np.mean([len(text) for text in texts])
    print(f"{len(texts)} {origin}, {length:.0f} characters each, batches of {options.batch}")
    print(f"model loaded and compiled (or read from the cache) in {load_seconds:.1f} s\n")
    for name, rate in rates.items():
        print(f"{name:56} {rate:10,.0f} texts/s/core")
    print(f"{'harmful shares with bounds, tables of 10,000':56} {shares:10,.0f} hashtags/s/core")


if __name__ == "__main__":
    main()
