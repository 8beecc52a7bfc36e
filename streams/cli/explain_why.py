"""What `hushtag explain` reads beside decisions: the evidence of a hashtag, the policy file, tweets for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streams.errors import CallerMistake
from streams.policy import Policy
from streams.policy.where import Place, Places
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.flags.why import Standing, Volume
    from streams.log.evidence import EvidenceRecord
    from streams.pipeline.policies import PolicyRecord

BACK_MS = 3_600_000
"""How much of the volume is shown."""
TEXTS_MAX = 64
"""Authors whose texts are explained, as many as a judge samples."""
TWEETS_MAX = 2_000_000
"""Of the log that are looked through for them, the last ones before the moment."""


@dataclass(slots=True)
class Why:
    """All of it. Empty where the evidence does not have the tag."""

    standings: list[Standing] = field(default_factory=list)
    volume: list[Volume] = field(default_factory=list)
    revision: str = ""
    """Of the policy that the standings are under."""
    _kept: Mapping[str, PolicyRecord] = field(default_factory=dict)
    _places: dict[str, tuple[Policy, Places, str]] = field(default_factory=dict)
    _file: Path = Path()

    def policy(self, revision: str) -> Policy | None:
        """A policy that was live."""
        found = self._known(revision)
        return found[0] if found else None

    def where(self, revision: str, signal: str, category: str, surface: str, country: str) -> tuple[str, Place] | None:
        """The file and the line that set a threshold; None for a default, or where the file was not kept."""
        found = self._known(revision)
        place = found[1].of_signal(signal, category, surface, country) if found else None
        return (found[2], place) if found and place else None

    def name_of(self, revision: str) -> str:
        """What to call the file of a policy: its path, where that still holds it."""
        found = self._known(revision)
        return found[2] if found else f"policy {revision}"

    def _known(self, revision: str) -> tuple[Policy, Places, str] | None:
        if revision not in self._places and revision in self._kept:
            record = self._kept[revision]
            policy = Policy.from_canonical(record.policy)
            name = str(self._file) if _reads(self._file) == record.text else f"policy {revision}"
            self._places[revision] = policy, Places(policy, record.text), name
        return self._places.get(revision)


def _reads(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


async def why_of(settings: Settings, hashtag: str, countries: Sequence[str], at_ms: int) -> Why:
    """Where a hashtag stood at a moment in each country, and its volume in the first of them before it."""
    from streams.flags.why import row_of, standings, volumes
    from streams.pipeline.policies import read_policy_topic

    topic = await read_policy_topic(settings)
    why = Why(_kept={revision: record for revision, (_, record) in topic.kept.items()}, _file=settings.policy)
    records = await _evidence(settings, hashtag, at_ms)
    if not records:
        return why
    why.volume = volumes(records, hashtag, countries[0])
    why.revision = records[-1].conditions.policy_revision
    found = why._known(why.revision)
    if found is None:
        return why
    for country in countries:
        last = {one.window_ms: one for one in records if row_of(one, hashtag, country) is not None}
        why.standings += standings(last, hashtag, country, found[0], found[1])
    return why


async def _evidence(settings: Settings, hashtag: str, at_ms: int) -> list[EvidenceRecord]:
    """The records that have the tag, of the hour before a moment, by tick."""
    from streams.counting.sharding import Sharding
    from streams.log.evidence import decode_evidence_record
    from streams.log.reading import LogReader, connection

    found: dict[tuple[int, int, int], EvidenceRecord] = {}
    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        shard = Sharding(len(reader.partitions)).of(hashtag)  # as the topic has it, whatever this shell's settings say
        start = await reader.offset_at(shard, at_ms - BACK_MS)
        async for batch in reader.to_end({shard: start}):
            for value in (one.value for one in batch):
                if hashtag.encode() in value:
                    record = decode_evidence_record(value)
                    if hashtag in record.hashtags and record.tick_ms <= at_ms:
                        found[record.tick_ms, record.window_ms, record.part] = record
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True, slots=True)
class Terms:
    """What moved the model over the texts of a tag's authors."""

    texts: int
    mean: float
    """Of their probabilities of any harm."""
    terms: list[tuple[str, float]]
    """(word, mean contribution to the log-odds), those that moved most first."""


async def terms_of(settings: Settings, hashtag: str, from_ms: int, to_ms: int) -> Terms | None:
    """Read the tag's tweets back from the log, here and now, and ask the model; None where there is none, or no words.

    Nothing is kept. One text an author, of the authors that a judge would sample.

    Raises:
        CallerMistake: there is no good model.
    """
    import models
    from models.explain import explain, together
    from models.scorer import LinearScorer

    try:
        scorer = models.load_scorer(settings.model)
    except (OSError, ValueError) as error:
        raise CallerMistake(
            f"the model artefact cannot be used: {error}", fix="set HUSHTAG_MODEL to a good one, or unset it"
        ) from error
    texts = await _texts(settings, hashtag, from_ms, to_ms)
    if not texts or not isinstance(scorer, LinearScorer):
        return None
    found = together([explain(scorer, text) for text in texts])
    return Terms(
        len(texts), float(scorer.score(texts)[:, 0].mean()), sorted(found, key=lambda term: (-abs(term[1]), term[0]))
    )


async def _texts(settings: Settings, hashtag: str, from_ms: int, to_ms: int) -> list[str]:
    from streams.cli.impact import progress_bar
    from streams.counting.sketch import KeyedHash
    from streams.errors import ContractError
    from streams.events.parse import parse
    from streams.events.tweet import Tweet
    from streams.log.reading import LogReader, connection

    by_author: dict[int, str] = {}
    plain = hashtag.encode() if hashtag.isascii() else None  # others may stand there escaped
    async with LogReader(connection(settings), settings.topic("tweets")) as reader:
        bounds = await reader.bounds()
        ends = {one: await reader.offset_at(one, to_ms) or 0 for one in reader.partitions}
        starts: dict[int, int | None] = {}
        for one, end in ends.items():
            first = await reader.offset_at(one, from_ms) or bounds[one].begin
            starts[one] = min(max(first, end - TWEETS_MAX // len(ends)), end)
        with progress_bar("reading tweets") as bar:
            task = bar.add_task("", total=sum(end - (starts[one] or 0) for one, end in ends.items()))
            async for batch in reader.to_end(starts, ends):
                bar.advance(task, len(batch))
                for record in batch:
                    if plain is not None and plain not in (record.value or b"").lower():
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
