"""Words of a hashtag's tweets that moved the model. The tweets are read from the log on request and not kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.errors import CallerMistake, ContractError, TopicsError
from streams.settings import Settings

if TYPE_CHECKING:
    from models import Scorer

TEXTS_MAX = 64
"""Number of authors whose texts are explained, as many as a judge samples."""
TWEETS_MAX = 2_000_000
"""Number of tweets before the time that are searched for the hashtag."""


@dataclass(frozen=True, slots=True)
class WordReport:
    """Contributions of words over one text of each of some authors, of texts that the model reads."""

    texts: int
    mean: float
    """Mean probability of any harm."""
    terms: list[tuple[str, float]]
    """(word, mean contribution to the log-odds), the largest contributions first."""
    model: str = ""
    """Revision of the model that was asked."""
    unlike: str = ""
    """Reason why it is not the model that scored the hashtag; "" where it is."""


async def gather_words(
    settings: Settings, hashtag: str, from_ms: int, to_ms: int, *, model: str = ""
) -> WordReport | None:
    """Read a hashtag's tweets and ask the model for its words; None without tweets, or with another kind of model.

    One text an author is read, of the authors that a judge would sample.

    Args:
        settings: addresses and topic names.
        hashtag: hashtag in its normalised form.
        from_ms: start of the window, inclusive.
        to_ms: end of the window, exclusive.
        model: revision to ask; "" for this shell's own.

    Raises:
        CallerMistake: this shell's own model cannot be loaded.
    """
    from models.explain import explain, mean_contributions
    from models.scorer import LinearScorer

    scorer, unlike = await _scorer(settings, model)
    texts = await read_texts(settings, hashtag, from_ms, to_ms)
    if not texts or not isinstance(scorer, LinearScorer):
        return None
    harmful = scorer.score(texts)[:, 0]
    read = [text for text, p in zip(texts, harmful.tolist(), strict=True) if not math.isnan(p)]
    if not read:
        return None
    terms = mean_contributions([explain(scorer, text) for text in read])
    return WordReport(
        len(read),
        sum(p for p in harmful.tolist() if not math.isnan(p)) / len(read),
        sorted(terms, key=lambda term: (-abs(term[1]), term[0])),
        scorer.revision,
        unlike,
    )


async def _scorer(settings: Settings, revision: str) -> tuple[Scorer, str]:
    """Load a model that was ever live; else this shell's own, and the reason."""
    import models
    from models import artefact
    from streams.log.models import read_models

    try:
        own = models.load_scorer(settings.model)
    except (OSError, ValueError) as error:
        raise CallerMistake(
            f"the model artefact cannot be used: {error}", fix="set HUSHTAG_MODEL to a valid one, or unset it"
        ) from error
    if revision in ("", own.revision):
        return own, ""
    try:
        data = (await read_models(settings, only=revision)).get(revision)
        scorer = artefact.loads(data, f"model {revision}") if data is not None else None
    except (TopicsError, models.ArtefactError) as error:
        return own, f"model {revision}, which scored it, cannot be used here: {error}"
    if scorer is None or scorer.revision != revision:
        return own, f"model {revision}, which scored it, is not in {settings.topic('models')}"
    return scorer, ""


async def read_texts(settings: Settings, hashtag: str, from_ms: int, to_ms: int) -> list[str]:
    """Read one text of each of up to `TEXTS_MAX` authors of a hashtag, the smallest author hashes first."""
    from streams.counting.sketch import KeyedHash
    from streams.events.parse import parse
    from streams.events.tweet import Tweet
    from streams.log.reading import LogReader, connection
    from streams.progress import progress_bar

    by_author: dict[int, str] = {}
    needle = hashtag.encode() if hashtag.isascii() else None
    async with LogReader(connection(settings), settings.topic("tweets")) as reader:
        bounds = await reader.bounds()
        ends = {partition: await reader.offset_at(partition, to_ms) or 0 for partition in reader.partitions}
        starts: dict[int, int | None] = {}
        for partition, end in ends.items():
            first = await reader.offset_at(partition, from_ms) or bounds[partition].begin
            starts[partition] = min(max(first, end - TWEETS_MAX // len(ends)), end)
        with progress_bar("reading tweets") as bar:
            task = bar.add_task("", total=sum(end - (starts[partition] or 0) for partition, end in ends.items()))
            async for batch in reader.to_end(starts, ends):
                bar.advance(task, len(batch))
                for record in batch:
                    if needle is not None and _lacks(record.value or b"", needle):
                        continue
                    try:
                        tweet = parse(record.value)
                    except ContractError:
                        continue
                    if isinstance(tweet, Tweet) and any(use.hashtag == hashtag for use in tweet.hashtags):
                        by_author.setdefault(tweet.author_id, tweet.text)
    hashes = KeyedHash(settings.hash_key.get_secret_value().encode())
    authors = list(by_author)
    ranked = sorted(zip(hashes.authors(authors).tolist(), authors, strict=True)) if authors else []
    return [by_author[author] for _, author in ranked[:TEXTS_MAX]]


def _lacks(value: bytes, hashtag: bytes) -> bool:
    """Tell whether a record cannot have an ASCII hashtag. Other letters, escaped or not, may normalise to it."""
    return value.isascii() and b"\\u" not in value and hashtag not in value.lower()
