"""`hushtag score`: texts in, probabilities out, with the words that contributed most on request."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import numpy as np
import typer

import models
from models.protocol import LanguageScorer
from streams.cli.inputs import standard_input
from streams.cli.options import AlwaysJson
from streams.errors import CallerMistake

BATCH = 256
_READ_BYTES = 1 << 18
N_TERMS = 10


def register(app: typer.Typer) -> None:
    """Add `score` to the command."""
    app.command()(score)


def score(
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Model artefact.", show_default="the one shipped with hushtag")
    ] = None,
    stage: Annotated[
        int,
        typer.Option(
            help="1: the linear model. 2: also the encoder (make encoder), about 100 texts a second.", min=1, max=2
        ),
    ] = 1,
    explain: Annotated[
        bool, typer.Option("--explain", help="Add the words that contributed most to `harmful`, masked.")
    ] = False,
    show_terms: Annotated[bool, typer.Option("--show-terms", help="Like --explain, with unmasked words.")] = False,
    as_json: AlwaysJson = False,
) -> None:
    """Print the probability of harm for each line {"text": "...", "lang"?: "..."} on standard input, in order.

    A line of output is {"harmful": p, "categories": {...}, "language": tag}; harmful is the calibrated probability of
    any category. Numbers are null for a text in a language that the model does not read; "lang" of the input, as the
    platform names the language, helps to find it. --explain adds {"explanation": {"language", "intercept", "terms",
    "rest"}}; "terms" is a list of pairs, word and contribution. Intercept, contributions and rest add up to the
    log-odds of `harmful`. Stage 2 cannot be explained by words.
    """
    from models.languages import hint_of

    if stage == 2 and (explain or show_terms):
        raise CallerMistake("--explain works for stage 1 only: an encoder has no terms", fix="leave --stage 2 out")
    scorer = _scorer(model) if stage == 1 else stack(model)
    out = sys.stdout
    for lines, mistake in _batches(standard_input('texts as {"text": "..."}')):
        texts, hints = [text for text, _ in lines], np.array([hint_of(lang) for _, lang in lines], np.uint8)
        probabilities, languages = scorer.score_languages(texts, hints)
        for text, hint, row, language in zip(texts, hints.tolist(), probabilities.tolist(), languages, strict=True):
            harmful, *categories = (None if math.isnan(p) else round(p, 6) for p in row)
            answer: dict[str, object] = {
                "harmful": harmful,
                "categories": dict(zip(scorer.categories, categories, strict=True)),
                "language": language,
            }
            if explain or show_terms:
                answer["explanation"] = _explanation(scorer, text, hint, in_full=show_terms)
            out.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n")
        out.flush()
        if mistake is not None:
            raise mistake


def _scorer(path: Path | None) -> LanguageScorer:
    try:
        return models.load_scorer(path)
    except models.ArtefactError as error:
        fix = "train one: hushtag train" if path is None else "name a file that hushtag train made"
        raise CallerMistake(str(error), fix=fix) from error


def stack(path: Path | None, remember: Path | None = None) -> LanguageScorer:
    """Load stage 2 on top of the linear model at `path`.

    Raises:
        CallerMistake: stage 2 is not installed, or does not fit the linear model.
    """
    try:
        return models.load_stack(path, remember=remember)
    except models.EncoderUnavailable as error:
        raise CallerMistake(f"stage 2 is not installed: {error}", fix="make encoder, or leave --stage 2 out") from error
    except models.ArtefactError as error:
        raise CallerMistake(str(error), fix="train stage 2 on this model: hushtag train --stage 2") from error


def _explanation(scorer: object, text: str, hint: int, *, in_full: bool) -> dict[str, object] | None:
    """Explain a text by the N_TERMS words that moved the log-odds most; None where there is no explanation.

    A text without a word has none, nor one in a language that is not read, nor has a model that is not linear.
    """
    from models.explain import explain, masked
    from models.scorer import LinearScorer

    explanation = explain(scorer, text, hint=hint) if isinstance(scorer, LinearScorer) else None
    if explanation is None:
        return None
    terms = sorted(explanation.terms, key=lambda term: -abs(term[1]))
    shown = [[word if in_full else masked(word), round(contribution, 4)] for word, contribution in terms[:N_TERMS]]
    rest = round(sum(contribution for _, contribution in terms[N_TERMS:]), 4)
    language, intercept = explanation.language, round(explanation.intercept, 4)
    return {"language": language, "intercept": intercept, "terms": shown, "rest": rest}


def _batches(stream: BinaryIO) -> Iterator[tuple[list[tuple[str, str]], CallerMistake | None]]:
    """Yield text and language of the available lines, at most BATCH at a time, without waiting for more.

    The last batch comes with the error of the line after it, if that line is wrong.
    """
    number, rest = 0, b""
    while True:
        block = stream.read1(_READ_BYTES)  # type: ignore[attr-defined]  # both of stdin and of BytesIO
        *lines, rest = (rest + block).split(b"\n")
        if not block and rest:
            lines, rest = [rest], b""
        texts: list[tuple[str, str]] = []
        for line in lines:
            number += 1
            try:
                texts.append(_text_and_language(line))
            except (ValueError, RecursionError) as error:
                reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                yield texts, CallerMistake(f"line {number}: {reason}", fix='each line: {"text": "...", "lang"?: "..."}')
                return
            if len(texts) == BATCH:
                yield texts, None
                texts = []
        if texts:
            yield texts, None
        if not block:
            return


def _text_and_language(line: bytes) -> tuple[str, str]:
    """Return the text of one line of JSON and its language, "" without one.

    Raises:
        ValueError: the line is not such an object; the message has the reason.
    """
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON at column {error.colno}: {error.msg}") from error
    if not isinstance(row, dict) or "text" not in row:
        raise ValueError('expected an object with "text"')
    text, lang = row["text"], row.get("lang")
    if not isinstance(text, str):
        raise ValueError(f'"text" is {type(text).__name__}, expected a string')
    if lang is not None and not isinstance(lang, str):
        raise ValueError(f'"lang" is {type(lang).__name__}, expected a string')
    return text, lang or ""
