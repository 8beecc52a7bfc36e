"""Ground truth of a run: the kind of each hashtag, and whether it should be suppressed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

import msgspec
from hushtag_client.normalise import normalise

from devkit.simulation.draft import TweetDraft
from devkit.simulation.stories import Story


class TruthTag(msgspec.Struct, kw_only=True):
    """Ground truth of one hashtag. `from_ms` and `to_ms` are milliseconds since the epoch, half-open."""

    hashtag: str
    """Normalised form of the hashtag."""
    display: str
    kind: str
    """One of campaign, protest, counter_speech, news, sports, festival, bot_flood, reclaimed, sarcasm, unread, organic.

    `unread` is in a language that no model was measured on.
    """
    harmful: bool
    """Whether it should be suppressed in `countries` at some time between `from_ms` and shortly after `to_ms`."""
    never_suppress: bool
    """Whether suppressing it anywhere at any time is an error."""
    countries: list[str]
    """Countries of its tweets, ISO 3166-1 alpha-2."""
    from_ms: int
    to_ms: int
    texts: int = 0
    """Number of tweets that use it, including retweets, without retries and broken records."""
    authors: int = 0
    language: str = ""
    harmful_share: float = 0.0
    """Planned share of harmful texts, retweets and those of a hijack excluded."""
    attacked_from_ms: int | None = None
    """Time from which other accounts write harm under it; None, and absent from the file: never."""
    variant: str = ""
    """Variant of the kind, see `hard`; "" is absent from the file."""


class Truth(TypedDict):
    """Ground truth as its file has it; `from_ms` and `to_ms` are the run's time, half-open."""

    tags: list[dict[str, object]]
    records: dict[str, int]
    seed: int
    from_ms: int
    to_ms: int


class GroundTruth:
    """Ground truth of all listed hashtags, with counts of their use.

    Args:
        start_ms: start of the run, to which the stories' times are relative.
        organic: background hashtags to list. One-use hashtags are not listed, since all are harmless.
    """

    def __init__(self, start_ms: int, stories: Iterable[Story], organic: Iterable[str]) -> None:
        self._organic = frozenset(organic)
        self._tags: dict[str, TruthTag] = {}
        self._authors: dict[str, set[int]] = {}
        for story in stories:
            if story.hijacks:
                self._tags[story.hashtag].attacked_from_ms = start_ms + story.start_ms
                continue
            self._tags[story.hashtag] = TruthTag(
                hashtag=normalise(story.hashtag),
                display=story.hashtag,
                kind=story.kind,
                harmful=story.harmful,
                never_suppress=not story.harmful,
                countries=[story.country] if story.country else [],
                from_ms=start_ms + story.start_ms,
                to_ms=start_ms + story.end_ms,
                language=story.languages[0][0],
                harmful_share=round(story.harmful_share, 3),
                variant=story.variant,
            )

    def note(self, draft: TweetDraft) -> None:
        """Count a tweet that was sent."""
        for display in draft.counted_tags:
            tag = self._tags.get(display)
            if tag is None:
                if display not in self._organic:
                    continue
                tag = self._tags[display] = TruthTag(
                    hashtag=normalise(display),
                    display=display,
                    kind="organic",
                    harmful=False,
                    never_suppress=True,
                    countries=[],
                    from_ms=draft.true_ms,
                    to_ms=draft.true_ms + 1,
                    language=draft.language,
                )
            if tag.kind == "organic":
                tag.to_ms = max(tag.to_ms, draft.true_ms + 1)
                code = draft.author.country.code
                if code and code not in tag.countries:
                    tag.countries.append(code)
            tag.texts += 1
            authors = self._authors.setdefault(display, set())
            authors.add(draft.author.id)
            tag.authors = len(authors)

    def tags(self) -> list[TruthTag]:
        """List all hashtags: the stories' in their order, then organic ones by use."""
        stories = [tag for tag in self._tags.values() if tag.kind != "organic"]
        organic = [tag for tag in self._tags.values() if tag.kind == "organic"]
        return stories + sorted(organic, key=lambda tag: (-tag.texts, tag.hashtag))

    def table(self, records: dict[str, int], *, seed: int, from_ms: int, to_ms: int) -> Truth:
        """Convert the ground truth to plain JSON for its file."""
        tags = [_plain(tag) for tag in self.tags()]
        return {"tags": tags, "records": records, "seed": seed, "from_ms": from_ms, "to_ms": to_ms}


def _plain(tag: TruthTag) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(tag)
    if tag.attacked_from_ms is None:
        del fields["attacked_from_ms"]
    if not tag.variant:
        del fields["variant"]
    return fields
