"""Tweets of an attack or a campaign: their texts, and the log that a replay reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.scenarios.sources import DEV, dev_texts
from devkit.simulation.cli import load_texts
from devkit.simulation.texts import TextSource
from streams.constants import DAY_MS, MINUTE_MS
from streams.errors import CallerMistake
from streams.log.lines import LogRecord

START_MS = 1_767_960_000_000
LENGTH_MS = 15 * MINUTE_MS
END_MS = START_MS + LENGTH_MS
TAG = "OurRiver"
COUNTRY = "IN"
FILLERS = ("really", "honestly", "today", "again", "now", "just", "people", "so", "clearly", "indeed")
_TRIES = 40
"""Most draws for each distinct text."""


load = lru_cache(1)(load_texts)
"""Load the texts of a file, or the simulator's own for None, once."""


class Post(NamedTuple):
    """One tweet, ordered by its time."""

    at_ms: int
    author: int
    age_days: int
    """Age of the author's account."""
    text: str
    hashtag: str = TAG


def at(rng: Random, first: float, last: float) -> int:
    """Draw a moment between two minutes since the start."""
    return START_MS + int((first + (last - first) * rng.random()) * MINUTE_MS)


def distinct(texts: TextSource, kind: str, rng: Random, count: int, subject: int = 0) -> list[str]:
    """Draw texts of a kind, no two alike.

    Raises:
        CallerMistake: the source has too few.
    """
    drawn: dict[str, None] = {}
    for _ in range(_TRIES * count):
        if len(drawn) == count:
            break
        drawn[texts.draw(kind, "en", rng, subject)] = None
    if len(drawn) < count:
        raise CallerMistake(
            f"the texts have {len(drawn)} distinct {kind} ones, and {count} authors need one each",
            fix="give a file with more texts, or ask for fewer authors",
        )
    return list(drawn)


def paraphrased(text: str, rng: Random) -> str:
    """Change a text as a careful attacker does: move a part, leave out a word, add fillers."""
    words = text.split()
    cut = rng.randrange(1, max(2, len(words)))
    words = words[cut:] + words[:cut] if rng.random() < 0.5 else words
    if len(words) > 5:
        del words[rng.randrange(len(words))]
    for _ in range(3):
        words.insert(rng.randrange(len(words) + 1), rng.choice(FILLERS))
    return " ".join(words)


def log_of(posts: Iterable[Post]) -> list[LogRecord]:
    """Return the log of some posts, and of other people's tweets without a hashtag, one every two seconds.

    The latter move the watermark, so that ticks settle in time when few people use the hashtag.
    """
    others = [Post(START_MS + ms, 1 + ms, 400, "Good night", "") for ms in range(0, LENGTH_MS + 1, 2000)]
    return [_record(offset, post) for offset, post in enumerate(sorted((*posts, *others)))]


def _record(offset: int, post: Post) -> LogRecord:
    payload = {
        "id": str(1_790_000_000_000_000_000 + offset),
        "author_id": str(post.author),
        "created_at_ms": post.at_ms,
        "text": f"{post.text} #{post.hashtag}" if post.hashtag else post.text,
        "country": COUNTRY,
        "author_created_at_ms": post.at_ms - post.age_days * DAY_MS,
    }
    return LogRecord(0, offset, post.at_ms, None, json.dumps(payload).encode())


def texts_file(name: str, folder: Path) -> tuple[Path | None, str]:
    """Find the texts that `--texts` names.

    Args:
        name: "own", "dev", or a file of labelled texts.
        folder: the dev splits are written into a file there.

    Returns:
        The file, None for the simulator's own texts, and a description.

    Raises:
        CallerMistake: the dev splits are absent, or the file cannot be used.
    """
    if name == "own":
        return None, "the simulator's own"
    if name != "dev":
        load(Path(name))
        return Path(name), f"those of {Path(name).name}"
    if not DEV.is_dir():
        raise CallerMistake("the dev splits of ../shared/data/harm are absent", fix="use --texts own")
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in dev_texts(DEV)), encoding="utf-8")
    return path, "the dev splits of ../shared/data/harm, unseen by training"
