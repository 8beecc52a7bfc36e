"""What `hushtag explain` reads beside decisions: the evidence of a hashtag, the policy file, tweets for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from streams.errors import CallerMistake, TopicsError
from streams.policy import Policy
from streams.policy.where import Place, Places
from streams.settings import Settings

if TYPE_CHECKING:
    from models import Scorer
    from streams.explain.signal_report import Below, Standing, Volume
    from streams.log.decisions import Reason
    from streams.log.evidence import EvidenceRecord
    from streams.log.policies import PolicyRecord

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
    below: list[Below] = field(default_factory=list)
    """Where it does not stand: windows that have it no longer."""
    volume: list[Volume] = field(default_factory=list)
    seen: bool = False
    """Whether the evidence of the last hour has it at all."""
    revision: str = ""
    """Of the policy that the standings are under."""
    live: str = ""
    """Of the policy that decides what comes next: another one, where it has gone live since."""
    protected: bool = False
    """In that policy's `never_suppress`."""
    fault: Reason | None = None
    """Why the scorer was not believed at the last tick."""
    model: str = ""
    """Revision that scored the texts of that tick, or would have; "" where no policy was ever live."""
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
    from streams.explain.signal_report import Below, fault_of, row_of, standings, volumes
    from streams.log.policies import read_policy_topic

    topic = await read_policy_topic(settings)
    why = Why(_kept={revision: record for revision, (_, record) in topic.kept.items()}, _file=settings.policy)
    past = await _evidence(settings, hashtag, at_ms)
    of_tag, last = past.of_tag(), past.last()
    newest = max((records[0] for records in last.values()), key=lambda one: one.tick_ms, default=None)
    why.revision = newest.conditions.policy_revision if newest else ""
    tick_ms = newest.tick_ms if newest else -1
    since = [one.revision for one in why._kept.values() if tick_ms < one.from_tick_ms <= at_ms]
    why.live = since[-1] if since else why.revision
    live, found = why.policy(why.live), why._known(why.revision)
    why.model = newest.conditions.model_revision if newest else why._kept[why.live].model_revision if live else ""
    why.protected = live is not None and live.is_never_suppressed(hashtag)
    why.volume = volumes(of_tag, hashtag, countries[0])
    why.seen = any(row_of(one, hashtag, country) is not None for one in of_tag for country in countries)
    if newest is None or found is None:
        return why
    asked = {window_ms: last[window_ms] for window_ms in newest.conditions.windows_ms if window_ms in last}
    why.fault = fault_of(asked.get(newest.conditions.windows_ms[0], ()), found[0])
    for country in countries:
        here = {
            window_ms: one for window_ms, records in asked.items() for one in records
            if row_of(one, hashtag, country) is not None
        }  # fmt: skip
        why.standings += standings(here, hashtag, country, found[0], found[1])
        why.below += [
            Below(country, window_ms, records[0].tick_ms, newest.conditions.evidence_floor)
            for window_ms, records in asked.items() if window_ms not in here
        ]  # fmt: skip
    return why


class _Past:
    """The evidence of one shard up to a moment, record by record as it was written."""

    def __init__(self, hashtag: str, at_ms: int) -> None:
        self._hashtag, self._needle, self._at_ms = hashtag, hashtag.encode(), at_ms
        self._of_tag: dict[tuple[int, int, int], EvidenceRecord] = {}
        self._last: dict[int, tuple[int, dict[int, bytes]]] = {}

    def take(self, value: bytes) -> bool:
        """Take a record; False: it is behind the moment, and so is, or repeats, all that comes after it."""
        from streams.log.evidence import decode_evidence_head, decode_evidence_record

        head = decode_evidence_head(value)
        if head.tick_ms > self._at_ms:
            return False
        last_ms, parts = self._last.get(head.window_ms, (-1, {}))
        if head.tick_ms > last_ms:
            self._last[head.window_ms] = head.tick_ms, {head.part: value}
        elif head.tick_ms == last_ms:
            parts[head.part] = value
        if self._needle in value:
            record = decode_evidence_record(value)
            if self._hashtag in record.hashtags:
                self._of_tag[record.tick_ms, record.window_ms, record.part] = record
        return True

    def of_tag(self) -> list[EvidenceRecord]:
        """Those that have the tag, by tick."""
        return [self._of_tag[key] for key in sorted(self._of_tag)]

    def last(self) -> dict[int, list[EvidenceRecord]]:
        """By window, the shortest first, all records of the last tick that counted it."""
        from streams.log.evidence import decode_evidence_record

        return {
            window_ms: [decode_evidence_record(parts[part]) for part in sorted(parts)]
            for window_ms, (_, parts) in sorted(self._last.items())
        }


