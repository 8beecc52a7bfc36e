"""`hushtag score`: texts in, probabilities out, with the words that made them if asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

import models
from streams.cli.stage_2 import stack
from streams.errors import CallerMistake

BATCH = 256
_READ_BYTES = 1 << 18
N_TERMS = 10


def register(app: typer.Typer) -> None:
    """Add `score` to the application."""
    app.command()(score)


def score(
    model: Annotated[Path | None, typer.Option(help="Model file. Default: the one that comes with hushtag.")] = None,
    stage: Annotated[
        int, typer.Option(help="2: also the encoder (make encoder): a hundred texts a second.", min=1, max=2)
    ] = 1,
    explain: Annotated[bool, typer.Option(help="Add the words that moved `harmful` most, by contribution.")] = False,
    show_terms: Annotated[bool, typer.Option(help="Those words in full: for staff. Default: masked.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Taken for uniformity: the output always is JSON.")] = False,
) -> None:
    """Probability of harm for each line {"text": "...", "lang"?: "..."} on standard input, in order.

    Prints {"harmful": p, "categories": {...}} a line; harmful is the calibrated probability of any category. With
    --explain also {"explanation": {"language", "intercept", "terms": [[word, contribution], ...], "rest"}}: intercept,
    contributions and rest add up to the log-odds of `harmful`. What stage 2 adds cannot be told by words.
    """
    if stage == 2 and (explain or show_terms):
        raise CallerMistake("--explain is of stage 1 only: an encoder has no terms", fix="leave --stage 2 out")
    scorer = _scorer(model) if stage == 1 else stack(model)
    out = sys.stdout
    for texts, mistake in _batches(sys.stdin.buffer):
        for text, row in zip(texts, scorer.score(texts).tolist(), strict=True):
            harmful, *categories = (round(p, 6) for p in row)
            answer = {"harmful": harmful, "categories": dict(zip(scorer.categories, categories, strict=True))}
            if explain or show_terms:
                answer["explanation"] = _explanation(scorer, text, in_full=show_terms)
            out.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace").decode() + "\n")
        out.flush()
        if mistake is not None:
            raise mistake


def _scorer(path: Path | None) -> models.Scorer:
    try:
        return models.load_scorer(path)
    except models.ArtefactError as error:
        fix = "train one: hushtag train" if path is None else "give a file that hushtag train made"
        raise CallerMistake(str(error), fix=fix) from error


def _explanation(scorer: models.Scorer, text: str, *, in_full: bool) -> dict[str, object] | None:
    """The N_TERMS words that moved the log-odds most; None for a text without a word or a model that cannot say."""
    from models.explain import explain, masked
    from models.scorer import LinearScorer

    found = explain(scorer, text) if isinstance(scorer, LinearScorer) else None
    if found is None:
        return None
    terms = sorted(found.terms, key=lambda term: -abs(term[1]))
    shown = [[word if in_full else masked(word), round(contribution, 4)] for word, contribution in terms[:N_TERMS]]
    rest = round(sum(contribution for _, contribution in terms[N_TERMS:]), 4)
    return {"language": found.language, "intercept": round(found.intercept, 4), "terms": shown, "rest": rest}


def _batches(stream: BinaryIO) -> Iterator[tuple[list[str], CallerMistake | None]]:
    """The texts of the lines that are there, at most BATCH at a time, without waiting for more.

    With the last batch comes what is wrong with the line after it, if one is wrong.
    """
    number, rest = 0, b""
    while True:
        block = stream.read1(_READ_BYTES)  # type: ignore[attr-defined]  # both of stdin and of BytesIO
        *lines, rest = (rest + block).split(b"\n")
        if not block and rest:
            lines, rest = [rest], b""
        texts: list[str] = []
        for line in lines:
            number += 1
            try:
                texts.append(_text(line))
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


def _text(line: bytes) -> str:
    """The text of one line of JSON. Raises ValueError saying what is wrong."""
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
    return text