async def _evidence(settings: Settings, hashtag: str, at_ms: int) -> _Past:
    """The hour before a moment."""
    from streams.counting.sharding import Sharding
    from streams.log.reading import LogReader, connection

    past = _Past(hashtag, at_ms)
    async with LogReader(connection(settings), settings.topic("hashtag-evidence")) as reader:
        shard = Sharding(len(reader.partitions)).of(hashtag)  # as the topic has it, whatever this shell's settings say
        start = await reader.offset_at(shard, at_ms - BACK_MS)
        async with aclosing(reader.to_end({shard: start})) as batches:
            async for batch in batches:
                if not all(past.take(one.value) for one in batch):
                    break
    return past


@dataclass(frozen=True, slots=True)
class Terms:
    """What moved the model over the texts of a tag's authors."""

    texts: int
    mean: float
    """Of their probabilities of any harm."""
    terms: list[tuple[str, float]]
    """(word, mean contribution to the log-odds), those that moved most first."""
    model: str = ""
    """Revision of the one that was asked."""
    unlike: str = ""
    """Why it is not the one that scored the tag; "" where it is."""


async def terms_of(settings: Settings, hashtag: str, from_ms: int, to_ms: int, *, model: str = "") -> Terms | None:
    """Read the tag's tweets back from the log, here and now, and ask the model; None where there is none, or no words.

    Nothing is kept. One text an author, of the authors that a judge would sample.

    Args:
        model: revision to ask; "" for this shell's own.

    Raises:
        CallerMistake: there is no good model.
    """
    from models.explain import explain, together
    from models.scorer import LinearScorer

    scorer, unlike = await _scorer(settings, model)
    texts = await _texts(settings, hashtag, from_ms, to_ms)
    if not texts or not isinstance(scorer, LinearScorer):
        return None
    found = together([explain(scorer, text) for text in texts])
    return Terms(
        len(texts),
        float(scorer.score(texts)[:, 0].mean()),
        sorted(found, key=lambda term: (-abs(term[1]), term[0])),
        scorer.revision,
        unlike,
    )


async def _scorer(settings: Settings, revision: str) -> tuple[Scorer, str]:
    """A model that was ever live, or else this shell's own and why."""
    import models
    from models import artefact
    from streams.log.models import read_models

    try:
        own = models.load_scorer(settings.model)
    except (OSError, ValueError) as error:
        raise CallerMistake(
            f"the model artefact cannot be used: {error}", fix="set HUSHTAG_MODEL to a good one, or unset it"
        ) from error
    if revision in ("", own.revision):
        return own, ""
    try:
        data = (await read_models(settings, wanted=revision)).get(revision)
        scorer = artefact.loads(data, f"model {revision}") if data is not None else None
    except (TopicsError, models.ArtefactError) as error:
        return own, f"model {revision}, which scored it, cannot be used here: {error}"
    if scorer is None or scorer.revision != revision:
        return own, f"model {revision}, which scored it, is not in {settings.topic('models')}"
    return scorer, ""


def _lacks(value: bytes, hashtag: bytes) -> bool:
    """Whether a record cannot have an ASCII hashtag: any other letter, escaped or not, may be a spelling of its own."""
    return value.isascii() and b"\\u" not in value and hashtag not in value.lower()


async def _texts(settings: Settings, hashtag: str, from_ms: int, to_ms: int) -> list[str]:
    from streams.counting.sketch import KeyedHash
    from streams.errors import ContractError
    from streams.events.parse import parse
    from streams.events.tweet import Tweet
    from streams.log.reading import LogReader, connection
    from streams.progress import progress_bar

    by_author: dict[int, str] = {}
    plain = hashtag.encode() if hashtag.isascii() else None
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
                    if plain is not None and _lacks(record.value or b"", plain):
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
